"""Coupons on real documents: which periods they cover, what they gave before, and what is taken back. By hand."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal

import pytest
import time_machine
from django.utils import timezone
from django.utils.translation import override

from billing.invoices.actions import bill_account
from billing.invoices.drafts import draft_invoice
from billing.invoices.drafts.coupons import taxed
from billing.invoices.models import Invoice
from billing.invoices.paper.page import page_of
from billing.invoices.queries import invoice_data
from billing.invoices.verify import steps, verify
from billing.plans.actions import Actor, cancel, confirm_change, load_catalog, redeem
from billing.plans.errors import AlreadyRedeemed, CurrencyMismatch, PlanError, UnknownCoupon
from billing.plans.models import Coupon, Period, Plan
from billing.plans.queries import period_at, redeemed_coupons
from billing.pricing.taxes import Tax
from tests.invoices import world
from tests.invoices.world import utc

D = Decimal
COUPONS = [
    {"code": "WELCOME", "percent": "20", "periods": 3},
    {"code": "TEN", "amount": "10.00", "currency": "EUR", "periods": 2},
    {"code": "ALL", "percent": "100"},
    {"code": "YEN", "amount": "10", "currency": "JPY"},
    {"code": "OLD", "percent": "5", "archived": True},
]


@pytest.fixture(autouse=True)
def _catalog(db: None) -> None:
    world.load()
    load_catalog({"catalog": 1, "coupons": COUPONS})


def foot(invoice: Invoice) -> tuple[str, list[tuple[str, str]], str, str]:
    """Subtotal, discounts, tax, total."""
    data = invoice_data(invoice)
    discounts = [(each["coupon"], each["amount"]) for each in data["discounts"]]
    return data["subtotal"], discounts, data["tax_total"], data["total"]


def render_text(invoice: Invoice) -> str:
    """The sums on paper."""
    with override("en"):
        return " | ".join(f"{row.label} {row.amount}" for row in page_of(invoice)["sums"])


def differences() -> list[str]:
    return [str(each) for step in steps() for each in verify(step)]


def test_a_coupon_covers_its_first_periods_base_prices_and_usage() -> None:
    """Redeemed before the subscription: February, March, April. The base price of May, on April's invoice, is whole."""
    account = world.customer()
    redeem(account, "welcome", at=utc(2026, 1, 20))
    world.on_plan(account, "team", utc(2026, 2, 1))
    for month in (2, 3, 4, 5):
        world.use(account, utc(2026, month, 5), output_tokens=4_000_000)  # 3,000,000 × 0.00002 + 5 = 65.00
    base, *months = bill_account(account, utc(2026, 6, 1))
    assert foot(base) == ("49.00", [("WELCOME", "9.80")], "7.84", "47.04")
    assert foot(months[0]) == ("114.00", [("WELCOME", "22.80")], "18.24", "109.44")
    assert foot(months[1]) == foot(months[0])
    assert foot(months[2]) == ("114.00", [("WELCOME", "13.00")], "20.20", "121.20")
    assert foot(months[3]) == ("114.00", [], "22.80", "136.80")
    assert differences() == []


def test_the_period_running_at_redemption_is_the_first() -> None:
    """February's base price was invoiced before and stays as it is; its usage is covered."""
    account = world.customer()
    world.on_plan(account, "team", utc(2026, 2, 1))
    (base,) = bill_account(account, utc(2026, 2, 1))
    redeem(account, "TEN", at=utc(2026, 2, 10))
    world.use(account, utc(2026, 2, 5), output_tokens=4_000_000)
    world.use(account, utc(2026, 3, 5), output_tokens=1_050_000)  # 50,000 × 0.00002 + 5 = 6.00
    months = bill_account(account, utc(2026, 5, 1))
    assert foot(base) == ("49.00", [], "9.80", "58.80")
    assert foot(months[0]) == (
        "114.00",
        [("TEN", "20.00")],
        "18.80",
        "112.80",
    )  # February and March, 10.00 each
    assert foot(months[1]) == ("55.00", [], "11.00", "66.00")  # March has had its 10.00, April is the third
    assert [foot(each)[1] for each in months[2:]] == [[]]
    assert differences() == []


