"""The hours of an account's days: counted once, anew for what came late, by the days of its zone."""

from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone

from accounts.models import Account
from billing.pricing.dates import local_date, local_midnight
from billing.pricing.forecast import WINDOW_DAYS
from billing.pricing.hours import Passed
from billing.usage.hours import MILLION, keep_hours, passed_today
from billing.usage.models import DayHours, PurgedSpan
from tests.usage.given import NOW, event, given_account, send

pytestmark = pytest.mark.usefixtures("db")

DAY = timedelta(days=1)
NEW_YORK = "America/New_York"


def use(account: Account, days_ago: int, *hours: int, tokens: int = 10, zone: str = "UTC") -> None:
    """The same usage in each of the clock's hours of a local day."""
    day = local_date(NOW, zone) - DAY * days_ago
    for hour in hours:
        at = datetime.combine(day, time(hour, 30), ZoneInfo(zone))
        send(event(subject=account.code, time=at.isoformat(), data={"tokens": tokens}))


def hours_of(account: Account) -> dict[int, list[int]]:
    """Counted days by how long ago they were."""
    today = local_date(NOW, account.timezone)
    return {(today - row.day).days: row.hours for row in DayHours.objects.filter(account=account)}


def at_clock(**parts: int) -> list[int]:
    """Millionths at hours that are named h9, h14 ..."""
    return [parts.get(f"h{hour}", 0) for hour in range(24)]


def test_a_day_is_counted_once_by_what_its_hours_cost() -> None:
    account = given_account()
    use(account, 1, 9, 14)
    use(account, 1, 9, tokens=20)
    use(account, 0, 0)
    assert keep_hours(account, timezone.now()) == 1, "today is not over"
    assert hours_of(account) == {1: at_clock(h9=750_000, h14=250_000)}
    assert keep_hours(account, timezone.now()) == 0


def test_what_came_late_has_its_day_counted_anew() -> None:
    account = given_account()
    use(account, 3, 9)
    keep_hours(account, timezone.now())
    use(account, 3, 12)
    assert keep_hours(account, timezone.now()) == 1
    assert hours_of(account) == {3: at_clock(h9=500_000, h12=500_000)}


def test_prices_count_not_quantities() -> None:
    """What is included costs nothing, and a day of that alone has no hours to tell."""
    charge = {"meter": "tokens", "model": "per_unit", "unit_price": "1", "included": "30"}
    account = given_account(charges=[charge], start=NOW - DAY * 5)
    use(account, 3, 1, 2)
    use(account, 2, 8, 20)
    keep_hours(account, timezone.now())
    assert hours_of(account) == {3: [], 2: at_clock(h20=MILLION)}
    assert keep_hours(account, timezone.now()) == 0


def test_days_are_local() -> None:
    account = given_account(timezone=NEW_YORK)
    use(account, 2, 0, 23, zone=NEW_YORK)
    keep_hours(account, timezone.now())
    assert hours_of(account) == {2: at_clock(h0=500_000, h23=500_000)}


def test_four_weeks_are_kept_of_paid_periods() -> None:
    account = given_account(start=NOW - DAY * 10)
    use(account, 9, 9)
    keep_hours(account, timezone.now())
    for number in (WINDOW_DAYS + 1, 40):
        DayHours.objects.create(
            account=account, day=NOW.date() - DAY * number, timezone="UTC", hours=[], counted_at=NOW
        )
    DayHours.objects.create(
        account=account, day=NOW.date() - DAY * 5, timezone=NEW_YORK, hours=[], counted_at=NOW
    )
    keep_hours(account, timezone.now())
    assert set(hours_of(account)) == {9}


def test_purged_days_are_left_alone() -> None:
    account = given_account()
    use(account, 5, 9)
    start = datetime.combine(NOW.date() - DAY * 5, time(), UTC)
    PurgedSpan.objects.create(account=account, start=start, end=start + DAY)
    assert keep_hours(account, timezone.now()) == 0


def test_the_share_of_today_is_that_of_the_days() -> None:
    account = given_account()
    for number in range(1, 8):
        use(account, number, 9)
    today = NOW.date()
    noon = local_midnight(today, "UTC") + timedelta(hours=12)
    assert passed_today(account.pk, today, noon, "UTC") == Passed(Decimal("0.5")), "nothing is counted yet"
    keep_hours(account, timezone.now())
    assert passed_today(account.pk, today, noon, "UTC") == Passed(Decimal(1))
