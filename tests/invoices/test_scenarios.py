"""Months of a customer's life, each amount worked out by hand."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from django.conf import settings
from django.utils import timezone

from billing.invoices.actions import PaymentError, bill_account, issue_first_base, record_payment
from billing.invoices.drafts import draft_invoice
from billing.invoices.models import Invoice
from billing.invoices.queries import invoice_data, invoices_page, last_invoice, line_days, open_amount, status
from billing.limits.actions import set_limit
from billing.plans.actions import Actor, cancel, confirm_change
from billing.plans.models import PendingLine, Plan
from billing.plans.queries import current_period, period_at
from tests.invoices import world
from tests.invoices.world import amounts, utc


@pytest.fixture(autouse=True)
def _catalog(db: None) -> None:
    world.load()


def days_ago(days: int) -> datetime:
    return timezone.now() - timedelta(days=days)


def test_first_base_is_issued_once_and_not_before_the_start() -> None:
    account, later = world.customer(), world.customer("later")
    subscription = world.on_plan(account, "team", days_ago(0))
    first = issue_first_base(subscription)
    assert first is not None
    assert amounts(first) == [("base", "49.00")]
    assert issue_first_base(subscription) is None
    assert bill_account(account, timezone.now()) == []
    assert issue_first_base(world.on_plan(later, "team", timezone.now() + timedelta(days=3))) is None


def test_zero_base_and_no_usage_issue_nothing() -> None:
    account = world.customer()
    world.on_plan(account, "free", utc(2026, 1, 1))
    assert bill_account(account, utc(2026, 4, 1)) == []
    assert period_at(account, utc(2026, 2, 10)).closed_at is not None  # type: ignore[union-attr]
    world.use(account, utc(2026, 4, 10), input_tokens=400_000)
    [invoice] = bill_account(account, utc(2026, 5, 1))
    assert (amounts(invoice), invoice.number) == ([("usage", "1.00")], "F-000001")


def test_calendar_anchor_prorates_the_first_base() -> None:
    """From 11 February: 18 of 28 days of 49.00 are 31.50."""
    account = world.customer()
    world.on_plan(account, "team", utc(2026, 2, 11), anchor="calendar")
    first, second = bill_account(account, utc(2026, 3, 1))
    assert amounts(first) == [("base", "31.50")]
    assert amounts(second) == [("base", "49.00")]
    assert (second.period_start, second.period_end) == (utc(2026, 3, 1), utc(2026, 4, 1))


def test_trial_is_free_and_the_base_follows_it() -> None:
    account = world.customer()
    subscription = world.on_plan(account, "trial", utc(2026, 2, 1))
    world.use(account, utc(2026, 2, 3), input_tokens=4_000_000)
    assert issue_first_base(subscription) is None
    [invoice] = bill_account(account, utc(2026, 2, 15))
    assert amounts(invoice) == [("base", "49.00")]
    world.use(account, utc(2026, 2, 20), input_tokens=4_000_000)
    [invoice] = bill_account(account, utc(2026, 3, 15))
    assert amounts(invoice) == [("usage", "10.00"), ("base", "49.00")]


def test_billing_late_closes_one_period_after_another() -> None:
    account = world.customer()
    world.on_plan(account, "team", utc(2026, 1, 31))
    issued = bill_account(account, utc(2026, 5, 1))
    spans = [(f"{invoice.period_start:%m-%d}", f"{invoice.period_end:%m-%d}") for invoice in issued]
    assert spans == [("01-31", "02-28"), ("02-28", "03-31"), ("03-31", "04-30"), ("04-30", "05-31")]


def test_grace_hours_wait_for_events(settings: object) -> None:
    settings.INVOICE_GRACE_HOURS = 2  # type: ignore[attr-defined]
    account = world.customer()
    world.on_plan(account, "team", utc(2026, 2, 1))
    assert len(bill_account(account, utc(2026, 3, 1, 1, 59))) == 1
    assert len(bill_account(account, utc(2026, 3, 1, 2))) == 1


def test_minimum_spend_counts_base_and_usage() -> None:
    """100.00 less the base of 10.00 and usage of 1.00; the first period's, so on the first closing."""
    account = world.customer()
    world.on_plan(account, "floor", utc(2026, 2, 1))
    world.use(account, utc(2026, 2, 3), input_tokens=400_000)
    invoice = bill_account(account, utc(2026, 3, 1))[-1]
    assert amounts(invoice) == [("usage", "1.00"), ("base", "10.00"), ("minimum", "89.00")]
    assert invoice.total == Decimal("120.00")


