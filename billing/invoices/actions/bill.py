"""Billing: every service period that has ended, one after another, each once, whoever runs it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from accounts.models import Account
from accounts.reading import one_reading
from accounts.scope import account_scope
from billing.invoices.actions.due import Due, due_documents
from billing.invoices.actions.issue import ToIssue, database_clock, issue
from billing.invoices.drafts import Draft, base_draft, draft_invoice
from billing.invoices.drafts.ahead import read_ahead
from billing.invoices.models import Invoice
from billing.plans.models import Period, Subscription
from billing.plans.queries import current_period
from billing.usage.locks import hold_intake


class AccountBusy(Exception):  # noqa: N818  # a state, not a fault
    """Another run is billing the account."""


@dataclass(frozen=True, slots=True)
class Round:
    """What one transaction issued, by account: None for a document that has no line. Who owes nothing is not in it.

    `busy` are the accounts that somebody else has in hand.
    """

    issued: dict[int, Invoice | None]
    busy: list[Account]


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
            found = bill_next([account], as_of, dated_back=dated_back, wait=wait or bool(issued))
        if found.busy:
            raise AccountBusy(account.code)
        issued += [invoice for invoice in found.issued.values() if invoice is not None]
        if not found.issued:
            return issued


def bill_next(
    accounts: Sequence[Account], as_of: datetime, *, dated_back: bool = False, wait: bool = False
) -> Round:
    """Issue the next document that each account owes by `as_of`: all of them, or none. Inside one scope of them all.

    Without `wait` accounts that somebody else has in hand are left out.
    """
    held = _lock(accounts, wait)
    documents = due_documents(held, as_of)
    due = [(account, documents[account.pk][0]) for account in held if documents[account.pk]]
    known = {account.pk for account in held}
    return Round(_issue(due, dated_back), [account for account in accounts if account.pk not in known])


def issue_first_base(subscription: Subscription, *, dated_back: bool = False) -> Invoice | None:
    """The base price of the first period, at the subscription's start; None if nothing is due yet, or in a trial."""
    with account_scope(subscription.account_id):
        (account,) = _lock([subscription.account], wait=True)
        now = database_clock()
        if subscription.started_at > now or current_period(subscription, now) is None:
            return None
        first = subscription.periods.order_by("number").first()
        if first is None or first.trial or first.base_invoiced_at is not None:
            return None
        return _issue([(account, Due(first.start, "base", first.pk))], dated_back)[account.pk]


def _lock(accounts: Sequence[Account], wait: bool) -> list[Account]:
    """The rows, locked: what uses up an account's credit, or is issued to it, waits for each other."""
    rows = Account.objects.select_for_update(no_key=True, skip_locked=not wait)
    return list(rows.filter(pk__in=[account.pk for account in accounts]).order_by("pk"))


def _issue(due: Sequence[tuple[Account, Due]], dated_back: bool) -> dict[int, Invoice | None]:
    """Issue one document for each of the accounts, which are locked.

    No event of theirs is stored while periods are closed: each is either priced here or late usage of a later invoice.
    """
    if not due:
        return {}
    closing = {one.period_id for _account, one in due if one.what == "close"}
    hold_intake(*(account.pk for account, one in due if one.period_id in closing))
    periods = _locked_periods({one.period_id: account for account, one in due})
    now = database_clock()
    with one_reading():
        drafts = _drafts(
            [(account, periods[one.period_id], one.period_id in closing) for account, one in due], now
        )
        _note_as_invoiced(drafts, closing, now)
        documents = [
            ToIssue(
                draft,
                closes=draft.period if draft.period.pk in closing else None,
                dated=one.at if dated_back else None,
            )
            for draft, (_account, one) in zip(drafts, due, strict=True)
            if draft.lines
        ]
        issued = {invoice.account_id: invoice for invoice in issue(documents, priced_at=now)}
    return {account.pk: issued.get(account.pk) for account, _one in due}


def _drafts(due: Sequence[tuple[Account, Period, bool]], now: datetime) -> list[Draft]:
    """Of periods that are closed: their usage, and the base price of the one that follows; else the base price."""
    read_ahead(
        [account for account, _period, _closed in due], [period for _account, period, closed in due if closed]
    )
    return [
        draft_invoice(account, period, max(now, period.end)) if closed else base_draft(account, period, now)
        for account, period, closed in due
    ]


def _note_as_invoiced(drafts: Sequence[Draft], closing: set[int], now: datetime) -> None:
    Period.objects.filter(pk__in=closing).update(closed_at=now)
    bases = [draft.base_of.pk for draft in drafts if draft.base_of is not None and not draft.base_of.trial]
    charged = Period.objects.filter(pk__in=[pk for pk in bases if pk is not None], base_invoiced_at=None)
    charged.update(base_invoiced_at=now)


def _locked_periods(accounts: Mapping[int, Account]) -> dict[int, Period]:
    """By id; `accounts` are those that each belongs to."""
    rows = Period.objects.select_for_update(of=("self",)).order_by("pk").filter(pk__in=accounts)
    periods = list(rows.select_related("subscription", "base_version__plan").defer("base_version__terms"))
    for period in periods:
        period.account = period.subscription.account = accounts[period.pk]
    return {period.pk: period for period in periods}