def test_oldest_first_each_on_what_is_left() -> None:
    account = world.customer()
    redeem(account, "TEN", at=utc(2026, 1, 1))
    redeem(account, "WELCOME", at=utc(2026, 1, 2))
    redeem(account, "ALL", at=utc(2026, 1, 3))
    world.on_plan(account, "team", utc(2026, 2, 1))
    (base,) = bill_account(account, utc(2026, 2, 1))
    assert foot(base) == ("49.00", [("TEN", "10.00"), ("WELCOME", "7.80"), ("ALL", "31.20")], "0.00", "0.00")


def test_the_draft_shows_what_is_issued() -> None:
    now = timezone.now()
    account = world.customer()
    world.on_plan(account, "team", now - timedelta(days=40))
    redeem(account, "WELCOME")
    period = period_at(account, now)
    assert period is not None
    world.use(account, now - timedelta(hours=1), output_tokens=4_000_000)
    drafted = draft_invoice(account, period, now)
    assert [(each.code, each.amount) for each in drafted.totals.discounts] == [("WELCOME", D("22.80"))]
    issued = bill_account(account, period.end)[-1]
    assert foot(issued)[1] == [("WELCOME", "22.80")]
    assert issued.total == drafted.totals.total


def test_late_usage_of_a_discounted_period_is_discounted_and_taken_back_the_same() -> None:
    """500,000 tokens that come late are 5.00 less 20 %; 1,000,000 that are taken back give 10.00 less 20 % back."""
    account, now = world.customer(), timezone.now()
    redeem(account, "WELCOME", at=now - timedelta(days=90))
    world.on_plan(account, "studio", now - timedelta(days=34))
    before = now - timedelta(days=20)
    world.send([world.event(account, before, id_="known", output_tokens=1_500_000)])
    first, period = bill_account(account, now)[-1], period_at(account, now)
    assert period is not None
    assert foot(first)[:2] == ("114.00", [("WELCOME", "22.80")])

    world.use(account, now - timedelta(days=19), output_tokens=500_000)
    drafted = draft_invoice(account, period, now)
    assert [each.line.amount for each in drafted.lines if each.line.kind == "late_usage"] == [D("5.00")]
    assert drafted.totals.discount_total == (99 + 5) * D("0.2")

    again = world.event(account, before, id_="known", output_tokens=0)
    world.send([{**again, "revision": 1}])
    second = bill_account(account, period.end)[-1]
    assert world.amounts(second) == [("base", "99.00"), ("late_usage", "-10.00")]
    assert foot(second)[:2] == ("89.00", [("WELCOME", "17.80")])
    assert differences() == []


def test_a_discounted_base_price_is_given_back_less_its_discount() -> None:
    account = world.customer()
    redeem(account, "WELCOME", at=timezone.now() - timedelta(days=60))
    subscription = world.on_plan(account, "team", timezone.now() - timedelta(days=1))
    (base,) = bill_account(account, timezone.now())
    cancel(subscription, "now", actor=Actor.INSTALLATION)
    (final,) = bill_account(account, timezone.now())
    assert final.kind == Invoice.Kind.CREDIT_NOTE
    back = final.subtotal
    data = invoice_data(final)
    assert data["discounts"] == [{"coupon": "WELCOME", "amount": f"{back * D('0.2'):.2f}"}]
    assert "Coupon WELCOME, taken back" in render_text(final)
    assert "taken back" not in render_text(base)
    assert final.total <= base.total
    assert final.credits_applied == final.total
    assert differences() == []


