"""Periods: stored once, counted from the anchor in the account's zone, whatever the clocks and months do."""

from datetime import datetime, timedelta
from fractions import Fraction
from zoneinfo import ZoneInfo

import pytest
import time_machine

from accounts.models import Account
from accounts.scope import account_scope, installation_scope
from billing.plans.actions import Actor, cancel, confirm_change, subscribe
from billing.plans.models import Period, Subscription
from billing.plans.queries import (
    base_charge,
    current_period,
    next_period_dates,
    period_at,
    running_subscription,
    span_share,
    spans_in,
    status,
    version_at,
)
from tests.factories import make_account
from tests.plans.selling import again, plan, sell, the_plan, utc
from tests.together import at_once

PARIS = ZoneInfo("Europe/Paris")


NEW_YEAR = utc(2026, 1, 1)


def started(code: str = "team", start: datetime = NEW_YEAR, **fields: str) -> Subscription:
    """A subscription whose periods are stored up to `start`."""
    anchor = fields.pop("anchor", "start")
    with time_machine.travel(start, tick=False):
        return subscribe(make_account(**fields), the_plan(code), start, anchor)


def starts(subscription: Subscription) -> list[str]:
    zone = ZoneInfo(subscription.account.timezone)
    return [f"{period.start.astimezone(zone):%Y-%m-%d %H:%M}" for period in subscription.periods.all()]


@pytest.mark.usefixtures("db")
class TestAnchors:
    @pytest.fixture(autouse=True)
    def _plans(self) -> None:
        sell()

    def test_month_ends_never_drift(self) -> None:
        subscription = started(start=utc(2027, 10, 31), timezone="UTC")
        current_period(subscription, utc(2028, 5, 31))
        assert [text[:10] for text in starts(subscription)] == [
            "2027-10-31", "2027-11-30", "2027-12-31", "2028-01-31",
            "2028-02-29", "2028-03-31", "2028-04-30", "2028-05-31",
        ]  # fmt: skip

    def test_periods_tile_over_both_clock_changes(self) -> None:
        subscription = started(start=datetime(2026, 3, 29, tzinfo=PARIS))
        current_period(subscription, utc(2026, 12, 1))
        periods = list(subscription.periods.all())
        assert {text[11:] for text in starts(subscription)} == {"00:00"}
        assert [one.end for one in periods[:-1]] == [one.start for one in periods[1:]]
        assert periods[0].end - periods[0].start == timedelta(days=31, hours=-1)
        october = next(one for one in periods if one.first_day.month == 9)
        assert october.end - october.start == timedelta(days=30, hours=1)
        assert {one.days == one.full_days for one in periods} == {True}

    def test_a_start_within_a_day_counts_the_day(self) -> None:
        subscription = started(start=datetime(2026, 6, 15, 14, 2, tzinfo=PARIS))
        first = subscription.periods.get()
        assert (first.start, first.end) == (
            datetime(2026, 6, 15, 14, 2, tzinfo=PARIS),
            datetime(2026, 7, 15, tzinfo=PARIS),
        )
        charge = base_charge(first)
        assert charge is not None
        assert (str(charge.amount), charge.kind) == ("49.00", "base")

    def test_a_calendar_anchor_cuts_and_prorates_the_first_period(self) -> None:
        subscription = started(start=datetime(2026, 6, 21, 9, tzinfo=PARIS), anchor="calendar")
        current_period(subscription, utc(2026, 7, 10))
        first, second = subscription.periods.all()
        assert (first.days, first.full_days, second.days) == (10, 30, 31)
        charge, whole = base_charge(first), base_charge(second)
        assert charge is not None
        assert whole is not None
        assert (str(charge.amount), str(whole.amount)) == ("16.33", "49.00")

    def test_a_new_time_zone_holds_from_the_next_period(self) -> None:
        subscription = started(start=datetime(2026, 6, 1, tzinfo=PARIS))
        Account.objects.update(timezone="America/New_York")
        current_period(subscription, utc(2026, 8, 10))
        first, second, third = subscription.periods.all()
        assert (first.timezone, second.timezone) == ("Europe/Paris", "America/New_York")
        assert first.end == second.start == datetime(2026, 7, 1, tzinfo=PARIS)
        assert second.end == third.start == datetime(2026, 8, 1, tzinfo=ZoneInfo("America/New_York"))
        assert (second.first_day.isoformat(), second.days, third.days) == ("2026-07-01", 31, 31)

    def test_a_time_zone_further_east_cuts_nothing(self) -> None:
        subscription = started(start=utc(2026, 6, 1, 4), timezone="America/New_York")
        Account.objects.update(timezone="Europe/Paris")
        current_period(subscription, utc(2026, 7, 10))
        second = subscription.periods.get(number=1)
        assert second.start == second.full_start == datetime(2026, 7, 1, tzinfo=ZoneInfo("America/New_York"))
        assert (second.end, second.days, second.full_days) == (datetime(2026, 8, 1, tzinfo=PARIS), 31, 31)

    def test_weekly_calendar_periods_begin_on_monday(self) -> None:
        subscription = started("weekly", start=datetime(2026, 11, 19, tzinfo=PARIS), anchor="calendar")
        current_period(subscription, utc(2026, 11, 25))
        assert [period.days for period in subscription.periods.all()] == [4, 7]


