"""At this rate: told once, in time, and not before there is enough to go by."""

from datetime import date, timedelta
from typing import Any

import pytest
import time_machine
from django.core import mail
from django.utils import timezone

from accounts.models import Account
from billing.limits.actions import raise_alerts, raise_pace_alerts, set_limit
from billing.limits.mail import send_alerts
from billing.limits.models import Alert
from billing.plans.queries import period_at
from portal.pages.figures import period_figures
from portal.pages.forecasts import crossing, period_forecast
from tests.limits.world import customer, meter_of, use

pytestmark = pytest.mark.usefixtures("db")

TODAY = "2026-03-16T12:00:00+01:00"  # day 10 of a period of 31 days, for who began ten days ago


@pytest.fixture(autouse=True)
def _noon() -> Any:
    with time_machine.travel(TODAY, tick=False):
        mail.outbox = []
        yield


def steady(days: int = 10, **more: Any) -> Account:
    """An account that has spent 10 a day on tokens, for `days` days."""
    account = customer(days=days, **more)
    for day in range(1, days + 1):
        use(account, tokens=10, at=timezone.now() - timedelta(days=day, hours=-1))
    return account


def told(account: Account) -> list[Alert]:
    return raise_pace_alerts(account, timezone.now())


def test_the_day_is_that_of_the_page_and_is_told_once() -> None:
    account = steady()
    limit = set_limit(account, "200", "stop")
    (alert,) = told(account)
    assert (alert.threshold, alert.spent, alert.limit) == (Alert.PACE, 100, limit)
    assert alert.expected_on == date(2026, 3, 26), "ten a day from 100 on"
    figures = period_figures(account, period_at(account, timezone.now()), timezone.now(), compare=False)
    assert crossing(period_forecast(account, figures), figures, limit.amount)[1] == alert.expected_on
    assert told(account) == []


@pytest.mark.parametrize(("days", "many"), [(5, 0), (7, 1)])
def test_not_before_a_week_of_usage(days: int, many: int) -> None:
    account = steady(days)
    set_limit(account, "200", "stop")
    assert len(told(account)) == many


def test_not_where_the_pace_leads_elsewhere() -> None:
    account = steady()
    set_limit(account, "900", "stop")
    assert told(account) == [], "about 310 by the end"


def test_not_for_what_is_reached_already() -> None:
    account = steady()
    set_limit(account, "100", "stop")
    assert told(account) == []


def test_not_for_who_does_not_want_it() -> None:
    account = steady()
    set_limit(account, "200", "stop", pace=False)
    assert told(account) == []
    set_limit(account, "200", "stop", pace=True)
    assert len(told(account)) == 1


def test_raising_tells_again_and_lowering_does_not() -> None:
    account = steady()
    set_limit(account, "200", "stop")
    assert len(told(account)) == 1
    set_limit(account, "150", "stop")
    assert told(account) == []
    set_limit(account, "150", "notify")
    assert told(account) == []
    set_limit(account, "250", "stop")
    assert len(told(account)) == 1


def test_a_meter_has_a_pace_of_its_own() -> None:
    account = steady()
    set_limit(account, "60", "notify", meter=meter_of("bytes"))
    set_limit(account, "150", "notify", meter=meter_of("tokens"))
    (alert,) = told(account)
    assert (alert.limit.meter, alert.expected_on) == (meter_of("tokens"), date(2026, 3, 21))


def test_thresholds_are_told_whatever_the_pace_said() -> None:
    account = steady()
    set_limit(account, "200", "stop", [50, 80])
    assert len(told(account)) == 1
    assert [alert.threshold for alert in raise_alerts(account, timezone.now())] == [50]


def test_a_trial_and_no_subscription_have_no_pace() -> None:
    account = customer("trial", days=9)
    set_limit(account, "1", "stop")
    use(account, tokens=50)
    assert told(account) == []


def test_the_mail_in_both_languages() -> None:
    english, french = steady(), steady(code="brume", locale="fr")
    for account in (english, french):
        set_limit(account, "200", "stop", [])
        told(account)
        assert send_alerts(account) == 1
    first, second = mail.outbox
    assert (
        first.subject == "Acme: at this rate you reach your €200 spending limit on 26\N{NO-BREAK SPACE}March"
    )
    assert second.subject == (
        "Brume\N{NO-BREAK SPACE}: à ce rythme, vous atteindrez votre limite de 200\N{NO-BREAK SPACE}€ "
        "le 26\N{NO-BREAK SPACE}mars"
    )
    for text in (first.body, first.alternatives[0].content):
        assert "At this rate you reach your limit of €200 on 26" in text
        assert "costs €100.00 so far" in text
        assert "At €200 new usage is refused, until the limit is raised" in text
    for text in (second.body, second.alternatives[0].content):
        assert "À ce rythme, vous atteindrez votre limite de 200" in text
        assert "Usage" not in text
