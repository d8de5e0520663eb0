"""The figures of a scenario worked out again, in Fractions, from the events that were sent and the catalogue.

Prices by tests/pricing/oracle.py (written from the contract, sharing no code with the product); quantities, sums,
discounts and taxes here. What a scenario cannot have in general (prorations, waivers, late usage) its test says itself.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

from tests.pricing.oracle import half_up, price
from tests.scenarios.customer import Customer, Sent
from tests.scenarios.product import CATALOG

METERS = {meter["code"]: meter for meter in CATALOG["meters"]}
PLANS = {plan["code"]: plan for plan in CATALOG["plans"]}
CENTS = 2

type Span = tuple[datetime, datetime]


def charge_of(plan: str, code: str) -> Mapping[str, Any]:
    found: Mapping[str, Any] = next(
        one for one in PLANS[plan]["charges"] if one.get("code", one["meter"]) == code
    )
    return found


def quantity(meter: str, events: Sequence[Sent], start: datetime, end: datetime, full: Span) -> Fraction:
    """What the meter measures over [start, end); `full` is the uncut period, for levels over time."""
    kind, name = METERS[meter]["aggregation"], METERS[meter].get("value")
    mine = [one for one in events if one.type == METERS[meter]["event_type"] and one.time < end]
    inside = [one for one in mine if one.time >= start]
    if kind == "count":
        return Fraction(len(inside))
    if kind == "unique":
        return Fraction(len({one.data[name] for one in inside if name in one.data}))
    if kind == "time_weighted":
        return level(mine, METERS[meter]["dimensions"], name, start, end) / seconds(full[1] - full[0])
    values = [Fraction(one.data[name]) for one in inside if name in one.data]
    if kind == "latest":
        return values[-1] if values else Fraction(0)
    return max(values, default=Fraction(0)) if kind == "max" else sum(values, Fraction(0))


def level(
    events: Iterable[Sent], dimensions: Sequence[str], name: str, start: datetime, end: datetime
) -> Fraction:
    """The integral over time of levels that hold until the next event of the same dimension values, in seconds."""
    held, total = dict[tuple[str, ...], tuple[datetime, Fraction]](), Fraction(0)
    for event in events:
        key = tuple(str(event.data[one]) for one in dimensions)
        since, before = held.get(key, (start, Fraction(0)))
        total += before * seconds(max(event.time, start) - max(since, start))
        held[key] = (event.time, Fraction(event.data[name]))
    return total + sum(
        (value * seconds(end - max(since, start)) for since, value in held.values()), Fraction(0)
    )


def seconds(span: timedelta) -> Fraction:
    return Fraction(span // timedelta(microseconds=1), 1_000_000)


def usage_amount(
    customer: Customer, charge: Mapping[str, Any], start: datetime, span: Span, full: Span
) -> Fraction:
    """The amount of a usage line for `span` of a period that began at `start`: what its end adds to its start."""
    events = customer.counting()

    meter = METERS[charge["meter"]]

    def cost(until: datetime) -> Fraction:
        used = half_up(quantity(meter["code"], events, start, until, full), 12)
        each = [one for one in events if one.type == meter["event_type"] and start <= one.time < until]
        by_event = (
            [Fraction(one.data[meter["value"]]) for one in each] if charge["model"] == "percentage" else []
        )
        return half_up(price(charge, used, by_event), CENTS)

    return max(cost(span[1]) - cost(span[0]), Fraction(0))


def check_usage(
    customer: Customer,
    invoice: Mapping[str, Any],
    plan_at: Callable[[datetime], str],
    *,
    start: datetime | None = None,
    full: Span | None = None,
) -> None:
    """Each usage line of `invoice` is what its events come to, and every charge with usage has one."""
    for line in (line for line in invoice["lines"] if line["kind"] == "usage"):
        span = span_of(line)
        begun = start or span[0]
        charge = charge_of(plan_at(span[0]), line["charge"])
        amount = usage_amount(customer, charge, begun, span, full or (begun, span[1]))
        assert Fraction(line["amount"]) == amount, (invoice["number"], line)


def check_sums(invoice: Mapping[str, Any]) -> None:
    """Lines add up to the subtotal; discounts, taxes, total and amount due follow (contract, section 5)."""
    subtotal = sum((Fraction(line["amount"]) for line in invoice["lines"]), Fraction(0))
    assert Fraction(invoice["subtotal"]) == subtotal
    net = subtotal - sum((Fraction(one["amount"]) for one in invoice["discounts"]), Fraction(0))
    taxes = invoice["taxes"]
    assert sum((Fraction(tax["taxable"]) for tax in taxes), Fraction(0)) == net
    for tax in taxes:
        due = half_up(Fraction(tax["taxable"]) * Fraction(tax["rate"]) / 100, CENTS)
        assert Fraction(tax["amount"]) == due, (invoice["number"], tax)
    assert Fraction(invoice["tax_total"]) == sum((Fraction(tax["amount"]) for tax in taxes), Fraction(0))
    assert Fraction(invoice["total"]) == net + Fraction(invoice["tax_total"])
    if invoice["kind"] == "invoice":
        assert Fraction(invoice["amount_due"]) == Fraction(invoice["total"]) - Fraction(
            invoice["credits_applied"]
        )


def span_of(thing: Mapping[str, Any]) -> Span:
    period = thing["period"]
    return datetime.fromisoformat(period["start"]), datetime.fromisoformat(period["end"])


def amounts(invoice: Mapping[str, Any], *kinds: str) -> list[Decimal]:
    """The amounts of the lines of `kinds` (all lines without), in their order."""
    return [Decimal(line["amount"]) for line in invoice["lines"] if not kinds or line["kind"] in kinds]
