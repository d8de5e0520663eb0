"""How an account pays: its cards, whether they are charged by themselves, and what a card can do for one invoice."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.conf import settings

from accounts.models import Account
from billing.invoices.models import Invoice
from billing.payments.collecting import charged_by_itself, next_try
from billing.payments.models import Attempt, Card, Payer


@dataclass(frozen=True, slots=True)
class PaymentPage:
    """`online`: cards can be added here at all."""

    cards: Sequence[Card]
    automatic: bool
    online: bool


@dataclass(frozen=True, slots=True)
class StripeForm:
    """What the provider's script needs in the browser to take a card's number, or to have a payment confirmed."""

    step: str
    secret: str
    key: str
    script: str
    language: str
    back: str
    """Where the browser goes once it is done."""


@dataclass(frozen=True, slots=True)
class CardBlock:
    """How an open invoice is paid by card. `last` is the latest try; `charged` the card that is charged by itself, and
    `again` when it is tried again.
    """

    amount: Decimal
    cards: Sequence[Card]
    last: Attempt | None
    charged: Card | None
    again: datetime | None


def cards_are_taken() -> bool:
    return bool(settings.STRIPE.secret_key and settings.STRIPE.publishable_key)


def payment_page(account: Account) -> PaymentPage:
    payer = Payer.objects.filter(account=account).first()
    return PaymentPage(_cards(account), bool(payer and payer.automatic_since), cards_are_taken())


def card_block(account: Account, invoice: Invoice, left: Decimal) -> CardBlock | None:
    """None where nothing is open or no cards are taken."""
    if not left or not cards_are_taken():
        return None
    last = Attempt.objects.filter(invoice=invoice).select_related("card").first()
    charged = charged_by_itself(invoice) if last is None or last.is_open else None
    return CardBlock(left, _cards(account), last, charged, next_try(invoice))


def _cards(account: Account) -> Sequence[Card]:
    """The default one first."""
    return list(Card.objects.filter(account=account, removed_at=None))
