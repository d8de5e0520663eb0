"""Invoices as text that a person can read, compared with the file that was checked before.

`UPDATE_GOLDEN=1 uv run pytest tests/scenarios -n0` writes the files anew; read what changed before you keep it.
Times are those of the customer's zone. Numbers count from the scenario's first document: how many other scenarios ran
before it is not its matter.
"""

import difflib
import os
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from tests.scenarios.customer import Customer

FOLDER = Path(__file__).parent / "golden"
WIDTH = 100


def check_golden(name: str, about: str, customers: Sequence[Customer]) -> None:
    """The documents of `customers` are what the golden file says, to the letter."""
    text = document(about, customers)
    file = FOLDER / f"{name}.txt"
    if os.environ.get("UPDATE_GOLDEN") == "1":
        file.write_text(text)
    kept = file.read_text() if file.exists() else ""
    if text != kept:
        lines = difflib.unified_diff(
            kept.splitlines(), text.splitlines(), f"golden/{name}.txt", "issued", lineterm=""
        )
        raise AssertionError("the invoices are not those of the golden file:\n" + "\n".join(lines))


def document(about: str, customers: Sequence[Customer]) -> str:
    issued = {customer.code: customer.invoices() for customer in customers}
    numbers = renumbered([one for found in issued.values() for one in found])
    parts = [textwrap.fill(" ".join(about.split()), WIDTH)]
    for customer in customers:
        title = f"{customer.code}: {customer.currency}, {customer.timezone}, {customer.country}"
        parts.append(f"{'=' * WIDTH}\n{title}\n{'=' * WIDTH}")
        parts += ["\n".join(_invoice(one, numbers, customer.zone)) for one in issued[customer.code]]
    return "\n\n".join(parts) + "\n"


def renumbered(invoices: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """Each number counted from the scenario's first of its series. No number may be missing in between."""
    shown = dict[str, str]()
    for kind in ("invoice", "credit_note"):
        numbers = sorted(one["number"] for one in invoices if one["kind"] == kind)
        counts = [int(number.rpartition("-")[2]) for number in numbers]
        assert counts == list(range(counts[0], counts[0] + len(counts))) if counts else True, numbers
        for place, number in enumerate(numbers, 1):
            shown[number] = f"{number.rpartition('-')[0]}-{place:06}"
    return shown


def _invoice(invoice: Mapping[str, Any], numbers: Mapping[str, str], zone: ZoneInfo) -> Iterator[str]:
    kind = invoice["kind"].replace("_", " ")
    day = [_local(invoice[name], zone).split(" ")[0] for name in ("issued_at", "due_at")]
    yield f"{numbers[invoice['number']]}  {kind}, {invoice['status']}, of {day[0]}, due {day[1]}"
    yield f"for {_span(invoice, zone)}"
    yield "-" * WIDTH
    for line in invoice["lines"]:
        yield from _line(line, zone)
    yield _sum("subtotal", invoice["subtotal"])
    for discount in invoice["discounts"]:
        yield _sum(f"coupon {discount['coupon']}", f"-{discount['amount']}")
    for tax in invoice["taxes"]:
        yield _sum(f"{tax['name']}: {tax['rate']} % of {tax['taxable']} ({tax['category']})", tax["amount"])
    yield _sum("total", invoice["total"])
    if Decimal(invoice["credits_applied"]):
        yield _sum("credit", f"{'-' if invoice['kind'] == 'invoice' else '+'}{invoice['credits_applied']}")
    yield _sum(f"due, {invoice['currency']}", invoice["amount_due"])


def _line(line: Mapping[str, Any], zone: ZoneInfo) -> Iterator[str]:
    quantity = (
        f"{line['quantity']} {line['unit'] or ''}".strip() if line["quantity"] not in {None, "0"} else ""
    )
    yield f"{f'{line["kind"]}: {line["description"]}':<48} {quantity:>30} {line['amount']:>{WIDTH - 80}}"
    exact = (
        ""
        if Decimal(line["exact_amount"]) == Decimal(line["amount"])
        else f", exactly {line['exact_amount']}"
    )
    yield f"    {_span(line, zone)}{exact}"
    for row in line["tiers"]:
        flat = f" + {row['flat_price']}" if Decimal(row["flat_price"]) else ""
        up_to = f" (up to {row['up_to']})" if row["up_to"] else ""
        of = f" [{row['kind']}]" if row.get("kind") else ""
        yield f"    {row['quantity']} x {row['unit_price']}{flat} = {row['amount']}{up_to}{of}"


def _sum(name: str, amount: str) -> str:
    return f"{name:>{WIDTH - 21}} {amount:>20}"


def _span(thing: Mapping[str, Any], zone: ZoneInfo) -> str:
    return f"{_local(thing['period']['start'], zone)} to {_local(thing['period']['end'], zone)}"


def _local(instant: str, zone: ZoneInfo) -> str:
    found = datetime.fromisoformat(instant).astimezone(UTC).astimezone(zone)
    return f"{found:%Y-%m-%d %H:%M%:z}"