def test_charge_minimum() -> None:
    account = world.customer()
    world.on_plan(account, "least", utc(2026, 2, 1))
    world.use(account, utc(2026, 2, 3), input_tokens=400_000)
    assert amounts(bill_account(account, utc(2026, 3, 1))[-1]) == [("usage", "1.00"), ("minimum", "19.00")]


def test_stop_limit_waives_on_the_invoice_what_the_live_figure_waives() -> None:
    account = world.customer()
    world.on_plan(account, "free", days_ago(10))
    set_limit(account, "5", "stop")
    world.use(account, days_ago(1), input_tokens=3_000_000)
    period = period_at(account, timezone.now())
    assert period is not None
    live = draft_invoice(account, period, timezone.now())
    [invoice] = bill_account(account, period.end)
    assert amounts(invoice) == [("usage", "7.50"), ("limit_waiver", "-2.50")]
    assert [line.line.amount for line in live.lines] == [line.amount for line in invoice.lines.all()]
    assert (live.usage_total, live.subtotal) == (Decimal("7.50"), Decimal("5.00"))
    assert invoice.total == Decimal("6.00")


def test_waiver_bears_the_taxes_of_what_it_waives() -> None:
    """30.00 at 20 % and 10.00 at 5.5 %, of which 8.00 are waived: 6.00 and 2.00."""
    world.load(
        world.plan(
            "mixed",
            {**world.IN, "unit_price": "1"},
            {"code": "output_tokens", "model": "per_unit", "unit_price": "1", "tax": "fr-55"},
            base_price="0",
        )
    )
    account = world.customer()
    world.on_plan(account, "mixed", days_ago(10))
    set_limit(account, "32", "stop")
    world.use(account, days_ago(1), input_tokens=30, output_tokens=10)
    [invoice] = bill_account(account, timezone.now() + timedelta(days=40))
    assert amounts(invoice)[2:] == [("limit_waiver", "-6.00"), ("limit_waiver", "-2.00")]
    assert [(tax["rate"], tax["taxable"], tax["amount"]) for tax in invoice.snapshot["taxes"]] == [
        ("20", "24.00", "4.80"),
        ("5.5", "8.00", "0.44"),
    ]


def test_plan_change_is_two_lines_of_the_next_invoice() -> None:
    account = world.customer()
    subscription = world.on_plan(account, "team", days_ago(12))
    bill_account(account, timezone.now())
    preview = confirm_change(subscription, Plan.objects.get(code="studio"), "now", actor=Actor.INSTALLATION)
    period = period_at(account, timezone.now())
    assert period is not None
    [invoice] = bill_account(account, period.end)
    lines = [line for line in invoice.lines.all() if line.kind == "proration"]
    assert [line.amount for line in lines] == [line.amount for line in preview.lines]
    assert [line.quantity for line in lines] == [line.quantity for line in preview.lines]
    days = (period.end_day - timezone.now().date()).days
    assert lines[1].exact_amount == round(Decimal(99 * days) / period.full_days, 12)
    assert amounts(invoice)[0] == ("base", "99.00")
    assert PendingLine.objects.filter(invoiced_at=None).count() == 0


def test_a_change_on_the_first_day_is_invoiced_with_that_period() -> None:
    """Also when the period before it is billed late: the prorations are of February, the lines of January are not."""
    account = world.customer()
    subscription = world.on_plan(account, "team", utc(2026, 1, 1))
    studio = Plan.objects.get(code="studio")
    confirm_change(subscription, studio, at=utc(2026, 2, 1, 9), actor=Actor.INSTALLATION)
    _first, january, february = bill_account(account, utc(2026, 3, 1))
    assert amounts(january) == [("base", "49.00")]
    assert amounts(february) == [("base", "99.00"), ("proration", "-49.00"), ("proration", "99.00")]


