"""Credit notes by hand: shares of discounts and taxes, bounds, and an invoice that comes to exactly zero at the end."""

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from billing.pricing.discounts import Coupon
from billing.pricing.given_back import ChargedLine, GiveBackError, GivenBack, give_back
from billing.pricing.money import ZERO, exact, quantum
from billing.pricing.taxes import Tax
from billing.pricing.totals import TaxedLine, totals

D = Decimal
NORMAL, REDUCED = ("S", D(20)), ("S", D("5.5"))


def lines(*amounts: str, rate: tuple[str, Decimal] = NORMAL) -> list[ChargedLine]:
    return [ChargedLine(place, D(amount), rate) for place, amount in enumerate(amounts, 1)]


def again(rows: list[ChargedLine], note: GivenBack) -> list[ChargedLine]:
    return [replace(row, given=row.given + note.lines.get(row.key, ZERO)) for row in rows]


def back(
    rows: list[ChargedLine],
    wanted: Mapping[object, str] | None = None,
    off: Mapping[tuple[str, Decimal], Decimal] | None = None,
    coupons: tuple[Decimal, ...] = (),
    currency: str = "EUR",
) -> GivenBack:
    parts = None if wanted is None else {key: D(amount) for key, amount in wanted.items()}
    return give_back(rows, off or {}, coupons, parts, currency)


def test_a_part_carries_its_share_of_discount_and_tax() -> None:
    """60.00 of 120.00 at 20 %, 12.00 off by two coupons: half of everything."""
    rows = lines("100", "20")
    note = back(rows, {1: "60"}, {NORMAL: D(12)}, (D(9), D(3)))
    assert (note.subtotal, note.discounts, note.tax_total) == (D(60), (D("4.50"), D("1.50")), D("10.80"))
    assert note.total == D("64.80")
    rest = back(again(rows, note), None, {NORMAL: D(12)}, (D(9), D(3)))
    assert note.total + rest.total == D("129.60")


def test_roundings_do_not_add_up() -> None:
    """A cent at a time, 20 % of each would be nothing; together they bear the tax of the whole."""
    rows, taxes = lines("0.10"), []
    for _ in range(10):
        note = back(rows, {1: "0.01"})
        rows = again(rows, note)
        taxes.append(note.tax_total)
    assert sum(taxes) == D("0.02")
    assert set(taxes) == {D("0.00"), D("0.01")}


@pytest.mark.parametrize(
    ("wanted", "key", "left"),
    [
        ({1: "100.01"}, 1, "100"),
        ({1: "-1"}, 1, "100"),
        ({2: "10"}, 2, "-40"),
        ({1: "0.001"}, 1, "100"),
        ({9: "1"}, 9, "0"),
        ({1: "61"}, None, "60"),
        ({2: "-40"}, None, "60"),
        ({}, None, "72"),
        ({1: "40", 2: "-40"}, None, "72"),
    ],
)
def test_more_than_there_is_is_refused(wanted: dict[object, str], key: object, left: str) -> None:
    """100.00 with a waiver of 40.00: 60.00 may go back at most, and nothing below zero."""
    with pytest.raises(GiveBackError) as caught:
        back(lines("100", "-40"), wanted)
    assert (caught.value.key, caught.value.left) == (key, D(left))


def test_not_more_than_the_sum_of_all_rates() -> None:
    """One rate in the customer's favour: what the other charged goes back up to the document's sum only."""
    rows = [ChargedLine(1, D(100), NORMAL), ChargedLine(2, D(-50), REDUCED)]
    with pytest.raises(GiveBackError) as caught:
        back(rows, {1: "100"})
    assert caught.value.left == D("67.25")
    assert back(rows, {1: "50"}).total == D(60)
    assert back(rows).total == D("67.25")


def test_lines_that_cancel_out_give_their_discount_back_with_the_whole() -> None:
    rows = [*lines("10", "-10"), ChargedLine(3, D(50), REDUCED)]
    off, coupons = {NORMAL: D(-1), REDUCED: D(5)}, (D(4),)
    note = back(rows, {3: "25"}, off, coupons)
    assert note.discounts == (D("2.50"),)
    rest = back(again(rows, note), None, off, coupons)
    assert note.discounts[0] + rest.discounts[0] == D(4)
    assert note.total + rest.total == D(1) + D("0.20") + D(45) + D("2.48")


def test_discounts_that_cancel_out() -> None:
    rows, off = [*lines("10"), ChargedLine(3, D(50), REDUCED)], {NORMAL: D(-1), REDUCED: D(1)}
    note = back(rows, {3: "50"}, off, (D(1), D(-1)))
    assert note.discounts == (D(0), D(1)), "the last bears what there is"
    assert sum(note.discounts) == note.subtotal + note.tax_total - note.total


amounts = st.integers(-3_000, 9_000)


@st.composite
def invoices(draw: st.DrawFn) -> tuple[str, list[ChargedLine], dict, tuple[Decimal, ...], Decimal]:  # type: ignore[type-arg]
    """Lines of two rates and coupons over them, as `totals` makes an invoice of them."""
    currency = draw(st.sampled_from(["EUR", "JPY", "KWD"]))
    unit = quantum(currency)
    drawn = draw(st.lists(st.tuples(amounts, st.sampled_from([NORMAL, REDUCED])), min_size=1, max_size=6))
    coupons = [
        Coupon(f"C{n}", percent=D(p)) for n, p in enumerate(draw(st.lists(st.integers(1, 60), max_size=2)))
    ]
    taxed = [TaxedLine(n * unit, Tax("t", "t", rate[1], rate[0]), period=1) for n, rate in drawn]
    foot = totals(taxed, coupons, ZERO, currency)
    rows = [ChargedLine(place, n * unit, rate) for place, (n, rate) in enumerate(drawn)]
    off = {(tax.category, tax.rate): tax.discount for tax in foot.taxes}
    return currency, rows, off, tuple(each.amount for each in foot.discounts), foot.total


@exact()
def check(note: GivenBack, unit: Decimal) -> None:
    assert note.total > 0
    assert sum(note.discounts) == sum(rate.discount for rate in note.rates)
    assert note.subtotal == sum(note.lines.values())
    assert note.subtotal - sum(note.discounts) + note.tax_total == note.total
    for rate in note.rates:
        assert rate.lines - rate.discount == rate.taxable
        assert abs(rate.tax - rate.taxable * rate.rate[1] / 100) <= unit, "a unit off at most"


@given(invoices(), st.data())
@settings(max_examples=400)
def test_any_sequence_of_notes_ends_at_exactly_zero(invoice: tuple, data: st.DataObject) -> None:  # type: ignore[type-arg]
    currency, rows, off, coupons, total = invoice
    unit, returned = quantum(currency), ZERO
    for _ in range(data.draw(st.integers(0, 4))):
        wanted = {
            row.key: unit * data.draw(st.integers(*sorted((0, int(row.left / unit)))))
            for row in rows
            if data.draw(st.booleans())
        }
        try:
            note = give_back(rows, off, coupons, wanted, currency)
        except GiveBackError:
            continue
        check(note, unit)
        rows, returned = again(rows, note), returned + note.total
        assert returned <= total
    if returned >= total:
        with pytest.raises(GiveBackError):
            give_back(rows, off, coupons, None, currency)
        return
    last = give_back(rows, off, coupons, None, currency)
    check(last, unit)
    assert returned + last.total == total
    assert all(row.left == 0 for row in again(rows, last))
