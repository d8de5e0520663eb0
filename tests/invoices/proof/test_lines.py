"""Every kind of line of real documents is recomputed from the file alone, by the program that a customer is given."""

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import Account
from billing.invoices.actions import bill_account, issue_first_base
from billing.invoices.models import Invoice
from billing.limits.actions import set_limit
from billing.plans.actions import Actor, cancel, confirm_change, load_catalog, redeem
from billing.plans.models import PendingLine, Plan
from tests.invoices import world
from tests.invoices.proof.proofs import consistent, parts_of, run, save
from tests.invoices.world import amounts, plan, utc

TIERED = {
    "tiers": [{"up_to": "10", "unit_price": "0.5", "flat_price": "1"}, {"up_to": None, "unit_price": "0.25"}]
}
RATES = {"tiers": [{"up_to": "100", "rate": "2"}, {"up_to": None, "rate": "1.5", "flat_price": "3"}]}
METERS = [
    {"code": "things", "aggregation": "count"},
    {"code": "bytes", "aggregation": "sum", "value": "bytes"},
    {"code": "peak", "aggregation": "max", "value": "bytes"},
    {"code": "people", "aggregation": "unique", "value": "person"},
    {"code": "seats", "aggregation": "latest", "value": "seats"},
    {"code": "storage", "aggregation": "time_weighted", "value": "held"},
]
CHARGES = [
    {"code": "things", "model": "per_unit", "unit_price": "0.125", "included": "2"},
    {"code": "calls-eu", "meter": "calls-eu", "model": "package", "package_size": "3", "package_price": "1.10"},
    {"code": "bytes", "model": "graduated", "maximum_amount": "40", **TIERED},
    {"code": "peak", "model": "volume", **TIERED},
    {"code": "people", "model": "per_unit", "unit_price": "1.5", "minimum_amount": "30"},
    {"code": "seats", "model": "graduated", **TIERED},
    {"code": "storage", "model": "per_unit", "unit_price": "7"},
    {"code": "turnover", "model": "percentage", "rate": "1.5", "fixed_fee": "0.10", "included_events": 1,
     "minimum_per_event": "0.2"},
    {"code": "sales", "model": "graduated_percentage", **RATES},
]  # fmt: skip


@pytest.fixture(autouse=True)
def catalog(db: None) -> None:
    world.load()


def everything(code: str, **fields: Any) -> None:
    """A plan with each model and each aggregation."""
    base = {"unit": "unit", "event_type": "thing", "dimensions": ["region"]}
    sums = [{"code": one, "aggregation": "sum", "value": one} for one in ("turnover", "sales")]
    eu = {"code": "calls-eu", "aggregation": "count", "event_type": "eu"}
    meters = [{**base, "name": one["code"], **one} for one in (*METERS, *sums, eu)]
    load_catalog({"catalog": 1, "meters": meters, "plans": [plan(code, *CHARGES, **fields)]})


def things(account: Account, start: datetime, count: int = 12) -> None:
    events = [
        world.event(
            account, start + timedelta(hours=7 * n), "eu" if n % 4 == 3 else "thing",
            bytes=n * 3, person=f"p{n % 5}", seats=20 - n, held=n % 6, turnover=f"{n}.37", sales=n * 11 - 5,
            region="eu" if n % 2 else "us",
        )
        for n in range(count)
    ]  # fmt: skip
    world.send(events)


def days_ago(days: int) -> datetime:
    return timezone.now() - timedelta(days=days)


def proven(invoices: Iterable[Invoice], folder: Path) -> str:
    """What the program says of the last one; each must be right."""
    said = ""
    for invoice in invoices:
        code, said = run(save(invoice, folder), folder)
        assert (code, "0 not recomputed." in said) == (0, True), said
    return said


def test_every_model_and_aggregation_and_levels_held_since_before(tmp_path: Path) -> None:
    everything("all")
    account = world.customer(timezone="Europe/Paris")
    world.on_plan(account, "all", utc(2026, 1, 10))
    things(account, utc(2026, 1, 12))
    things(account, utc(2026, 2, 14, 3))
    invoices = bill_account(account, utc(2026, 3, 11))
    said = proven(invoices, tmp_path)
    kinds = [line.kind for line in invoices[-1].lines.all()]
    assert kinds.count("usage") == len(CHARGES)
    assert "minimum" in kinds
    events = parts_of(save(invoices[-1], tmp_path))["events.ndjson"].splitlines()
    assert len(events) == 12 + 2, "of each region the last level of the period before"
    assert "12 events" in said or "9 events" in said