def test_another_interval_gives_days_back_on_the_invoice_of_the_period_that_it_ends() -> None:
    world.load(world.plan("weekly", interval="week", base_price="28.00"))
    account = world.customer()
    subscription = world.on_plan(account, "team", utc(2026, 1, 1))
    weekly = Plan.objects.get(code="weekly")
    confirm_change(subscription, weekly, at=utc(2026, 1, 22, 9), actor=Actor.INSTALLATION)
    _first, january, week = bill_account(account, utc(2026, 1, 29))
    assert amounts(january) == [("base", "28.00"), ("proration", "-15.81")]
    assert amounts(week) == [("base", "28.00")]


def test_cancelling_now_issues_the_final_invoice_and_what_is_left_is_credit() -> None:
    """49.00 for the month was paid in advance; the days after today come back, with their tax, as a credit note."""
    account = world.customer()
    subscription = world.on_plan(account, "team", days_ago(0))
    first = issue_first_base(subscription)
    cancel(subscription, "now", actor=Actor.INSTALLATION)
    [note] = bill_account(account, timezone.now())
    assert note.kind == Invoice.Kind.CREDIT_NOTE
    assert note.number == "FC-000001"
    assert note.total > 0
    assert (note.amount_due, note.credits_applied) == (0, note.total)
    assert status(note) == "issued"

    world.on_plan(account, "team", timezone.now())
    [second] = bill_account(account, timezone.now())
    assert second.total == first.total  # type: ignore[union-attr]
    assert second.credits_applied == note.total
    assert second.amount_due == second.total - note.total


def test_late_usage_is_a_line_of_the_next_invoice() -> None:
    """The first million output tokens are free: what came late costs the second million's price, 20.00, plus 5.00."""
    account = world.customer()
    world.on_plan(account, "team", days_ago(40))
    world.use(account, days_ago(35) + timedelta(hours=1), output_tokens=1_000_000, input_tokens=400_000)
    bill_account(account, timezone.now())
    late = days_ago(20)
    assert period_at(account, late).closed_at is not None  # type: ignore[union-attr]
    world.use(account, late, output_tokens=1_000_000)
    world.use(account, days_ago(1), input_tokens=800_000)
    live = draft_invoice(account, period_at(account, timezone.now()), timezone.now())  # type: ignore[arg-type]
    [invoice] = bill_account(account, timezone.now() + timedelta(days=25))
    expected = [("usage", "2.00"), ("base", "49.00"), ("late_usage", "25.00")]
    assert amounts(invoice) == expected
    assert [(each["kind"], each["amount"]) for each in live.lines_data()] == expected
    line = invoice.lines.get(kind="late_usage")
    assert (line.charge, line.quantity, line.description) == (
        "output_tokens",
        1_000_000,
        "Output tokens, arrived late",
    )
    assert bill_account(account, timezone.now() + timedelta(days=25)) == []
    later = bill_account(account, timezone.now() + timedelta(days=60))
    assert [kind for one in later for kind, _amount in amounts(one)] == ["base"]


def test_late_usage_beyond_the_limit_is_waived() -> None:
    """7.50 of usage against a limit of 5.00 set before; 2.50 more come late and are waived as well."""
    account = world.customer()
    world.on_plan(account, "free", days_ago(33))
    set_limit(account, "5", "stop", at=days_ago(32))
    world.use(account, days_ago(20), input_tokens=3_000_000)
    [first] = bill_account(account, timezone.now())
    assert amounts(first) == [("usage", "7.50"), ("limit_waiver", "-2.50")]
    world.use(account, days_ago(19), input_tokens=1_000_000)
    [second] = bill_account(account, timezone.now() + timedelta(days=40))
    assert amounts(second) == [("late_usage", "2.50"), ("late_usage", "-2.50")]
    assert second.total == 0


def test_renaming_customer_and_plan_leaves_an_issued_invoice_alone() -> None:
    account = world.customer(name="Before")
    world.on_plan(account, "team", utc(2026, 2, 1))
    invoice = bill_account(account, utc(2026, 2, 2))[0]
    before = invoice_data(invoice)
    account.name = "After"
    account.save()
    again = Invoice.objects.get(pk=invoice.pk)
    assert invoice_data(again) == before
    assert again.snapshot["buyer"]["name"] == "Before"


