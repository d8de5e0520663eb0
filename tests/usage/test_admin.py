"""Staff find an event by account and id, see quarantine, and try its events again."""

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import User
from billing.usage.models import EventRow, QuarantinedEvent
from tests.usage.given import event, given_account, send, stored

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
