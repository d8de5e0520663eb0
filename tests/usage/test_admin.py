"""Staff find an event by account and id, see quarantine, and try its events again."""

import html
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import Account, User
from billing.usage.models import EventRow, QuarantinedEvent
from tests.usage.given import NOW, event, given_account, send, stored

pytestmark = pytest.mark.usefixtures("db")


@pytest.fixture
def staff() -> Client:
    client = Client()
    client.force_login(User.objects.create_superuser("staff@plainbill.example", "correct horse battery"))
    return client


def test_events_are_found_by_account_and_id(staff: Client) -> None:
    given_account()
    send(event(id="a/b 1", source="/söurce/1"), event(id="other"))
    url = reverse("admin:usage_eventrow_changelist")
    page = staff.get(url, {"q": "acme"}).content.decode()
    assert "a/b 1" in page
    assert "other" in page
    assert "other" not in staff.get(url, {"q": "acme a/b 1"}).content.decode().split("result_list")[1]
    row = EventRow.objects.get(event_id="a/b 1")
    page = staff.get(reverse("admin:usage_eventrow_change", args=[row.pk])).content.decode()
    assert "gpt-4" in page
    assert "_save" not in page


def test_quarantined_events_can_be_tried_again(staff: Client) -> None:
    account = given_account()
    send(event(subject="late"), event(type="nothing"))
    url = reverse("admin:usage_quarantinedevent_changelist")
    assert "unknown account" in staff.get(url).content.decode()
    QuarantinedEvent.objects.filter(subject="late").update(subject="acme")
    row = QuarantinedEvent.objects.get(type="llm")
    row.body["subject"] = "acme"
    row.save()
    answer = staff.post(url, {"action": "replay", "_selected_action": [row.pk]}, follow=True)
    assert "1 accepted" in answer.content.decode()
    assert stored(account) == 1


def test_quarantine_is_counted_on_the_first_page(staff: Client) -> None:
    index = reverse("admin:index")
    assert "in quarantine" not in staff.get(index).content.decode()
    given_account()
    send(event(subject="late"), event(subject="later"), event(type="nothing"))
    page = staff.get(index).content.decode()
    assert "2 events in quarantine: unknown account" in page
    assert "1 event in quarantine: no meter listens to its type" in page
    assert "in no service period" not in page
    links = [link for link in page.split('"') if "state=open" in link]
    rows = [staff.get(html.unescape(link)).context["cl"].result_count for link in links]
    assert sorted(rows) == [1, 2]
    QuarantinedEvent.objects.update(replayed_at=timezone.now())
    assert "in quarantine" not in staff.get(index).content.decode()


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ({}, {"1", "2", "3", "4"}),
        ({"type": "llm"}, {"1", "2", "4"}),
        ({"subject": "late"}, {"1", "3"}),
        ({"subject": "late", "type": "nothing"}, {"3"}),
        ({"reason__exact": "no_period"}, {"4"}),
        ({"state": "open"}, {"1", "3", "4"}),
        ({"state": "rejected"}, {"3"}),
        ({"state": "replayed"}, {"2"}),
    ],
)
def test_quarantine_is_filtered(staff: Client, filters: dict[str, str], found: set[str]) -> None:
    given_account()
    old = (NOW - timedelta(days=400)).isoformat()
    send(
        event(id="1", subject="late"),
        event(id="2", subject="other"),
        event(id="3", subject="late", type="nothing"),
        event(id="4", time=old),
    )
    QuarantinedEvent.objects.filter(event_id="2").update(replayed_at=timezone.now())
    QuarantinedEvent.objects.filter(event_id="3").update(error="invalid_value: so")
    url = reverse("admin:usage_quarantinedevent_changelist")
    answer = staff.get(url, filters)
    assert {row.event_id for row in answer.context["cl"].result_list} == found
    page = answer.content.decode()
    assert "late (2)" in page
    assert "other (" not in page, "it is not in quarantine any more"


def test_all_that_a_filter_finds_can_be_tried_again_by_hand(staff: Client) -> None:
    """Also what only a person may try again: what was rejected when it was replayed by itself."""
    account = given_account()
    send(event(id="1", subject="late"), event(id="2", subject="late"), event(id="3", subject="never"))
    QuarantinedEvent.objects.filter(event_id="1").update(error="invalid_value: so")
    given_account("late", plan="late")
    url = reverse("admin:usage_quarantinedevent_changelist")
    chosen = {"action": "replay", "select_across": "1", "_selected_action": ["0"]}
    answer = staff.post(f"{url}?subject=late&state=open", chosen, follow=True)
    assert "2 accepted" in answer.content.decode()
    assert stored(Account.objects.get(code="late")) == 2
    assert stored(account) == 0
    assert [row.event_id for row in QuarantinedEvent.objects.filter(replayed_at=None)] == ["3"]