def test_a_change_of_plan_inside_the_period(tmp_path: Path) -> None:
    everything("all")
    everything("more", base_price="99.00", minimum_spend="500")
    account = world.customer(timezone="America/New_York")
    subscription = world.on_plan(account, "all", utc(2026, 1, 10, 15))
    things(account, utc(2026, 1, 12))
    more = Plan.objects.get(code="more")
    confirm_change(subscription, more, at=utc(2026, 1, 14, 9), actor=Actor.INSTALLATION)
    invoices = bill_account(account, utc(2026, 2, 11))
    said = proven(invoices, tmp_path)
    assert "goes on from" in said
    assert "days given back" in said
    assert said.count("proration") == 2
    assert "minimum spend" in said


def test_late_usage_of_a_limited_period_and_a_lost_event(tmp_path: Path) -> None:
    account = world.customer()
    world.on_plan(account, "free", days_ago(33))
    set_limit(account, "5", "stop", at=days_ago(32))
    world.use(account, days_ago(20), input_tokens=3_000_000)
    first = bill_account(account, timezone.now())
    world.use(account, days_ago(19), input_tokens=1_000_000)
    world.use(account, days_ago(18), input_tokens=500_000)
    later = bill_account(account, timezone.now() + timedelta(days=40))
    assert amounts(later[0]) == [("late_usage", "3.75"), ("late_usage", "-3.75")]
    said = proven([*first, *later], tmp_path)
    assert "less what was invoiced for it before" in said
    parts = parts_of(save(later[0], tmp_path))
    lost = b"".join(parts["events.ndjson"].splitlines(keepends=True)[:-1])
    code, said = run(consistent({**parts, "events.ndjson": lost}, tmp_path / "lost.zip"), tmp_path)
    assert (code, "2.50 by its events, 3.75 on the document" in said) == (1, True), said


def test_waivers_of_a_meter_and_of_the_account_with_two_taxes(tmp_path: Path) -> None:
    low = {"code": "output_tokens", "model": "per_unit", "unit_price": "1", "tax": "fr-55"}
    world.load(plan("mixed", {**world.IN, "unit_price": "1"}, low, base_price="0"))
    account = world.customer()
    world.on_plan(account, "mixed", days_ago(10))
    set_limit(account, "32", "stop")
    world.use(account, days_ago(1), input_tokens=30, output_tokens=10)
    set_limit(account, "33", "stop")
    world.use(account, days_ago(1), input_tokens=1, output_tokens=2)
    [invoice] = bill_account(account, timezone.now() + timedelta(days=40))
    assert [kind for kind, _ in amounts(invoice)].count("limit_waiver") == 2
    said = proven([invoice], tmp_path)
    assert "Tax at S 5.5 %" in said
    parts = parts_of(save(invoice, tmp_path))
    rules = parts["rules.json"].replace(b'"amount": "33"', b'"amount": "34"')
    assert rules != parts["rules.json"]
    code, said = run(consistent({**parts, "rules.json": rules}, tmp_path / "limit.zip"), tmp_path)
    assert (code, "limit_waiver" in said.rpartition("The first:")[2]) == (1, True), said


def test_waivers_of_two_taxes_with_one_rate(tmp_path: Path) -> None:
    """Two lines that charge the same as far as a correction looks: by the reduced rate of two codes."""
    codes = [
        {"code": code, "name": code, "rate": "5.5", "country": "FR", "category": "S"}
        for code in ("one", "two")
    ]
    load_catalog({"catalog": 1, "taxes": codes})
    charges = [
        {"code": meter, "model": "per_unit", "unit_price": "1", "tax": tax}
        for meter, tax in (("input_tokens", "one"), ("output_tokens", "two"))
    ]
    load_catalog({"catalog": 1, "plans": [plan("reduced", *charges, base_price="0")]})
    account = world.customer()
    world.on_plan(account, "reduced", days_ago(10))
    set_limit(account, "5", "stop")
    world.use(account, days_ago(1), input_tokens=4, output_tokens=6)
    [invoice] = bill_account(account, timezone.now() + timedelta(days=40))
    assert amounts(invoice)[2:] == [("limit_waiver", "-2.00"), ("limit_waiver", "-3.00")]
    proven([invoice], tmp_path)


def test_a_limit_that_runs_on_in_a_new_subscription(tmp_path: Path) -> None:
    account = world.customer()
    subscription = world.on_plan(account, "free", days_ago(12))
    set_limit(account, "5", "stop")
    world.use(account, days_ago(5), input_tokens=1_600_000)
    cancel(subscription, "now", actor=Actor.INSTALLATION)
    first = bill_account(account, timezone.now())
    world.on_plan(account, "free", timezone.now())
    world.use(account, timezone.now(), input_tokens=800_000)
    second = bill_account(account, timezone.now() + timedelta(days=40))
    assert amounts(second[0]) == [("usage", "2.00"), ("limit_waiver", "-1.00")]
    proven([*first, *second], tmp_path)


