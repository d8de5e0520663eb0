"""Coupons: percent and amount, over periods and rates, and what a take-back takes back of them."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.pricing.discounts import Coupon, CouponUse, Discount, Left, Share, take_off

D = Decimal
FULL, REDUCED = ("S", D(20)), ("S", D("5.5"))

amounts = st.decimals(0, 10_000, places=2)


def left(*items: tuple[int, tuple[str, Decimal], str]) -> Left:
    return {Share(period, rate): D(amount) for period, rate, amount in items}


def decimals(*texts: str) -> tuple[Decimal, ...]:
    return tuple(D(text) for text in texts)


def off(coupon: Coupon, items: Left) -> Discount:
    discount, after = take_off(coupon, items, items, "EUR")
    assert sum(after.values()) == sum(items.values()) - discount.amount
    assert sum(amount for _, amount in discount.by_rate) == discount.amount
    assert sum(use.discount for use in discount.uses) == discount.amount
    return discount


def test_a_percentage_is_rounded_once_over_all_lines_and_spread_over_rates() -> None:
    discount = off(
        Coupon("WELCOME", percent=D(20)), left((1, FULL, "66.77"), (2, FULL, "49.00"), (2, REDUCED, "10.00"))
    )
    assert discount.amount == D("25.15")
    assert discount.by_rate == ((FULL, D("23.15")), (REDUCED, D("2.00")))
    assert discount.uses == (
        CouponUse(1, D("66.77"), D("13.35")),
        CouponUse(2, D("59.00"), D("11.80")),
    )


def test_a_coupon_may_take_off_everything() -> None:
    assert off(Coupon("FREE", percent=D(100)), left((1, FULL, "49.00"))).amount == D("49.00")


def test_half_a_cent_of_discount_goes_up() -> None:
    assert off(Coupon("C", percent=D(50)), left((1, FULL, "0.01"))).amount == D("0.01")


def test_only_covered_periods() -> None:
    items = left((1, FULL, "100"), (2, FULL, "50"))
    assert off(Coupon("C", percent=D(10), periods=frozenset({2})), items).amount == D("5.00")
    assert off(Coupon("C", percent=D(10), periods=frozenset({7})), items) == Discount("C", D(0), (), ())


def test_an_amount_counts_once_per_period_and_what_it_leaves_lapses() -> None:
    coupon = Coupon("TEN", amount=D("10"))
    assert off(coupon, left((1, FULL, "66.77"), (2, FULL, "49.00"))).amount == D("20.00")
    assert off(coupon, left((1, FULL, "4.00"), (2, FULL, "49.00"))).amount == D("14.00")


def test_an_amount_is_spread_over_the_rates_of_each_period_by_itself() -> None:
    """A cent of each, that cannot be halved: as two invoices of one period would have it."""
    items = left((1, FULL, "1.00"), (1, REDUCED, "1.00"), (2, FULL, "1.00"), (2, REDUCED, "1.00"))
    discount = off(Coupon("CENT", amount=D("0.01")), items)
    assert discount.by_rate == ((FULL, D("0.02")), (REDUCED, D("0.00")))
    assert [use.discount for use in discount.uses] == [D("0.01"), D("0.01")]


def test_an_amount_used_for_the_base_is_not_given_again_for_the_usage() -> None:
    first = off(Coupon("TEN", amount=D("10")), left((1, FULL, "6.00")))
    assert first.uses == (CouponUse(1, D("6.00"), D("6.00")),)
    later = Coupon("TEN", amount=D("10"), used=first.uses)
    assert off(later, left((1, FULL, "30.00"))).amount == D("4.00")
    spent = Coupon("TEN", amount=D("10"), used=(CouponUse(1, D("49"), D("10")),))
    assert off(spent, left((1, FULL, "30.00"))).amount == 0


def test_a_negative_line_of_another_rate_takes_its_part() -> None:
    discount = off(Coupon("C", percent=D(20)), left((1, FULL, "100.00"), (1, REDUCED, "-20.00")))
    assert discount.by_rate == ((FULL, D("20.00")), (REDUCED, D("-4.00")))


def test_nothing_is_taken_off_a_negative_sum() -> None:
    items = left((1, FULL, "-20.00"))
    assert off(Coupon("C", percent=D(20)), items).amount == 0
    assert off(Coupon("C", amount=D(20)), items).amount == 0


def test_a_take_back_takes_back_the_percentage_that_was_given() -> None:
    used = (CouponUse(1, D("49.00"), D("9.80")),)
    assert off(Coupon("C", percent=D(20), used=used), left((1, FULL, "-24.50"))).amount == D("-4.90")
    assert off(Coupon("C", percent=D(20), used=used), left((1, FULL, "-60.00"))).amount == D("-9.80")
    assert off(Coupon("C", percent=D(20), used=used), left((2, FULL, "-24.50"))).amount == 0


def test_a_take_back_takes_back_an_amount_that_the_rest_no_longer_bears() -> None:
    ten = Coupon("C", amount=D(10), used=(CouponUse(1, D("49.00"), D("10.00")),))
    assert off(ten, left((1, FULL, "-24.50"))).amount == 0
    assert off(ten, left((1, FULL, "-45.00"))).amount == D("-6.00")
    assert off(ten, left((1, FULL, "-60.00"))).amount == D("-10.00")
    free = Coupon("C", amount=D(49), used=(CouponUse(1, D("49.00"), D("49.00")),))
    assert off(free, left((1, FULL, "-47.42"))).amount == D("-47.42")


def test_a_period_that_was_never_discounted_and_takes_back_is_set_aside() -> None:
    twenty, items = Coupon("C", percent=D(20)), left((1, FULL, "-30.00"), (2, FULL, "100.00"))
    assert off(twenty, items).uses == (CouponUse(2, D("100.00"), D("20.00")),)
    given = Coupon("C", percent=D(20), used=(CouponUse(1, D("50.00"), D("10.00")),))
    assert off(given, items).uses == (
        CouponUse(1, D("-30.00"), D("-6.00")),
        CouponUse(2, D("100.00"), D("20.00")),
    )


def changed(change: str, *others: tuple[int, tuple[str, Decimal], str]) -> Left:
    """Period 1 with a change of a base price charged before, and other lines."""
    return {Share(1, FULL, change=True): D(change), **left(*others)}


def test_changes_that_take_back_what_was_never_discounted_are_set_aside() -> None:
    twenty = Coupon("C", percent=D(20))
    items = changed("-10.00", (1, FULL, "30.00"))
    assert off(twenty, items).uses == (CouponUse(1, D("30.00"), D("6.00")),)
    given = Coupon("C", percent=D(20), used=(CouponUse(1, D("49.00"), D("9.80")),))
    assert off(given, items).uses == (CouponUse(1, D("20.00"), D("4.00")),)
    ten = Coupon("C", amount=D(10))
    assert off(ten, changed("-25.00", (1, FULL, "30.00"))).amount == D("10.00")


def test_changes_that_add_are_discounted_as_all_lines() -> None:
    twenty = Coupon("C", percent=D(20))
    assert off(twenty, changed("10.00", (1, FULL, "30.00"))).amount == D("8.00")
    back = changed("10.00", (1, FULL, "-30.00"), (2, FULL, "100.00"))
    assert off(twenty, back).uses == (CouponUse(2, D("100.00"), D("20.00")),)
    both = changed("-10.00", (1, FULL, "-5.00"), (2, FULL, "100.00"))
    assert off(twenty, both).uses == (CouponUse(2, D("100.00"), D("20.00")),)


def test_what_cancels_out_is_not_set_aside() -> None:
    """So each tax rate has its part, though they come to nothing together."""
    twenty = Coupon("C", percent=D(20))
    lines = left((1, FULL, "10.00"), (1, REDUCED, "-10.00"), (2, FULL, "100.00"))
    assert off(twenty, lines).by_rate == ((FULL, D("22.00")), (REDUCED, D("-2.00")))
    changes = {
        Share(1, FULL, change=True): D("10.00"),
        Share(1, REDUCED, change=True): D("-10.00"),
        Share(1, FULL): D("30.00"),
    }
    assert off(twenty, changes).by_rate == ((FULL, D("8.00")), (REDUCED, D("-2.00")))


def test_rates_that_nearly_cancel_each_bear_their_part() -> None:
    """A base price at a new rate in place of one at the old: 0.002 together, and still 19.80 for each."""
    lines = left((1, FULL, "99.01"), (1, REDUCED, "-99.00"))
    assert off(Coupon("C", percent=D(20)), lines).by_rate == ((FULL, D("19.80")), (REDUCED, D("-19.80")))


def test_a_period_takes_back_what_was_given_in_it_whatever_others_bear() -> None:
    """4.00 of period 1 and 0.30 of period 2 are all that was given there; 20 % would be 6.00 and 2.00."""
    given = (CouponUse(1, D("20.00"), D("4.00")), CouponUse(2, D("10.00"), D("0.30")))
    items = left((1, FULL, "-30.00"), (2, REDUCED, "-10.00"), (3, FULL, "100.00"))
    discount = off(Coupon("C", percent=D(20), used=given), items)
    assert [use.discount for use in discount.uses] == [D("-4.00"), D("-0.30"), D("20.00")]
    assert discount.by_rate == ((FULL, D("16.00")), (REDUCED, D("-0.30")))


def test_cents_of_periods_are_rounded_so_that_none_takes_back_more_than_was_given() -> None:
    """-0.01, 0.006 and 0.006 are 0.002, so nothing: what was given is 0.01, and no rounding adds to it."""
    given = (CouponUse(1, D("0.05"), D("0.01")),)
    items = left((1, FULL, "-0.05"), (2, FULL, "0.03"), (3, REDUCED, "0.03"))
    discount = off(Coupon("C", percent=D(20), used=given), items)
    assert [use.discount for use in discount.uses] == [D("-0.01"), D("0.01"), D("0.00")]
    assert discount.amount == 0


def test_a_take_back_of_which_nothing_was_given_takes_nothing_back() -> None:
    """Whatever was recorded: an older coupon left nothing, or a document kept a cent too much."""
    for before in ("0", "-0.01"):
        used = (CouponUse(1, D("0"), D(before)),)
        assert off(Coupon("C", percent=D(20), used=used), left((1, FULL, "-24.50"))).amount == 0


def test_changes_of_what_the_coupon_found_are_not_set_aside_though_it_gave_nothing() -> None:
    """An older coupon had taken off all of the base price, so nobody paid what a change gives back."""
    found = (CouponUse(1, D("0"), D("0")),)
    items = changed("-25.00", (1, FULL, "30.00"))
    assert off(Coupon("C", percent=D(20), used=found), items).uses == (CouponUse(1, D("5.00"), D("1.00")),)


def test_what_is_set_aside_is_told_by_the_lines_not_by_what_older_coupons_left() -> None:
    """A cent of rounding does not make changes that cancel out into a take-back."""
    lines = {
        Share(1, FULL, change=True): D("1.00"),
        Share(1, REDUCED, change=True): D("-1.00"),
        Share(1, FULL): D("30.00"),
    }
    net = dict(zip(lines, decimals("0.49", "-0.50", "15.01"), strict=True))
    discount, _ = take_off(Coupon("C", amount=D(20)), lines, net, "EUR")
    assert discount.uses == (CouponUse(1, D("15.00"), D("15.00")),)


@pytest.mark.parametrize(
    ("percent", "amount"),
    [(None, None), (D(10), D(10)), (D(-1), None), (D(101), None), (None, D(-1))],
)
def test_a_coupon_is_a_percentage_or_an_amount(percent: Decimal | None, amount: Decimal | None) -> None:
    with pytest.raises(ValueError, match="coupon X"):
        Coupon("X", percent, amount)


coupons = st.one_of(
    st.builds(lambda n: Coupon("P", percent=n), st.decimals(0, 100, places=1)),
    st.builds(lambda n: Coupon("A", amount=n), amounts),
)


@given(coupons, amounts, st.decimals(0, 1, places=3))
def test_a_refund_never_pays_out_what_was_not_paid(coupon: Coupon, base: Decimal, part: Decimal) -> None:
    given_first = off(coupon, left((1, FULL, str(base))))
    refund = -(base * part).quantize(D("0.01"))
    again = Coupon(coupon.code, coupon.percent, coupon.amount, used=given_first.uses)
    given_back = off(again, left((1, FULL, str(refund))))
    assert given_back.amount <= 0
    assert given_first.amount + given_back.amount >= 0
    paid, returned = base - given_first.amount, -(refund - given_back.amount)
    assert 0 <= returned <= paid
