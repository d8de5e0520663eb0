"""Lines of the plan itself: the base price in advance, what waits for the next invoice, and the minimum spend."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext as _

from accounts.reading import grouped, many
from billing.invoices.drafts.lines import DraftLine, Taxes, amount_of
from billing.invoices.drafts.taken_back import tax_charged
from billing.plans.lines import PlanLine, by_language, minimum_spend_line
from billing.plans.models import PendingLine, Period
from billing.plans.queries import (
    base_charge,
    coming_after,
    key_of,
    plan_terms,
    scheduled_changes,
    span_share,
    spans_in,
)
from billing.pricing.lines import Line, LineKind
from billing.pricing.minimums import missing_spend
from billing.pricing.money import ZERO, exact, round_money
from billing.pricing.proration import ProratedLine


@many
def following(periods: Sequence[Period]) -> dict[Period, Period | None]:
    """The period after a period of the same subscription: stored if it has begun, else as it will be."""
    wanted = {number for period in periods for number in (period.number, period.number + 1)}
    rows = Period.objects.filter(
        subscription__in={period.subscription_id for period in periods}, number__in=wanted
    )
    in_full = rows.select_related("base_version__plan").defer("base_version__terms")
    stored = {key_of(row): row for row in in_full}
    last = [period for period in periods if (key_of(period)[0], period.number + 1) not in stored]
    scheduled_changes.ahead(period.subscription_id for period in last)
    found: dict[Period, Period | None] = {}
    for period in periods:
        subscription_id, number = key_of(period)
        row, own = stored.get((subscription_id, number + 1)), stored.get((subscription_id, number))
        if row is not None:
            row.subscription, row.account = period.subscription, period.subscription.account
        found[period] = row or (coming_after(period.subscription, own) if own else None)
    return found


def base_lines(period: Period | None, taxes: Taxes) -> list[DraftLine]:
    """The base price of `period`, unless it is free, a trial, or invoiced already."""
    charge = base_charge(period) if period is not None and period.base_invoiced_at is None else None
    if period is None or charge is None or not charge.price or period.base_version is None:
        return []
    version = period.base_version
    return [
        DraftLine(
            line=PlanLine(version, charge, period, pending=False).as_line(),
            tax=taxes.of(version.tax),
            period=period,
            version=version,
            detail={"plan_name": version.name, "interval": version.interval, **days_detail(charge)},
        )
    ]


def days_detail(line: ProratedLine) -> dict[str, Any]:
    """The days of a base price as JSON; `billing.plans.lines` writes the same for a line that waits."""
    return {
        "price": f"{line.price:f}",
        "days": line.days,
        "full_days": line.full_days,
        "first_day": line.first_day.isoformat(),
        "end_day": line.end_day.isoformat(),
    }


def waiting(period: Period) -> list[PendingLine]:
    """The rows that go on the invoice that closes `period`: prorations of its days, and every adjustment.

    A proration of a later period waits for that one's invoice; after the last period nothing waits. Days that another
    interval gives back may begin where the period was ended: they were of its base price.
    """
    end_day, last = period.base_end_day.isoformat(), following(period) is None
    return [
        row
        for row in uninvoiced(period.account_id)
        if row.start < period.end
        or (row.start == period.end and row.detail.get("end_day") == end_day)
        or row.kind != "proration"
        or (last and row.subscription_id == period.subscription_id)
    ]


@many
def uninvoiced(account_ids: Sequence[int]) -> dict[int, list[PendingLine]]:
    """The rows of an account that wait, in the order of documents."""
    rows = PendingLine.objects.filter(account__in=account_ids, invoiced_at=None)
    in_order = rows.select_related("version__plan").order_by("start", "created_at", "pk")
    return grouped(account_ids, in_order, lambda row: row.account_id)


def waiting_lines(rows: Sequence[PendingLine], period: Period, taxes: Taxes) -> list[DraftLine]:
    """A line for each row; days that are given back keep the tax that they were charged with."""
    kinds: dict[str, LineKind] = {"proration": "proration", "base": "base"}
    return [
        DraftLine(
            line=Line(
                kind=kinds.get(row.kind, "adjustment"),
                charge=None,
                meter=None,
                name=row.description,
                unit=by_language(lambda language: _("day")) if "days" in row.detail else {},
                start=row.start,
                end=row.end,
                quantity=Decimal(row.detail.get("days", 0)),
                amount=round_money(row.amount, taxes.account.currency),
                exact_amount=row.exact_amount,
                plan=row.version.plan.code if row.version else "",
                version=row.version.number if row.version else 0,
                tax=row.tax or None,
            ),
            tax=tax_charged(row) or taxes.of(row.tax),
            period=period,
            version=row.version,
            pending=row,
            detail={**row.detail, **({"plan_name": row.version.name} if row.version else {})},
        )
        for row in rows
    ]


def minimum_spend_lines(period: Period, usage: Sequence[DraftLine], taxes: Taxes) -> list[DraftLine]:
    """What base price and usage of `period` miss to its minimum spend (contract, section 5).

    The minimum is prorated by the days on each plan version; usage counts net of waivers.
    """
    spans = spans_in(period)
    if not spans:
        return []
    version = spans[-1][0]
    parts = [(each.minimum_spend, span_share(period, start, end)) for each, start, end in spans]
    if not any(minimum for minimum, _share in parts):
        return []
    with exact():
        reached = _base_of(period) + amount_of(usage)
    missing = missing_spend(parts, reached, version.currency)
    if missing is None:
        return []
    terms = plan_terms(version)
    return [
        DraftLine(
            line=minimum_spend_line(terms, missing, period.start, period.end),
            tax=taxes.of(terms.tax),
            period=period,
            version=version,
            detail={"plan_name": dict(terms.name), "minimum_spend": f"{missing.minimum:f}"},
        )
    ]


@exact()
def _base_of(period: Period) -> Decimal:
    """The base price of `period`, as charged in advance and as changes of plan altered it."""
    charge = base_charge(period)
    return sum((row.amount for row in base_changes(period)), charge.amount if charge else ZERO)


def base_changes(period: Period) -> QuerySet[PendingLine]:
    """The prorations of the days that the base price of `period` was charged for."""
    return PendingLine.objects.filter(
        subscription=period.subscription_id,
        kind="proration",
        detail__end_day=period.base_end_day.isoformat(),
        detail__full_days=period.full_days,
        detail__first_day__gte=period.first_day.isoformat(),
    )
