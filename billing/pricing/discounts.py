"""Coupons on an invoice: what each takes off, and off which tax rates.

Rule (contract, section 5): oldest first, each on what is left, never below zero; a percentage is rounded
once; the discount is spread over tax rates in proportion, by largest remainder. A coupon covers the lines of
its service periods; an amount counts once per period.

Take-backs. A line may take back what an earlier invoice charged less a discount. Lest it pay out money that
was never paid, an earlier discount is taken back with it, if the caller says what was given (`Coupon.used`):
a percentage in proportion, an amount as far as what is left of the period no longer bears it. Never more than
was given in the period; so a coupon's discounts over all invoices of a period are never below zero either, and
without `used` nor are those of one invoice. Such a discount is negative.

What came before the coupon is given back whole: a period whose lines come to less than zero, and within a period
its changes of a base price that do (`Share.change`), are set aside if the coupon looked at no line of it before.
So a base price that was invoiced before the coupon came neither gains nor loses by a later refund of it.

Rounding. What is taken off each line is exact at first. Its sum is rounded; then so are the sums by period and by
rate, each to its neighbouring units, so that both come to it. None leaves its bounds by that, as these are whole.
"""

from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import NamedTuple

from billing.pricing.money import ZERO, exact, round_fraction, round_money
from billing.pricing.shares import drawn_to, rounded_to

Rate = tuple[str, Decimal]
"""What taxes are summed by: category and percent (EN 16931, BG-23)."""


class Share(NamedTuple):
    """The lines of an invoice that discounts treat alike. `change`: of a base price that an earlier one charged."""

    period: Hashable
    rate: Rate
    change: bool = False


Left = dict[Share, Decimal]
"""What is left of the lines of each share."""

Parts = dict[Share, Fraction]
"""What is taken off each share, exactly: in units of the currency."""


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
def take_off(coupon: Coupon, lines: Left, left: Left, currency: str) -> tuple[Discount, Left]:
    """The discount of `coupon` on what older ones `left` of the `lines`, and what is left after it."""
    covered = {share: left[share] for share in _covered(coupon, lines)}
    after, uses, rates = dict(left), dict[Hashable, Decimal](), dict[Rate, Decimal]()
    for parts in _parts(coupon, covered, currency):
        amount = round_fraction(sum(parts.values(), Fraction(0)), currency)
        by_period = _by_period(parts)
        uses |= zip(by_period, rounded_to(amount, list(by_period.values()), currency), strict=True)
        for share, part in _spread(amount, parts, currency).items():
            after[share] -= part
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


def _covered(coupon: Coupon, lines: Left) -> Left:
    """The shares of the coupon's periods, without what takes back more than it adds of what came before the coupon."""
    known = {use.period for use in coupon.used}
    covered = {
        share: amount
        for share, amount in lines.items()
        if coupon.periods is None or share.period in coupon.periods
    }
    for changes_alone in (True, False):
        sums = _by_period({s: amount for s, amount in covered.items() if s.change or not changes_alone})
        back = {period for period, amount in sums.items() if amount < 0 and period not in known}
        covered = {
            share: amount
            for share, amount in covered.items()
            if share.period not in back or (changes_alone and not share.change)
        }
    return covered


def _parts(coupon: Coupon, covered: Left, currency: str) -> list[Parts]:
    """What is taken off each share, exactly; together what is rounded once: a percentage whole, an amount by period."""
    billed = _sums((use.period, use.billed) for use in coupon.used)
    given = _sums((use.period, use.discount) for use in coupon.used)
    sums = _by_period(covered)
    rates = {
        period: _rate_off(coupon, whole, billed.get(period, ZERO), given.get(period, ZERO), currency)
        for period, whole in sums.items()
    }
    parts = {share: Fraction(amount) * rates[share.period] for share, amount in covered.items()}
    if coupon.percent is not None:
        return [parts]
    return [{share: part for share, part in parts.items() if share.period == period} for period in sums]


def _rate_off(coupon: Coupon, whole: Decimal, billed: Decimal, given: Decimal, currency: str) -> Fraction:
    """Which fraction the coupon takes off lines of a period that come to `whole`, 0 to 1; of a take-back it is what
    was `given` at most. `billed` and `given` are of the documents before.
    """
    if coupon.percent is not None or not whole:
        rate = Fraction(coupon.percent or ZERO) / 100
        return rate if whole >= 0 else min(rate, Fraction(max(given, ZERO)) / Fraction(-whole))
    bearable = min(round_money(coupon.amount or ZERO, currency), max(ZERO, billed + whole))
    return Fraction(max(min(bearable - given, max(whole, ZERO)), min(whole, ZERO))) / Fraction(whole)


def _spread(amount: Decimal, parts: Parts, currency: str) -> Left:
    """`amount`, what `parts` come to when it is rounded, over tax rates, and each rate's part over its shares."""
    by_rate = _sums((share.rate, part) for share, part in parts.items())
    spread: Left = {}
    for rate, part in _drawn_to(amount, by_rate, currency).items():
        spread |= _drawn_to(
            part, {share: own for share, own in parts.items() if share.rate == rate}, currency
        )
    return spread


def _drawn_to[K](amount: Decimal, parts: Mapping[K, Fraction], currency: str) -> dict[K, Decimal]:
    return dict(zip(parts, rounded_to(amount, drawn_to(amount, list(parts.values())), currency), strict=True))


def _by_period[N: (Decimal, Fraction)](shares: Mapping[Share, N]) -> Mapping[Hashable, N]:
    return _sums((share.period, amount) for share, amount in shares.items())


def _sums[K, N: (Decimal, Fraction)](items: Iterable[tuple[K, N]]) -> Mapping[K, N]:
    sums: dict[K, N] = {}
    for key, amount in items:
        sums[key] = sums[key] + amount if key in sums else amount
    return sums
