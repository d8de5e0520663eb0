"""`rate`: the one function that turns usage into money.

The live figure, the limit, the preview, the simulation, `quote` and the invoice all call it; two price
functions that drift apart are how billing systems come to disagree with themselves.
"""

from collections.abc import Sequence
from decimal import Decimal

from billing.pricing.charges import NO_USAGE, Charge
from billing.pricing.lines import EXACT_PLACES, Line, charge_line
from billing.pricing.minimums import Minimum, minimum_lines
from billing.pricing.models.parts import TierPart, correction, difference
from billing.pricing.money import ZERO, CurrencyError, exact, round_money, round_places
from billing.pricing.price import Priced, billable, price
from billing.pricing.spans import Span

__all__ = ["Line", "Priced", "Span", "TierPart", "price", "rate"]


def rate(spans: Sequence[Span]) -> tuple[Line, ...]:
    """The `usage` lines of one billing period, span by span, then its `minimum` lines (contract, sections 3
    and 4).

    A span's line is what the period costs up to its end less what it cost up to its start, both by the span's
    own prices, each rounded, never below zero. So tiers, packages and allowances are used up once per period.
    Charges without usage in a span have no line there. Raises `CurrencyError` if the spans' plans differ in
    currency.
    """
    if len({span.plan.currency for span in spans}) > 1:
        raise CurrencyError("one billing period has one currency")
    usage = list[Line]()
    minimums = dict[str, Minimum]()
    with exact():
        for span in spans:
            for charge in span.plan.charges:
                line = _usage_line(span, charge)
                if line:
                    usage.append(line)
                if charge.minimum_amount is not None:
                    known = minimums.get(charge.code) or Minimum(span.plan, charge, span.start, span.end)
                    minimums[charge.code] = known.joined_by(span, charge, charge.minimum_amount, line)
        return (*usage, *minimum_lines(minimums.values()))


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
    """What is owed when a period's price moves from `earlier` to `later`: a fall takes nothing back."""
    return max(later - earlier, ZERO * later)
