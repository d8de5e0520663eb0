"""The billing run: every account that owes something, some of them in one transaction; a failing one stops nobody.

One that fails is parked: staff see it with the reason, and the schedule leaves it alone for an hour after each try.
"""

import logging
from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import batched
from typing import Final

from django.conf import settings
from django.db import OperationalError
from django.db.models import F, Q
from django.utils import timezone

from accounts.models import Account
from accounts.scope import account_scope, installation_scope
from billing.invoices.actions import (
    Round,
    bill_account,
    bill_next,
    due_documents,
    not_begun,
    periods_begun,
    periods_over,
)
from billing.invoices.models import Invoice, ParkedAccount

log = logging.getLogger("plainbill.billing")

DEADLOCK: Final = "40P01"
PARKED_FOR: Final = timedelta(hours=1)
CHUNK: Final = 50
"""Accounts in one transaction. Their usage, changes of plan and payments wait for its end."""


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
    owing = Q()
    for due in (periods_over(as_of), periods_begun(as_of), not_begun(as_of)):
        owing |= Q(pk__in=due.order_by().values("account_id"))
    with installation_scope():
        rows = Account.objects.filter(owing)
        if not parked:
            rows = rows.exclude(parked__next_try_at__gt=as_of)
        return list((rows if only is None else rows.filter(pk=only.pk)).order_by("code"))


def bill_accounts(accounts: Sequence[Account], as_of: datetime) -> Iterator[Outcome]:
    """Bill the accounts by `as_of`, some at a time. Those that somebody else has in hand, another run or whoever asked
    first for a new period, come last, once he is done with them.
    """
    with installation_scope():
        parked = set(ParkedAccount.objects.values_list("pk", flat=True))
    busy = list[Account]()
    for chunk in batched(accounts, CHUNK, strict=False):
        run = _Run(chunk, as_of)
        run.work()
        busy += run.busy
        yield from run.told(parked)
    for chunk in batched(busy, CHUNK, strict=False):
        run = _Run(chunk, as_of)
        run.work(wait=True)
        yield from run.told(parked)


def bill_history(accounts: Sequence[Account], as_of: datetime) -> list[Invoice]:
    """Bill made-up history: documents are dated at the instants they were due, over all accounts in order of time.

    So numbers rise with dates, as they do where time passes.
    """
    due = []
    for account in accounts:
        with account_scope(account.pk):
            documents = due_documents([account], as_of)[account.pk]
        due += [(document.at, account.code, account) for document in documents]
    issued = []
    for at, _code, account in sorted(due, key=lambda each: each[:2]):
        issued += bill_account(account, at + timedelta(hours=settings.INVOICE_GRACE_HOURS), dated_back=True)
    return issued


class _Run:
    """Billing some accounts together: in each round the next document of all that still owe one, in one transaction.

    Where that fails each half is tried by itself, until the one that fails stands alone: it is parked.
    """

    def __init__(self, accounts: Sequence[Account], as_of: datetime) -> None:
        self.as_of, self.accounts = as_of, accounts
        self.issued: dict[int, list[Invoice]] = {account.pk: [] for account in accounts}
        self.errors = dict[int, str]()
        self.busy = list[Account]()

    def work(self, wait: bool = False) -> None:
        """Bill them all; `wait` for those that somebody else has in hand, instead of leaving them as `busy`."""
        owing: Sequence[Account] = self.accounts
        while owing:
            found = self._round(owing, wait)
            self.busy += found.busy
            for account_id, invoice in found.issued.items():
                self.issued[account_id] += [invoice] if invoice is not None else []
            owing = [account for account in owing if account.pk in found.issued]
            # Once begun, wait: another run that looks in between two documents must not make us forget the first.
            wait = True

    def told(self, parked: Container[int]) -> Iterator[Outcome]:
        """What became of each; who was `parked` and could be billed is so no longer."""
        left = {account.pk for account in self.busy}
        done = [account for account in self.accounts if account.pk not in left]
        free = [each.pk for each in done if each.pk in parked and each.pk not in self.errors]
        if free:
            with installation_scope():
                ParkedAccount.objects.filter(pk__in=free).delete()
        for account in done:
            yield Outcome(account, tuple(self.issued[account.pk]), self.errors.get(account.pk, ""))

    def _round(self, accounts: Sequence[Account], wait: bool) -> Round:
        try:
            with installation_scope():
                return bill_next(accounts, self.as_of, wait=wait)
        except Exception as error:
            if len(accounts) == 1:
                return self._failed(accounts[0], error)
        middle = len(accounts) // 2
        one, other = self._round(accounts[:middle], wait), self._round(accounts[middle:], wait)
        return Round({**one.issued, **other.issued}, [*one.busy, *other.busy])

    def _failed(self, account: Account, error: Exception) -> Round:
        if isinstance(error, OperationalError):
            if getattr(error.__cause__, "sqlstate", "") == DEADLOCK:  # the other one goes on: after him
                return self._round([account], wait=True)
            raise error
        log.error("Account %s could not be billed", account.code, exc_info=error)
        self.errors[account.pk] = f"{type(error).__name__}: {error}"
        _park(account, self.errors[account.pk])
        return Round({}, [])


def _park(account: Account, reason: str) -> None:
    now = timezone.now()
    told = {"error": reason, "last_tried_at": now, "next_try_at": now + PARKED_FOR}
    with account_scope(account.pk):
        ParkedAccount.objects.update_or_create(
            account=account,
            defaults={**told, "tries": F("tries") + 1},
            create_defaults={**told, "since": now},
        )
