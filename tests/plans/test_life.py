"""The whole life of a subscription: each action is previewed and held to its quote; what happens at the edges."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
import time_machine

from accounts.actions import change_account
from accounts.models import Account
from billing.plans.actions import (
    Actor,
    Preview,
    cancel,
    confirm_change,
    preview_cancel,
    preview_change,
    preview_reactivate,
    preview_subscribe,
    preview_take_back,
    reactivate,
    subscribe,
    take_back,
)
from billing.plans.errors import (
    AlreadySubscribed,
    InvalidInstant,
    NothingScheduled,
    PeriodInvoiced,
    PlanNotForSale,
    PlanNotPublic,
    QuoteChanged,
    SubscriptionNotStarted,
    SubscriptionRunning,
)
from billing.plans.models import PendingLine, Period, Plan, ScheduledChange, Subscription
from billing.plans.queries import (
    base_charge,
    current_period,
    scheduled_change,
    spans_in,
    status,
    version_at,
)
from tests.factories import make_account
from tests.plans.selling import again, pending, plan, sell, the_plan, utc

pytestmark = pytest.mark.usefixtures("db")
PARIS = ZoneInfo("Europe/Paris")
CUSTOMER, INSTALLATION = Actor.CUSTOMER, Actor.INSTALLATION
UPGRADE = [("team", "proration", "-19.60"), ("scale", "proration", "79.60")]


@pytest.fixture(autouse=True)
def _plans(db: None, _installation_scope: None) -> None:
    sell()


@pytest.fixture
def clock() -> Iterator[time_machine.Traveller]:
    """14:02 in Paris on 19 November 2026, standing still."""
    with time_machine.travel(datetime(2026, 11, 19, 14, 2, tzinfo=PARIS), tick=False) as coordinates:
        yield coordinates


@pytest.fixture
def account(clock: time_machine.Traveller) -> Account:
    return make_account()


@pytest.fixture
def team(account: Account) -> Subscription:
    """On Team since 1 November, in Paris."""
    return subscribe(account, the_plan("team"), paris(11, 1))


def paris(month: int, day: int, hour: int = 0, minute: int = 0) -> datetime:
    return datetime(2026, month, day, hour, minute, tzinfo=PARIS)


def shown(preview: Preview) -> list[tuple[str, str, str]]:
    return [(line.plan, line.kind, f"{line.amount:.2f}") for line in preview.lines]


def plan_now(subscription: Subscription, at: datetime) -> str:
    return version_at(subscription, at).plan.code


class TestSubscribing:
    def test_the_preview_is_the_base_price_and_stores_nothing(self, account: Account) -> None:
        preview = preview_subscribe(account, the_plan("team"))
        assert shown(preview) == [("team", "base", "49.00")]
        assert preview.next_invoice_at == preview.effective_at == paris(11, 19, 14, 2)
        assert not Subscription.objects.exists()

    def test_confirming_makes_what_was_shown_also_minutes_later(
        self, account: Account, clock: time_machine.Traveller
    ) -> None:
        quote = preview_subscribe(account, the_plan("team"), actor=CUSTOMER).quote
        clock.shift(timedelta(minutes=14))
        subscription = subscribe(account, the_plan("team"), actor=CUSTOMER, quote=quote)
        base = base_charge(subscription.periods.get())
        assert base is not None
        assert f"{base.amount:.2f}" == "49.00"
        assert subscription.started_at == paris(11, 19, 14, 16)

    @pytest.mark.parametrize("minutes", [16, 60 * 11])
    def test_a_quote_that_is_too_old_is_refused_with_a_new_one(
        self, account: Account, clock: time_machine.Traveller, minutes: int
    ) -> None:
        quote = preview_subscribe(account, the_plan("team")).quote
        clock.shift(timedelta(minutes=minutes))
        with pytest.raises(QuoteChanged) as caught:
            subscribe(account, the_plan("team"), quote=quote)
        assert not Subscription.objects.exists()
        subscribe(account, the_plan("team"), quote=caught.value.preview.quote)

    def test_a_quote_is_for_its_plan_version_start_and_anchor(self, account: Account) -> None:
        sell(plan("nothing", "0.00"))
        quote = preview_subscribe(account, the_plan("nothing")).quote
        others = [
            lambda: subscribe(account, the_plan("free"), quote=quote),
            lambda: subscribe(account, the_plan("nothing"), anchor="calendar", quote=quote),
            lambda: subscribe(account, the_plan("nothing"), paris(11, 2), quote=quote),
            lambda: subscribe(make_account("other"), the_plan("nothing"), quote=quote),
        ]
        for other in others:
            with pytest.raises(QuoteChanged):
                other()
        subscribe(account, the_plan("nothing"), quote=quote)

    def test_a_first_period_cut_by_the_calendar_is_prorated(self, account: Account) -> None:
        preview = preview_subscribe(account, the_plan("team"), anchor="calendar")
        assert shown(preview) == [("team", "base", "19.60")], "12 of 30 days"

    def test_every_period_begun_is_shown(self, account: Account) -> None:
        preview = preview_subscribe(account, the_plan("team"), paris(9, 10))
        assert [line.start for line in preview.lines] == [paris(9, 10), paris(10, 10), paris(11, 10)]
        subscription = subscribe(account, the_plan("team"), paris(9, 10), quote=preview.quote)
        assert subscription.periods.count() == 3

    def test_a_trial_shows_what_follows_it_and_when(self, account: Account) -> None:
        preview = preview_subscribe(account, the_plan("trial"))
        assert shown(preview) == [("trial", "base", "49.00")]
        assert preview.next_invoice_at == preview.subscription.trial_end == paris(12, 3, 14, 2)

    def test_a_later_start_shows_its_first_period(self, account: Account) -> None:
        preview = preview_subscribe(account, the_plan("team"), paris(12, 1))
        assert shown(preview) == [("team", "base", "49.00")]
        assert preview.next_invoice_at == preview.effective_at == paris(12, 1)

    def test_what_costs_nothing_has_no_line(self, account: Account) -> None:
        preview = preview_subscribe(account, the_plan("free"))
        assert shown(preview) == []
        assert preview.next_invoice_at == datetime(2026, 12, 19, tzinfo=PARIS)

    def test_it_is_refused_as_subscribing_is(self, team: Subscription) -> None:
        with pytest.raises(AlreadySubscribed):
            preview_subscribe(team.account, the_plan("scale"))
        with pytest.raises(PlanNotPublic):
            preview_subscribe(make_account("other"), the_plan("bespoke"), actor=CUSTOMER)


class TestTakingBack:
    def test_the_preview_shows_what_goes_on(self, team: Subscription) -> None:
        confirm_change(team, the_plan("free"), "period_end", actor=CUSTOMER)
        preview = preview_take_back(team)
        assert preview.version is not None
        assert (preview.version.plan.code, preview.lines, preview.effective_at) == ("team", (), paris(12, 1))
        take_back(team, quote=preview.quote)
        assert scheduled_change(team) is None

    def test_something_else_that_was_scheduled_meanwhile_stays(self, team: Subscription) -> None:
        confirm_change(team, the_plan("free"), "period_end", actor=CUSTOMER)
        quote = preview_take_back(team).quote
        cancel(team, actor=CUSTOMER)
        with pytest.raises(QuoteChanged):
            take_back(team, quote=quote)
        assert ScheduledChange.objects.get().version is None

    def test_what_has_come_cannot_be_taken_back(
        self, team: Subscription, clock: time_machine.Traveller
    ) -> None:
        """Also before anybody has looked at the new period."""
        confirm_change(team, the_plan("free"), "period_end", actor=CUSTOMER)
        clock.move_to(paris(12, 1))
        with pytest.raises(NothingScheduled):
            take_back(team)
        current_period(team, paris(12, 1))
        assert plan_now(team, paris(12, 2)) == "free"

    def test_change_then_cancel_then_take_back_leaves_the_plan_as_it_is(self, team: Subscription) -> None:
        """The cancellation replaced the change; it does not come back."""
        confirm_change(team, the_plan("free"), "period_end", actor=CUSTOMER)
        cancel(team, actor=CUSTOMER)
        take_back(team)
        current_period(team, paris(12, 10))
        assert plan_now(team, paris(12, 10)) == "team"
        assert again(team).canceled_at is None

    def test_change_take_back_change_again(self, team: Subscription) -> None:
        confirm_change(team, the_plan("free"), "period_end", actor=CUSTOMER)
        take_back(team)
        confirm_change(team, the_plan("scale"), "period_end", actor=CUSTOMER)
        current_period(team, paris(12, 10))
        assert [phase.version.plan.code for phase in team.phases.all()] == ["team", "scale"]


class TestReactivating:
    def test_a_cancellation_is_taken_back(self, team: Subscription) -> None:
        cancel(team, actor=CUSTOMER)
        preview = preview_reactivate(team, actor=CUSTOMER)
        assert (shown(preview), preview.first) == ([], None)
        assert reactivate(team, actor=CUSTOMER, quote=preview.quote).pk == team.pk
        assert scheduled_change(team) is None

    def test_a_scheduled_change_is_no_cancellation(self, team: Subscription) -> None:
        confirm_change(team, the_plan("free"), "period_end", actor=CUSTOMER)
        for act in (preview_reactivate, reactivate):
            with pytest.raises(SubscriptionRunning):
                act(team, actor=INSTALLATION)
        assert scheduled_change(team) is not None

    def test_after_the_end_a_new_one_begins_on_the_newest_version(
        self, team: Subscription, clock: time_machine.Traveller
    ) -> None:
        sell(plan("team", "59.00"))
        cancel(team, actor=CUSTOMER)
        clock.move_to(paris(12, 5, 9))
        preview = preview_reactivate(team, actor=CUSTOMER)
        assert shown(preview) == [("team", "base", "59.00")]
        new = reactivate(team, actor=CUSTOMER, quote=preview.quote)
        assert new.pk != team.pk
        assert (new.started_at, new.periods.count()) == (paris(12, 5, 9), 1)
        assert again(team).canceled_at == paris(12, 1), "the old one stays ended"
        with pytest.raises(AlreadySubscribed) as caught:
            reactivate(team, actor=CUSTOMER)
        assert caught.value.field == ""

    def test_there_is_no_second_trial(self, account: Account, clock: time_machine.Traveller) -> None:
        first = subscribe(account, the_plan("trial"))
        clock.shift(timedelta(days=3))
        cancel(first, "now", actor=INSTALLATION)
        preview = preview_reactivate(first, actor=CUSTOMER)
        assert (preview.subscription.trial_end, shown(preview)) == (None, [("trial", "base", "49.00")])
        assert reactivate(first, actor=CUSTOMER).trial_end is None

    def test_a_plan_that_is_archived_or_not_public_is_refused(self, team: Subscription) -> None:
        cancel(team, actor=CUSTOMER)
        Plan.objects.filter(code="team").update(archived=True)
        reactivate(team, actor=CUSTOMER)
        cancel(team, "now", actor=INSTALLATION)
        with pytest.raises(PlanNotForSale) as caught:
            reactivate(team, actor=INSTALLATION)
        assert caught.value.field == ""
        Plan.objects.filter(code="team").update(archived=False, public=False)
        with pytest.raises(PlanNotPublic):
            reactivate(team, actor=CUSTOMER)
        assert reactivate(team, actor=INSTALLATION).pk != team.pk

    def test_one_cancelled_before_its_start_keeps_that_start(self, account: Account) -> None:
        waiting = subscribe(account, the_plan("team"), paris(12, 1))
        cancel(waiting, actor=CUSTOMER)
        new = reactivate(waiting, actor=CUSTOMER)
        assert (new.started_at, new.periods.count()) == (paris(12, 1), 0)

    def test_the_anchor_stays_what_it_was(self, account: Account, clock: time_machine.Traveller) -> None:
        first = subscribe(account, the_plan("team"), anchor="calendar")
        cancel(first, "now", actor=INSTALLATION)
        clock.shift(timedelta(days=1))
        assert shown(preview_reactivate(first, actor=CUSTOMER)) == [("team", "base", "17.97")], (
            "11 of 30 days"
        )

    def test_a_quote_does_not_hold_for_the_other_way(
        self, team: Subscription, clock: time_machine.Traveller
    ) -> None:
        """Seen as a taking back, confirmed after the end: that would cost something."""
        clock.move_to(paris(11, 30, 23, 55))
        cancel(team, actor=CUSTOMER)
        quote = preview_reactivate(team, actor=CUSTOMER).quote
        clock.shift(timedelta(minutes=6))
        with pytest.raises(QuoteChanged) as caught:
            reactivate(team, actor=CUSTOMER, quote=quote)
        assert shown(caught.value.preview) == [("team", "base", "49.00")]
        assert Subscription.objects.count() == 1


class TestCancelling:
    def test_on_the_first_day(self, team: Subscription, clock: time_machine.Traveller) -> None:
        clock.move_to(paris(11, 1, 0, 0))
        preview = preview_cancel(team, "now", actor=INSTALLATION)
        assert shown(preview) == [("team", "proration", "-47.37")], "29 of 30 days: the first one is used"
        cancel(team, "now", actor=INSTALLATION, quote=preview.quote)
        assert (team.periods.get().days, spans_in(team.periods.get())) == (1, [])

    def test_in_a_trial_nothing_is_owed_and_none_is_left(
        self, account: Account, clock: time_machine.Traveller
    ) -> None:
        subscription = subscribe(account, the_plan("trial"))
        clock.shift(timedelta(days=3))
        assert preview_cancel(subscription, actor=CUSTOMER).effective_at == subscription.trial_end
        assert shown(cancel(subscription, "now", actor=INSTALLATION)) == []
        period = subscription.periods.get()
        assert (period.trial, period.end) == (True, paris(11, 22, 14, 2))
        assert current_period(subscription, paris(12, 25)) is None
        assert not PendingLine.objects.exists()

    def test_at_the_end_of_a_trial(self, account: Account, clock: time_machine.Traveller) -> None:
        subscription = subscribe(account, the_plan("trial"))
        cancel(subscription, actor=CUSTOMER)
        clock.move_to(paris(12, 4))
        assert current_period(subscription, paris(12, 4)) is None
        assert subscription.periods.count() == 1

    def test_before_its_start(self, account: Account, clock: time_machine.Traveller) -> None:
        waiting = subscribe(account, the_plan("team"), paris(12, 1))
        with pytest.raises(SubscriptionNotStarted):
            preview_change(waiting, the_plan("scale"), actor=INSTALLATION)
        preview = preview_cancel(waiting, actor=CUSTOMER)
        assert (shown(preview), preview.next_invoice_at) == ([], None)
        cancel(waiting, actor=CUSTOMER, quote=preview.quote)
        assert status(waiting, paris(11, 20)) == "canceled", "it will never begin"
        assert subscribe(account, the_plan("scale")).periods.count() == 1

    def test_the_quote_of_another_subscription_is_refused(self, team: Subscription) -> None:
        other = subscribe(make_account("other"), the_plan("team"), paris(11, 1))
        quote = preview_cancel(other, "now", actor=INSTALLATION).quote
        with pytest.raises(QuoteChanged):
            cancel(team, "now", actor=INSTALLATION, quote=quote)
        assert again(team).canceled_at is None

    def test_after_sixteen_minutes(self, team: Subscription, clock: time_machine.Traveller) -> None:
        quote = preview_cancel(team, actor=CUSTOMER).quote
        clock.shift(timedelta(minutes=16))
        with pytest.raises(QuoteChanged):
            cancel(team, actor=CUSTOMER, quote=quote)
        assert scheduled_change(team) is None


class TestChanging:
    @pytest.mark.parametrize(
        ("day", "hour", "lines"),
        [
            (1, 0, ["-49.00", "199.00"]),
            (1, 23, ["-49.00", "199.00"]),
            (30, 0, ["-1.63", "6.63"]),
            (30, 23, ["-1.63", "6.63"]),
        ],
    )
    def test_on_the_first_and_the_last_day(
        self, team: Subscription, clock: time_machine.Traveller, day: int, hour: int, lines: list[str]
    ) -> None:
        clock.move_to(paris(11, day, hour))
        quote = preview_change(team, the_plan("scale"), actor=CUSTOMER).quote
        made = confirm_change(team, the_plan("scale"), actor=CUSTOMER, quote=quote)
        assert [f"{line.amount:.2f}" for line in made.lines] == lines
        assert pending(team.account) == shown(made)

    def test_in_the_instant_in_which_a_period_begins(
        self, team: Subscription, clock: time_machine.Traveller
    ) -> None:
        clock.move_to(paris(12, 1))
        made = confirm_change(team, the_plan("scale"), actor=CUSTOMER)
        assert shown(made) == [("team", "proration", "-49.00"), ("scale", "proration", "199.00")]
        old, new = team.periods.all()
        assert [[v.plan.code for v, _start, _end in spans_in(one)] for one in (old, new)] == [
            ["team"],
            ["scale"],
        ]

    def test_several_in_one_day_leave_the_last_one_only(
        self, team: Subscription, clock: time_machine.Traveller
    ) -> None:
        for code in ("scale", "team", "scale"):
            clock.shift(timedelta(minutes=1))
            confirm_change(team, the_plan(code), actor=INSTALLATION)
        assert sum(line.amount for line in PendingLine.objects.all()) == 60, "as one change: -19.60 + 79.60"

    def test_down_at_the_periods_end_then_up_now(self, team: Subscription) -> None:
        confirm_change(team, the_plan("free"), "period_end", actor=CUSTOMER)
        assert shown(confirm_change(team, the_plan("scale"), actor=CUSTOMER)) == UPGRADE
        current_period(team, paris(12, 10))
        assert plan_now(team, paris(12, 10)) == "scale"

    def test_week_to_year_and_back_on_one_day(self, account: Account, clock: time_machine.Traveller) -> None:
        subscription = subscribe(account, the_plan("weekly"), paris(11, 16))
        up = confirm_change(subscription, the_plan("scale-yearly"), actor=CUSTOMER)
        assert shown(up) == [("weekly", "proration", "-6.86"), ("scale-yearly", "base", "1990.00")], (
            "4 of 7 days"
        )
        clock.shift(timedelta(hours=1))
        down = confirm_change(subscription, the_plan("weekly"), actor=INSTALLATION)
        assert shown(down) == [("scale-yearly", "proration", "-1990.00"), ("weekly", "base", "12.00")]
        assert [(one.first_day.day, one.days) for one in subscription.periods.all()] == [
            (16, 3),
            (19, 0),
            (19, 7),
        ]

    def test_an_instant_of_an_invoiced_period_is_refused_and_its_end_is_not(
        self, team: Subscription, clock: time_machine.Traveller
    ) -> None:
        clock.move_to(paris(12, 5))
        current_period(team, paris(12, 5))
        Period.objects.filter(number=0).update(closed_at=paris(12, 1))
        last_instant = paris(12, 1) - timedelta(microseconds=1)
        with pytest.raises(PeriodInvoiced) as caught:
            preview_change(team, the_plan("scale"), at=last_instant, actor=INSTALLATION)
        assert caught.value.field == "at"
        quote = preview_change(team, the_plan("scale"), at=paris(12, 1), actor=INSTALLATION).quote
        made = confirm_change(team, the_plan("scale"), at=paris(12, 1), actor=INSTALLATION, quote=quote)
        assert shown(made) == [("team", "proration", "-49.00"), ("scale", "proration", "199.00")]

    def test_a_quote_for_one_instant_is_none_for_another(self, team: Subscription) -> None:
        quote = preview_change(team, the_plan("scale"), at=paris(11, 10, 9), actor=INSTALLATION).quote
        with pytest.raises(QuoteChanged):
            confirm_change(team, the_plan("scale"), at=paris(11, 10, 10), actor=INSTALLATION, quote=quote)

    def test_in_a_trial_it_goes_on_and_nothing_is_paid(
        self, account: Account, clock: time_machine.Traveller
    ) -> None:
        subscription = subscribe(account, the_plan("trial"))
        clock.shift(timedelta(days=3))
        preview = preview_change(subscription, the_plan("scale"), actor=CUSTOMER)
        assert (shown(preview), preview.next_invoice_at) == ([], subscription.trial_end)
        confirm_change(subscription, the_plan("scale"), actor=CUSTOMER, quote=preview.quote)
        clock.move_to(paris(12, 4))
        period = current_period(subscription, paris(12, 4))
        assert period is not None
        base = base_charge(period)
        assert base is not None
        assert (f"{base.amount:.2f}", period.start) == ("199.00", paris(12, 3, 14, 2))

    def test_another_time_zone_meanwhile_changes_nothing_in_this_period(self, team: Subscription) -> None:
        preview = preview_change(team, the_plan("scale"), actor=CUSTOMER)
        change_account(team.account, {"timezone": "Pacific/Auckland"})
        made = confirm_change(again(team), the_plan("scale"), actor=CUSTOMER, quote=preview.quote)
        assert shown(made) == UPGRADE, "20 November in Auckland, but the period counts in Paris"

    def test_a_plan_that_is_archived_between_preview_and_confirmation(self, team: Subscription) -> None:
        quote = preview_change(team, the_plan("scale"), actor=CUSTOMER).quote
        Plan.objects.filter(code="scale").update(archived=True)
        with pytest.raises(PlanNotForSale):
            confirm_change(team, the_plan("scale"), actor=CUSTOMER, quote=quote)
        assert not PendingLine.objects.exists()

    def test_a_scheduled_change_to_a_plan_that_is_archived_meanwhile_is_kept(
        self, team: Subscription, clock: time_machine.Traveller
    ) -> None:
        """It was promised; archiving ends new sales only."""
        confirm_change(team, the_plan("scale"), "period_end", actor=CUSTOMER)
        Plan.objects.filter(code="scale").update(archived=True)
        clock.move_to(paris(12, 2))
        current_period(team, paris(12, 2))
        assert plan_now(team, paris(12, 2)) == "scale"

    def test_between_the_end_of_the_period_and_the_first_look_at_the_next(
        self, team: Subscription, clock: time_machine.Traveller
    ) -> None:
        """What was scheduled happens first; the quote from before does not hold."""
        confirm_change(team, the_plan("free"), "period_end", actor=CUSTOMER)
        clock.move_to(paris(11, 30, 23, 59))
        quote = preview_change(team, the_plan("scale"), actor=CUSTOMER).quote
        clock.move_to(paris(12, 1, 0, 1))
        with pytest.raises(QuoteChanged) as caught:
            confirm_change(team, the_plan("scale"), actor=CUSTOMER, quote=quote)
        assert shown(caught.value.preview) == [
            ("free", "proration", "0.00"),
            ("scale", "proration", "199.00"),
        ]

    def test_nothing_is_changed_before_the_running_plan_began(self, team: Subscription) -> None:
        confirm_change(team, the_plan("scale"), actor=CUSTOMER)
        with pytest.raises(InvalidInstant):
            preview_change(team, the_plan("free"), at=utc(2026, 11, 2), actor=INSTALLATION)
