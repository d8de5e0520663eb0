"""The plan page: what the account is on, and what its own usage would have cost on each public plan."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext

from accounts.models import Account
from billing.plans.models import PlanVersion, ScheduledChange, Subscription
from billing.plans.queries import (
    phases,
    plan_terms,
    public_plans,
    scheduled_change,
)
from billing.pricing.charges import Plan
from portal import formats
from portal.pages import prices
from portal.pages.comparison import Comparison, compare_plans
from portal.pages.coupons import CouponEntry, CouponRow, any_left, coupon_rows
from portal.pages.periods import plan_of


@dataclass(frozen=True, slots=True)
class PriceRow:
    """One line of the table of prices: the same meter in each plan."""

    name: str
    cells: tuple[str, ...]
    sub: bool = False


@dataclass(frozen=True, slots=True)
class PlanPage:
    """`others`: code and name of the plans that may be chosen; `columns`: name of each plan, and whether it is the
    account's."""

    subscription: Subscription | None
    version: PlanVersion | None
    name: str
    currency: str
    since: datetime | None
    change: ScheduledChange | None
    change_name: str
    compared: Comparison | None
    others: Sequence[tuple[str, str]]
    prices: Sequence[PriceRow]
    columns: Sequence[tuple[str, bool]]
    coupons: Sequence[CouponRow]
    coupon_entry: CouponEntry

    @property
    def has_coupon(self) -> bool:
        return any_left(self.coupons)


def plan_page(account: Account, at: datetime, entry: CouponEntry | None = None) -> PlanPage:
    """The page at `at`: the account's plan, also if it is not public, and the public ones in its currency.

    `entry` is a coupon's code that was refused.
    """
    subscription = plan_of(account)
    in_order = phases(subscription.pk) if subscription else []
    held = [phase for phase in in_order if phase.start <= at] or in_order[:1]
    version = held[-1].version if held else None
    plans = public_plans(account.currency)
    if version is not None and version.plan_id not in {one.plan_id for one in plans}:
        plans = [version, *plans]
    plans = [version if version is not None and one.plan_id == version.plan_id else one for one in plans]
    change = scheduled_change(subscription) if subscription else None
    phase = next((one for one in in_order if one.end is None), None)
    return PlanPage(
        subscription=subscription,
        version=version,
        name=formats.text_of(version.name) if version else "",
        currency=account.currency,
        since=phase.start if phase else None,
        change=change,
        change_name=formats.text_of(change.version.name) if change and change.version else "",
        compared=compare_plans(account, plans, version, at),
        others=[
            (one.plan.code, formats.text_of(one.name))
            for one in plans
            if version is None or one.plan_id != version.plan_id
        ],
        prices=_prices([plan_terms(one) for one in plans]),
        columns=[(formats.text_of(one.name), version is not None and one.pk == version.pk) for one in plans],
        coupons=coupon_rows(account, at),
        coupon_entry=entry or CouponEntry(),
    )


def _prices(plans: Sequence[Plan]) -> list[PriceRow]:
    """Plan prices, then each charge with what it includes, one column for each plan."""
    rows = [
        PriceRow(
            gettext("Plan price"), tuple(formats.money(plan.base_price, plan.currency) for plan in plans)
        )
    ]
    keys = list(dict.fromkeys((charge.meter, charge.code) for plan in plans for charge in plan.charges))
    for meter, code in keys:
        charges = [
            next((one for one in plan.charges if (one.meter, one.code) == (meter, code)), None)
            for plan in plans
        ]
        siblings = len({other for known, other in keys if known == meter})
        name = next(prices.charge_name(one, siblings) for one in charges if one)
        words = [
            prices.price_words(one, plan.currency) if one else formats.DASH
            for one, plan in zip(charges, plans, strict=True)
        ]
        rows.append(PriceRow(name, tuple(words)))
        free = [prices.included(one) if one else None for one in charges]
        if any(free):
            cells = tuple(formats.quantity(one) if one else formats.DASH for one in free)
            rows.append(PriceRow(gettext("included"), cells, sub=True))
    return rows
