"""Credit notes by hand: wholly or by line, never above the invoice, to exactly zero; what becomes of the money."""

import random
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction

from accounts.models import Account, User
from billing.invoices.actions import bill_account, credit_note, record_payment
from billing.invoices.errors import EntryError
from billing.invoices.ledger.credit import credit_left
from billing.invoices.models import Invoice
from billing.invoices.notes.draft import draft_credit_note
from billing.invoices.proof.checking import parts_of
from billing.invoices.queries import invoice_data, open_amount, status
from billing.invoices.standing import standing
from billing.invoices.verify import steps, verify
from billing.plans.actions import load_catalog, redeem
from billing.proof.check import check
from billing.webhooks.models import Message
from tests.invoices import world
from tests.invoices.world import utc

pytestmark = pytest.mark.usefixtures("db")
D = Decimal


@pytest.fixture
def account() -> Account:
    """Two rates, a coupon of a tenth."""
    world.load(world.plan("mixed", {**world.OUT, "tax": "fr-55"}, world.IN))
    load_catalog({"catalog": 1, "coupons": [{"code": "TENTH", "percent": "10"}]})
    found = world.customer()
    redeem(found, "TENTH", at=utc(2026, 1, 1))
    world.on_plan(found, "mixed", utc(2026, 2, 1))
    return found


@pytest.fixture
def kim() -> User:
    return User.objects.create_superuser("kim@seller.example", "x", name="Kim Roy")


@pytest.fixture
def invoice(account: Account) -> Invoice:
    """85.00 at 5.5 % and 49.00 + 3.09 at 20 %, a tenth off: 80.71 + 56.26."""
    world.use(account, utc(2026, 2, 3), output_tokens=5_000_000, input_tokens=1_234_567)
    found = bill_account(account, utc(2026, 3, 1))[-1]
    assert [(line.kind, f"{line.amount:.2f}") for line in found.lines.all()] == [
        ("usage", "85.00"), ("usage", "3.09"), ("base", "49.00")]  # fmt: skip
    assert f"{found.total:.2f}" == "136.97"
    return found


def line(invoice: Invoice, place: int) -> Any:
    return invoice.lines.get(position=place).pk


def differences() -> list[str]:
    return [str(each) for step in steps() for each in verify(step)]


def pay(invoice: Invoice, amount: Decimal) -> None:
    record_payment(invoice, amount, datetime.now(UTC))


def announced(account: Account) -> list[tuple[str, str]]:
    return [(one.type, one.fact) for one in Message.objects.filter(account=account).order_by("occurred_at")]


def test_the_whole_of_an_unpaid_invoice_voids_it_and_gives_no_credit(invoice: Invoice, kim: User) -> None:
    note = credit_note(invoice, reason="Sent to the wrong company", by=kim)
    assert (note.number, note.kind, note.total, note.settles) == (
        "FC-000001",
        "credit_note",
        invoice.total,
        invoice.total,
    )
    assert (note.subtotal, note.tax_total) == (invoice.subtotal, invoice.tax_total)
    assert [dict(tax) for tax in note.snapshot["taxes"]] == invoice.snapshot["taxes"]
    assert note.snapshot["discounts"] == invoice.snapshot["discounts"]
    assert (status(invoice), open_amount(invoice)) == ("void", 0)
    assert (status(note), open_amount(note), credit_left(invoice.account_id)) == ("issued", 0, 0)
    data = invoice_data(note)
    assert data["credits"] == {"number": invoice.number, "reason": "Sent to the wrong company"}
    assert {one["kind"] for one in data["lines"]} == {"adjustment"}
    assert invoice_data(invoice)["status"] == "void"
    assert differences() == []


def test_the_whole_of_a_paid_invoice_becomes_credit(invoice: Invoice, kim: User) -> None:
    pay(invoice, invoice.amount_due)
    note = credit_note(invoice, reason="Not what was agreed", by=kim)
    assert (note.settles, credit_left(invoice.account_id)) == (0, invoice.total)
    assert (status(invoice), open_amount(invoice)) == ("void", 0)
    assert differences() == []


def test_what_is_open_is_settled_first_and_what_was_paid_becomes_credit(invoice: Invoice, kim: User) -> None:
    pay(invoice, D("100"))
    note = credit_note(invoice, {line(invoice, 1): D("85")}, reason="Tokens of a test", by=kim)
    assert f"{note.total:.2f}" == "80.71", "85.00 less a tenth, and 5.5 %"
    assert (note.settles, credit_left(invoice.account_id)) == (D("36.97"), note.total - D("36.97"))
    assert (status(invoice), open_amount(invoice)) == ("paid", 0)
    assert ("invoice.paid", invoice.number) in announced(invoice.account), "money came, and nothing is open"
    assert differences() == []


def test_an_invoice_that_nobody_paid_is_not_announced_as_paid(invoice: Invoice, kim: User) -> None:
    credit_note(invoice, reason="Wrong", by=kim)
    assert [type for type, _fact in announced(invoice.account) if type == "invoice.paid"] == []
    assert ("invoice.issued", "FC-000001") in announced(invoice.account)


def test_parts_of_lines_come_to_exactly_zero_in_the_end(invoice: Invoice, kim: User) -> None:
    for amount in ("0.01", "0.02", "33.33", "17.01"):
        credit_note(invoice, {line(invoice, 1): D(amount)}, reason="Again", by=kim)
        assert status(invoice) == "issued"
    credit_note(invoice, {line(invoice, 2): D("3.09"), line(invoice, 3): D("0.50")}, reason="More", by=kim)
    last = credit_note(invoice, reason="The rest", by=kim)
    assert last.number == "FC-000006"
    assert (standing(invoice).credited, open_amount(invoice), status(invoice)) == (invoice.total, 0, "void")
    with pytest.raises(EntryError, match="Nothing is left"):
        credit_note(invoice, reason="Once more", by=kim)
    assert differences() == []