def test_coupons_and_what_they_gave_before(tmp_path: Path) -> None:
    coupons = [
        {"code": "TEN", "amount": "10.00", "currency": "EUR"},
        {"code": "FIFTH", "percent": "20", "periods": 1},
    ]
    load_catalog({"catalog": 1, "coupons": coupons})
    account = world.customer()
    for code in ("TEN", "FIFTH"):
        redeem(account, code, at=utc(2026, 1, 1))
    subscription = world.on_plan(account, "team", utc(2026, 2, 1))
    world.use(account, utc(2026, 2, 3), output_tokens=3_000_000)
    studio = Plan.objects.get(code="studio")
    confirm_change(subscription, studio, at=utc(2026, 2, 11), actor=Actor.INSTALLATION)
    invoices = bill_account(account, utc(2026, 3, 1))
    said = proven(invoices, tmp_path)
    assert "Discount FIFTH" in said
    parts = parts_of(save(invoices[-1], tmp_path))
    rules = parts["rules.json"].replace(b'"percent": "20"', b'"percent": "19"')
    code, said = run(consistent({**parts, "rules.json": rules}, tmp_path / "less.zip"), tmp_path)
    assert (code, "The first: Discount FIFTH" in said) == (1, True), said


def test_a_credit_note_and_the_credit_it_became(tmp_path: Path) -> None:
    account = world.customer()
    subscription = world.on_plan(account, "team", days_ago(0))
    first = issue_first_base(subscription)
    assert first is not None
    cancel(subscription, "now", actor=Actor.INSTALLATION)
    [note] = bill_account(account, timezone.now())
    assert note.kind == Invoice.Kind.CREDIT_NOTE
    world.on_plan(account, "team", timezone.now())
    [second] = bill_account(account, timezone.now())
    assert second.credits_applied
    assert "Credit note" in proven([first, note], tmp_path)
    said = proven([second], tmp_path)
    assert "redit" not in said.partition("Total")[2], "credit that was used is not called right"


def test_what_was_agreed_is_taken_as_written(tmp_path: Path) -> None:
    account = world.customer()
    world.on_plan(account, "team", utc(2026, 2, 1))
    PendingLine.objects.create(
        account=account,
        kind="adjustment",
        description={"en": "Sorry", "fr": "Pardon"},
        start=utc(2026, 2, 1),
        end=utc(2026, 3, 1),
        amount=Decimal("-7.00"),
        exact_amount=Decimal("-7.00"),
    )
    said = proven(bill_account(account, utc(2026, 3, 1)), tmp_path)
    assert "recomputed –, on the document -7.00: taken as written" in said
    assert "1 lines recomputed, 1 taken as written" in said


def test_yen_and_a_customer_abroad(tmp_path: Path) -> None:
    japanese = world.customer("jp", country="JP", currency="JPY", timezone="Asia/Tokyo")
    world.on_plan(japanese, "yen", utc(2026, 2, 1))
    world.use(japanese, utc(2026, 2, 3), input_tokens=3)
    german = world.customer("de", country="DE", tax_id="DE136695976")
    world.on_plan(german, "team", utc(2026, 2, 1))
    said = proven(bill_account(japanese, utc(2026, 3, 2)), tmp_path)
    assert "recomputed 1002, on the document 1002" in said
    assert "Tax at AE 0 %" in proven(bill_account(german, utc(2026, 2, 2)), tmp_path)


def test_calendar_days_and_a_year_with_a_day_more(tmp_path: Path) -> None:
    account = world.customer()
    world.on_plan(account, "team", utc(2024, 2, 11), anchor="calendar")
    said = proven(bill_account(account, datetime(2024, 2, 12, tzinfo=UTC)), tmp_path)
    assert f"19 of 29 days, 2024-02-11 up to, not including, {date(2024, 3, 1)}" in said


def test_a_corrected_event_is_said_and_not_called_right(tmp_path: Path) -> None:
    account = world.customer()
    world.on_plan(account, "team", days_ago(33))
    event = world.event(account, days_ago(20), input_tokens=4_000_000)
    world.send([event])
    invoice = bill_account(account, timezone.now())[-1]
    proven([invoice], tmp_path)
    world.send([{**event, "revision": 1, "data": {"input_tokens": 8_000_000}}])
    code, said = run(save(invoice, tmp_path), tmp_path)
    assert code == 1
    assert "recomputed –, on the document 10.00: NOT RECOMPUTED" in said
    assert "Nothing differs, but not all was checked: Line 1, usage" in said
    later = bill_account(account, timezone.now() + timedelta(days=40))
    assert ("late_usage", "10.00") in amounts(later[0])
    proven(later, tmp_path)
