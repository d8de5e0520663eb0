"""May usage go on? At the limit to the cent, with quantities priced by the plan."""

from decimal import Decimal

import pytest
import time_machine
from django.utils import timezone

from accounts.models import Account
from billing.limits.actions import set_limit
from billing.limits.errors import LimitError
from billing.limits.queries import Allowance, State, allowance, standing
from billing.plans.queries import period_at
from tests.factories import make_account
from tests.limits.world import customer, meter_of, use

pytestmark = pytest.mark.usefixtures("db")


def ask(
    account: Account, quantity: str | None = None, meter: str | None = None, **dimensions: str
) -> Allowance:
    return allowance(
        account,
        meter_of(meter or "tokens") if meter or quantity else None,
        None if quantity is None else Decimal(quantity),
        dimensions or None,
        at=timezone.now(),
    )


def test_below_at_and_above_the_limit() -> None:
    account = customer()
    set_limit(account, "10", "stop")
    use(account, tokens=9)
    found = ask(account)
    assert (found.allowed, found.reason, found.spent, found.remaining) == (True, None, 9, 1)
    use(account, tokens=1)
    found = ask(account)
    assert (found.allowed, found.reason, found.spent, found.remaining) == (
        False,
        "account_limit_reached",
        10,
        0,
    )
    use(account, tokens=5)
    found = ask(account)
    assert (found.spent, found.remaining, found.limit) == (15, 0, 10), "before waivers, and never negative"
    assert found.resets_at == period_at(account, timezone.now()).end


def test_a_quantity_may_reach_the_limit_but_not_pass_it() -> None:
    account = customer()
    set_limit(account, "10", "stop")
    use(account, tokens=7)
    assert ask(account, "3").allowed
    refused = ask(account, "3.01")
    assert (refused.allowed, refused.reason, refused.remaining) == (False, "account_limit_reached", 3)
    assert ask(account, "0").allowed


def test_notify_always_allows() -> None:
    account = customer()
    set_limit(account, "10", "notify")
    use(account, tokens=15)
    found = ask(account, "1000")
    assert (found.allowed, found.reason, found.limit, found.spent, found.remaining) == (True, None, 10, 15, 0)


def test_no_limit_and_no_subscription() -> None:
    account = customer()
    use(account, tokens=15)
    found = ask(account, "5")
    assert (found.allowed, found.limit, found.remaining, found.spent) == (True, None, None, 15)
    other = make_account("other")
    set_limit(other, "1", "stop")
    found = ask(other, "5")
    assert (found.allowed, found.limit, found.resets_at, found.spent) == (True, 1, None, 0)


def test_included_units_cost_nothing() -> None:
    account = customer("included")
    set_limit(account, "0", "stop")
    assert not ask(account).allowed, "nothing may be spent at all"
    assert ask(account, "10").allowed, "ten are free"
    assert not ask(account, "10.01").allowed


def test_a_package_is_paid_whole() -> None:
    account = customer("package")
    set_limit(account, "5", "stop")
    use(account, tokens=9)  # one package: 3
    assert ask(account, "1").allowed, "still in the first package"
    assert not ask(account, "1.5").allowed, "the second one would make 6"


def test_tiers_go_on_from_where_the_period_stands() -> None:
    account = customer("graduated")
    set_limit(account, "4", "stop")
    use(account, tokens=8)
    assert ask(account, "4").allowed, "two free, two at 2"
    assert not ask(account, "5").allowed


def test_dimensions_choose_the_charge_and_without_them_the_dearest_is_assumed() -> None:
    account = customer("models")
    set_limit(account, "10", "stop")
    assert ask(account, "10", model="small").allowed
    assert not ask(account, "3", model="large").allowed
    assert not ask(account, "3").allowed, "it may be the large one"
    assert ask(account, "2").allowed
    assert not ask(account, "3", region="eu").allowed, "a dimension that no charge filters on leaves it open"
    assert ask(account, "1000", model="unpriced").allowed, "no charge matches: free"


def test_a_meters_limit_binds_that_meter_and_the_strictest_is_named() -> None:
    account = customer()
    set_limit(account, "100", "stop")
    set_limit(account, "10", "stop", meter=meter_of("tokens"))
    use(account, tokens=10)
    found = ask(account, meter="tokens")
    assert (found.allowed, found.reason, found.limit, found.spent) == (False, "meter_limit_reached", 10, 10)
    assert ask(account, meter="bytes").allowed
    assert ask(account).limit == 100, "asked for the account alone"
    use(account, bytes=45)
    assert ask(account, meter="bytes").reason == "account_limit_reached"


def test_a_limit_that_tells_never_hides_one_that_stops() -> None:
    account = customer()
    set_limit(account, "1", "notify")
    set_limit(account, "10", "stop", meter=meter_of("tokens"))
    use(account, tokens=5)
    found = ask(account, meter="tokens")
    assert (found.allowed, found.limit, found.remaining) == (True, 10, 5)


def test_a_raise_and_a_new_period_lift_a_stop_at_once() -> None:
    account = customer()
    set_limit(account, "10", "stop")
    use(account, tokens=15)
    assert not ask(account).allowed
    set_limit(account, "16", "stop")
    assert ask(account).allowed
    set_limit(account, "10", "stop")
    assert not ask(account).allowed
    with time_machine.travel(ask(account).resets_at, tick=False):
        found = ask(account)
        assert (found.allowed, found.spent, found.remaining) == (True, 0, 10)


def test_a_trial_is_free_whatever_is_asked() -> None:
    account = customer("trial", days=1)
    set_limit(account, "10", "stop")
    use(account, tokens=50)
    found = ask(account, "1000000")
    assert (found.allowed, found.spent) == (True, 0)


@pytest.mark.parametrize(("meter", "quantity", "field"), [(None, "1", "meter"), ("tokens", "-1", "quantity")])
def test_questions_that_make_no_sense(meter: str | None, quantity: str, field: str) -> None:
    account = customer()
    with pytest.raises(LimitError) as caught:
        allowance(account, meter_of(meter) if meter else None, Decimal(quantity), at=timezone.now())
    assert caught.value.field == field


def test_where_an_account_stands() -> None:
    account = customer()
    set_limit(account, "10", "stop")
    set_limit(account, "4", "notify", meter=meter_of("tokens"))
    use(account, tokens=5)
    use(account, bytes=3)
    found = standing(account, timezone.now())
    assert found.account
    assert found.strictest == found.account, "it stops, the meter's only tells"
    assert (found.spent, found.payable, found.waived, found.stopped) == (11, 10, 1, True)
    assert (found.account.state, found.account.share) == (State.STOPPED, Decimal("1.1"))
    assert [(one.state, one.spent, one.remaining) for one in found.meters] == [(State.REACHED, 5, 0)]


def test_a_share_is_never_rounded_up_to_the_limit() -> None:
    account = customer()
    set_limit(account, "300000000000000", "stop")
    use(account, tokens="299999999999999")
    account_limit = standing(account, timezone.now()).account
    assert account_limit
    assert account_limit.share < 1
    assert account_limit.state is State.NEAR
