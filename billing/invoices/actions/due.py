"""Which documents are due by an instant: what the billing run looks for, and in which order an account gets them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from django.conf import settings
from django.db.models import Exists, F, OuterRef, Q, QuerySet

from accounts.models import Account
from accounts.reading import grouped
from billing.plans.models import Period, Subscription
from billing.plans.queries import begin_periods


@dataclass(frozen=True, slots=True, order=True)
class Due:
    """A document to issue at the instant `at`: the base price of a period that began, or all of one that ended."""

    at: datetime
    what: Literal["base", "close"]
    period_id: int


def due_documents(accounts: Sequence[Account], as_of: datetime) -> dict[int, list[Due]]:
    """By account, what is to be issued by `as_of`, in order of time; periods that have begun are stored."""
    ids = [account.pk for account in accounts]
    begin_periods(list(not_begun(as_of).filter(account__in=ids)), as_of)
    over = periods_over(as_of).filter(account__in=ids).values_list("account_id", "end", "pk")
    begun = periods_begun(as_of).filter(account__in=ids).values_list("account_id", "start", "pk")
    found = [(account_id, Due(at, "close", pk)) for account_id, at, pk in over]
    found += [(account_id, Due(at, "base", pk)) for account_id, at, pk in begun]
    by_account = grouped(ids, found, lambda each: each[0])
    return {account_id: sorted(due for _account, due in rows) for account_id, rows in by_account.items()}


def periods_over(as_of: datetime) -> QuerySet[Period]:
    """Periods whose usage is to be invoiced; a final one does not wait for late events."""
    over = Q(end__lte=as_of - timedelta(hours=settings.INVOICE_GRACE_HOURS))
    over |= Q(end__lte=as_of, subscription__canceled_at=F("end"))
    return Period.objects.filter(over, closed_at=None)


def periods_begun(as_of: datetime) -> QuerySet[Period]:
    """Periods whose base price no closing of an earlier one will invoice: first periods, as a rule."""
    open_before = Period.objects.filter(
        subscription=OuterRef("subscription"), number=OuterRef("number") - 1, closed_at=None
    )
    begun = Period.objects.filter(base_invoiced_at=None, trial=False, start__lte=as_of)
    return begun.filter(~Exists(open_before))


def not_begun(as_of: datetime) -> QuerySet[Subscription]:
    """Subscriptions whose running period nobody has asked for yet, so that it has no row."""
    stored = Period.objects.filter(subscription=OuterRef("pk"), end__gt=as_of)
    return Subscription.objects.filter(~Exists(stored), canceled_at=None, started_at__lte=as_of)
