"""The drill: the real mail, marked as a test, that touches no alert; and how often it may be asked for."""

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.core import mail
from django.utils import timezone

from accounts.models import Account, User
from billing.limits.actions import NothingToTry, TooManyDrills, raise_alerts, set_limit, start_drill
from billing.limits.mail import anything_new, send_alerts
from billing.limits.models import Alert, Drill, LimitVersion, Stop
from tests.factories import make_account, make_member
from tests.limits.world import customer, use

pytestmark = pytest.mark.usefixtures("db")


@pytest.fixture(autouse=True)
def outbox() -> list[Any]:
    mail.outbox = []
    return mail.outbox


def given(locale: str = "en", action: str = "stop") -> tuple[Account, User, LimitVersion]:
    account = customer(locale=locale)
    limit = set_limit(account, "500", action)
    assert limit
    return account, make_member(account, "developer", "dev@acme.example"), limit


def test_it_sends_what_reaching_the_limit_would_marked_as_a_test() -> None:
    account, by, limit = given()
    use(account, tokens=3)
    drill = start_drill(limit, by)
    assert anything_new(account)
    assert send_alerts(account) == 1
    (sent,) = mail.outbox
    assert sent.subject == "TEST: Acme: your €500 spending limit is reached, new usage is refused"
    assert sent.to == ["billing@acme.example"], "whom the real one would go to"
    for text in (sent.body, sent.alternatives[0].content):
        assert f"This is a TEST that {by} asked for" in text
        assert "The limit is not reached and nothing is refused" in text
    assert sent.extra_headers["Message-ID"] == f"<drill-{drill.pk}@localhost>"
    drill.refresh_from_db()
    assert (drill.recipients, bool(drill.sent_at), drill.asked_by) == (["billing@acme.example"], True, by)
    assert send_alerts(account) == 0
    assert not anything_new(account)


def test_in_french() -> None:
    account, by, limit = given(locale="fr", action="notify")
    start_drill(limit, by)
    send_alerts(account)
    (sent,) = mail.outbox
    assert sent.subject.startswith("ESSAI\N{NO-BREAK SPACE}: Acme")
    assert "Ceci est un ESSAI demandé par" in sent.body
    assert "TEST" not in sent.body


def test_it_touches_no_alert_and_no_threshold() -> None:
    account, by, limit = given()
    start_drill(limit, by)
    send_alerts(account)
    assert raise_alerts(account, timezone.now()) == []
    assert not Alert.objects.exists()
    assert not Stop.objects.exists()
    use(account, tokens=500)
    assert [alert.threshold for alert in raise_alerts(account, timezone.now())] == [50, 80, 100]


def test_three_in_an_hour() -> None:
    _, by, limit = given()
    for _ in range(3):
        start_drill(limit, by)
    with pytest.raises(TooManyDrills):
        start_drill(limit, by)
    assert Drill.objects.count() == 3
    with time_machine.travel(timezone.now() + timedelta(hours=1, minutes=1), tick=False):
        start_drill(limit, by)


def test_what_cannot_be_reached_cannot_be_tried() -> None:
    account, by, _ = given()
    with pytest.raises(NothingToTry):
        start_drill(set_limit(account, None, "stop"), by)
    other = make_account("other")
    with pytest.raises(NothingToTry):
        start_drill(set_limit(other, "5", "stop"), by)
