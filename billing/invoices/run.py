"""The billing run: every account that owes something, each in transactions of its own; a failing one stops nobody.

One that fails is parked: staff see it with the reason, and the schedule leaves it alone for an hour after each try.
"""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from django.conf import settings
from django.db import OperationalError
from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.utils import timezone

from accounts.models import Account
from accounts.scope import account_scope, installation_scope
from billing.invoices.actions import AccountBusy, bill_account, due_documents
from billing.invoices.models import Invoice, ParkedAccount
from billing.plans.models import Period, Subscription

log = logging.getLogger("plainbill.billing")

DEADLOCK: Final = "40P01"
PARKED_FOR: Final = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one account: its new documents, or why it could not be billed."""

    account: Account
    invoices: tuple[Invoice, ...] = field(default=())
    error: str = ""


def accounts_due(as_of: datetime, only: Account | None = None, *, parked: bool = True) -> list[Account]:
    """Accounts that may owe something by `as_of`, in the order of their codes; `parked`: also those whose next try is
    not due.
    """
    with installation_scope():
        rows = Account.objects.filter(Q(pk__in=_periods_due(as_of)) | Q(pk__in=_not_begun(as_of)))
        if not parked:
            rows = rows.exclude(parked__next_try_at__gt=as_of)
        return list((rows if only is None else rows.filter(pk=only.pk)).order_by("code"))


def bill_accounts(accounts: Sequence[Account], as_of: datetime) -> Iterator[Outcome]:
    """Bill the accounts by `as_of`. Those that somebody else has in hand, another run or whoever asked first for a new
    period, come last, once he is done with them.
    """
    with installation_scope():
        parked = set(ParkedAccount.objects.values_list("pk", flat=True))
    busy = []
    for account in accounts:
        outcome = _bill(account, as_of, account.pk in parked, wait=False)
        if outcome is None:
            busy.append(account)
        else:
            yield outcome
    for account in busy:
        yield _bill(account, as_of, account.pk in parked, wait=True) or Outcome(account)


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


def _periods_due(as_of: datetime) -> QuerySet[Period, Any]:
    """Accounts of periods that are over, or begun without their base price; a cancelled one does not wait."""
    over = Q(end__lte=as_of - timedelta(hours=settings.INVOICE_GRACE_HOURS))
    over |= Q(end__lte=as_of, subscription__canceled_at=F("end"))
    begun = Q(base_invoiced_at=None, trial=False, start__lte=as_of)
    return Period.objects.filter(Q(over, closed_at=None) | begun).values("account_id")


def _not_begun(as_of: datetime) -> QuerySet[Subscription, Any]:
    """Accounts whose running period nobody has asked for yet, so that it has no row."""
    stored = Period.objects.filter(subscription=OuterRef("pk"), end__gt=as_of)
    running = Subscription.objects.filter(canceled_at=None, started_at__lte=as_of)
    return running.filter(~Exists(stored)).values("account_id")


def _bill(account: Account, as_of: datetime, parked: bool, wait: bool) -> Outcome | None:
    """None: another run has it, or a customer's change does at this moment."""
    try:
        issued = bill_account(account, as_of, wait=wait)
    except AccountBusy:
        return None
    except OperationalError as error:
        if getattr(error.__cause__, "sqlstate", "") == DEADLOCK and not wait:
            return None
        raise
    except Exception as error:
        log.exception("Account %s could not be billed", account.code)
        reason = f"{type(error).__name__}: {error}"
        _park(account, reason)
        return Outcome(account, error=reason)
    if parked:
        with account_scope(account.pk):
            ParkedAccount.objects.filter(pk=account.pk).delete()
    return Outcome(account, tuple(issued))


def _park(account: Account, reason: str) -> None:
    now = timezone.now()
    told = {"error": reason, "last_tried_at": now, "next_try_at": now + PARKED_FOR}
    with account_scope(account.pk):
        ParkedAccount.objects.update_or_create(
            account=account,
            defaults={**told, "tries": F("tries") + 1},
            create_defaults={**told, "since": now},
        )
