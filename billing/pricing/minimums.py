"""`minimum` lines: what is missing to a charge's `minimum_amount` (contract, sections 3 and 4).

A minimum is per charge and period, so it is gathered over all spans whose version asks for one, each prorated
by its days, and compared with the usage of those spans together: a change between equal prices changes
nothing here either.
"""

from collections.abc import Iterator, Sequence
from fractions import Fraction

from billing.pricing.lines import EXACT_PLACES, Line, charge_line
from billing.pricing.money import ZERO, round_fraction, round_fraction_places
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
