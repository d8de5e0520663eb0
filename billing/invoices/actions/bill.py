"""Billing an account: every service period that has ended, one after another, each once, whoever runs it."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from django.conf import settings
from django.db import OperationalError, transaction
from django.db.models import F, Q

from accounts.models import Account
from accounts.reading import one_reading
from accounts.scope import account_scope
from billing.invoices.actions.issue import database_clock, issue
from billing.invoices.drafts import base_draft, draft_invoice
from billing.invoices.models import Invoice
from billing.plans.models import Period, Subscription
from billing.plans.queries import current_period
from billing.usage.locks import hold_intake


class AccountBusy(Exception):  # noqa: N818  # a state, not a fault
    """Another run is billing the account."""


@dataclass(frozen=True, slots=True, order=True)
class Due:
    """A document to issue at the instant `at`: the base price of a period that began, or all of one that ended."""

    at: datetime
    what: Literal["base", "close"]
    period_id: int


def bill_account(
    account: Account, as_of: datetime, *, dated_back: bool = False, wait: bool = True
) -> list[Invoice]:
    """Issue what the account owes by `as_of`; again, or twice at once: nothing more. Returns what was issued.

    Each document has a transaction of its own, unless the caller has one open; so a run that is killed goes on where it
    was. `dated_back` dates documents at the instants they were due (made-up history only). Raises `AccountBusy` if
    another run has the account and `wait` is false. `as_of` must be an instant that may count as come.
    """
    issued = list[Invoice]()
    while True:
        with account_scope(account.pk):
            # Once begun, wait: another run that looks in between two documents must not make us forget the first.
            more, invoice = _bill_next(account, as_of, dated_back, wait or bool(issued))
        if invoice is not None:
            issued.append(invoice)
        if not more:
            return issued


def issue_first_base(subscription: Subscription, *, dated_back: bool = False) -> Invoice | None:
    """The base price of the first period, at the subscription's start; None if nothing is due yet, or in a trial."""
    with account_scope(subscription.account_id):
        account = _lock(subscription.account, wait=True)
        now = database_clock()
        period = (
            current_period(subscription, max(now, subscription.started_at))
            if subscription.started_at <= now
            else None
        )
        first = subscription.periods.order_by("number").first() if period else None
        if first is None or first.trial or first.base_invoiced_at is not None:
            return None
        return _issue_base(account, first.pk, first.start, dated_back)


def due_documents(account: Account, as_of: datetime) -> list[Due]:
    """What is to be issued by `as_of`, in order of time; periods that have begun are stored."""
    for subscription in Subscription.objects.filter(account=account).select_related("account"):
        current_period(subscription, as_of)
    grace = timedelta(hours=settings.INVOICE_GRACE_HOURS)
    over = Q(end__lte=as_of - grace) | Q(
        end__lte=as_of, subscription__canceled_at=F("end")
    )  # a final one does not wait
    open_ = Period.objects.filter(over, account=account, closed_at=None)
    return sorted([*(Due(p.end, "close", p.pk) for p in open_), *_bases(account, as_of)])


def _bases(account: Account, as_of: datetime) -> Iterator[Due]:
    """Base prices that no closing of an earlier period will invoice: of first periods, as a rule."""
    begun = Period.objects.filter(account=account, base_invoiced_at=None, trial=False, start__lte=as_of)
    for period in begun:
        before = Period.objects.filter(subscription=period.subscription_id, number=period.number - 1).first()
        if before is None or before.closed_at is not None:
            yield Due(period.start, "base", period.pk)


def _bill_next(
    account: Account, as_of: datetime, dated_back: bool, wait: bool
) -> tuple[bool, Invoice | None]:
    """Issue the next document: (whether there was one, the invoice, or None where it had no line)."""
    account = _lock(account, wait)
    due = next(iter(due_documents(account, as_of)), None)
    if due is None:
        return False, None
    if due.what == "base":
        return True, _issue_base(account, due.period_id, due.at, dated_back)
    return True, _close(account, due.period_id, due.at, dated_back)


def _lock(account: Account, wait: bool) -> Account:
    """The account's row, locked: what uses up credit, or is issued, waits for each other."""
    rows = Account.objects.select_for_update(no_key=True, nowait=not wait)
    try:
        return rows.get(pk=account.pk)
    except OperationalError as error:
        if getattr(error.__cause__, "sqlstate", "") == "55P03":  # lock_not_available
            raise AccountBusy(account.code) from error
        raise


def _issue_base(account: Account, period_id: int, at: datetime, dated_back: bool) -> Invoice | None:
    period = _locked_period(period_id)
    if period.base_invoiced_at is not None:
        return None
    now = database_clock()
    draft = base_draft(account, period, now)
    Period.objects.filter(pk=period.pk).update(base_invoiced_at=now)
    return issue(draft, closes=None, priced_at=now, dated=at if dated_back else None)


@transaction.atomic
def _close(account: Account, period_id: int, at: datetime, dated_back: bool) -> Invoice | None:
    """Invoice the usage of a period that has ended, and the base price of the one that follows.

    No event is stored meanwhile: each is either priced here or late usage of a later invoice.
    """
    hold_intake(account.pk)
    with one_reading():
        return _close_held(account, period_id, at, dated_back)


def _close_held(account: Account, period_id: int, at: datetime, dated_back: bool) -> Invoice | None:
    period = _locked_period(period_id)
    if period.closed_at is not None:
        return None
    now = database_clock()
    draft = draft_invoice(account, period, max(now, period.end))
    Period.objects.filter(pk=period.pk).update(closed_at=now)
    if draft.base_of is not None and draft.base_of.pk and not draft.base_of.trial:
        Period.objects.filter(pk=draft.base_of.pk, base_invoiced_at=None).update(base_invoiced_at=now)
    return issue(draft, closes=period, priced_at=now, dated=at if dated_back else None)


def _locked_period(period_id: int) -> Period:
    rows = Period.objects.select_for_update(of=("self",))
    return rows.select_related("subscription__account", "account", "base_version__plan").get(pk=period_id)
