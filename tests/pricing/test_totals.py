"""The foot of an invoice: figures worked out by hand, and random invoices that add up."""

from decimal import ROUND_HALF_UP, Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.pricing.discounts import Coupon, CouponUse
from billing.pricing.money import minor_units, quantum
from billing.pricing.taxes import NOT_TAXED, REVERSE_CHARGE, Tax
from billing.pricing.totals import TaxedLine, totals

D = Decimal
FR20 = Tax("fr-20", "TVA 20 %", D(20), "S")
FR55 = Tax("fr-5.5", "TVA 5,5 %", D("5.5"), "S")
EXEMPT = Tax("fr-exempt", "Exonéré", D(0), "E")
WELCOME = Coupon("WELCOME", percent=D(20))
NONE = D(0)


def test_the_whole_order() -> None:
    lines = [
        TaxedLine(D("66.77"), FR20, 1),
        TaxedLine(D("49.00"), FR20, 2),
        TaxedLine(D("10.00"), FR55, 2),
    ]
    foot = totals(lines, [WELCOME], D("100.00"), "EUR")
    assert foot.subtotal == D("125.77")
    assert [(d.code, d.amount) for d in foot.discounts] == [("WELCOME", D("25.15"))]
    assert [(t.code, t.name, t.rate, t.category, t.discount, t.taxable, t.amount) for t in foot.taxes] == [
        ("fr-20", "TVA 20 %", D(20), "S", D("23.15"), D("92.62"), D("18.52")),
        ("fr-5.5", "TVA 5,5 %", D("5.5"), "S", D("2.00"), D("8.00"), D("0.44")),
    ]
    assert (foot.discount_total, foot.tax_total, foot.total) == (D("25.15"), D("18.96"), D("119.58"))
    assert (foot.credits_applied, foot.amount_due) == (D("100.00"), D("19.58"))
    assert not foot.is_credit_note


def test_tax_is_rounded_once_per_rate_and_not_per_line() -> None:
    foot = totals([TaxedLine(D("0.02"), FR20)] * 3, [], NONE, "EUR")
    assert (foot.tax_total, foot.total) == (D("0.01"), D("0.07"))


def test_half_a_cent_of_tax_goes_up() -> None:
    assert totals([TaxedLine(D("0.10"), FR55)], [], NONE, "EUR").tax_total == D("0.01")
    assert totals([TaxedLine(D("1.00"), FR55)], [], NONE, "EUR").tax_total == D("0.06")


def test_coupons_take_off_what_the_older_ones_left() -> None:
    lines = [TaxedLine(D("100.00"), FR20, 1)]
    foot = totals(
        lines, [Coupon("A", amount=D(30)), Coupon("B", percent=D(10)), Coupon("C", amount=D(99))], NONE, "EUR"
    )
    assert [(d.code, d.amount) for d in foot.discounts] == [("A", D(30)), ("B", D(7)), ("C", D(63))]
    assert (foot.total, foot.taxes[0].taxable, foot.amount_due) == (NONE, NONE, NONE)


def test_a_coupon_that_takes_nothing_off_is_left_out() -> None:
    lines = [TaxedLine(D("100.00"), FR20, 1), TaxedLine(D("5.00"), FR20)]
    foot = totals(lines, [Coupon("A", percent=D(100), periods=frozenset({2}))], NONE, "EUR")
    assert (foot.discounts, foot.subtotal, foot.total) == ((), D("105.00"), D("126.00"))


def test_a_line_without_a_period_is_never_discounted() -> None:
    foot = totals([TaxedLine(D("5.00"), FR20, 1), TaxedLine(D("5.00"), FR20)], [WELCOME], NONE, "EUR")
    assert (foot.discount_total, foot.taxes[0].taxable) == (D("1.00"), D("9.00"))


def test_a_line_changes_no_base_price_unless_it_says_so() -> None:
    """What takes back a base price that was never discounted is set aside, and it alone."""
    lines = [TaxedLine(D("-10.00"), FR20, 1, change=True), TaxedLine(D("30.00"), FR20, 1)]
    assert totals(lines, [WELCOME], NONE, "EUR").discount_total == D("6.00")


def test_an_amount_stays_with_the_lines_of_its_period() -> None:
    lines = [TaxedLine(D("4.00"), FR20, 1), TaxedLine(D("100.00"), FR55, 2)]
    foot = totals(lines, [Coupon("A", amount=D(10))], NONE, "EUR")
    assert [tax.discount for tax in foot.taxes] == [D("4.00"), D("10.00")]


@pytest.mark.parametrize(
    ("amount", "billed", "used", "discount"),
    [
        ("3.00", "100.00", "0.00", "3.00"),
        ("-2.00", "5.00", "10.00", "-2.00"),
    ],
)
def test_whatever_was_recorded_no_discount_is_larger_than_its_line(
    amount: str, billed: str, used: str, discount: str
) -> None:
    coupon = Coupon("A", amount=D(10), used=(CouponUse(1, D(billed), D(used)),))
    assert totals([TaxedLine(D(amount), FR20, 1)], [coupon], NONE, "EUR").discount_total == D(discount)


def test_rates_are_told_apart_by_category_and_not_by_code() -> None:
    twin = Tax("fr-20-bis", "TVA", D("20.0"), "S")
    lines = [
        TaxedLine(D(1), EXEMPT),
        TaxedLine(D(2), NOT_TAXED),
        TaxedLine(D(4), FR20),
        TaxedLine(D(8), twin),
    ]
    foot = totals([*lines, TaxedLine(D(16), REVERSE_CHARGE)], [], NONE, "EUR")
    assert [(t.code, t.category, t.taxable, t.amount) for t in foot.taxes] == [
        ("fr-exempt", "E", D(1), D(0)),
        ("not-taxed", "O", D(2), D(0)),
        ("fr-20", "S", D(12), D("2.40")),
        ("reverse-charge", "AE", D(16), D(0)),
    ]


