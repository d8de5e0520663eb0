"""What an account has at all, asked along with other rows of it: most have redeemed no coupon, have nothing that waits,
and never ended a period before its time. Then nobody asks for these again.
"""

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any, Final, cast

from django.contrib.postgres.aggregates import JSONBAgg
from django.db.models import Exists, F, Model, OuterRef, QuerySet, Subquery, Sum
from django.db.models.functions import JSONObject

from accounts.models import Account
from accounts.reading import Many
from billing.invoices.drafts.plan import uninvoiced
from billing.invoices.ledger.credit import credit_left
from billing.invoices.ledger.models import Book, LedgerEntry
from billing.limits.models import LimitVersion
from billing.limits.queries import cut_periods, limit_versions
from billing.plans.models import PendingLine, Period, Redemption
from billing.plans.queries import redemptions_of
from billing.pricing.money import ZERO
from billing.usage.hours import day_hours
from billing.usage.models import DayHours, PurgedSpan, RollupZone
from billing.usage.queries import kept_zone
from billing.usage.retention import purged_spans

_LISTS: Final[Mapping[str, tuple[QuerySet[Any], Many[int, list[Any]]]]] = {
    "redeemed": (Redemption.objects.all(), redemptions_of),
    "cut": (Period.objects.filter(end__lt=F("full_end")), cut_periods),
    "limited": (LimitVersion.objects.all(), limit_versions),
    "waiting": (PendingLine.objects.filter(invoiced_at=None), uninvoiced),
    "purged": (PurgedSpan.objects.all(), purged_spans),
}
"""Rows that an account may have, and the question that answers none where there are none."""


def with_known[Row: Model](rows: QuerySet[Row], account: Account) -> QuerySet[Row]:
    """Rows of `account` with what `tell_known` tells."""
    any_of = {name: Exists(of.filter(account=account).order_by()) for name, (of, _many) in _LISTS.items()}
    zone = RollupZone.objects.filter(account=account).values("timezone")
    credit = LedgerEntry.objects.filter(account=account, book=Book.CREDIT).order_by().values("account")
    left = credit.annotate(sum=-Sum("amount")).values("sum")
    return cast("QuerySet[Row]", rows.annotate(**any_of, zone=Subquery(zone), credit=Subquery(left)))


def tell_known(account: Account, row: Any) -> None:
    """In a reading: what came with a row `with_known`."""
    kept_zone.tell(account.pk, row.zone)
    credit_left.tell(account.pk, row.credit or ZERO)
    for name, (_rows, question) in _LISTS.items():
        if not getattr(row, name):
            question.tell(account.pk, [])


def with_hours(periods: QuerySet[Period]) -> QuerySet[Period]:
    """Periods with what `tell_hours` tells: each with the hours of its own days."""
    days = DayHours.objects.filter(
        account=OuterRef("account"), day__gte=OuterRef("first_day"), day__lt=OuterRef("end_day")
    )
    hours = JSONBAgg(JSONObject(day="day", hours="hours"))
    return periods.annotate(
        day_hours=Subquery(days.order_by().values("account").annotate(each=hours).values("each"))
    )


def tell_hours(account: Account, periods: Iterable[Any]) -> None:
    """In a reading: what came with the account's last periods `with_hours`. Two may share a day."""
    told = [each for period in periods for each in period.day_hours or ()]
    by_day = {date.fromisoformat(each["day"]): each["hours"] for each in told}
    day_hours.tell(account.pk, list(by_day.items()))