def test_days_of_a_line_add_up_to_it() -> None:
    account = world.customer()
    world.on_plan(account, "team", utc(2026, 2, 1))
    for day in (3, 9, 20):
        world.use(account, utc(2026, 2, day, 5), output_tokens=day * 1_000_000)
    line = bill_account(account, utc(2026, 3, 1))[-1].lines.get(charge="output_tokens")
    days = line_days(line)
    assert len(days) == 28
    assert sum(day.cost for day in days) == line.exact_amount
    assert sum(day.quantity for day in days) == line.quantity
    assert [day.day.day for day in days if day.cost] == [3, 9, 20]


def test_payments_decide_the_status() -> None:
    account = world.customer()
    world.on_plan(account, "team", utc(2026, 2, 1))
    invoice = bill_account(account, utc(2026, 2, 2))[0]
    now = datetime.now(UTC)
    record_payment(invoice, Decimal("18.80"), now)
    assert (status(invoice), open_amount(invoice)) == ("issued", Decimal("40.00"))
    for amount in ("40.01", "0", "-1", "1.001", "NaN"):
        with pytest.raises(PaymentError):
            record_payment(invoice, Decimal(amount), now)
    record_payment(invoice, Decimal("40"), now, reference="SEPA 1")
    assert (status(invoice), open_amount(invoice)) == ("paid", 0)


def test_pages_of_invoices() -> None:
    account = world.customer()
    world.on_plan(account, "team", utc(2026, 1, 1))
    issued = bill_account(account, utc(2026, 6, 1))
    page, more = invoices_page(account, limit=4)
    rest, end = invoices_page(account, after=more, limit=4)
    assert [invoice.number for invoice in [*page, *rest]] == [invoice.number for invoice in reversed(issued)]
    assert end is None
    assert last_invoice(account) == issued[-1]


def test_terms_and_dates() -> None:
    account = world.customer()
    world.on_plan(account, "team", utc(2026, 2, 1))
    [invoice] = bill_account(account, utc(2026, 2, 2))
    assert invoice.due_at - invoice.issued_at == timedelta(days=settings.PAYMENT_TERMS_DAYS)
    assert abs(timezone.now() - invoice.issued_at) < timedelta(minutes=1)


def test_reverse_charge_and_yen() -> None:
    german = world.customer("de", country="DE", tax_id="DE136695976")
    world.on_plan(german, "team", utc(2026, 2, 1))
    [invoice] = bill_account(german, utc(2026, 2, 2))
    assert (invoice.total, invoice.snapshot["taxes"][0]["category"]) == (Decimal(49), "AE")
    assert any("Reverse charge" in text for text in invoice.snapshot["mentions"])
    japanese = world.customer("jp", country="JP", currency="JPY", timezone="Asia/Tokyo")
    world.on_plan(japanese, "yen", utc(2026, 2, 1))
    world.use(japanese, utc(2026, 2, 3), input_tokens=3)
    last = bill_account(japanese, utc(2026, 3, 2))[-1]
    assert [line["amount"] for line in invoice_data(last)["lines"]] == ["2", "1000"]
    assert invoice_data(last)["total"] == "1002"


def test_a_scheduled_end_leaves_no_base() -> None:
    account = world.customer()
    subscription = world.on_plan(account, "team", days_ago(5))
    bill_account(account, timezone.now())
    cancel(subscription, "period_end", actor=Actor.CUSTOMER)
    world.use(account, days_ago(1), input_tokens=400_000)
    period = current_period(subscription, timezone.now())
    assert period is not None
    live = draft_invoice(account, period, timezone.now())
    assert [each.line.kind for each in live.lines] == ["usage"]
    assert [amounts(invoice) for invoice in bill_account(account, period.end)] == [[("usage", "1.00")]]


def test_an_invoice_is_due_at_the_same_time_of_day_though_clocks_go_back_between() -> None:
    """In Paris: issued at 00:00 on 20 October (22:00 UTC the day before), due at 00:00 on 3 November (23:00 UTC)."""
    account = world.customer(timezone="Europe/Paris")
    start = datetime(2025, 10, 20, tzinfo=ZoneInfo("Europe/Paris"))
    world.on_plan(account, "team", start)
    (base,) = bill_account(account, start, dated_back=True)
    assert base.issued_at == start
    assert base.due_at == utc(2025, 11, 2, 23)
