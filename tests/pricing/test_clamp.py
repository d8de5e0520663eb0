"""The limit promise: examples by hand, and every sequence of limit changes and usage."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.pricing.clamp import (
    Action,
    Clamped,
    LimitVersion,
    Payable,
    account_and_meters,
    payable,
    start_version,
)

D = Decimal
NONE = D(0)
START = datetime(2026, 3, 1, tzinfo=UTC)
Step = tuple[Decimal | None, Action] | Decimal


def stop(amount: str | None, usage: str = "0", owed: str = "0", day: int = 0) -> LimitVersion:
    limit = None if amount is None else D(amount)
    return LimitVersion(START + timedelta(days=day), limit, "stop", D(usage), D(owed))


def split(versions: list[LimitVersion], usage: str) -> tuple[Decimal, Decimal]:
    found = payable(versions, D(usage))
    return found.payable, found.waived


def test_without_a_limit_all_is_payable() -> None:
    assert split([], "123.45") == (D("123.45"), NONE)
    assert split([stop(None)], "123.45") == (D("123.45"), NONE)
    assert split([LimitVersion(START, D(100), "notify")], "123.45") == (D("123.45"), NONE)


@pytest.mark.parametrize(
    ("usage", "owed", "waived"),
    [("0", "0", "0"), ("99.99", "99.99", "0"), ("100", "100", "0"), ("101.84", "100", "1.84")],
)
def test_payable_grows_until_the_limit(usage: str, owed: str, waived: str) -> None:
    assert split([stop("100")], usage) == (D(owed), D(waived))


def test_a_limit_of_zero_waives_everything() -> None:
    assert split([stop("0")], "5") == (NONE, D(5))


def test_a_first_limit_waives_nothing_that_was_payable_before() -> None:
    versions = [stop("100", "130", "130")]
    assert split(versions, "130") == (D(130), NONE)
    assert split(versions, "131") == (D(130), D(1))


def test_lowering_waives_nothing_that_was_payable_before() -> None:
    versions = [stop("100"), stop("50", "80", "80", 10)]
    assert split(versions, "80") == (D(80), NONE)
    assert split(versions, "95") == (D(80), D(15))


def test_raising_takes_no_waiver_back_and_lets_new_usage_be_payable() -> None:
    versions = [stop("100"), stop("150", "120", "100", 10)]
    assert split(versions, "120") == (D(100), D(20))
    assert split(versions, "130") == (D(110), D(20))
    assert split(versions, "170") == (D(150), D(20))
    assert split(versions, "175") == (D(150), D(25))


def test_lifting_the_limit_or_its_stop_takes_no_waiver_back() -> None:
    for lifted in (stop(None, "120", "100", 10), LimitVersion(START, D(1), "notify", D(120), D(100))):
        assert split([stop("100", day=-1), lifted], "200") == (D(180), D(20))


def test_usage_that_is_withdrawn_comes_off_the_waiver_first() -> None:
    versions = [stop("100")]
    assert split(versions, "120") == (D(100), D(20))
    assert split(versions, "110") == (D(100), D(10))
    assert split(versions, "90") == (D(90), NONE)


def test_usage_below_a_version_start_is_priced_by_the_version_before() -> None:
    versions = [stop("100"), stop("150", "120", "100", 10)]
    assert split(versions, "110") == (D(100), D(10))
    assert split(versions, "60") == (D(60), NONE)
    assert split([stop("100", "130", "130")], "110") == (D(110), NONE)


def test_a_record_of_the_later_start_holds_below_it() -> None:
    # The void came first, then the new version: what is payable never exceeds what it was at a later start.
    assert split([stop("100", "80", "80"), stop("100", "60", "50", 10)], "55") == (D(50), D(5))
    assert split([stop("100"), stop("100", "60", "50", 10)], "55") == (D(50), D(5))


def test_at_its_very_start_a_version_answers_what_it_recorded() -> None:
    assert split([stop("100"), stop("150", "120", "110", 10)], "120") == (D(110), D(10))


def test_no_digit_is_lost_beyond_the_default_28() -> None:
    huge, cent = D("1E40"), D("0.01")
    over = payable([LimitVersion(START, huge, "stop")], D(f"{huge:f}.01"))
    assert over == Payable(huge, cent)
    told = payable([LimitVersion(START, huge, "notify")], D(f"{huge:f}.01"))
    assert told == Payable(D(f"{huge:f}.01"), NONE)
    found = account_and_meters({"a": D(f"{huge:f}.02"), "b": cent}, {}, [LimitVersion(START, cent, "stop")])
    assert found.account == Payable(cent, D(f"{huge:f}.02"))
    assert Clamped({"a": over}, Payable(cent, huge)).waived == D(f"{huge:f}.01")


def test_negative_usage_is_none() -> None:
    assert split([stop("100")], "-5") == (NONE, NONE)
    assert start_version([], START, D(1), "stop", D(-5)).usage_at_start == NONE


def test_two_versions_of_one_instant_are_in_order() -> None:
    assert split([stop("100"), stop("50")], "70") == (D(50), D(20))


def test_versions_out_of_order_are_refused() -> None:
    with pytest.raises(ValueError, match="order"):
        payable([stop("100", day=2), stop("50", day=1)], D(1))


def test_a_change_records_where_usage_and_payable_stand() -> None:
    now = START + timedelta(days=3)
    assert start_version([stop("100")], now, D(200), "stop", D(130)) == LimitVersion(
        now, D(200), "stop", D(130), D(100)
    )


def test_a_meter_clamps_before_the_account() -> None:
    found = account_and_meters(
        {"tokens": D(80), "storage": D(30), "calls": D(5)},
        {"tokens": [stop("50")], "storage": [stop("40")]},
        [stop("70")],
    )
    assert found == Clamped(
        {"tokens": Payable(D(50), D(30)), "storage": Payable(D(30), NONE), "calls": Payable(D(5), NONE)},
        Payable(D(70), D(15)),
    )
    assert found.waived == D(45)


def test_no_usage_at_all() -> None:
    assert account_and_meters({}, {}, [stop("70")]) == Clamped({}, Payable(NONE, NONE))


money = st.decimals(0, 1000, places=2)
changes = st.tuples(st.none() | money, st.sampled_from(["notify", "stop"]))


@given(st.lists(st.one_of(money, changes), max_size=30))
def test_no_sequence_of_changes_breaks_the_promise(steps: list[Step]) -> None:
    """A step is usage that arrives, or a change of the limit. The promise is checked as money moves."""
    versions: list[LimitVersion] = []
    usage = owed = NONE
    limit: Decimal | None = None
    for number, step in enumerate(steps):
        if isinstance(step, tuple):
            limit = step[0] if step[1] == "stop" else None
            versions.append(start_version(versions, START + timedelta(hours=number), *step, usage))
            assert payable(versions, usage).payable == owed
        else:
            usage += step
            owed = owed + step if limit is None else max(owed, min(owed + step, limit))
            now = payable(versions, usage)
            assert now == Payable(owed, usage - owed)


@given(st.lists(st.one_of(st.decimals(-500, 1000, places=2), changes), max_size=30), money, money)
def test_falling_usage_stays_within_bounds(steps: list[Step], one: Decimal, other: Decimal) -> None:
    versions: list[LimitVersion] = []
    usage = NONE
    for number, step in enumerate(steps):
        if isinstance(step, tuple):
            before = payable(versions, usage)
            versions.append(start_version(versions, START + timedelta(hours=number), *step, usage))
            assert payable(versions, usage) == before
        else:
            usage = max(NONE, usage + step)
        now = payable(versions, usage)
        assert 0 <= now.payable <= usage
        assert now.payable + now.waived == usage
        last = versions[-1] if versions else None
        if last and last.action == "stop" and last.amount is not None:
            assert now.payable <= max(last.amount, last.payable_at_start)
    low, high = sorted((one, other))
    assert payable(versions, low).payable <= payable(versions, high).payable
