"""A decision of staff about a customer's limit: with a reason, at once, and never without a name."""

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from billing.limits.actions import raise_alerts, set_limit
from billing.limits.models import LimitVersion
from billing.limits.queries import Cause, allowance, firings
from tests.limits.world import customer, meter_of, use

pytestmark = pytest.mark.usefixtures("db")

ADD = "/admin/limits/limitversion/add/"


@pytest.fixture
def staff() -> Client:
    client = Client()
    client.force_login(User.objects.create_superuser("kim@seller.example", "x", name="Kim Roy"))
    return client


def test_a_stop_is_lifted_at_once_and_the_customer_reads_why(staff: Client) -> None:
    account = customer()
    set_limit(account, "10", "stop", [40, 90], pace=False)
    use(account, tokens=15)
    raise_alerts(account, timezone.now())
    assert not allowance(account, at=timezone.now()).allowed
    assert "They read your name and your reason" in staff.get(ADD).text
    sent = {"account": account.pk, "amount": "", "action": "stop", "note": "Agreed by phone"}
    answer = staff.post(ADD, sent)
    assert answer.status_code == 302, answer.context["errors"]
    assert allowance(account, at=timezone.now()).allowed
    version = LimitVersion.objects.order_by("since").last()
    assert version
    assert (version.amount, version.note, str(version.created_by)) == (None, "Agreed by phone", "Kim Roy")
    assert (version.thresholds, version.pace) == ([40, 90], False), "how they are told stays theirs"
    assert version.payable_at_start == 10
    (firing,) = firings(account)
    assert firing.resumed
    assert (firing.resumed.cause, firing.resumed.version) == (Cause.STAFF, version)


def test_a_limit_of_a_meter_is_set(staff: Client) -> None:
    account = customer()
    sent = {
        "account": account.pk,
        "meter": meter_of("tokens").pk,
        "amount": "20",
        "action": "stop",
        "note": "Asked",
    }
    assert staff.post(ADD, sent).status_code == 302
    (version,) = LimitVersion.objects.all()
    assert (version.meter, version.amount, version.thresholds) == (meter_of("tokens"), 20, [50, 80, 100])


@pytest.mark.parametrize(
    ("wrong", "field"),
    [({"note": " "}, "note"), ({"amount": "1.001"}, "amount"), ({"amount": "-1"}, "amount")],
)
def test_without_a_reason_or_with_an_amount_that_cannot_be_nothing_is_done(
    staff: Client, wrong: dict[str, str], field: str
) -> None:
    account = customer()
    sent = {"account": account.pk, "amount": "5", "action": "stop", "note": "Asked", **wrong}
    answer = staff.post(ADD, sent)
    assert answer.status_code == 200
    assert field in answer.context["adminform"].form.errors
    assert not LimitVersion.objects.exists()


def test_versions_alerts_stops_and_drills_are_read_only(staff: Client) -> None:
    account = customer()
    version = set_limit(account, "10", "stop")
    use(account, tokens=15)
    raise_alerts(account, timezone.now())
    page = reverse("admin:limits_limitversion_change", args=[version.pk])
    assert staff.get(page).status_code == 200
    assert staff.post(page, {"amount": "1"}).status_code == 403
    for model in ("limitversion", "alert", "stop", "drill"):
        assert staff.get(reverse(f"admin:limits_{model}_changelist")).status_code == 200, model
