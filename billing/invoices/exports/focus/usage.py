"""A usage line as rows: one for each price of its working, and one for what has no unit price."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from billing.invoices.exports.cells import Cell
from billing.invoices.exports.focus.columns import Price, consumed_cells, cost_cells, price_cells
from billing.invoices.models import InvoiceLine
from billing.pricing.money import ZERO, exact

WHOLE: Final = "line"
"""The unit of a line that has no single price: it is priced as one."""


@dataclass(frozen=True, slots=True)
class Step:
    """A row of the working: `consumed` units of the meter, priced as `price`. `name` tells it from others."""

    name: str
    consumed: Decimal
    price: Price
    details: Mapping[str, Any]


@exact()
def usage_rows(line: InvoiceLine, sign: int, sku_price: str) -> tuple[list[dict[str, Cell]], Decimal]:
    """The cells that tell a usage line's rows apart, and what is left of its exact working without a unit price.

    `sign` -1 on a credit note, whose amounts are what is given back. ConsumedQuantity must be above zero: a line whose
    working takes something back, as after a change of plan, is one row of its whole quantity.
    """
    quantity, steps = sign * (line.quantity or ZERO), list(_steps(line, sign))
    consumed = [step.consumed for step in steps]
    if not steps or min(consumed) <= 0 or sum(consumed, ZERO) != quantity:
        return _whole(line, sign * line.exact_amount, quantity, sku_price)
    rows = [_row(step, line, f"{sku_price}/{step.name}") for step in steps]
    return rows, sum((Decimal(row["flat_price"]) * sign for row in line.tiers), ZERO)


def _steps(line: InvoiceLine, sign: int) -> Iterator[Step]:
    """Those with a quantity. Packages have one of their own: what they hold is the rest of what was used."""
    unit, rest = unit_of(line), sign * (line.quantity or ZERO)
    for row in line.tiers:
        quantity = sign * Decimal(row["quantity"])
        if not quantity:
            continue
        package = row["kind"] == "package"
        consumed = rest if package else quantity
        rest -= consumed
        priced_in = f"{line.detail.get('package_size', '')} {unit}".strip() if package else unit
        details = {
            "Model": line.detail.get("model", ""),
            "UpTo": row["up_to"],
            "RatePercent": row.get("rate"),
        }
        yield Step(
            name=f"up-to-{row['up_to']}" if row["up_to"] else row["kind"],
            consumed=consumed,
            price=Price(quantity, priced_in, Decimal(row["unit_price"])),
            details={name: value for name, value in details.items() if value},
        )


def _row(step: Step, line: InvoiceLine, sku_price: str) -> dict[str, Cell]:
    return {
        **cost_cells(step.price.quantity * step.price.each),
        **price_cells(step.price),
        **consumed_cells(step.consumed, unit_of(line)),
        "SkuPriceId": sku_price,
        "SkuPriceDetails": json.dumps(step.details, ensure_ascii=False, sort_keys=True),
    }


def _whole(
    line: InvoiceLine, cost: Decimal, quantity: Decimal, sku_price: str
) -> tuple[list[dict[str, Cell]], Decimal]:
    if quantity <= 0 or cost < 0:
        return [], cost
    priced = price_cells(Price(Decimal(1), WHOLE, cost))
    row = {**cost_cells(cost), **priced, **consumed_cells(quantity, unit_of(line)), "SkuPriceId": sku_price}
    return [row], ZERO


def unit_of(line: InvoiceLine) -> str:
    """Never empty: where there is a quantity there is a unit."""
    return line.unit or line.detail.get("unit_code", "") or "unit"
