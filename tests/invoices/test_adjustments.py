"""Adjustments by staff: seen before they are invoiced, on the next document once, taken back while they wait."""

from datetime import datetime, timedelta
from decimal import Decimal

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import Account, User
from billing.invoices.actions import adjust, bill_account, take_adjustment_back
from billing.invoices.drafts import draft_invoice
from billing.invoices.errors import EntryError
from billing.invoices.models import Invoice
from billing.invoices.pdf import invoice_pdf
from billing.invoices.verify import steps, verify
from billing.plans.models import PendingLine
from billing.plans.queries import period_at
from tests.invoices import world

pytestmark = pytest.mark.usefixtures("db")

ADD = "/admin/plans/pendingline/add/"
NOTE = {"en": "Goodwill for the outage", "fr": "Geste pour la panne"}


@pytest.fixture
def account() -> Account:
    world.load()
    found = world.customer()
    world.on_plan(found, "team", timezone.now())
    return found


@pytest.fixture
def kim() -> User:
    return User.objects.create_superuser("kim@seller.example", "x", name="Kim Roy")


@pytest.fixture
def staff(kim: User) -> Client:
    client = Client()
    client.force_login(kim)
    return client


def upcoming(account: Account) -> list[tuple[str, str, str]]:
    period = period_at(account, timezone.now())
    assert period is not None
    lines = draft_invoice(account, period, timezone.now()).lines_data()
    return [(line["kind"], line["description"], line["amount"]) for line in lines]


def sent(account: Account, **fields: str) -> dict[str, str]:
    values = {"account": str(account.pk), "amount": "-12.50", "note_en": NOTE["en"], "note_fr": NOTE["fr"],
              "tax": "fr-55", "reason": "Ticket 4711"}  # fmt: skip
    return {**values, **fields}


def later() -> datetime:
    return timezone.now() + timedelta(days=40)


@pytest.mark.parametrize("amount", ["-12.50", "30.00"])
def test_it_is_seen_before_and_is_on_the_next_document_once(account: Account, kim: User, amount: str) -> None:
    bill_account(account, timezone.now())
    adjust(account, Decimal(amount), NOTE, "fr-55", reason="Ticket 4711", by=kim)
    assert upcoming(account)[-1] == ("adjustment", NOTE["en"], amount)
    first, *more = bill_account(account, later())
    (line,) = first.lines.filter(kind="adjustment")
    assert (f"{line.amount:.2f}", line.tax_code, line.description) == (amount, "fr-55", NOTE["en"])
    assert line.detail["reason"] == "Ticket 4711"
    assert line.detail["entered_by"] == "kim@seller.example"
    assert not any(each.lines.filter(kind="adjustment").exists() for each in more)
    assert invoice_pdf(first).startswith(b"%PDF")
    assert [each for step in steps() for each in verify(step)] == []


def test_what_is_given_back_beyond_the_document_becomes_a_credit_note(account: Account, kim: User) -> None:
    bill_account(account, timezone.now())
    adjust(account, Decimal("-500"), NOTE, "", reason="Wrong plan", by=kim)
    first = bill_account(account, later())[0]
    assert first.kind == Invoice.Kind.CREDIT_NOTE
    assert f"{first.total:.2f}" == "541.20", "(500.00 - 49.00) and 20 %"


def test_it_is_taken_back_while_it_waits_only(account: Account, kim: User) -> None:
    line = adjust(account, Decimal(5), NOTE, "", reason="Wrong", by=kim)
    take_adjustment_back(line)
    assert not PendingLine.objects.exists()
    line = adjust(account, Decimal(5), NOTE, "", reason="Right", by=kim)
    bill_account(account, later())
    with pytest.raises(EntryError, match="on a document already"):
        take_adjustment_back(line)


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"amount": "0"}, "amount"),
        ({"amount": "1.001"}, "amount"),
        ({"amount": "NaN"}, "amount"),
        ({"note_en": " ", "note_fr": ""}, "note"),
        ({"reason": " "}, "reason"),
        ({"tax": "none-such"}, "tax"),
    ],
)
def test_a_refusal_is_shown_at_its_field(
    staff: Client, account: Account, wrong: dict[str, str], field: str
) -> None:
    answer = staff.post(ADD, sent(account, **wrong))
    assert answer.status_code == 200
    assert field in answer.context["adminform"].form.errors
    assert not PendingLine.objects.exists()


def test_an_account_that_gets_no_document_is_refused(staff: Client, kim: User) -> None:
    answer = staff.post(ADD, sent(world.customer("idle"), tax=""))
    assert "account" in answer.context["adminform"].form.errors


def test_the_page_keeps_who_entered_it_and_who_took_it_back(staff: Client, account: Account) -> None:
    assert staff.get(ADD).status_code == 200
    answer = staff.post(ADD, sent(account))
    assert answer.status_code == 302, answer.context["errors"]
    line = PendingLine.objects.get()
    page = reverse("admin:plans_pendingline_change", args=[line.pk])
    text = staff.get(page).text
    assert "Ticket 4711" in text
    assert "kim@seller.example" in text
    assert staff.post(page, {"amount": "1"}).status_code == 403
    assert (
        staff.post(reverse("admin:plans_pendingline_delete", args=[line.pk]), {"post": "yes"}).status_code
        == 302
    )
    assert not PendingLine.objects.exists()
    said = [
        (str(one.user), one.object_repr, one.get_change_message()) for one in LogEntry.objects.order_by("pk")
    ]
    assert said[0] == ("Kim Roy", "adjustment of -12.5", "Added adjustment “Ticket 4711”.")
    assert said[1][:2] == ("Kim Roy", "adjustment of -12.5")


def test_one_on_a_document_cannot_be_taken_back_there(staff: Client, account: Account, kim: User) -> None:
    line = adjust(account, Decimal(5), NOTE, "", reason="Right", by=kim)
    bill_account(account, later())
    assert (
        staff.post(reverse("admin:plans_pendingline_delete", args=[line.pk]), {"post": "yes"}).status_code
        == 403
    )


def test_staff_without_the_right_are_refused(account: Account) -> None:
    client = Client()
    client.force_login(User.objects.create_user("lee@seller.example", "x", is_staff=True))
    assert client.get(ADD).status_code == 403
    assert client.post(ADD, sent(account)).status_code == 403
