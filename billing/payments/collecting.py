"""What the worker does about cards: charges invoices by themselves, and finds out what became of every try.

An invoice is charged once it is issued; where the card is declined, again after `CARD_RETRY_DAYS` from the first try,
unless its issuer wants no other; at once where the customer has chosen another card.
"""

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from django.conf import settings
from django.db.models import Exists, F, OuterRef, Q, QuerySet

from accounts.models import Account
from accounts.scope import account_scope, installation_scope
from billing.invoices.errors import EntryError
from billing.invoices.models import Invoice
from billing.invoices.queries import open_amount
from billing.payments.cards import default_card
from billing.payments.models import Attempt, Card, Hold, Payer
from billing.payments.paying import pay, refresh, return_excess, settle
from billing.payments.providers.base import Provider, Unavailable

CHARGE_WITHIN: Final = timedelta(days=60)
"""An invoice that is open for longer after its issue is not for a machine to charge."""

LEFT_ALONE: Final = timedelta(minutes=2)
"""Who began a try is still at it."""

WAITS: Final = timedelta(days=1)
"""How long a try waits for the customer; then he may begin another one."""

log = logging.getLogger("plainbill.payments")


def accounts_to_charge(now: datetime) -> list[int]:
    """Accounts (ids) with invoices to charge, tries to ask about or money to give back."""
    with installation_scope():
        found = set(_unsettled(now).values_list("account_id", flat=True))
        found |= set(_excess().values_list("account_id", flat=True))
        found |= set(_chargeable(now).values_list("account_id", flat=True).distinct())
    return sorted(found)


def charge_account(provider: Provider, account_id: int, now: datetime) -> None:
    """All that is due for one account. Call it outside of scopes; an unavailable provider is asked next time."""
    try:
        _finish(provider, account_id, now)
        _charge(provider, account_id, now)
    except Unavailable as error:
        log.warning("The provider of cards did not answer, it is asked again: %s", error)


def _finish(provider: Provider, account_id: int, now: datetime) -> None:
    with account_scope(account_id):
        unsettled = list(_unsettled(now).filter(account=account_id))
    for attempt in unsettled:
        known = refresh(provider, attempt)
        if known.state == Attempt.State.WAITING and known.created_at < now - WAITS:
            settle(known, provider.cancel(known.reference))
    with account_scope(account_id):
        excess = list(_excess().filter(account=account_id).select_related("invoice"))
    for attempt in excess:
        return_excess(provider, attempt)


def _charge(provider: Provider, account_id: int, now: datetime) -> None:
    with account_scope(account_id):
        card = default_card(Account.objects.get(pk=account_id))
        rows = _chargeable(now).filter(account=account_id).order_by("issued_at")
        due = [each for each in rows if card and _is_due(each, card, now)]
    for invoice in due:
        if card is None:  # pragma: no cover  # nothing is due without one
            return
        try:
            pay(provider, invoice, card, automatic=True)
        except EntryError:
            continue  # paid meanwhile


def charged_by_itself(invoice: Invoice) -> Card | None:
    """The card that an invoice is taken from without anybody doing anything. In the account's scope."""
    payer = Payer.objects.filter(account=invoice.account_id, automatic_since__lte=invoice.issued_at).first()
    return default_card(payer.account) if payer and invoice.kind == Invoice.Kind.INVOICE else None


def next_try(invoice: Invoice) -> datetime | None:
    """When the card that was declined is tried again; None if never. In the account's scope."""
    tries = list(Attempt.objects.filter(invoice=invoice, automatic=True).order_by("created_at"))
    days: Sequence[int] = settings.CARD_RETRY_DAYS
    if not tries or not tries[-1].again or len(tries) > len(days):
        return None
    return tries[0].created_at + timedelta(days=days[len(tries) - 1])


def _is_due(invoice: Invoice, card: Card, now: datetime) -> bool:
    if not open_amount(invoice):
        return False
    last = Attempt.objects.filter(invoice=invoice, automatic=True).order_by("created_at").last()
    if last is None or last.card_id != card.pk:
        return True
    again = next_try(invoice)
    return again is not None and again <= now


def _chargeable(now: datetime) -> QuerySet[Invoice]:
    """Invoices of accounts that pay by themselves which no card has paid; some may be paid otherwise."""
    tries = Attempt.objects.filter(invoice=OuterRef("pk"))
    over = tries.filter(Q(settled_at=None) | Q(state=Attempt.State.SUCCEEDED))
    asked = Hold.objects.filter(invoice=OuterRef("pk"), answered_at=None)
    payers = Payer.objects.filter(automatic_since__isnull=False)
    return Invoice.objects.filter(
        ~Exists(over),
        ~Exists(asked),
        account__in=payers.values("account"),
        account__payer__automatic_since__lte=F("issued_at"),
        issued_at__gt=now - CHARGE_WITHIN,
        kind=Invoice.Kind.INVOICE,
        amount_due__gt=0,
    )


def _unsettled(now: datetime) -> QuerySet[Attempt]:
    return Attempt.objects.filter(settled_at=None, created_at__lt=now - LEFT_ALONE).order_by("created_at")


def _excess() -> QuerySet[Attempt]:
    return Attempt.objects.filter(excess__gt=0, excess_returned_at=None).order_by("settled_at")