@pytest.mark.usefixtures("db")
class TestLife:
    @pytest.fixture(autouse=True)
    def _plans(self) -> None:
        sell()

    def test_periods_are_stored_once_and_kept(self) -> None:
        subscription = started()
        first = current_period(subscription, utc(2026, 4, 1))
        count = Period.objects.count()
        assert first == current_period(subscription, utc(2026, 4, 1))
        assert (Period.objects.count(), count) == (4, 4)
        assert [period.number for period in subscription.periods.all()] == [0, 1, 2, 3]

    def test_there_is_none_before_the_start(self) -> None:
        subscription = started(start=utc(2026, 3, 1))
        assert current_period(subscription, utc(2026, 2, 28)) is None
        assert period_at(subscription.account, utc(2026, 2, 28)) is None

    def test_a_trial_is_a_free_period_before_the_first_one(self) -> None:
        subscription = started("trial", start=datetime(2026, 5, 1, 15, tzinfo=PARIS))
        end = datetime(2026, 5, 15, 15, tzinfo=PARIS)
        assert subscription.trial_end == end
        current_period(subscription, utc(2026, 6, 20))
        trial, first, second = subscription.periods.all()
        assert (trial.trial, trial.end, spans_in(trial), base_charge(trial)) == (True, end, [], None)
        assert (first.start, first.first_day.isoformat(), first.trial) == (end, "2026-05-15", False)
        assert second.start == datetime(2026, 6, 15, tzinfo=PARIS)
        assert status(subscription, utc(2026, 5, 10)) == Subscription.Status.TRIALING
        assert status(subscription, utc(2026, 5, 20)) == Subscription.Status.ACTIVE

    def test_a_trial_is_given_once(self) -> None:
        subscription = started("trial", start=utc(2026, 5, 1))
        with time_machine.travel(utc(2026, 5, 3), tick=False):
            cancel(subscription, "now", actor=Actor.INSTALLATION)
            second = subscribe(subscription.account, the_plan("trial"))
        assert second.trial_end is None
        assert not second.periods.get().trial

    def test_a_calendar_anchor_counts_from_the_trials_end(self) -> None:
        subscription = started("trial", start=datetime(2026, 5, 8, tzinfo=PARIS), anchor="calendar")
        current_period(subscription, utc(2026, 6, 2))
        assert [(p.first_day.isoformat(), p.days) for p in subscription.periods.filter(trial=False)] == [
            ("2026-05-22", 10),
            ("2026-06-01", 30),
        ]

    def test_a_scheduled_change_takes_effect_when_its_period_is_over(self) -> None:
        subscription = started("scale", start=utc(2026, 5, 1), timezone="UTC")
        with time_machine.travel(utc(2026, 5, 10), tick=False):
            confirm_change(subscription, the_plan("free"), "period_end", actor=Actor.CUSTOMER)
        coming = next_period_dates(subscription)
        assert coming is not None
        assert (coming.start, coming.version.plan.code) == (utc(2026, 6, 1), "free")
        period = current_period(subscription, utc(2026, 6, 1))
        assert period is not None
        assert period.base_version is not None
        assert period.base_version.plan.code == "free"
        assert version_at(subscription, utc(2026, 5, 31, 23)).plan.code == "scale"
        assert version_at(subscription, utc(2026, 6, 1)).plan.code == "free"
        assert [span[0].plan.code for span in spans_in(period)] == ["free"]

    def test_a_scheduled_change_of_interval_counts_from_its_day(self) -> None:
        subscription = started(start=utc(2026, 1, 31), timezone="UTC")
        with time_machine.travel(utc(2026, 2, 10), tick=False):
            confirm_change(subscription, the_plan("scale-yearly"), "period_end", actor=Actor.CUSTOMER)
        period = current_period(subscription, utc(2026, 3, 5))
        assert period is not None
        assert (period.first_day.isoformat(), period.end_day.isoformat()) == ("2026-02-28", "2027-02-28")
        assert again(subscription).anchor_day.isoformat() == "2026-02-28"

    def test_a_scheduled_cancellation_ends_with_its_period(self) -> None:
        subscription = started(start=utc(2026, 5, 1), timezone="UTC")
        with time_machine.travel(utc(2026, 5, 10), tick=False):
            cancel(subscription, actor=Actor.CUSTOMER)
        assert next_period_dates(subscription) is None
        assert current_period(subscription, utc(2026, 7, 1)) is None
        assert subscription.canceled_at == utc(2026, 6, 1)
        assert status(subscription, utc(2026, 6, 1)) == Subscription.Status.CANCELED
        assert running_subscription(subscription.account) is None
        assert period_at(subscription.account, utc(2026, 5, 31)) is not None
        assert Period.objects.count() == 1

    def test_the_next_period_is_told_without_storing_it(self) -> None:
        subscription = started(start=utc(2026, 5, 1), timezone="UTC")
        coming = next_period_dates(subscription)
        assert coming is not None
        assert (coming.start, coming.end) == (utc(2026, 6, 1), utc(2026, 7, 1))
        assert Period.objects.count() == 1

    def test_a_period_that_has_not_begun_is_not_stored_for_an_event_ahead(self) -> None:
        subscription = started(start=utc(2026, 5, 1), timezone="UTC")
        with time_machine.travel(utc(2026, 5, 31, 23, 58), tick=False):
            assert period_at(subscription.account, utc(2026, 6, 1, 0, 1)) is None
        with time_machine.travel(utc(2026, 6, 1, 0, 3), tick=False):
            assert period_at(subscription.account, utc(2026, 6, 1, 0, 1)) is not None

    def test_spans_tile_the_period_and_their_shares_its_days(self) -> None:
        subscription = started("free", start=utc(2026, 6, 1), timezone="UTC")
        for day, code in ((10, "team"), (20, "scale")):
            with time_machine.travel(utc(2026, 6, day, 14, 2), tick=False):
                confirm_change(subscription, the_plan(code), actor=Actor.CUSTOMER)
        period = subscription.periods.get()
        spans = spans_in(period)
        assert [span[0].plan.code for span in spans] == ["free", "team", "scale"]
        assert [spans[0][1], *(span[2] for span in spans)] == [
            utc(2026, 6, 1), utc(2026, 6, 10, 14, 2), utc(2026, 6, 20, 14, 2), utc(2026, 7, 1),
        ]  # fmt: skip
        shares = [span_share(period, start, end) for _, start, end in spans]
        assert shares == [Fraction(9, 30), Fraction(10, 30), Fraction(11, 30)]


def test_many_at_once_store_each_period_once(committed: str) -> None:
    with installation_scope():
        sell(plan("team", "49.00"), plan("scale", "199.00"))
        subscription = started(start=utc(2026, 1, 1), timezone="UTC")
        with time_machine.travel(utc(2026, 1, 5), tick=False):
            confirm_change(subscription, the_plan("scale"), "period_end", actor=Actor.INSTALLATION)

    def ask() -> int:
        with account_scope(subscription.account_id):
            period = current_period(again(subscription), utc(2026, 6, 15))
            assert period is not None
            return period.number

    assert at_once(*[ask] * 8) == [5] * 8
    with installation_scope():
        assert [period.number for period in subscription.periods.all()] == list(range(6))
        assert [phase.version.plan.code for phase in subscription.phases.all()] == ["team", "scale"]
