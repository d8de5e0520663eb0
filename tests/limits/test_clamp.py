"""The limit promise through real events: what is payable, what is waived, and what each version recorded."""

from datetime import timedelta
from decimal import Decimal

import pytest
import time_machine
from django.db import connection, transaction
from django.db.utils import ProgrammingError
from django.utils import timezone

from accounts.models import Account
from billing.limits.actions import set_limit
from billing.limits.models import LimitVersion
from billing.limits.queries import Clamped, allowance, clamp, current_limit, limit_data, versions_in
from billing.plans.actions import Actor, cancel
from billing.plans.models import Period
from billing.plans.queries import period_at, running_subscription
from billing.pricing.clamp import Waiver
from billing.usage.rating import rate_period
from tests.factories import make_account
from tests.limits.world import customer, meter_of, put_on, send, use

pytestmark = pytest.mark.usefixtures("db")


def clamped(account: Account, period: Period | None = None) -> Clamped:
    period = period or period_at(account, timezone.now())
    assert period
    return clamp(rate_period(period))


def split(account: Account) -> tuple[Decimal, Decimal]:
    found = clamped(account)
    assert found.payable + found.waived == found.usage
    return found.payable, found.waived


def test_usage_beyond_the_limit_is_waived() -> None:
    account = customer()
    set_limit(account, "10", "stop")
    use(account, tokens=15)
    assert clamped(account) == Clamped(Decimal(15), Decimal(10), Decimal(5), (Waiver(None, Decimal(5)),))


def test_raising_takes_no_waiver_back_and_what_arrives_then_is_payable_up_to_the_new_limit() -> None:
    account = customer()
    set_limit(account, "10", "stop")
    use(account, tokens=15)
    set_limit(account, "12", "stop")
    assert split(account) == (10, 5)
    use(account, tokens=1)
    assert split(account) == (11, 5)
    use(account, tokens=9)
    assert split(account) == (12, 13)


def test_lowering_waives_nothing_that_was_payable() -> None:
    account = customer()
    set_limit(account, "10", "stop")
    use(account, tokens=8)
    set_limit(account, "3", "stop")
    assert split(account) == (8, 0)
    use(account, tokens=4)
    assert split(account) == (8, 4)


def test_a_first_limit_on_the_last_day_makes_nothing_free() -> None:
    account = customer()
    use(account, tokens=40)
    set_limit(account, "1", "stop")
    assert split(account) == (40, 0)


@pytest.mark.parametrize(("amount", "action"), [("10", "notify"), (None, "stop")])
def test_a_limit_that_only_tells_and_no_limit_waive_nothing(amount: str | None, action: str) -> None:
    account = customer()
    set_limit(account, amount, action)
    use(account, tokens=15)
    assert split(account) == (15, 0)


def test_lifting_a_limit_lets_usage_grow_again() -> None:
    account = customer()
    set_limit(account, "10", "stop")
    use(account, tokens=15)
    set_limit(account, None)
    use(account, tokens=3)
    assert split(account) == (13, 5)


def test_a_limit_of_zero_pays_for_nothing_that_comes() -> None:
    account = customer()
    set_limit(account, "0", "stop")
    use(account, tokens=2)
    assert split(account) == (0, 2)


def test_a_meters_limit_clamps_first_then_the_accounts() -> None:
    account = customer()
    set_limit(account, "20", "stop")
    set_limit(account, "6", "stop", meter=meter_of("tokens"))
    use(account, tokens=10)  # 4 waived by the meter's limit
    use(account, bytes=9)  # 18: with 6 that is 24, of which the account's limit waives 4
    assert clamped(account).waivers == (Waiver("tokens", Decimal(4)), Waiver(None, Decimal(4)))
    assert split(account) == (20, 8)


def test_a_limit_on_one_meter_leaves_the_others_alone() -> None:
    account = customer()
    set_limit(account, "6", "stop", meter=meter_of("bytes"))
    use(account, tokens=100)
    assert split(account) == (100, 0)


def test_base_prices_and_minimums_do_not_count() -> None:
    account = customer("minimum")  # 50 at least for tokens, and a base price
    set_limit(account, "10", "stop")
    use(account, tokens=7)
    found = clamped(account)
    assert (found.usage, found.payable) == (7, 7)


def test_a_rounded_line_is_what_counts() -> None:
    account = customer("fine")
    set_limit(account, "0.01", "stop")
    use(account, tokens=15)  # 0.015 is the line 0.02
    assert split(account) == (Decimal("0.01"), Decimal("0.01"))


def test_a_voided_event_comes_off_the_waiver_first() -> None:
    account = customer()
    set_limit(account, "10", "stop")
    use(account, tokens=9)
    event = use(account, tokens=6)
    assert split(account) == (10, 5)
    send(account, event, {"model": "small", "tokens": "6"}, revision=1, voided=True)
    assert split(account) == (9, 0)