def test_negative_lines_lower_their_own_rate() -> None:
    lines = [TaxedLine(D("74.50"), FR20), TaxedLine(D("-24.50"), FR20), TaxedLine(D("-10.00"), FR55)]
    foot = totals(lines, [], NONE, "EUR")
    assert [(t.taxable, t.amount) for t in foot.taxes] == [
        (D("50.00"), D("10.00")),
        (D("-10.00"), D("-0.55")),
    ]
    assert foot.total == D("49.45")


def test_a_negative_sum_is_a_credit_note_and_uses_no_credit() -> None:
    foot = totals([TaxedLine(D("-24.50"), FR20, 1)], [WELCOME], D("50"), "EUR")
    assert foot.is_credit_note
    assert (foot.discounts, foot.total, foot.credits_applied, foot.amount_due) == (
        (), D("-29.40"), NONE, D("-29.40"),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("currency", "amount", "discount", "tax", "total"),
    [
        ("JPY", "1234", "247", "197", "1184"),
        ("EUR", "12.34", "2.47", "1.97", "11.84"),
        ("KWD", "1.234", "0.247", "0.197", "1.184"),
    ],
)
def test_currencies_of_0_2_and_3_digits(
    currency: str, amount: str, discount: str, tax: str, total: str
) -> None:
    foot = totals([TaxedLine(D(amount), FR20, 1)], [WELCOME], NONE, currency)
    assert (foot.discount_total, foot.tax_total, foot.total) == (D(discount), D(tax), D(total))
    for figure in (foot.subtotal, foot.tax_total, foot.total, foot.credits_applied, foot.amount_due):
        assert figure.as_tuple().exponent == -minor_units(currency)


def test_no_lines() -> None:
    foot = totals([], [WELCOME], D(5), "EUR")
    assert (foot.subtotal, foot.taxes, foot.total, foot.amount_due) == (NONE, (), NONE, NONE)
    assert not foot.is_credit_note


def test_one_cent_owed_to_the_customer_is_a_credit_note() -> None:
    assert totals([TaxedLine(D("-0.01"), EXEMPT)], [], NONE, "EUR").is_credit_note


def test_unrounded_lines_and_negative_credits_are_refused() -> None:
    with pytest.raises(ValueError, match="minor units"):
        totals([TaxedLine(D("0.005"), FR20)], [], NONE, "EUR")
    with pytest.raises(ValueError, match="cannot be applied"):
        totals([], [], D("-0.01"), "EUR")


def test_amounts_beyond_28_digits_stay_exact() -> None:
    huge = D("99999999999999999999999999999999999.99")
    foot = totals([TaxedLine(huge, FR20, 1)], [], NONE, "EUR")
    assert foot.total == D("119999999999999999999999999999999999.99")


taxes = st.sampled_from([FR20, FR55, EXEMPT, REVERSE_CHARGE, Tax("odd", "Odd", D("8.875"), "S")])
coupons = st.lists(
    st.one_of(
        st.builds(
            lambda n, p: Coupon("P", percent=n, periods=p),
            st.decimals(0, 100, places=2),
            st.none() | st.frozensets(st.integers(1, 3)),
        ),
        st.builds(
            lambda n, p: Coupon("A", amount=D(n), periods=p),
            st.integers(0, 500),
            st.none() | st.frozensets(st.integers(1, 3)),
        ),
    ),
    max_size=4,
)


@given(
    st.lists(st.tuples(st.integers(-50_000, 200_000), taxes, st.none() | st.integers(1, 3)), max_size=12),
    coupons,
    st.integers(0, 100_000),
    st.sampled_from(["EUR", "JPY", "KWD"]),
)
def test_random_invoices_add_up(
    rows: list[tuple[int, Tax, int | None]], given_coupons: list[Coupon], credit: int, currency: str
) -> None:
    unit = quantum(currency)
    lines = [TaxedLine(cents * unit, tax, period) for cents, tax, period in rows]
    foot = totals(lines, given_coupons, credit * unit, currency)
    assert foot.subtotal == sum(line.amount for line in lines)
    assert foot.total == foot.subtotal - foot.discount_total + foot.tax_total
    assert foot.tax_total == sum(tax.amount for tax in foot.taxes)
    assert foot.subtotal - foot.discount_total == sum(tax.taxable for tax in foot.taxes)
    assert foot.discount_total == sum(tax.discount for tax in foot.taxes)
    for tax in foot.taxes:
        assert tax.amount == (tax.taxable * tax.rate / 100).quantize(unit, ROUND_HALF_UP)
    for discount in foot.discounts:
        assert discount.amount > 0
        assert sum(amount for _, amount in discount.by_rate) == discount.amount
    assert 0 <= foot.credits_applied <= max(foot.total, D(0))
    assert foot.amount_due == foot.total - foot.credits_applied
    assert foot.amount_due >= 0 or foot.is_credit_note


@given(st.lists(st.tuples(st.integers(0, 200_000), taxes), max_size=8), coupons)
def test_no_discount_takes_a_rate_below_zero(
    rows: list[tuple[int, Tax]], given_coupons: list[Coupon]
) -> None:
    lines = [TaxedLine(D(cents).scaleb(-2), tax, 1) for cents, tax in rows]
    for tax in totals(lines, given_coupons, NONE, "EUR").taxes:
        assert tax.taxable >= 0
        assert tax.discount >= 0
