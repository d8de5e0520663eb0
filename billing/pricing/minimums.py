"""`minimum` lines: what is missing to a charge's `minimum_amount`, or to a plan's minimum spend (contract, sections
3 to 5).

A minimum is per charge and period, so it is gathered over all spans whose version asks for one, each prorated
by its days, and compared with the usage of those spans together: a change between equal prices changes
nothing here either.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from billing.pricing.lines import EXACT_PLACES, Line, charge_line
from billing.pricing.money import ZERO, exact, round_fraction, round_fraction_places
from billing.pricing.usage_lines import Stretch


def minimum_lines(stretches: Sequence[Stretch], lines: Sequence[Line | None]) -> Iterator[Line]:
    """The rounded minimum less the rounded usage of one charge, if that is positive: one line, or none.

    `lines` are the usage lines of `stretches`. The line has the names, tax and version of the last one that
    asks.
    """
    due = Fraction(0)
    reached = reached_exact = ZERO
    asking = list[Stretch]()
    for stretch, line in zip(stretches, lines, strict=True):
        if stretch.charge.minimum_amount is None:
            continue
        asking.append(stretch)
        due += Fraction(stretch.charge.minimum_amount) * stretch.span.share
        if line is not None:
            reached += line.amount
            reached_exact += line.exact_amount
    if not asking:
        return
    first, last = asking[0].span, asking[-1].span
    missing = round_fraction(due, last.plan.currency) - reached
    if missing > 0:
        yield charge_line(
            last.plan,
            asking[-1].charge,
            "minimum",
            (first.start, last.end),
            quantity=ZERO,
            amount=missing,
            exact_amount=round_fraction_places(max(due - Fraction(reached_exact), Fraction(0)), EXACT_PLACES),
        )


@dataclass(frozen=True, slots=True)
class MissingSpend:
    """What a period misses to its `minimum`, both in minor units; `exact_amount` before rounding, to 12 decimals."""

    minimum: Decimal
    amount: Decimal
    exact_amount: Decimal


@exact()
def missing_spend(
    parts: Iterable[tuple[Decimal, Fraction]], reached: Decimal, currency: str
) -> MissingSpend | None:
    """What is missing of a period's minimum spend, None if nothing is.

    `parts` are (minimum spend, share) of each stretch of the period on a plan version; `reached` is the period's base
    price, usage and charge minimums, rounded, net of waivers.
    """
    due = sum((Fraction(minimum) * share for minimum, share in parts), Fraction(0))
    minimum = round_fraction(due, currency)
    if not due or minimum <= reached:
        return None
    exact_amount = round_fraction_places(due - Fraction(reached), EXACT_PLACES)
    return MissingSpend(minimum, minimum - reached, exact_amount)
