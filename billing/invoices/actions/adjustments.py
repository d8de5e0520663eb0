"""Adjustments by staff: a line that waits for the account's next document, and can be taken back until then."""

from collections.abc import Mapping
from decimal import Decimal

from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import Account, User
from accounts.scope import account_scope
from billing.invoices.errors import EntryError
from billing.plans.models import PendingLine, Period, Subscription, TaxRate
from billing.pricing.money import round_money

ADJUSTMENT = "adjustment"


def adjust(
    account: Account, amount: Decimal, note: Mapping[str, str], tax: str, *, reason: str, by: User
) -> PendingLine:
    """Let a line of `amount` (before tax; negative: in the customer's favour) wait for the account's next document.

    The customer reads `note`, in his language; `tax` is a code of the table, "" the one that the account has. The
    document keeps `reason` and who entered it, unprinted. `EntryError` says what cannot be.
    """
    if not amount.is_finite() or not amount or amount != round_money(amount, account.currency):
        raise EntryError(
            "amount", _("Write an amount that is not zero, in whole units of %s.") % account.currency
        )
    if not any(text.strip() for text in note.values()):
        raise EntryError("note", _("Write what the customer is to read."))
    if not reason.strip():
        raise EntryError("reason", _("Write why: it is kept with your name."))
    if tax and not TaxRate.objects.filter(code=tax).exists():
        raise EntryError("tax", _("There is no tax with the code %s.") % tax)
    with account_scope(account.pk):
        Account.objects.select_for_update(no_key=True).get(pk=account.pk)
        subscription = _billed(account)
        if subscription is None:
            raise EntryError(
                "account",
                _("No period of this account is still to be invoiced, so no document would show the line."),
            )
        now = timezone.now()
        return PendingLine.objects.create(
            account=account,
            subscription=subscription,
            kind=ADJUSTMENT,
            description={language: text.strip() for language, text in note.items() if text.strip()},
            detail={"reason": reason.strip(), "entered_by": by.email},
            start=now,
            end=now,
            amount=amount,
            exact_amount=amount,
            tax=tax,
        )


def take_adjustment_back(line: PendingLine) -> None:
    """Remove an adjustment that still waits; `EntryError` once a document bears it, or for any other line."""
    with account_scope(line.account_id):
        Account.objects.select_for_update(no_key=True).get(pk=line.account_id)
        waiting = PendingLine.objects.filter(pk=line.pk, kind=ADJUSTMENT, invoiced_at=None)
        if not waiting.delete()[0]:
            raise EntryError("", _("It is on a document already: write an adjustment against it."))


def _billed(account: Account) -> Subscription | None:
    """The subscription whose next document will show the line."""
    running = Subscription.objects.filter(account=account, canceled_at=None).first()
    if running is not None:
        return running
    last = Period.objects.filter(account=account, closed_at=None).select_related("subscription").last()
    return last.subscription if last else None
