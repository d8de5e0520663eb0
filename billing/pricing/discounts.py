"""Coupons on an invoice: what each takes off, and off which tax rates.

Rule (contract, section 5): oldest first, each on what is left, never below zero; a percentage is rounded
once; the discount is spread over tax rates in proportion, by largest remainder. A coupon covers the lines of
its service periods; an amount counts once per period.

Take-backs. A line may take back what an earlier invoice charged less a discount. Lest it pay out money that
was never paid, an earlier discount is taken back with it, if the caller says what was given (`Coupon.used`):
a percentage in proportion, an amount as far as what is left of the period no longer bears it. Never more than
was given; so a coupon's discounts over all invoices of a period are never below zero either, and without
`used` nor are those of one invoice. Such a discount is negative.

What was never discounted is given back whole: a period whose lines come to less than zero, and within a period
its changes of a base price that do (`Share.change`), are set aside if the coupon gave nothing in it. So a
base price that was invoiced before the coupon came neither gains nor loses by a later refund of it.
"""

from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple

from billing.pricing.money import ZERO, exact, round_money
from billing.pricing.shares import largest_remainder

Rate = tuple[str, Decimal]
"""What taxes are summed by: category and percent (EN 16931, BG-23)."""


class Share(NamedTuple):
    """The lines of an invoice that discounts treat alike. `change`: they change a base price charged before."""

    period: Hashable
    rate: Rate
    change: bool = False


Left = dict[Share, Decimal]
"""What is left of the lines of each share."""


@dataclass(frozen=True, slots=True)
class CouponUse:
    """What a coupon found in a period (`billed`, before it) and took off (`discount`), on one invoice."""

    period: Hashable
    billed: Decimal
    discount: Decimal


@dataclass(frozen=True, slots=True)
class Coupon:
    """A redeemed coupon: `percent` (0 to 100), or `amount` per period in the invoice's currency.

    `periods`: the service periods it covers, None: all. `used`: its uses on earlier invoices of the periods
    that are on this one. ValueError unless there is either a percentage or an amount.
    """

    code: str
    percent: Decimal | None = None
    amount: Decimal | None = None
    periods: frozenset[Hashable] | None = None
    used: tuple[CouponUse, ...] = ()

    def __post_init__(self) -> None:
        if (self.percent is None) == (self.amount is None):
            raise ValueError(f"coupon {self.code} takes off either a percentage or an amount")
        if not 0 <= (self.percent or ZERO) <= 100 or (self.amount or ZERO) < 0:
            raise ValueError(f"coupon {self.code} must take off 0 to 100 percent, or an amount from 0")


@dataclass(frozen=True, slots=True)
class Discount:
    """What a coupon took off an invoice, by tax rate and by period; both add up to `amount`."""

    code: str
    amount: Decimal
    by_rate: tuple[tuple[Rate, Decimal], ...]
    uses: tuple[CouponUse, ...]


@exact()
def take_off(coupon: Coupon, left: Left, currency: str) -> tuple[Discount, Left]:
    """The discount of `coupon` on what is left of the lines, and what is left after it."""
    covered = _covered(coupon, left)
    after, uses, rates = dict(left), dict[Hashable, Decimal](), dict[Rate, Decimal]()
    for shares, amount in _parts(coupon, covered, currency):
        for share, part in _spread(amount, shares, currency).items():
            after[share] -= part
            uses[share.period] = uses.get(share.period, ZERO) + part
            rates[share.rate] = rates.get(share.rate, ZERO) + part
    billed = _by_period(covered)
    return (
        Discount(
            coupon.code,
            sum(rates.values(), ZERO),
            tuple(rates.items()),
            tuple(CouponUse(period, billed[period], amount) for period, amount in uses.items()),
        ),
        after,
    )


def _covered(coupon: Coupon, left: Left) -> Left:
    """The shares of the coupon's periods, without what takes back more than it adds and was never discounted."""
    given = _given(coupon)
    covered = {
        share: amount
        for share, amount in left.items()
        if coupon.periods is None or share.period in coupon.periods
    }
    for changes_alone in (True, False):
        sums = _by_period({s: amount for s, amount in covered.items() if s.change or not changes_alone})
        back = {period for period, amount in sums.items() if amount < 0 and not given.get(period)}
        covered = {
            share: amount
            for share, amount in covered.items()
            if share.period not in back or (changes_alone and not share.change)
        }
    return covered


def _parts(coupon: Coupon, covered: Left, currency: str) -> Iterable[tuple[Left, Decimal]]:
    """Shares that bear a discount together, and the discount: a percentage over all, an amount per period."""
    given = _given(coupon)
    if coupon.percent is not None:
        whole = sum(covered.values(), ZERO)
        wanted = round_money((whole * coupon.percent).scaleb(-2), currency)
        floor = -sum((given.get(period, ZERO) for period in _by_period(covered)), ZERO)
        yield covered, max(wanted, min(floor, ZERO))
        return
    earlier = _sums((use.period, use.billed) for use in coupon.used)
    limit = round_money(coupon.amount or ZERO, currency)
    for period, whole in _by_period(covered).items():
        bearable = min(limit, max(ZERO, earlier.get(period, ZERO) + whole))
        wanted = bearable - given.get(period, ZERO)
        yield (
            {share: amount for share, amount in covered.items() if share.period == period},
            max(min(wanted, max(whole, ZERO)), min(whole, ZERO)),
        )


def _spread(amount: Decimal, covered: Left, currency: str) -> Left:
    """`amount` over tax rates, and each rate's part over its shares."""
    by_rate = _sums((share.rate, left) for share, left in covered.items())
    parts = largest_remainder(amount, list(by_rate.values()), currency)
    spread: Left = {}
    for rate, part in zip(by_rate, parts, strict=True):
        shares = [share for share in covered if share.rate == rate]
        within = largest_remainder(part, [covered[share] for share in shares], currency)
        spread |= dict(zip(shares, within, strict=True))
    return spread


def _given(coupon: Coupon) -> Mapping[Hashable, Decimal]:
    return _sums((use.period, use.discount) for use in coupon.used)


def _by_period(left: Left) -> Mapping[Hashable, Decimal]:
    return _sums((share.period, amount) for share, amount in left.items())


def _sums[K](items: Iterable[tuple[K, Decimal]]) -> Mapping[K, Decimal]:
    sums: dict[K, Decimal] = {}
    for key, amount in items:
        sums[key] = sums.get(key, ZERO) + amount
    return sums