def test_every_version_records_where_usage_and_payable_stood() -> None:
    account = customer()
    set_limit(account, "10", "stop", [50])
    use(account, tokens=15)
    version = set_limit(account, "30", "stop", [50])
    assert version is not None
    assert (version.usage_at_start, version.payable_at_start) == (15, 10)
    assert version.period == period_at(account, timezone.now())
    assert LimitVersion.objects.filter(account=account).count() == 2


def test_a_version_of_the_accounts_limit_counts_what_the_meters_left() -> None:
    account = customer()
    set_limit(account, "6", "stop", meter=meter_of("tokens"))
    use(account, tokens=10)
    version = set_limit(account, "20", "stop")
    assert version is not None
    assert (version.usage_at_start, version.payable_at_start) == (6, 6)
    use(account, bytes=7)  # 14 more: 20 in all
    assert split(account) == (20, 4)


def test_the_same_again_changes_nothing() -> None:
    account = customer()
    first = set_limit(account, "10.00", "stop", [80, 50])
    assert set_limit(account, "10", "stop", [50, 80]) == first
    assert LimitVersion.objects.count() == 1
    assert set_limit(account, None) != first
    assert set_limit(make_account("other"), None) is None, "no limit, and none before"


def test_what_the_api_shows() -> None:
    account = customer()
    assert limit_data(account) == {"amount": None, "action": "notify", "thresholds": [50, 80, 100]}
    set_limit(account, 500, "stop", [80])
    assert limit_data(account) == {"amount": "500.00", "action": "stop", "thresholds": [80]}
    assert limit_data(account, meter_of("tokens"))["amount"] is None
    set_limit(account, None, "stop", [80], pace=False)
    assert limit_data(account) == {"amount": None, "action": "stop", "thresholds": [80], "pace": False}
    assert current_limit(account) is None


def test_a_change_that_is_dated_back_counts_usage_as_arrived_at_its_own_time() -> None:
    account = customer()
    use(account, tokens=4, at=timezone.now() - timedelta(days=3))
    use(account, tokens=9)
    version = set_limit(account, "6", "stop", at=timezone.now() - timedelta(days=2))
    assert version is not None
    assert version.usage_at_start == 4
    assert split(account) == (6, 7)


def test_a_limit_follows_into_the_next_period_and_begins_with_nothing_used() -> None:
    account = customer()
    set_limit(account, "10", "stop")
    use(account, tokens=15)
    first = period_at(account, timezone.now())
    assert first
    with time_machine.travel(first.end + timedelta(days=1), tick=False):
        assert split(account) == (0, 0)
        period = period_at(account, timezone.now())
        assert period
        assert [(one.usage_at_start, one.payable_at_start) for one in versions_in(period)[None]] == [(0, 0)]
        version = set_limit(account, "4", "stop")
        assert version is not None
        assert (version.period, version.usage_at_start) == (period, 0)
    assert clamped(account, first).waived == 5, "the ended period keeps the version that held in it"


def test_versions_of_one_instant_follow_one_another() -> None:
    account = customer()
    with time_machine.travel(timezone.now(), tick=False):
        for amount in ("10", "20", "30"):
            set_limit(account, amount)
        assert limit_data(account)["amount"] == "30.00"


def test_ending_a_subscription_and_starting_another_does_not_give_the_limit_anew() -> None:
    now = timezone.now()
    with time_machine.travel(now - timedelta(days=3), tick=False):
        account = customer()
        set_limit(account, "10", "stop")
        use(account, tokens=15, at=now - timedelta(days=4))
        subscription = running_subscription(account)
        assert subscription
        cancel(subscription, "now", actor=Actor.INSTALLATION)
    with time_machine.travel(now - timedelta(days=2), tick=False):
        assert not allowance(account, at=timezone.now()).allowed, (
            "the limit's period runs on without a subscription"
        )
        put_on(account, "unit")
    use(account, tokens=4)
    assert split(account) == (0, 4)
    assert allowance(account, at=timezone.now()).spent == 19
    version = set_limit(account, "12", "stop")
    assert version is not None
    assert (version.usage_at_start, version.payable_at_start) == (19, 10)
    use(account, tokens=5)
    assert split(account) == (2, 7)
    with time_machine.travel(now + timedelta(days=40), tick=False):
        assert split(account) == (0, 0)
        assert allowance(account, at=timezone.now()).spent == 0


def test_a_trial_is_free_and_nothing_is_waived() -> None:
    account = customer("trial", days=1)
    set_limit(account, "10", "stop")
    use(account, tokens=50)
    assert split(account) == (0, 0)


def test_without_a_subscription_a_limit_waits_for_one() -> None:
    customer()
    account = make_account("later")
    version = set_limit(account, "10", "stop")
    assert version is not None
    assert version.period is None
    put_on(account, "unit")
    use(account, tokens=15)
    assert split(account) == (10, 5)


@pytest.mark.parametrize(
    "change", ["UPDATE limits_limitversion SET amount = 1", "DELETE FROM limits_limitversion"]
)
def test_a_version_is_never_changed_or_removed(change: str) -> None:
    set_limit(customer(), "10")
    with (
        pytest.raises(ProgrammingError, match="permission denied"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(change)
