"""Takes what is open on an invoice from a card, once, whatever is killed in between.

A try is written down and committed; then the provider is asked, under its key and outside of any transaction; then what
became of it is written down. Each of the three may be repeated by anybody: the customer's page, the provider's message,
the worker (collecting.py).
"""

from datetime import datetime
from decimal import Decimal
from uuid import UUID

from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import Account, User
from accounts.scope import account_scope, installation_scope
from billing.invoices.actions import record_payment
from billing.invoices.errors import EntryError
from billing.invoices.models import Invoice
from billing.invoices.queries import open_amount
from billing.payments.models import Attempt, Card, Notice, Payer
from billing.payments.providers.base import Order, Outcome, Provider, State, Unavailable
from billing.pricing.money import ZERO


def pay(
    provider: Provider, invoice: Invoice, card: Card, *, by: User | None = None, automatic: bool = False
) -> Attempt:
    """Take all that is open on `invoice` from `card`. `EntryError` if nothing is; one that is under way is given back.

    A try that waits for the customer is ended first: he may want another card. What the provider did not tell stays
    open, and the worker asks again. Call it outside of scopes.
    """
    waiting = _open_attempt(invoice)
    if waiting is not None and waiting.state == Attempt.State.WAITING:
        settle(waiting, provider.cancel(waiting.reference))
    attempt, begun = _begin(invoice, card, by, automatic)
    return ask(provider, attempt) if begun else attempt


def ask(provider: Provider, attempt: Attempt) -> Attempt:
    """Make the payment of a try that was begun, or hear what became of it."""
    with account_scope(attempt.account_id):
        order = _order(attempt)
    try:
        outcome = provider.charge(order)
    except Unavailable:
        return attempt
    return settle(attempt, outcome)


def refresh(provider: Provider, attempt: Attempt) -> Attempt:
    """An open try as it stands by now. Raises `Unavailable`."""
    if attempt.reference:
        return settle(attempt, provider.outcome(attempt.reference))
    with account_scope(attempt.account_id):
        order = _order(attempt)
    return settle(attempt, provider.find(order) or provider.charge(order))


def settle(attempt: Attempt, outcome: Outcome) -> Attempt:
    """Write down what became of a try, and the payment if it succeeded; each once. Success comes late at times: it
    counts after a failure too. What is not open any more is the try's `excess`.
    """
    with account_scope(attempt.account_id):
        Account.objects.select_for_update(no_key=True).get(pk=attempt.account_id)
        found = Attempt.objects.select_related("invoice", "card").get(pk=attempt.pk)
        if found.state == Attempt.State.SUCCEEDED or not (found.is_open or _is_paid(outcome)):
            return found
        now = timezone.now()
        found.state, found.reference = (
            Attempt.State(outcome.state.value),
            outcome.reference or found.reference,
        )
        found.code, found.words, found.again = outcome.code[:100], outcome.words[:500], outcome.again
        if _is_paid(outcome):
            found.excess = _record(found, outcome.amount, now)
        if outcome.state in (State.SUCCEEDED, State.FAILED):
            found.settled_at = now
        found.save()
        if found.automatic and outcome.state in (State.FAILED, State.WAITING):
            _tell(found, now)
        return found


def return_excess(provider: Provider, attempt: Attempt) -> None:
    """Give back what was not open any more. Raises `Unavailable`."""
    provider.refund(attempt.reference, attempt.excess, attempt.invoice.currency, f"{attempt.pk}-excess")
    with account_scope(attempt.account_id):
        Attempt.objects.filter(pk=attempt.pk, excess_returned_at=None).update(
            excess_returned_at=timezone.now()
        )


def attempt_of(outcome: Outcome) -> Attempt | None:
    """The try that a payment at the provider is of."""
    with installation_scope():
        rows = Attempt.objects.select_related("invoice")
        found = rows.filter(reference=outcome.reference).first()
        try:
            return found or (rows.filter(pk=UUID(outcome.order)).first() if outcome.order else None)
        except (ValueError, ValidationError):
            return None


def _open_attempt(invoice: Invoice) -> Attempt | None:
    with account_scope(invoice.account_id):
        return Attempt.objects.filter(invoice=invoice, settled_at=None).first()


def _begin(invoice: Invoice, card: Card, by: User | None, automatic: bool) -> tuple[Attempt, bool]:
    """A new try, or the one that is under way; and whether it is new."""
    with account_scope(invoice.account_id):
        Account.objects.select_for_update(no_key=True).get(pk=invoice.account_id)
        found = Attempt.objects.filter(invoice=invoice, settled_at=None).first()
        if found is not None:
            return found, False
        left = open_amount(invoice)
        if not left:
            raise EntryError("", _("%s is paid: there is nothing left to take.") % invoice.number)
        made = Attempt.objects.create(
            account_id=invoice.account_id,
            invoice=invoice,
            card=card,
            amount=left,
            by=by,
            automatic=automatic,
        )
        return made, True


def _order(attempt: Attempt) -> Order:
    invoice = Invoice.objects.get(pk=attempt.invoice_id)
    return Order(
        key=str(attempt.pk),
        customer=Payer.objects.get(account=attempt.account_id).reference,
        card=Card.objects.get(pk=attempt.card_id).reference,
        amount=attempt.amount,
        currency=invoice.currency,
        description=invoice.number,
        present=not attempt.automatic,
    )


def _tell(attempt: Attempt, now: datetime) -> None:
    """The mail about it, once for each try."""
    number = Attempt.objects.filter(invoice=attempt.invoice_id, automatic=True).count()
    notice = Notice(
        account_id=attempt.account_id,
        invoice_id=attempt.invoice_id,
        kind=Notice.Kind.DECLINED,
        number=number,
        created_at=now,
    )
    Notice.objects.bulk_create([notice], ignore_conflicts=True)


def _is_paid(outcome: Outcome) -> bool:
    return outcome.state is State.SUCCEEDED


def _record(attempt: Attempt, received: Decimal, now: datetime) -> Decimal:
    """Record the payment; what of it was not open any more."""
    counted = min(received, open_amount(attempt.invoice))
    if counted > ZERO:
        record_payment(attempt.invoice, counted, now, method="card", reference=attempt.reference)
    return received - counted
