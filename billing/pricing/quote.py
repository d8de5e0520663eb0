"""`quote`: what given usage costs by a plan of a catalogue, for `manage.py quote` (contract, section 7).

Usage and charge minimums of one full period. The base price and the minimum spend are not part of it: they
depend on a subscription's periods.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Final

from billing.pricing.catalog import Catalog
from billing.pricing.charges import Aggregation, Charge, Plan, Usage
from billing.pricing.money import ZERO, exact, money_string
from billing.pricing.rate import Line, Span, rate
from billing.pricing.reading.fields import Fields, Problem, suggestion
from billing.pricing.reading.numbers import quantity

_KEYS: Final = frozenset({"plan", "quantities", "events", "locale"})
_NO_PERIOD: Final = datetime.min.replace(tzinfo=UTC)

_AGGREGATE: Final[Mapping[Aggregation, Callable[[tuple[Decimal, ...]], Decimal]]] = {
    "count": lambda amounts: Decimal(len(amounts)),
    "sum": lambda amounts: sum(amounts, ZERO),
    "max": lambda amounts: max(amounts, default=ZERO),
    "unique": lambda amounts: Decimal(len(set(amounts))),
    "latest": lambda amounts: amounts[-1] if amounts else ZERO,
}
"""How the amounts of events, in time order, become a quantity; `time_weighted` also needs their times."""


class QuoteError(ValueError):
    """A request that cannot be priced. `problems` say where (`quantities.tokens`) and how to mend it."""

    def __init__(self, problems: list[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("; ".join(str(problem) for problem in problems))


def quote_line(catalog: Catalog, request: object) -> dict[str, object]:
    """The lines and their sum for `{"plan", "quantities": {charge: q}}` or `{"plan", "events": {charge:
    [amount, …]}}`.

    Both may be given, for different charges; `locale` chooses the language (default "en"). Charges that are
    not named have no usage. The lines are those of section 8; their `period` is null, for a quote has none.
    Raises `QuoteError`.
    """
    problems = list[Problem]()
    fields = Fields(request, "", problems, _KEYS)
    plans = {plan.code: plan for plan in catalog.plans}
    plan = plans.get(code) if isinstance(code := fields.data.get("plan"), str) else None
    locale = fields.data.get("locale") or "en"
    if not isinstance(locale, str):
        fields.fault("locale", "write a language tag, such as en.")
    if plan is None:
        hint = suggestion(code, plans) if isinstance(code, str) else ""
        fields.fault("plan", f"write the code of a plan of the catalogue.{hint}")
    usage = _read_usage(fields, plan) if plan else {}
    if problems or plan is None or not isinstance(locale, str):
        raise QuoteError(problems)
    lines = rate([Span(plan, _NO_PERIOD, _NO_PERIOD, {}, usage, Fraction(1))])
    with exact():
        subtotal = sum((line.amount for line in lines), ZERO)
    return {
        "plan": plan.code,
        "currency": plan.currency,
        "lines": [_line_data(line, locale) for line in lines],
        "subtotal": money_string(subtotal, plan.currency),
    }


def _line_data(line: Line, locale: str) -> dict[str, object]:
    return {"id": f"{line.kind}:{line.charge}", **line.as_data(locale), "period": None}


def _read_usage(fields: Fields, plan: Plan) -> dict[str, Usage]:
    """Usage by charge code. Faults are noted."""
    charges = {charge.code: charge for charge in plan.charges}
    quantities = Fields(
        fields.data["quantities"] if fields.has("quantities") else {}, "quantities", fields.problems, charges
    )
    events = Fields(fields.data["events"] if fields.has("events") else {}, "events", fields.problems, charges)
    usage = dict[str, Usage]()
    for code, charge in charges.items():
        if quantities.has(code) and events.has(code):
            events.fault(code, "is given as a quantity too: give one of them.")
        if quantities.has(code):
            if charge.model == "percentage":
                quantities.fault(code, "is priced event by event: give the amounts under events.")
            usage[code] = Usage(quantities.get(code, quantity, ZERO))
        elif events.has(code):
            usage[code] = _from_events(charge, events)
    return usage


def _from_events(charge: Charge, events: Fields) -> Usage:
    raw = events.data[charge.code]
    if not isinstance(raw, list | tuple):
        events.fault(charge.code, "expected a list of amounts, in time order.")
        return Usage(ZERO)
    amounts = list[Decimal]()
    for index, value in enumerate(raw):
        try:
            amounts.append(quantity(value))
        except ValueError as error:
            events.note(f"{events.path}.{charge.code}[{index}]", str(error))
    aggregate = _AGGREGATE.get(charge.aggregation)
    if aggregate is None:
        events.fault(charge.code, f"{charge.aggregation} needs the events' times: give the quantity.")
        return Usage(ZERO)
    with exact():
        return Usage(aggregate(tuple(amounts)), tuple(amounts))
