"""`rate`: the one function that turns usage into money.

The live figure, the limit, the preview, the simulation, `quote` and the invoice all call it; two price
functions that drift apart are how billing systems come to disagree with themselves.
"""

from collections.abc import Sequence

from billing.pricing.lines import Line
from billing.pricing.minimums import minimum_lines
from billing.pricing.models.parts import TierPart
from billing.pricing.money import CurrencyError, exact
from billing.pricing.price import Priced, price
from billing.pricing.spans import Span
from billing.pricing.usage_lines import Stretch, usage_lines

__all__ = ["Line", "Priced", "Span", "TierPart", "price", "rate"]


@exact()
def rate(spans: Sequence[Span]) -> tuple[Line, ...]:
    """The `usage` lines of one billing period, span by span, then its `minimum` lines (contract, sections 3
    and 4).

    `spans` are in time order. A charge is followed over them by its code, so tiers, packages and allowances
    are used up once per period. Charges without usage in a span have no line there. Raises `CurrencyError` if
    the spans' plans differ in currency.
    """
    if len({span.plan.currency for span in spans}) > 1:
        raise CurrencyError("one billing period has one currency")
    followed = dict[str, list[Stretch]]()
    for span in spans:
        for charge in span.plan.charges:
            followed.setdefault(charge.code, []).append(Stretch(span, charge))
    lines = {code: usage_lines(stretches) for code, stretches in followed.items()}
    upcoming = {code: iter(found) for code, found in lines.items()}
    in_order = [next(upcoming[charge.code]) for span in spans for charge in span.plan.charges]
    minimums = (line for code in followed for line in minimum_lines(followed[code], lines[code]))
    return (*(line for line in in_order if line is not None), *minimums)