def test_a_base_price_that_was_never_discounted_is_given_back_whole() -> None:
    """Redeemed in the running period: 10.00 of usage are 2.00 less, the days that are given back are whole."""
    account = world.customer()
    subscription = world.on_plan(account, "studio", timezone.now() - timedelta(days=1))
    bill_account(account, timezone.now())
    redeem(account, "WELCOME")
    world.use(account, timezone.now() - timedelta(hours=1), output_tokens=1_000_000)
    cancel(subscription, "now", actor=Actor.INSTALLATION)
    (final,) = bill_account(account, timezone.now())
    amounts = dict(world.amounts(final))
    assert D(amounts["proration"]) * D(amounts["usage"]) < 0
    assert foot(final)[1] == [("WELCOME", "-2.00")]  # a credit note: what is given back is 2.00 more
    assert "Coupon WELCOME 2.00" in render_text(final)
    assert differences() == []


def test_an_upgrade_in_the_running_period_is_discounted_by_what_it_adds() -> None:
    account = world.customer()
    subscription = world.on_plan(account, "team", timezone.now() - timedelta(days=1))
    bill_account(account, timezone.now())
    redeem(account, "WELCOME")
    preview = confirm_change(subscription, Plan.objects.get(code="studio"), "now", actor=Actor.CUSTOMER)
    adds = sum(line.amount for line in preview.lines)
    assert adds > 0
    period = period_at(account, timezone.now())
    assert period is not None
    discounts = draft_invoice(account, period, timezone.now()).totals.discounts
    assert discounts[0].amount == ((adds + 99) * D("0.2")).quantize(D("0.01"))


@pytest.fixture
def noon() -> Iterator[datetime]:
    """Today's, so that no midnight passes; the plan `weekly` is sold."""
    weekly = world.plan("weekly", world.IN, interval="week", base_price="14.00")
    load_catalog({"catalog": 1, "plans": [weekly]})
    at = timezone.now().replace(hour=12, minute=0, second=0, microsecond=0)
    with time_machine.travel(at, tick=False):
        yield at


@pytest.mark.parametrize("billed_between", [True, False])
def test_another_interval_on_the_first_day_gives_the_base_price_back_less_its_discount(
    noon: datetime, billed_between: bool
) -> None:
    """Whether the base price was invoiced before the change or after: nothing is paid out that was never paid."""
    account = world.customer()
    redeem(account, "WELCOME", at=noon - timedelta(days=60))
    redeem(account, "TEN", at=noon - timedelta(days=60))
    subscription = world.on_plan(account, "team", noon - timedelta(hours=2))
    if billed_between:
        bill_account(account, noon)
    confirm_change(subscription, Plan.objects.get(code="weekly"), "now", actor=Actor.INSTALLATION)
    bill_account(account, noon)
    base, changed = Invoice.objects.order_by("priced_at")
    assert foot(base)[:2] == ("49.00", [("WELCOME", "9.80"), ("TEN", "10.00")])
    assert world.amounts(changed) == [("base", "-14.00"), ("proration", "49.00")]  # a credit note
    # Of the first period all is taken back; of the week 20 % of 14.00, then 10.00.
    assert foot(changed)[:2] == ("35.00", [("WELCOME", "7.00")])
    assert [(use["period"], use["discount"]) for use in changed.snapshot["coupons"]] == [
        (1, "2.8"),
        (0, "-9.8"),
        (1, "10"),
        (0, "-10"),
    ]
    assert base.total - changed.total == D("1.44")  # 14.00 - 2.80 - 10.00 and 20 % tax
    assert differences() == []


def test_another_interval_on_the_first_day_gives_back_whole_what_came_before_the_coupon(
    noon: datetime,
) -> None:
    account = world.customer()
    subscription = world.on_plan(account, "team", noon - timedelta(hours=2))
    bill_account(account, noon)
    redeem(account, "WELCOME")
    confirm_change(subscription, Plan.objects.get(code="weekly"), "now", actor=Actor.INSTALLATION)
    bill_account(account, noon)
    base, changed = Invoice.objects.order_by("priced_at")
    assert foot(base)[:2] == ("49.00", [])
    assert foot(changed)[:2] == ("35.00", [("WELCOME", "-2.80")])
    assert base.total - changed.total == D("13.44")
    assert differences() == []


