"""`minimum` lines: what is missing to a charge's `minimum_amount` (contract, sections 3 and 4).

A minimum is per charge and period, so it is gathered over all spans whose version asks for one, each prorated
by its days, and compared with the usage of those spans together: a change between equal prices changes
nothing here either.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from fractions import Fraction

from billing.pricing.charges import Charge, Plan
from billing.pricing.lines import EXACT_PLACES, Line, charge_line
from billing.pricing.money import ZERO, round_fraction, round_fraction_places
from billing.pricing.spans import Span


@dataclass(frozen=True, slots=True)
class Minimum:
    """What a charge must reach in a period so far, exactly, and what its rounded usage lines have reached."""

    plan: Plan
    charge: Charge
    start: datetime
    end: datetime
    due: Fraction = Fraction(0)
    reached: Decimal = ZERO
    reached_exact: Decimal = ZERO

    def joined_by(self, span: Span, charge: Charge, minimum: Decimal, line: Line | None) -> "Minimum":
        """This and what `charge` asks for in the next `span`, of which `line` is the usage."""
        return Minimum(
            span.plan,
            charge,
            self.start,
            span.end,
            self.due + Fraction(minimum) * span.share,
            self.reached + (line.amount if line else ZERO),
            self.reached_exact + (line.exact_amount if line else ZERO),
        )


def minimum_lines(minimums: Iterable[Minimum]) -> Iterator[Line]:
    """A line for each minimum that is missed: the rounded minimum less the rounded usage."""
    for minimum in minimums:
        missing = round_fraction(minimum.due, minimum.plan.currency) - minimum.reached
        if missing > 0:
            left = max(minimum.due - Fraction(minimum.reached_exact), Fraction(0))
            yield charge_line(
                minimum.plan,
                minimum.charge,
                "minimum",
                (minimum.start, minimum.end),
                quantity=ZERO,
                amount=missing,
                exact_amount=round_fraction_places(left, EXACT_PLACES),
            )
