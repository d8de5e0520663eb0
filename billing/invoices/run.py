"""The billing run: every account that owes something, each in transactions of its own; a failing one stops nobody."""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from django.conf import settings
from django.db import OperationalError
from django.db.models import Q

from accounts.models import Account
from accounts.scope import account_scope, installation_scope
from billing.invoices.actions import AccountBusy, bill_account, due_documents
from billing.invoices.models import Invoice
from billing.plans.models import Period, Subscription

log = logging.getLogger("plainbill.billing")

DEADLOCK: Final = "40P01"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one account: its new documents, or why it could not be billed."""

    account: Account
    invoices: tuple[Invoice, ...] = field(default=())
    error: str = ""


def accounts_due(as_of: datetime, only: Account | None = None) -> list[Account]:
    """Accounts that may owe something by `as_of`, in the order of their codes."""
    ended = Q(closed_at=None, end__lte=as_of - timedelta(hours=settings.INVOICE_GRACE_HOURS))
    begun = Q(base_invoiced_at=None, trial=False, start__lte=as_of)
    with installation_scope():
        periods = Period.objects.filter(ended | begun).values("account_id")
        # A period that has begun but that nobody asked for yet has no row.
        running = Subscription.objects.filter(canceled_at=None, started_at__lte=as_of).values("account_id")
        rows = Account.objects.filter(Q(pk__in=periods) | Q(pk__in=running)).order_by("code")
        return list(rows if only is None else rows.filter(pk=only.pk))


def bill_accounts(accounts: Sequence[Account], as_of: datetime) -> Iterator[Outcome]:
    """Bill the accounts by `as_of`. Those that another run has in hand come last, once it is done with them."""
    busy = []
    for account in accounts:
        outcome = _bill(account, as_of, wait=False)
        if outcome is None:
            busy.append(account)
        else:
            yield outcome
    for account in busy:
        yield _bill(account, as_of, wait=True) or Outcome(account)


def bill_history(accounts: Sequence[Account], as_of: datetime) -> list[Invoice]:
    """Bill made-up history: documents are dated at the instants they were due, over all accounts in order of time.

    So numbers rise with dates, as they do where time passes.
    """
    due = []
    for account in accounts:
        with account_scope(account.pk):
            due += [(document.at, account.code, account) for document in due_documents(account, as_of)]
    issued = []
    for at, _code, account in sorted(due, key=lambda each: each[:2]):
        issued += bill_account(account, at + timedelta(hours=settings.INVOICE_GRACE_HOURS), dated_back=True)
    return issued


def _bill(account: Account, as_of: datetime, wait: bool) -> Outcome | None:
    """None: another run has it, or a customer's change does at this moment."""
    try:
        return Outcome(account, tuple(bill_account(account, as_of, wait=wait)))
    except AccountBusy:
        return None
    except OperationalError as error:
        if getattr(error.__cause__, "sqlstate", "") == DEADLOCK and not wait:
            return None
        raise
    except Exception as error:
        log.exception("Account %s could not be billed", account.code)
        return Outcome(account, error=f"{type(error).__name__}: {error}")