def test_the_credit_is_used_by_the_next_invoice(invoice: Invoice, kim: User) -> None:
    pay(invoice, invoice.amount_due)
    note = credit_note(invoice, {line(invoice, 1): D("10")}, reason="Goodwill", by=kim)
    following = bill_account(invoice.account, utc(2026, 4, 1))[-1]
    assert following.credits_applied == note.total
    assert differences() == []


def test_it_takes_nothing_back_of_what_later_documents_compare_with(invoice: Invoice, kim: User) -> None:
    """Usage that was given back is not charged again as late usage, nor is anything priced again."""
    credit_note(invoice, reason="Goodwill", by=kim)
    [following] = bill_account(invoice.account, utc(2026, 4, 1))
    assert [one.kind for one in following.lines.all()] == ["base"]
    assert differences() == []


@pytest.mark.parametrize(
    ("parts", "reason", "field"),
    [({1: "85.01"}, "Too much", "line"), ({1: "-1"}, "Below zero", "line"), ({1: "1.001"}, "Not in cents", "line"),
     ({}, "Nothing", ""), ({1: "5"}, "  ", "reason"), ({1: "5"}, "x" * 301, "reason")],
)  # fmt: skip
def test_what_cannot_be_is_refused_at_its_field(
    invoice: Invoice, kim: User, parts: dict[int, str], reason: str, field: str
) -> None:
    wanted = {line(invoice, place): D(amount) for place, amount in parts.items()}
    with pytest.raises(EntryError) as caught:
        credit_note(invoice, wanted, reason=reason, by=kim)
    assert caught.value.field == (str(line(invoice, 1)) if field == "line" else field)
    assert Invoice.objects.filter(kind="credit_note").count() == 0


def test_a_credit_note_is_not_taken_back(invoice: Invoice, kim: User) -> None:
    note = credit_note(invoice, reason="Wrong", by=kim)
    with pytest.raises(EntryError, match="is a credit note"):
        credit_note(note, reason="Wrong again", by=kim)


def test_figures_that_changed_meanwhile_are_shown_anew(invoice: Invoice, kim: User) -> None:
    quote = draft_credit_note(invoice, None).quote
    pay(invoice, D("10"))
    with pytest.raises(EntryError, match="new figures"):
        credit_note(invoice, reason="Wrong", by=kim, quote=quote)
    assert credit_note(invoice, reason="Wrong", by=kim, quote=draft_credit_note(invoice, None).quote)


def copied(row: Any, **other: Any) -> Any:
    """The same row again, with other values."""
    fields = [field.attname for field in row._meta.concrete_fields if field.name not in ("id", "issued_in")]
    return type(row).objects.create(**{**{name: getattr(row, name) for name in fields}, **other})


@transaction.atomic
def issue_again(note: Invoice) -> None:
    twice = copied(note, sequence=2, number="FC-000002")
    copied(note.lines.get(), invoice_id=twice.pk)
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")


def test_the_database_refuses_more_than_was_charged(invoice: Invoice, kim: User) -> None:
    """Whatever the code says: the note, its lines and its sum are held against the invoice at the commit."""
    note = credit_note(invoice, {line(invoice, 1): D("50")}, reason="Half", by=kim)
    with pytest.raises(DatabaseError, match="of its lines give back more"):
        issue_again(note)


@pytest.mark.parametrize("seed", range(6))
def test_random_notes_and_payments(invoice: Invoice, kim: User, seed: int) -> None:
    """After each: never above the invoice, nothing open below zero, credit what was paid and given back."""
    chance = random.Random(seed)
    rows = list(invoice.lines.all())
    for _ in range(8):
        if chance.random() < 0.4 and open_amount(invoice):
            pay(invoice, D(chance.randint(1, int(open_amount(invoice) * 100))) / 100)
        else:
            chosen = chance.sample(rows, chance.randint(1, 3))
            parts = {row.pk: D(chance.randint(0, int(row.amount * 40))) / 100 for row in chosen}
            try:
                credit_note(invoice, parts, reason="Random", by=kim)
            except EntryError:
                continue
        now = standing(invoice)
        assert now.credited <= invoice.total
        assert now.paid + now.credited - credit_left(invoice.account_id) + now.open == invoice.amount_due
    if status(invoice) != "void":
        credit_note(invoice, reason="The rest", by=kim)
    assert (standing(invoice).credited, open_amount(invoice), status(invoice)) == (invoice.total, 0, "void")
    assert differences() == []


def test_its_proof_takes_shares_as_written_and_finds_what_does_not_add_up(
    invoice: Invoice, kim: User
) -> None:
    note = credit_note(invoice, {line(invoice, 1): D("0.07")}, reason="A part", by=kim)
    parts = parts_of(note)
    assert parts.rules["shares"] is True
    for name in ("subtotal", "tax_total", "total", "credits_applied"):
        wrong = {**parts.invoice, name: "99.99"}
        found = check(replace(parts, invoice=wrong).proof(), [])
        assert found.differences, name
    tax = {**parts.invoice["taxes"][0], "amount": "1.00"}
    assert check(replace(parts, invoice={**parts.invoice, "taxes": [tax]}).proof(), []).differences
    assert not check(parts.proof(), []).differences
