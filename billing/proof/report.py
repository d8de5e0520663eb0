"""What `plainbill-verify` prints: each line with its working, then the foot, and what was taken as written."""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any, Final

from billing.pricing.money import plain, round_money
from billing.proof.check import Check, Checked, State
from billing.proof.facts import Document
from billing.proof.foot import Figure
from billing.proof.sums import Key

MAX_SHOWN: Final = 500
"""Characters of a text of the archive."""

SAID: Final = {
    State.EQUAL: "ok",
    State.DIFFERENT: "DIFFERENT",
    State.AGREED: "taken as written",
    State.PURGED: "NOT RECOMPUTED",
    State.CORRECTED: "NOT RECOMPUTED",
}
WHY: Final = {
    State.AGREED: "an adjustment that was agreed: nothing in the archive says what it should be",
    State.PURGED: "the events of its period are past their legal term and no longer kept",
    State.CORRECTED: "an event of its period was corrected since; what it said before is not kept",
}
NAMES: Final = {
    "subtotal": "Subtotal",
    "discount": "Discount",
    "taxable": "Taxable at",
    "tax": "Tax at",
    "tax_total": "Tax",
    "total": "Total",
    "credits_applied": "Became credit",
    "amount_due": "Amount due",
}
FIGURES: Final = {
    "amount": "amount",
    "exact_amount": "exact amount",
    "quantity": "quantity",
    "tiers": "working",
    "before": "usage and price that it goes on from",
}


def report(check: Check) -> Iterator[str]:
    """Line by line."""
    document = check.proof.document
    what = "Credit note" if document.credit_note else "Invoice"
    yield f"{what} {printable(document.number)}, {document.currency}: {check.events} events"
    for one in check.lines:
        yield ""
        yield from _line(one, document)
    yield ""
    for figure in check.foot:
        yield _figure(figure, document)
    yield ""
    yield from _end(check)


def first_difference(check: Check) -> str:
    """What is wrong first, or what could not be priced; "" if nothing is."""
    document = check.proof.document
    for one in check.lines:
        if one.state is State.DIFFERENT:
            return f"{_name(one)}: {_difference(one, document)}"
    for figure in check.foot:
        if not figure.equal:
            should, stated = (_money(value, document) for value in (figure.should, figure.stated))
            return f"{_label(figure)}: {should} by its lines, {stated} on the document"
    return next((f"{_name(one)}: {WHY[one.state]}" for one in check.unpriced), "")


def _line(one: Checked, document: Document) -> Iterator[str]:
    yield _name(one)
    yield from (f"    {row}" for row in _working(one))
    should = "–" if one.should is None else _money(one.should.amount, document)
    yield f"  recomputed {should}, on the document {_money(one.stated, document)}: {SAID[one.state]}"
    if one.state is State.DIFFERENT:
        yield f"  {_difference(one, document)}"
    if one.state in WHY:
        yield f"  {WHY[one.state]}"


def _name(one: Checked) -> str:
    if one.line is None:
        return f"No line for {_key(one.owed.key) if one.owed else 'usage'}"
    return f"Line {one.line.place}, {one.line.kind}: {printable(one.line.shown.get('description'))}"


def _key(key: Key) -> str:
    return printable(" ".join(part for part in (key[0], key[1] or key[2]) if part))


def _working(one: Checked) -> Iterator[str]:
    owed, line = one.owed, one.line
    if owed is not None and owed.priced is not None:
        unit = printable(line.shown.get("unit")) if line else ""
        if owed.priced.kind == "usage":
            yield f"{owed.events} events, {plain(owed.sum.quantity)} {unit}".rstrip()
        for row in owed.priced.tiers:
            yield _row(row.as_data())
        before = owed.priced.before
        if before is not None:
            yield f"goes on from {plain(before.quantity)}, priced {plain(before.exact_amount)}"
        yield f"= {plain(owed.sum.exact_amount)}"
    elif line is not None and line.days is not None and one.should is not None:
        back = " given back" if line.days.back else ""
        yield (
            f"{plain(one.should.quantity)} of {line.days.full_days} days{back}, {line.days.first_day} up to, "
            f"not including, {line.days.end_day} = {plain(one.should.exact_amount)}"
        )
    elif owed is not None and line is not None and line.kind == "late_usage":
        yield f"the period now, less what was invoiced for it before = {plain(owed.sum.exact_amount)}"


def _row(row: Mapping[str, str | None]) -> str:
    flat = f" + {row['flat_price']}" if row["flat_price"] != "0" else ""
    return f"{row['kind']}: {row['quantity']} × {row['unit_price']}{flat} = {row['amount']}"


def _difference(one: Checked, document: Document) -> str:
    if one.line is None or one.should is None or one.first in ("tiers", "before"):
        if one.line is None:
            due = _money(one.should.amount if one.should else Decimal(0), document)
            return f"{due} by its events, nothing on the document"
        return f"{FIGURES[one.first]}: not that of its events"
    should, stated = getattr(one.should, one.first), getattr(one.line, one.first)
    source = "by its days" if one.line.days else "by its events"
    if one.first == "amount":
        return f"{_money(should, document)} {source}, {_money(stated, document)} on the document"
    return f"{FIGURES[one.first]}: {plain(should)} {source}, {plain(stated)} on the document"


def _figure(figure: Figure, document: Document) -> str:
    should, stated = (_money(value, document) for value in (figure.should, figure.stated))
    said = "ok" if figure.equal else "DIFFERENT"
    return f"{_label(figure)}: recomputed {should}, on the document {stated}: {said}"


def _label(figure: Figure) -> str:
    return f"{NAMES[figure.name]} {printable(figure.of)}".strip()


def _end(check: Check) -> Iterator[str]:
    agreed = sum(one.state is State.AGREED for one in check.lines)
    recomputed = sum(one.should is not None for one in check.lines)
    yield f"{recomputed} lines recomputed, {agreed} taken as written, {len(check.unpriced)} not recomputed."
    if check.holds:
        yield "Every figure that follows from something is right."
    elif check.differences:
        yield f"{check.differences} differences. The first: {first_difference(check)}"
    else:
        yield f"Nothing differs, but not all was checked: {first_difference(check)}"


def _money(amount: Decimal, document: Document) -> str:
    """As the document writes it: a credit note's amounts are what is given back."""
    signed = document.sign * amount
    rounded = round_money(signed, document.currency)
    return f"{rounded:f}" if rounded == signed else plain(signed)


def printable(text: Any) -> str:
    """A text of the archive, without what would move a terminal's cursor."""
    signs = (" " if sign.isspace() else sign for sign in str(text or "")[:MAX_SHOWN])
    return "".join(sign if sign.isprintable() else "�" for sign in signs)
