"""Plan changes: exact lines, previewed; who may do what; what a quote promises."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from fractions import Fraction
from zoneinfo import ZoneInfo

import pytest
import time_machine

from billing.limits.actions import set_limit
from billing.plans.actions import (
    Actor,
    cancel,
    confirm_change,
    preview_cancel,
    preview_change,
    subscribe,
    take_back,
)
from billing.plans.errors import (
    AlreadySubscribed,
    ChangeNotAllowed,
    CurrencyMismatch,
    InvalidChoice,
    InvalidInstant,
    NothingScheduled,
    PlanError,
    PlanNotForSale,
    PlanNotPublic,
    QuoteChanged,
    SameVersion,
    SubscriptionEnded,
    SubscriptionNotStarted,
)
from billing.plans.models import PendingLine, Period, Plan, ScheduledChange, Subscription
from billing.plans.previews import Preview
from billing.plans.queries import base_charge, current_period, scheduled_change, spans_in, version_at
from tests.factories import make_account
from tests.plans.selling import again, catalog, pending, plan, sell, the_plan, utc

pytestmark = pytest.mark.usefixtures("db")
PARIS = ZoneInfo("Europe/Paris")
CUSTOMER, INSTALLATION = Actor.CUSTOMER, Actor.INSTALLATION


@pytest.fixture(autouse=True)
def _plans(db: None, _installation_scope: None) -> None:
    sell()


@pytest.fixture
def clock() -> Iterator[time_machine.Traveller]:
    """14:02 in Paris on 19 November 2026, standing still."""
    with time_machine.travel(datetime(2026, 11, 19, 14, 2, tzinfo=PARIS), tick=False) as coordinates:
        yield coordinates


@pytest.fixture
def team(clock: time_machine.Traveller) -> Subscription:
    """On Team since 1 November, in Paris."""
    return subscribe(make_account(), the_plan("team"), datetime(2026, 11, 1, tzinfo=PARIS))


def shown(preview: Preview) -> list[tuple[str, str, str]]:
    return [(line.plan, line.kind, f"{line.amount:.2f}") for line in preview.lines]


class TestNow:
    UPGRADE = [("team", "proration", "-19.60"), ("scale", "proration", "79.60")]

    def test_the_preview_shows_the_unused_days_back_and_the_same_days_of_the_new_plan(
        self, team: Subscription
    ) -> None:
        preview = preview_change(team, the_plan("scale"), actor=CUSTOMER)
        assert shown(preview) == self.UPGRADE
        assert preview.next_invoice_at == datetime(2026, 12, 1, tzinfo=PARIS)
        assert not PendingLine.objects.exists()
        assert version_at(team, utc(2026, 11, 25)).plan.code == "team"

    def test_a_line_says_what_it_is(self, team: Subscription) -> None:
        back = preview_change(team, the_plan("scale"), actor=CUSTOMER).lines[0].as_data("en")
        assert back == {
            "kind": "proration",
            "charge": None,
            "meter": None,
            "description": "Team: 12 of 30 days given back",
            "period": {"start": "2026-11-18T23:00:00Z", "end": "2026-11-30T23:00:00Z"},
            "quantity": "12",
            "unit": "day",
            "amount": "-19.60",
            "exact_amount": "-19.6",
            "tiers": [],
        }

    def test_confirming_leaves_exactly_these_lines_and_splits_the_period(self, team: Subscription) -> None:
        preview = preview_change(team, the_plan("scale"), actor=CUSTOMER)
        confirmed = confirm_change(team, the_plan("scale"), actor=CUSTOMER, quote=preview.quote)
        assert shown(confirmed) == shown(preview) == self.UPGRADE
        assert pending(team.account) == self.UPGRADE
        taxes = PendingLine.objects.order_by("amount").values_list("tax", flat=True)
        assert list(taxes) == ["fr-20", ""], "what is given back keeps its tax"
        spans = spans_in(team.periods.get())
        assert [(version.plan.code, end) for version, _, end in spans] == [
            ("team", datetime(2026, 11, 19, 14, 2, tzinfo=PARIS)),
            ("scale", datetime(2026, 12, 1, tzinfo=PARIS)),
        ]

    def test_the_base_price_of_the_period_stays_that_of_the_plan_it_began_on(
        self, team: Subscription
    ) -> None:
        confirm_change(team, the_plan("scale"), actor=CUSTOMER)
        base = base_charge(team.periods.get())
        assert base is not None
        assert f"{base.amount:.2f}" == "49.00"

    def test_on_the_last_day_one_day_moves(self, team: Subscription, clock: time_machine.Traveller) -> None:
        clock.move_to(datetime(2026, 11, 30, 23, 59, tzinfo=PARIS))
        assert shown(preview_change(team, the_plan("scale"), actor=CUSTOMER)) == [
            ("team", "proration", "-1.63"),
            ("scale", "proration", "6.63"),
        ]

    def test_an_upgrade_replaces_what_was_scheduled(self, team: Subscription) -> None:
        confirm_change(team, the_plan("free"), "period_end", actor=CUSTOMER)
        confirm_change(team, the_plan("scale"), actor=CUSTOMER)
        assert scheduled_change(team) is None

    def test_in_a_trial_the_plan_changes_and_nothing_is_owed(self, clock: time_machine.Traveller) -> None:
        subscription = subscribe(make_account("new"), the_plan("trial"))
        clock.shift(timedelta(days=3))
        assert shown(confirm_change(subscription, the_plan("scale-yearly"), actor=CUSTOMER)) == []
        clock.shift(timedelta(days=20))
        period = current_period(subscription, utc(2026, 12, 10))
        assert period is not None
        assert (period.first_day.isoformat(), period.full_days) == ("2026-12-03", 365)
        assert not PendingLine.objects.exists()


def test_eight_changes_in_one_period_bill_each_day_once(clock: time_machine.Traveller) -> None:
    """The oracle: each local day costs the price of the plan that it belongs to, over the days of the month."""
    prices = ["49.00", "7.77", "199.00", "0.00", "33.33", "12.01", "99.99", "0.01", "150.00"]
    sell(*(plan(f"p{index}", price) for index, price in enumerate(prices)))
    subscription = subscribe(make_account(), the_plan("p0"), datetime(2026, 11, 1, tzinfo=PARIS))
    days = [2, 2, 5, 11, 11, 17, 29, 30]
    for index, day in enumerate(days, start=1):
        clock.move_to(datetime(2026, 11, day, index, tzinfo=PARIS))
        confirm_change(subscription, the_plan(f"p{index}"), actor=INSTALLATION)
    plan_of_day = [
        max((i for i, first in enumerate(days, start=1) if first <= day), default=0) for day in range(1, 31)
    ]
    expected = sum(Fraction(prices[index]) for index in plan_of_day) / 30
    base = base_charge(subscription.periods.get())
    assert base is not None
    lines = list(PendingLine.objects.all())
    assert len(lines) == 16
    exact = base.exact + sum(Fraction(line.exact_amount) for line in lines)
    assert abs(exact - expected) < Fraction(1, 10**9)
    billed = Fraction(base.amount) + sum(Fraction(line.amount) for line in lines)
    assert abs(billed - expected) <= Fraction(len(days), 100), "a minor unit for each plan at most"


def test_there_and_back_between_equal_prices_costs_nothing(
    team: Subscription, clock: time_machine.Traveller
) -> None:
    sell(plan("a", "49.00", name="A"), plan("b", "49.00", name="B"))
    for code in ("a", "b", "a"):
        clock.shift(timedelta(days=1))
        confirm_change(team, the_plan(code), actor=INSTALLATION)
    assert sum(line.amount for line in PendingLine.objects.all()) == 0


class TestAt:
    def test_an_earlier_instant_of_the_running_period(self, team: Subscription) -> None:
        at = datetime(2026, 11, 10, 9, tzinfo=PARIS)
        confirm_change(team, the_plan("scale"), at=at, actor=INSTALLATION)
        assert pending(team.account) == [("team", "proration", "-34.30"), ("scale", "proration", "139.30")]
        assert version_at(team, at).plan.code == "scale"

    def test_the_first_instant_replaces_the_plan_altogether(self, team: Subscription) -> None:
        confirm_change(team, the_plan("scale"), at=team.started_at, actor=INSTALLATION)
        assert [phase.version.plan.code for phase in team.phases.all()] == ["scale"]
        assert pending(team.account) == [("team", "proration", "-49.00"), ("scale", "proration", "199.00")]

    def test_a_period_that_is_over_but_not_invoiced(
        self, team: Subscription, clock: time_machine.Traveller
    ) -> None:
        clock.move_to(utc(2026, 12, 5))
        current_period(team, utc(2026, 12, 5))
        at = datetime(2026, 11, 19, tzinfo=PARIS)
        preview = confirm_change(team, the_plan("scale"), at=at, actor=INSTALLATION)
        assert pending(team.account) == TestNow.UPGRADE
        assert preview.next_invoice_at == datetime(2026, 12, 1, tzinfo=PARIS), "the one that closes November"
        opened_on = [period.base_version and period.base_version.plan.code for period in team.periods.all()]
        assert opened_on == ["team", "scale"], "the next base price was not charged yet"

    def test_a_later_base_price_that_was_invoiced_is_exchanged(
        self, team: Subscription, clock: time_machine.Traveller
    ) -> None:
        clock.move_to(utc(2026, 12, 5))
        current_period(team, utc(2026, 12, 5))
        Period.objects.update(base_invoiced_at=utc(2026, 12, 1))
        confirm_change(team, the_plan("scale"), at=datetime(2026, 11, 19, tzinfo=PARIS), actor=INSTALLATION)
        assert pending(team.account) == [
            *TestNow.UPGRADE,
            ("team", "proration", "-49.00"),
            ("scale", "proration", "199.00"),
        ]

    @pytest.mark.parametrize(
        "at",
        [
            datetime(2026, 11, 20, tzinfo=PARIS),
            datetime(2026, 10, 1, tzinfo=PARIS),
            datetime(2026, 11, 10),
        ],
    )
    def test_the_future_the_past_and_no_offset_are_refused(self, team: Subscription, at: datetime) -> None:
        with pytest.raises(InvalidInstant) as caught:
            confirm_change(team, the_plan("scale"), at=at, actor=INSTALLATION)
        assert caught.value.field == "at"

    def test_before_the_last_change_is_refused(self, team: Subscription) -> None:
        confirm_change(team, the_plan("scale"), actor=CUSTOMER)
        with pytest.raises(InvalidInstant, match="2026-11-19"):
            confirm_change(
                team, the_plan("free"), at=datetime(2026, 11, 10, tzinfo=PARIS), actor=INSTALLATION
            )

    def test_a_period_that_was_begun_ahead_of_time(self, team: Subscription) -> None:
        """On a test site billing is run up to an instant to come: then that is where changes may be."""
        at = datetime(2026, 12, 11, tzinfo=PARIS)
        current_period(team, at)
        confirm_change(team, the_plan("scale"), at=at, actor=INSTALLATION)
        assert pending(team.account) == [("team", "proration", "-33.19"), ("scale", "proration", "134.81")]
        for when, field in ((None, "when"), (at - timedelta(days=1), "at")):
            with pytest.raises(InvalidInstant, match="2026-12-10") as caught:
                preview_change(team, the_plan("free"), at=when, actor=INSTALLATION)
            assert caught.value.field == field
        with pytest.raises(InvalidInstant, match="has not come"):
            preview_change(team, the_plan("free"), at=at + timedelta(days=30), actor=INSTALLATION)

    def test_customers_may_not_choose_it(self, team: Subscription) -> None:
        with pytest.raises(ChangeNotAllowed):
            preview_change(team, the_plan("scale"), at=datetime(2026, 11, 10, tzinfo=PARIS), actor=CUSTOMER)


class TestInterval:
    def test_a_new_period_begins_at_local_midnight_with_the_full_base_price(self, team: Subscription) -> None:
        preview = confirm_change(team, the_plan("scale-yearly"), actor=CUSTOMER)
        midnight = datetime(2026, 11, 19, tzinfo=PARIS)
        assert shown(preview) == [("team", "proration", "-19.60"), ("scale-yearly", "base", "1990.00")]
        assert pending(team.account) == [("team", "proration", "-19.60")], (
            "the invoice adds the base price itself"
        )
        old, new = team.periods.all()
        assert (old.end, old.days, old.full_days) == (midnight, 18, 30)
        assert (new.start, new.end, new.days) == (midnight, datetime(2027, 11, 19, tzinfo=PARIS), 365)
        charged = [base_charge(period) for period in (old, new)]
        assert [f"{line.amount:.2f}" for line in charged if line] == ["49.00", "1990.00"]
        spans = [(version.plan.code, start) for version, start, _ in spans_in(new)]
        assert spans == [("team", midnight), ("scale-yearly", datetime(2026, 11, 19, 14, 2, tzinfo=PARIS))]
        assert again(team).anchor_day.isoformat() == "2026-11-19"

    def test_on_the_first_day_the_old_period_is_left_empty(self, clock: time_machine.Traveller) -> None:
        subscription = subscribe(make_account(), the_plan("team"))
        clock.shift(timedelta(hours=1))
        confirm_change(subscription, the_plan("weekly"), actor=INSTALLATION)
        old, new = subscription.periods.all()
        assert (old.start, old.end, old.days) == (subscription.started_at, subscription.started_at, 0)
        assert (new.start, new.end) == (subscription.started_at, datetime(2026, 11, 26, tzinfo=PARIS))
        assert pending(subscription.account) == [("team", "proration", "-49.00")]
        assert current_period(subscription, utc(2026, 11, 20)) == new

    def test_the_next_periods_follow_the_new_interval(
        self, team: Subscription, clock: time_machine.Traveller
    ) -> None:
        confirm_change(team, the_plan("weekly"), actor=INSTALLATION)
        clock.move_to(utc(2026, 12, 5))
        current_period(team, utc(2026, 12, 5))
        assert [period.first_day.isoformat() for period in team.periods.all()] == [
            "2026-11-01", "2026-11-19", "2026-11-26", "2026-12-03",
        ]  # fmt: skip

    def test_at_an_instant_before_later_periods_began(
        self, team: Subscription, clock: time_machine.Traveller
    ) -> None:
        """Nothing is invoiced yet, so the months that have begun since are replaced."""
        clock.move_to(utc(2027, 3, 5))
        current_period(team, utc(2027, 3, 5))
        at = datetime(2026, 11, 19, 14, 2, tzinfo=PARIS)
        preview = confirm_change(team, the_plan("weekly"), at=at, actor=INSTALLATION)
        assert (preview.next_invoice_at, len(preview.lines)) == (at, 2)
        days = [period.first_day for period in team.periods.all()]
        assert days == [date(2026, 11, 1), *(date(2026, 11, 19) + timedelta(weeks=n) for n in range(16))]
        assert {one.base_version.plan.code for one in team.periods.all()[1:] if one.base_version} == {
            "weekly"
        }

    def test_in_a_trial_before_later_periods_began(self, clock: time_machine.Traveller) -> None:
        sell(plan("tried", "30.00", trial_days=14))
        start = datetime(2026, 11, 1, tzinfo=PARIS)
        tried = subscribe(make_account(), the_plan("tried"), start - timedelta(days=60))
        confirm_change(tried, the_plan("scale-yearly"), at=tried.started_at, actor=INSTALLATION)
        assert [(one.trial, one.days) for one in tried.periods.all()] == [(True, 14), (False, 365)]

    def test_not_before_a_period_in_which_a_limit_was_set(
        self, team: Subscription, clock: time_machine.Traveller
    ) -> None:
        clock.move_to(utc(2026, 12, 5))
        set_limit(team.account, "5.00")
        at = datetime(2026, 11, 19, 14, 2, tzinfo=PARIS)
        with pytest.raises(InvalidInstant, match="running period"):
            preview_change(team, the_plan("weekly"), at=at, actor=INSTALLATION)
        assert preview_change(team, the_plan("weekly"), at=utc(2026, 12, 2), actor=INSTALLATION).lines


class TestWhoMayDoWhat:
    @pytest.mark.parametrize(("code", "error"), [("free", ChangeNotAllowed), ("bespoke", PlanNotPublic)])
    def test_customers_change_now_to_a_higher_public_price_only(
        self, team: Subscription, code: str, error: type[PlanError]
    ) -> None:
        with pytest.raises(error):
            preview_change(team, the_plan(code), actor=CUSTOMER)
        assert preview_change(team, the_plan(code), actor=INSTALLATION).lines

    def test_an_equal_price_is_not_higher(self, team: Subscription) -> None:
        sell(plan("equal", "49.00"))
        with pytest.raises(ChangeNotAllowed) as caught:
            confirm_change(team, the_plan("equal"), actor=CUSTOMER)
        assert (caught.value.code, caught.value.field) == ("change_not_allowed", "when")

    def test_customers_go_down_at_the_periods_end(self, team: Subscription) -> None:
        preview = confirm_change(team, the_plan("free"), "period_end", actor=CUSTOMER)
        assert (preview.lines, preview.effective_at) == ((), datetime(2026, 12, 1, tzinfo=PARIS))
        assert not PendingLine.objects.exists()

    @pytest.mark.parametrize(
        ("code", "error"), [("dollars", CurrencyMismatch), ("team", SameVersion), ("gone", PlanNotForSale)]
    )
    def test_nobody_may(self, team: Subscription, code: str, error: type[PlanError]) -> None:
        sell(plan("gone", "1.00", archived=True))
        for when in ("now", "period_end"):
            with pytest.raises(error) as caught:
                confirm_change(team, the_plan(code), when, actor=INSTALLATION)
            assert caught.value.field == "plan"

    def test_a_plan_that_was_never_published_is_not_for_sale(self, team: Subscription) -> None:
        with pytest.raises(PlanNotForSale):
            preview_change(team, Plan.objects.create(code="draft"), actor=INSTALLATION)

    def test_a_word_that_is_no_time_is_refused(self, team: Subscription) -> None:
        with pytest.raises(InvalidChoice):
            preview_change(team, the_plan("scale"), "tomorrow", actor=INSTALLATION)  # type: ignore[arg-type]

    def test_the_next_version_of_the_same_plan_is_a_change(self, team: Subscription) -> None:
        sell(plan("team", "59.00"))
        assert shown(preview_change(team, the_plan("team"), actor=CUSTOMER)) == [
            ("team", "proration", "-19.60"),
            ("team", "proration", "23.60"),
        ]


class TestQuotes:
    def refused(self, team: Subscription, quote: str, code: str = "scale") -> Preview:
        with pytest.raises(QuoteChanged) as caught:
            confirm_change(team, the_plan(code), actor=CUSTOMER, quote=quote)
        assert team.phases.count() == 1
        assert not PendingLine.objects.exists()
        return caught.value.preview

    def test_it_holds_for_fifteen_minutes(self, team: Subscription, clock: time_machine.Traveller) -> None:
        quote = preview_change(team, the_plan("scale"), actor=CUSTOMER).quote
        clock.shift(timedelta(minutes=14, seconds=59))
        confirm_change(team, the_plan("scale"), actor=CUSTOMER, quote=quote)

    def test_then_it_is_refused_with_a_new_one(
        self, team: Subscription, clock: time_machine.Traveller
    ) -> None:
        quote = preview_change(team, the_plan("scale"), actor=CUSTOMER).quote
        clock.shift(timedelta(minutes=15, seconds=2))
        new = self.refused(team, quote)
        assert shown(new) == TestNow.UPGRADE
        confirm_change(team, the_plan("scale"), actor=CUSTOMER, quote=new.quote)

    def test_over_midnight_the_lines_are_others(
        self, team: Subscription, clock: time_machine.Traveller
    ) -> None:
        clock.move_to(datetime(2026, 11, 19, 23, 55, tzinfo=PARIS))
        quote = preview_change(team, the_plan("scale"), actor=CUSTOMER).quote
        clock.move_to(datetime(2026, 11, 20, 0, 5, tzinfo=PARIS))
        assert shown(self.refused(team, quote))[1] == ("scale", "proration", "72.97")

    def test_a_new_version_of_the_plan_breaks_it(self, team: Subscription) -> None:
        quote = preview_change(team, the_plan("scale"), actor=CUSTOMER).quote
        sell(plan("scale", "209.00"))
        self.refused(team, quote)

    def test_it_is_for_one_plan_and_one_subscription(self, team: Subscription) -> None:
        quote = preview_change(team, the_plan("scale"), actor=CUSTOMER).quote
        self.refused(team, quote, "scale-yearly")
        other = subscribe(make_account("other"), the_plan("team"), datetime(2026, 11, 1, tzinfo=PARIS))
        with pytest.raises(QuoteChanged):
            confirm_change(other, the_plan("scale"), actor=CUSTOMER, quote=quote)

    def test_what_is_none_of_ours_is_refused(self, team: Subscription) -> None:
        self.refused(team, "3f2b")

    def test_a_scheduled_change_is_quoted_too(self, team: Subscription) -> None:
        quote = preview_change(team, the_plan("free"), "period_end", actor=CUSTOMER).quote
        with pytest.raises(ChangeNotAllowed):
            confirm_change(team, the_plan("free"), "now", actor=CUSTOMER, quote=quote)
        confirm_change(team, the_plan("free"), "period_end", actor=CUSTOMER, quote=quote)


class TestCancel:
    def test_customers_end_with_the_period_and_may_take_it_back(self, team: Subscription) -> None:
        with pytest.raises(ChangeNotAllowed):
            cancel(team, "now", actor=CUSTOMER)
        cancel(team, actor=CUSTOMER)
        assert ScheduledChange.objects.get().version is None
        take_back(team)
        assert current_period(team, utc(2026, 12, 10)) is not None
        with pytest.raises(NothingScheduled):
            take_back(team)

    def test_now_gives_the_unused_days_back_and_counts_the_day_as_used(self, team: Subscription) -> None:
        preview = preview_cancel(team, "now", actor=INSTALLATION)
        assert shown(preview) == [("team", "proration", "-17.97")]
        cancel(team, "now", actor=INSTALLATION, quote=preview.quote)
        assert pending(team.account) == [("team", "proration", "-17.97")]
        period = team.periods.get()
        assert (period.end, period.days) == (datetime(2026, 11, 19, 14, 2, tzinfo=PARIS), 19)
        base = base_charge(period)
        assert base is not None
        assert f"{base.amount:.2f}" == "49.00", "the base price was charged for the whole period"
        assert team.canceled_at == period.end

    def test_after_a_change_it_gives_back_the_new_price(
        self, team: Subscription, clock: time_machine.Traveller
    ) -> None:
        confirm_change(team, the_plan("scale"), actor=CUSTOMER)
        clock.shift(timedelta(days=1))
        assert shown(cancel(team, "now", actor=INSTALLATION)) == [("scale", "proration", "-66.33")]

    def test_on_the_last_day_nothing_is_left_to_give_back(
        self, team: Subscription, clock: time_machine.Traveller
    ) -> None:
        clock.move_to(datetime(2026, 11, 30, 12, tzinfo=PARIS))
        assert shown(cancel(team, "now", actor=INSTALLATION)) == []

    def test_in_the_instant_of_its_start(self, clock: time_machine.Traveller) -> None:
        subscription = subscribe(make_account(), the_plan("team"))
        assert shown(cancel(subscription, "now", actor=INSTALLATION)) == [("team", "proration", "-47.37")]
        assert spans_in(subscription.periods.get()) == []
        assert subscribe(subscription.account, the_plan("scale")).periods.count() == 1

    def test_what_has_ended_stays_ended(self, team: Subscription) -> None:
        cancel(team, "now", actor=INSTALLATION)
        for refused in (
            lambda: cancel(team, "period_end", actor=INSTALLATION),
            lambda: confirm_change(team, the_plan("scale"), actor=INSTALLATION),
        ):
            with pytest.raises(SubscriptionEnded):
                refused()

    def test_it_replaces_a_scheduled_change(self, team: Subscription) -> None:
        confirm_change(team, the_plan("free"), "period_end", actor=CUSTOMER)
        cancel(team, actor=CUSTOMER)
        assert ScheduledChange.objects.get().version is None


class TestSubscribe:
    def test_a_second_running_subscription_is_refused(self, team: Subscription) -> None:
        with pytest.raises(AlreadySubscribed):
            subscribe(team.account, the_plan("scale"))

    def test_after_a_scheduled_end_has_come_a_new_one_is_welcome(
        self, team: Subscription, clock: time_machine.Traveller
    ) -> None:
        cancel(team, actor=CUSTOMER)
        clock.move_to(utc(2026, 12, 3))
        assert subscribe(team.account, the_plan("scale")).periods.count() == 1
        assert again(team).canceled_at == datetime(2026, 12, 1, tzinfo=PARIS)

    def test_it_may_not_start_inside_an_earlier_one(self, team: Subscription) -> None:
        cancel(team, "now", actor=INSTALLATION)
        with pytest.raises(InvalidInstant) as caught:
            subscribe(team.account, the_plan("scale"), datetime(2026, 11, 10, tzinfo=PARIS))
        assert caught.value.field == "start"

    @pytest.mark.parametrize("start", [utc(1999, 1, 1), utc(2030, 1, 1), datetime(2026, 11, 1)])
    def test_a_start_out_of_reach_or_without_offset_is_refused(
        self, clock: time_machine.Traveller, start: datetime
    ) -> None:
        with pytest.raises(InvalidInstant):
            subscribe(make_account(), the_plan("team"), start)
        assert not Subscription.objects.exists()

    def test_an_unknown_anchor_is_refused(self, clock: time_machine.Traveller) -> None:
        with pytest.raises(InvalidChoice) as caught:
            subscribe(make_account(), the_plan("team"), anchor="moon")
        assert caught.value.field == "anchor"

    def test_customers_choose_public_plans_only(self, clock: time_machine.Traveller) -> None:
        account = make_account()
        with pytest.raises(PlanNotPublic):
            subscribe(account, the_plan("bespoke"), actor=CUSTOMER)
        assert subscribe(account, the_plan("bespoke")).periods.count() == 1

    def test_a_later_start_waits_and_can_only_be_cancelled(self, clock: time_machine.Traveller) -> None:
        subscription = subscribe(make_account(), the_plan("team"), utc(2026, 12, 1))
        assert not Period.objects.exists()
        with pytest.raises(SubscriptionNotStarted):
            confirm_change(subscription, the_plan("scale"), actor=INSTALLATION)
        cancel(subscription, actor=CUSTOMER)
        assert subscription.canceled_at == utc(2026, 12, 1)
        assert current_period(subscription, utc(2027, 1, 1)) is None
        assert not Period.objects.exists()


def test_the_catalogue_of_the_tests_is_sound() -> None:
    assert {entry["code"] for entry in catalog()["plans"]} == set(Plan.objects.values_list("code", flat=True))
