"""`rate`: the one function that turns usage into money.

The live figure, the limit, the preview, the simulation, `quote` and the invoice all call it; two price functions that drift
apart are how billing systems come to disagree with themselves.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from fractions import Fraction

from billing.pricing.charges import NO_USAGE, Charge, Plan, Usage
from billing.pricing.lines import EXACT_PLACES, Line, charge_line
from billing.pricing.models.parts import TierPart, correction, difference
from billing.pricing.money import (
    ZERO,
    CurrencyError,
    exact,
    minor_units,
    round_fraction,
    round_money,
    round_places,
)
from billing.pricing.price import Priced, billable, price

__all__ = ["Line", "Priced", "Span", "TierPart", "price", "rate"]


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch `[start, end)` of one billing period on one plan version.

    `before` and `upto` give the usage by charge code of this plan: in `[period start, start)` and `[period start, end)`, both
    measured over the full period where that matters (`time_weighted`). Charges without usage may be absent. `share` is the
    span's local days over the full period's days; it prorates `minimum_amount`.
    """

    plan: Plan
    start: datetime
    end: datetime
    before: Mapping[str, Usage]
    upto: Mapping[str, Usage]
    share: Fraction

    def __post_init__(self) -> None:
        if self.start.utcoffset() is None or self.end.utcoffset() is None:
            raise ValueError("a span's instants need an offset")
        if self.start > self.end:
            raise ValueError(f"a span cannot end ({self.end}) before it starts ({self.start})")
        if not 0 <= self.share <= 1:
            raise ValueError(f"a span is a share of its period between 0 and 1, not {self.share}")


def rate(spans: Sequence[Span]) -> tuple[Line, ...]:
    """The `usage` lines of one billing period, span by span, then its `minimum` lines (contract, sections 3 and 4).

    A span's line is what the period costs up to its end less what it cost up to its start, both by the span's own prices,
    each rounded, never below zero. So tiers, packages and allowances are used up once per period. Charges without usage in
    a span have no line there. Raises `CurrencyError` if the spans' plans differ in currency.
    """
    if len({span.plan.currency for span in spans}) > 1:
        raise CurrencyError("one billing period has one currency")
    usage, minimums = [], dict[str, _Minimum]()
    with exact():
        for span in spans:
            for charge in span.plan.charges:
                line = _usage_line(span, charge)
                if line:
                    usage.append(line)
                if charge.minimum_amount is not None:
                    known = minimums.get(charge.code)
                    minimums[charge.code] = _Minimum.of(span, charge, charge.minimum_amount, line, known)
        return (*usage, *_minimum_lines(minimums))


def _usage_line(span: Span, charge: Charge) -> Line | None:
    before = span.before.get(charge.code, NO_USAGE)
    upto = span.upto.get(charge.code, NO_USAGE)
    if billable(charge, before) == billable(charge, upto):
        return None
    cost, earlier, currency = price(charge, upto), price(charge, before), span.plan.currency
    rows = difference(cost.tiers, earlier.tiers)
    change = cost.exact - earlier.exact
    if change < 0:
        rows, change = (*rows, correction("floor", -change)), ZERO
    return charge_line(
        span.plan,
        charge,
        "usage",
        (span.start, span.end),
        quantity=max(upto.quantity, ZERO) - max(before.quantity, ZERO),
        amount=_rise(round_money(earlier.exact, currency), round_money(cost.exact, currency)),
        exact_amount=round_places(change, EXACT_PLACES),
        tiers=rows,
    )


def _rise(earlier: Decimal, later: Decimal) -> Decimal:
    """What is owed on top when a period's price goes from `earlier` to `later`; a fall takes nothing back (section 4)."""
    return max(later - earlier, ZERO * later)


@dataclass(frozen=True, slots=True)
class _Minimum:
    """What one charge must reach in the period, gathered over the spans that ask for a minimum, and what it has reached."""

    plan: Plan
    charge: Charge
    start: datetime
    end: datetime
    due: Fraction
    reached: Decimal
    reached_exact: Decimal

    @classmethod
    def of(
        cls, span: Span, charge: Charge, minimum: Decimal, line: Line | None, known: "_Minimum | None"
    ) -> "_Minimum":
        return cls(
            span.plan,
            charge,
            known.start if known else span.start,
            span.end,
            Fraction(minimum) * span.share + (known.due if known else 0),
            (line.amount if line else ZERO) + (known.reached if known else ZERO),
            (line.exact_amount if line else ZERO) + (known.reached_exact if known else ZERO),
        )


def _minimum_lines(minimums: Mapping[str, _Minimum]) -> Iterator[Line]:
    """One line for each charge that misses its minimum: the rounded minimum less the rounded usage (section 3)."""
    for minimum in minimums.values():
        missing = round_fraction(minimum.due, minimum.plan.currency) - minimum.reached
        if missing > 0:
            left = minimum.due - Fraction(minimum.reached_exact)
            yield charge_line(
                minimum.plan,
                minimum.charge,
                "minimum",
                (minimum.start, minimum.end),
                quantity=ZERO,
                amount=missing,
                exact_amount=round_fraction_places(max(left, Fraction(0)), EXACT_PLACES),
            )
