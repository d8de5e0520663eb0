"""The cards of an account. They are added in the customer's browser, at the provider; here is what became of it.

Nothing is asked of the provider inside a transaction: call these outside of scopes.
"""

from uuid import UUID

from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.activity import record
from accounts.models import Account, Deed
from accounts.scope import account_scope, installation_scope
from billing.invoices.errors import EntryError
from billing.payments.models import Card, Payer
from billing.payments.providers.base import CardFacts, Provider, Setup, State


def begin_card(provider: Provider, account: Account) -> Setup:
    """Begin to add a card; its secret is for the browser."""
    return provider.begin_setup(_payer(provider, account).reference)


def setup_of(provider: Provider, account: Account, reference: str) -> Setup | None:
    """A card that is being added, as it stands; None if it is not of this account."""
    with account_scope(account.pk):
        payer = Payer.objects.filter(account=account).first()
    if payer is None:
        return None
    found = provider.setup(reference)
    return found if found and found.customer == payer.reference else None


def keep_card(setup: Setup | None) -> Card | None:
    """The card of a setup that succeeded, kept once; the first one is the default. None for any other setup.

    Whose it is says the provider's customer, so his own messages need no scope.
    """
    if setup is None or setup.state is not State.SUCCEEDED or setup.card is None:
        return None
    with installation_scope():
        payer = Payer.objects.filter(reference=setup.customer).first()
    return _keep(payer.account_id, setup.card) if payer else None


def _keep(account_id: int, facts: CardFacts) -> Card:
    with account_scope(account_id):
        Account.objects.select_for_update(no_key=True).get(pk=account_id)
        known = Card.objects.filter(reference=facts.reference).first()
        if known is not None:
            return known
        first = not Card.objects.filter(account=account_id, removed_at=None, is_default=True).exists()
        card = Card.objects.create(
            account_id=account_id,
            reference=facts.reference,
            brand=facts.brand,
            last4=facts.last4,
            exp_month=facts.exp_month,
            exp_year=facts.exp_year,
            is_default=first,
        )
        record(account_id, Deed.CARD_ADDED, card=str(card))
        return card


def default_card(account: Account) -> Card | None:
    """The card that is charged unless another one is chosen. In the account's scope."""
    return Card.objects.filter(account=account, removed_at=None, is_default=True).first()


def own_card(account: Account, key: UUID) -> Card | None:
    """In the account's scope."""
    return Card.objects.filter(pk=key, account=account, removed_at=None).first()


def choose_default(card: Card) -> None:
    with account_scope(card.account_id):
        Account.objects.select_for_update(no_key=True).get(pk=card.account_id)
        Card.objects.filter(account=card.account_id, is_default=True).update(is_default=False)
        if Card.objects.filter(pk=card.pk, removed_at=None).update(is_default=True) and not card.is_default:
            record(card.account_id, Deed.CARD_CHOSEN, card=str(card))


def remove_card(provider: Provider, card: Card) -> None:
    """Forget it here and at the provider. The default goes to the newest one that is left."""
    provider.remove_card(card.reference)
    note_removed(card.reference)


def note_removed(reference: str) -> None:
    """A card is gone at the provider."""
    with installation_scope():
        card = Card.objects.filter(reference=reference, removed_at=None).first()
    if card is None:
        return
    with account_scope(card.account_id):
        Account.objects.select_for_update(no_key=True).get(pk=card.account_id)
        if not Card.objects.filter(pk=card.pk, removed_at=None).update(
            removed_at=timezone.now(), is_default=False
        ):
            return  # somebody else was first
        record(card.account_id, Deed.CARD_REMOVED, card=str(card))
        left = Card.objects.filter(account=card.account_id, removed_at=None).order_by("-added_at").first()
        if card.is_default and left is not None:
            Card.objects.filter(pk=left.pk).update(is_default=True)


def pay_automatically(account: Account, wanted: bool) -> None:
    """Charge the invoices that are issued from now on by themselves, or no more. `EntryError` without a card."""
    with account_scope(account.pk):
        if wanted and default_card(account) is None:
            raise EntryError("card", _("Add a card first: there is none to charge."))
        since = timezone.now() if wanted else None
        if Payer.objects.filter(account=account, automatic_since__isnull=wanted).update(
            automatic_since=since
        ):
            record(account, Deed.PAY_AUTOMATICALLY if wanted else Deed.PAY_BY_HAND)


def _payer(provider: Provider, account: Account) -> Payer:
    with account_scope(account.pk):
        found = Payer.objects.filter(account=account).first()
    if found is not None:
        return found
    reference = provider.add_customer(
        f"customer-{account.pk}-{account.code}", account.name, account.email, account.code
    )
    with account_scope(account.pk):
        Payer.objects.bulk_create(
            [Payer(account=account, provider=provider.name, reference=reference)], ignore_conflicts=True
        )
        return Payer.objects.get(account=account)