def test_a_change_dated_back_before_the_redemption_still_takes_the_discount_back(noon: datetime) -> None:
    """The period was running when the coupon was redeemed, and its base price was invoiced at once, less 20 %."""
    account = world.customer()
    subscription = world.on_plan(account, "team", noon - timedelta(hours=3))
    redeem(account, "WELCOME", at=noon - timedelta(hours=1))
    (base,) = bill_account(account, noon)
    weekly = Plan.objects.get(code="weekly")
    confirm_change(subscription, weekly, at=noon - timedelta(hours=2), actor=Actor.INSTALLATION)
    (changed,) = bill_account(account, noon)
    assert foot(base)[:2] == ("49.00", [("WELCOME", "9.80")])
    assert foot(changed)[:2] == ("35.00", [("WELCOME", "7.00")])
    assert differences() == []


def test_only_what_an_earlier_document_charged_can_be_changed() -> None:
    """A base price and a change of it on one document are discounted together."""
    tax, now = Tax("fr-20", "20", D(20), "S"), timezone.now()
    period = Period(number=0)
    assert not taxed("proration", D(-5), tax, period).change
    period.base_invoiced_at = now
    assert taxed("proration", D(-5), tax, period).change
    assert not taxed("base", D(5), tax, period).change
    assert not taxed("proration", D(-5), tax, None).change
    assert not taxed("proration", D(-5), tax, period, now).change
    assert taxed("proration", D(-5), tax, period, now + timedelta(seconds=1)).change


def test_periods_go_on_being_counted_after_a_cancellation() -> None:
    account, now = world.customer(), timezone.now()
    redeem(account, "TEN", at=now - timedelta(days=90))
    first = world.on_plan(account, "team", now - timedelta(days=10))
    bill_account(account, now)
    cancel(first, "now", actor=Actor.INSTALLATION)
    world.on_plan(account, "team", timezone.now())
    issued = bill_account(account, timezone.now() + timedelta(days=70))
    given = [foot(each)[1] for each in issued]
    assert given == [[], [("TEN", "10.00")], [], []]  # the final one of the first, then the second's
    (coupon,) = redeemed_coupons(account, timezone.now())
    assert ([period.number for period in coupon.covered], coupon.left) == ([0, 0], 1)
    assert differences() == []


def test_a_trial_is_not_counted() -> None:
    account = world.customer()
    world.on_plan(account, "trial", utc(2026, 2, 1))
    redeem(account, "TEN", at=utc(2026, 2, 3))
    issued = bill_account(account, utc(2026, 4, 20))
    assert [foot(each)[1] for each in issued] == [[("TEN", "10.00")], [("TEN", "10.00")], []]


def test_terms_are_those_of_the_redemption() -> None:
    account = world.customer()
    redeem(account, "WELCOME", at=utc(2026, 1, 1))
    load_catalog({"catalog": 1, "coupons": [{"code": "WELCOME", "percent": "90", "archived": True}]})
    world.on_plan(account, "team", utc(2026, 2, 1))
    (base,) = bill_account(account, utc(2026, 2, 1))
    assert foot(base)[1] == [("WELCOME", "9.80")]
    with pytest.raises(UnknownCoupon):
        redeem(world.customer("other"), "WELCOME")


@pytest.mark.parametrize(
    ("code", "error"),
    [("NONE", UnknownCoupon), ("", UnknownCoupon), ("OLD", UnknownCoupon), ("YEN", CurrencyMismatch)],
)
def test_what_cannot_be_redeemed(code: str, error: type[PlanError]) -> None:
    account = world.customer()
    with pytest.raises(error) as refused:
        redeem(account, code)
    assert refused.value.field == "code"
    assert not account.redemptions.exists()


def test_a_coupon_counts_once() -> None:
    account = world.customer()
    redeem(account, "WELCOME")
    with pytest.raises(AlreadyRedeemed):
        redeem(account, "welcome ")
    redeem(world.customer("other"), "WELCOME")
    assert Coupon.objects.get(code="WELCOME").redemptions.count() == 2
