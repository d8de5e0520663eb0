"""`usage` lines of one charge over the spans of a period (contract, section 4).

A line is the price of the period up to the span's end less that up to its start, by the span's own prices,
each rounded, never below zero. Prices can fall as usage grows (`volume`, a `latest` that goes down, a
negative event). Between different prices a fall takes nothing back. But changing between equal prices changes
nothing, so along a run of spans with equal prices a fall takes back what the run's earlier lines added: the
run costs what it would cost without the changes.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from itertools import accumulate, pairwise

from billing.pricing.charges import NO_USAGE, Charge, Usage
from billing.pricing.lines import EXACT_PLACES, Before, Line, charge_line
from billing.pricing.models.parts import correction, difference
from billing.pricing.money import ZERO, round_money, round_places
from billing.pricing.price import Priced, billable, price
from billing.pricing.spans import Span


@dataclass(frozen=True, slots=True)
class Stretch:
    """One charge over one span."""

    span: Span
    charge: Charge

    @property
    def before(self) -> Usage:
        return self.span.before.get(self.charge.code, NO_USAGE)

    @property
    def upto(self) -> Usage:
        return self.span.upto.get(self.charge.code, NO_USAGE)

    @property
    def has_usage(self) -> bool:
        return billable(self.charge, self.before) != billable(self.charge, self.upto)

    def goes_on_from(self, earlier: "Stretch") -> bool:
        """Whether this takes over `earlier`'s usage at equal prices."""
        if billable(self.charge, self.before) != billable(self.charge, earlier.upto):
            return False
        ours = self.charge
        same = replace(
            earlier.charge, name=ours.name, unit=ours.unit, tax=ours.tax, minimum_amount=ours.minimum_amount
        )
        return same == ours


def usage_lines(stretches: Sequence[Stretch]) -> tuple[Line | None, ...]:
    """The line of each stretch of one charge, in time order; None where there is no usage. Call it inside
    `exact()`."""
    lines = list[Line | None]()
    run = list[Stretch]()
    for stretch in stretches:
        if run and not stretch.goes_on_from(run[-1]):
            lines += _run_lines(run)
            run = []
        run.append(stretch)
    return (*lines, *_run_lines(run))


def _run_lines(run: Sequence[Stretch]) -> Iterator[Line | None]:
    """The lines of consecutive stretches with equal prices."""
    first, currency = run[0], run[0].span.plan.currency
    costs = [price(first.charge, first.before), *(price(stretch.charge, stretch.upto) for stretch in run)]
    amounts = _steps([round_money(cost.exact, currency) for cost in costs])
    exact_amounts = _steps([cost.exact for cost in costs])
    for stretch, (earlier, later), amount, owed in zip(
        run, pairwise(costs), amounts, exact_amounts, strict=True
    ):
        if not stretch.has_usage:
            yield None
            continue
        rows = difference(later.tiers, earlier.tiers)
        fall = owed - (later.exact - earlier.exact)
        yield charge_line(
            stretch.span.plan,
            stretch.charge,
            "usage",
            (stretch.span.start, stretch.span.end),
            quantity=max(stretch.upto.quantity, ZERO) - max(stretch.before.quantity, ZERO),
            amount=amount,
            exact_amount=round_places(owed, EXACT_PLACES),
            tiers=(*rows, correction("fall", fall)) if fall else rows,
            before=_before(stretch, earlier, currency),
        )


def _before(stretch: Stretch, cost: Priced, currency: str) -> Before | None:
    """What the stretch goes on from; None where nothing was used before it."""
    if not billable(stretch.charge, stretch.before):
        return None
    return Before(
        max(stretch.before.quantity, ZERO),
        round_money(cost.exact, currency),
        round_places(cost.exact, EXACT_PLACES),
    )


def _steps(prices: Sequence[Decimal]) -> list[Decimal]:
    """What each step from one price to the next adds, never negative; what a later fall takes back was never
    added.

    The steps sum to the last price less the first, or to zero if that is negative.
    """
    start, *after = prices
    lowest = list(accumulate(reversed(after), min))[::-1]
    return [later - earlier for earlier, later in pairwise([start, *(max(start, level) for level in lowest)])]
