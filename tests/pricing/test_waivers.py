"""What limits waive of a period, and the taxes that it bears."""

from datetime import UTC, datetime
from decimal import Decimal

from billing.pricing.clamp import (
    LimitVersion,
    Waiver,
    account_and_meters,
    joined,
    usage_by_meter,
    waivers_since,
)
from billing.pricing.lines import Line, LineKind
from billing.pricing.taxes import Tax
from billing.pricing.waivers import Used, Waived, waived_by_tax

HIGH, LOW = (Tax(f"t{rate}", f"Tax {rate} %", Decimal(rate), "S") for rate in (20, 5))
AT = datetime(2026, 2, 1, tzinfo=UTC)


def euros(**amounts: int) -> dict[str, Decimal]:
    return {meter: Decimal(amount) for meter, amount in amounts.items()}


def stop(amount: int) -> tuple[LimitVersion, ...]:
    return (LimitVersion(AT, Decimal(amount), "stop"),)


def used(*lines: tuple[str, int, Tax]) -> list[Used]:
    return [Used(meter, Decimal(amount), tax) for meter, amount, tax in lines]


def line(kind: LineKind, meter: str | None, amount: int) -> Line:
    return Line(
        kind=kind, charge=None, meter=meter, name={}, unit={}, start=AT, end=AT, quantity=Decimal(0),
        amount=Decimal(amount), exact_amount=Decimal(amount), plan="p", version=1,
    )  # fmt: skip


def test_only_usage_lines_of_a_meter_count() -> None:
    lines = [line("usage", "a", 2), line("usage", "a", 3), line("minimum", "a", 9), line("usage", None, 9)]
    assert usage_by_meter(lines) == euros(a=5)
    assert joined(euros(a=5), euros(a=1, b=2)) == euros(a=6, b=2)


def test_what_was_waived_before_is_not_waived_again() -> None:
    limits = {"a": stop(4)}
    before = account_and_meters(euros(a=6), limits, stop(5))
    now = account_and_meters(euros(a=9, b=3), limits, stop(5))
    assert waivers_since(account_and_meters({}, {}, ()), before) == (Waiver("a", Decimal(2)),)
    assert waivers_since(before, now) == (Waiver("a", Decimal(3)), Waiver(None, Decimal(2)))


def test_a_waiver_bears_the_taxes_of_what_it_takes_back() -> None:
    lines = used(("a", 30, HIGH), ("b", 10, LOW))
    assert waived_by_tax(lines, [Waiver(None, Decimal(8))], "EUR") == (
        Waived(None, Decimal(6), HIGH, 1),
        Waived(None, Decimal(2), LOW, 1),
    )


def test_the_accounts_waiver_is_of_what_a_meters_left() -> None:
    """8 of a's 10 are waived by its limit, so of the account's 4 three quarters are b's."""
    lines = used(("a", 10, HIGH), ("b", 6, LOW))
    found = waived_by_tax(lines, [Waiver("a", Decimal(8)), Waiver(None, Decimal(4))], "EUR")
    assert found == (
        Waived("a", Decimal(8), HIGH, 0),
        Waived(None, Decimal(1), HIGH, 1),
        Waived(None, Decimal(3), LOW, 1),
    )


def test_a_tax_with_no_part_has_no_line() -> None:
    lines = used(("a", 0, HIGH), ("b", 6, LOW))
    assert waived_by_tax(lines, [Waiver(None, Decimal(1))], "EUR") == (Waived(None, Decimal(1), LOW, 1),)
