"""The table of lines: groups by what they are for, each line with its working, figures in columns."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import groupby
from typing import Final

from billing.invoices.models import InvoiceLine
from billing.invoices.paper.figures import Figure, Figures, places_of
from billing.invoices.paper.headings import group_of, heading
from billing.invoices.paper.words import Words, words_of
from billing.invoices.paper.working import Row, Working, working
from billing.pricing.money import ZERO, minor_units, round_places

MANY: Final = 8
"""Rows from which on a line may be broken over pages."""

LONG: Final = 10
HUGE: Final = 13
"""Digits before the point from which on the columns are set wider and figures smaller."""

DEAR: Final = 9
"""Digits of a unit price, those behind the point included, from which on its column is set wider."""


@dataclass(frozen=True, slots=True)
class Cell:
    """A figure and the class that puts its decimal point under the others'."""

    text: str = ""
    css: str = ""


@dataclass(frozen=True, slots=True)
class PaperRow:
    label: str
    quantity: str
    price: Cell
    exact: Cell


@dataclass(frozen=True, slots=True)
class PaperLine:
    """A line as printed; `spanning` ones have neither quantity nor price."""

    place: int
    name: str
    sub: str
    quantity: str
    price: Cell
    exact: Cell
    rate: str
    amount: str
    rows: tuple[PaperRow, ...]
    spanning: bool
    many: bool
    is_waiver: bool


@dataclass(frozen=True, slots=True)
class Group:
    title: str
    sub: str
    lines: tuple[PaperLine, ...]


@dataclass(frozen=True, slots=True)
class Table:
    groups: tuple[Group, ...]
    css: str
    price_css: str


@dataclass(frozen=True, slots=True)
class _Entry:
    """A line before its columns are known."""

    line: InvoiceLine
    words: Words
    working: Working


class _Columns:
    """How many decimals the columns of prices and exact amounts show at most."""

    def __init__(self, entries: Iterable[_Entry], figures: Figures) -> None:
        self.figures, self.least = figures, minor_units(figures.currency)
        self.prices = self.exacts = self.least
        self.before_point = 1
        for entry in entries:
            shown = [
                (entry.words.price, entry.line.exact_amount),
                *((r.price, r.exact) for r in entry.working.rows),
            ]
            for price, exact in shown:
                self.exacts = max(self.exacts, self._figure(exact).places)
                if price is not None:
                    self.prices = max(self.prices, self._figure(price).places)
                    self.before_point = max(self.before_point, _whole_digits(price))

    @property
    def is_dear(self) -> bool:
        return self.before_point + self.prices >= DEAR

    def price(self, value: Decimal | None) -> Cell:
        return Cell() if value is None else self._cell(value, self.prices)

    def exact(self, value: Decimal) -> Cell:
        return self._cell(value, self.exacts)

    def _cell(self, value: Decimal, places: int) -> Cell:
        figure = self._figure(value)
        return Cell(figure.text, f"m{places - figure.places}" if figure.places < places else "")

    def _figure(self, value: Decimal) -> Figure:
        return self.figures.figure(value, self.least)


def table_of(lines: Sequence[InvoiceLine], figures: Figures, zone: str) -> Table:
    """The table of an issued document's lines, in their order."""
    entries = [_entry(line, figures) for line in lines]
    columns = _Columns(entries, figures)
    rates = max((places_of(line.tax_rate) for line in lines), default=0)
    groups = []
    for key, found in groupby(entries, key=lambda entry: group_of(entry.line)):
        of_group = list(found)
        title, sub = heading(key, [entry.line for entry in of_group], figures.locale, zone)
        groups.append(Group(title, sub, tuple(_line(entry, columns, max(1, rates)) for entry in of_group)))
    most = max((_digits(line) for line in lines), default=0)
    price_css = f"m{columns.prices - columns.least}" if columns.prices > columns.least else ""
    size = "wide huge" if most >= HUGE else "wide" if most >= LONG else ""
    css = f"{size} dear".strip() if columns.is_dear else size
    return Table(tuple(groups), css, price_css)


def _entry(line: InvoiceLine, figures: Figures) -> _Entry:
    worked = working(line.tiers, line.detail, figures)
    return _Entry(line, words_of(line, worked, figures), worked)


def _line(entry: _Entry, columns: _Columns, rates: int) -> PaperLine:
    line, words, figures = entry.line, entry.words, columns.figures
    rows = () if entry.working.single else tuple(_row(row, columns) for row in entry.working.rows)
    return PaperLine(
        place=line.position,
        name=words.name,
        sub=words.sub,
        quantity="" if words.quantity is None else figures.figure(words.quantity).text,
        price=columns.price(words.price),
        exact=columns.exact(line.exact_amount),
        rate=figures.number(round_places(line.tax_rate, rates), rates),
        amount=figures.amount(line.amount),
        rows=rows,
        spanning=words.quantity is None,
        many=len(rows) > MANY,
        is_waiver="limit_waiver" in (line.kind, line.detail.get("corrects")),
    )


def _row(row: Row, columns: _Columns) -> PaperRow:
    quantity = "" if row.quantity is None else columns.figures.figure(row.quantity).text
    return PaperRow(row.label, quantity, columns.price(row.price), columns.exact(row.exact))


def _digits(line: InvoiceLine) -> int:
    """Digits before the point of the line's longest figure."""
    return max(_whole_digits(value) for value in (line.quantity or ZERO, line.amount, line.exact_amount))


def _whole_digits(value: Decimal) -> int:
    return max(value.adjusted() + 1, 1) if value else 1
