import re
from datetime import timedelta
from decimal import Decimal

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.translation import gettext

from billing.invoices.models import InvoiceLine
from billing.limits.actions import note_refusal, raise_alerts, set_limit, time_stops
from billing.limits.mail import send_alerts
from billing.limits.models import Alert, Drill, LimitVersion
from billing.limits.queries import current_limit
from billing.plans.actions import Actor, load_catalog, redeem
from billing.plans.models import Meter, Plan
from billing.plans.queries import running_subscription, scheduled_change, version_at
from billing.usage.queries import events_page
from billing.usage.rating import rate_period
from portal import acts, formats
from portal.locale_build import messages
from portal.pages.events import event_url
from portal.pages.quotes import quote_page
from portal.pages.upcoming import upcoming_page
from tests.factories import make_account, make_member
from tests.portal.world import HOSTILE, build, sign_in

pytestmark = pytest.mark.django_db


@pytest.fixture
def world(db):
    return build()


def addresses(world) -> dict[str, str]:
    line = InvoiceLine.objects.filter(account=world.account, kind="usage").first()
    return {
        "overview": reverse("portal:overview"),
        "usage": reverse("portal:usage"),
        "usage by model": reverse("portal:usage") + "?by=model",
        "usage of a meter": reverse("portal:usage") + "?meter=output_tokens",
        "usage of a year": reverse("portal:usage") + f"?from={(world.now - timedelta(days=300)).date()}",
        "csv": reverse("portal:usage_csv"),
        "events": reverse("portal:events"),
        "events_csv": reverse("portal:events_csv"),
        "simulate": reverse("portal:simulate") + "?use.storage=150&limit=100",
        "usage beside": reverse("portal:usage") + "?compare=1",
        "event": event_url(events_page(world.account, limit=1).events[0]),
        "limits": reverse("portal:limits"),
        "limit of a meter": reverse("portal:limits") + "?meter=storage",
        "invoices": reverse("portal:invoices"),
        "invoice": reverse("portal:invoice", args=[world.invoice.number]),
        "line": reverse("portal:invoice_line", args=[line.invoice.number, line.pk]),
        "pdf": reverse("portal:invoice_pdf", args=[world.invoice.number]),
        "cii": reverse("portal:invoice_cii", args=[world.invoice.number]),
        "ubl": reverse("portal:invoice_ubl", args=[world.invoice.number]),
        "exports": reverse("portal:exports"),
        **{
            name: f"{reverse(f'portal:{name}')}?year={world.now.year}"
            for name in ("invoices_zip", "accounting_csv", "focus_csv")
        },
        "usage_export": f"{reverse('portal:usage_export')}?month={world.now:%Y-%m}",
        "check": reverse("portal:invoice_check", args=[world.invoice.number]),
        "proof": reverse("portal:invoice_proof", args=[world.invoice.number]),
        "upcoming": reverse("portal:upcoming"),
        "plan": reverse("portal:plan"),
        "quote": reverse("portal:plan_quote", args=["scale"]),
        "cancel": reverse("portal:plan_cancel"),
        "settings": reverse("portal:settings"),
        "details": reverse("portal:details"),
        "account language": reverse("portal:account_language"),
        "notifications": reverse("portal:notifications"),
        "keys": reverse("portal:keys"),
        "activity": reverse("portal:activity"),
        "members": reverse("portal:members"),
        "sessions": reverse("portal:sessions"),
    }


CHANGES = {"quote", "cancel", "details", "account language", "keys"}


def test_the_owner_sees_every_page_and_a_viewer_every_page_that_changes_nothing(world):
    owner, viewer = sign_in(world.owner), sign_in(world.viewer)
    for name, address in addresses(world).items():
        assert owner.get(address).status_code == 200, name
        assert viewer.get(address).status_code == (403 if name in CHANGES else 200), name


def test_another_customer_finds_nothing_of_this_account(world):
    outsider = sign_in(world.outsider)
    for name in ("invoice", "line", "pdf", "cii", "ubl", "event"):
        assert outsider.get(addresses(world)[name]).status_code == 404, name
    for name in ("overview", "usage", "events", "invoices", "settings"):
        assert world.account.name not in outsider.get(addresses(world)[name]).text, name


def test_a_stranger_is_asked_to_sign_in(world):
    for name, address in addresses(world).items():
        answer = Client().get(address)
        assert answer.status_code == 302, name
        assert answer.headers["Location"].startswith("/accounts/login/?next=")


def test_a_person_without_account_gets_404_and_staff_the_admin(db):
    person = make_member(make_account("gone"))
    person.memberships.all().delete()
    assert sign_in(person).get(reverse("portal:overview")).status_code == 404
    person.is_staff = True
    person.save()
    assert sign_in(person).get(reverse("portal:overview")).headers["Location"] == reverse("admin:index")


def test_pages_hold_no_inline_style_or_script_and_are_never_cached(world):
    owner = sign_in(world.owner)
    for name, address in addresses(world).items():
        answer = owner.get(address)
        assert answer.headers["Cache-Control"] == "no-store", name
        if answer.headers["Content-Type"].startswith("text/html"):
            found = re.findall(
                r"<[^>]*\s(?:style|on\w+|hx-on[^=]*)=|<style|<script(?![^>]*\ssrc=)", answer.text
            )
            assert not found, (name, found)


def test_hostile_names_are_text(db):
    world = build(name=HOSTILE)
    owner = sign_in(world.owner)
    for name, address in addresses(world).items():
        answer = owner.get(address)
        if answer.headers["Content-Type"].startswith("text/html"):
            assert "<script>alert" not in answer.text, name


def test_csv_cells_are_no_formulas(world):
    text = sign_in(world.owner).get(reverse("portal:usage_csv") + "?by=model").text
    assert all(cell[:1] not in "=+@" for row in text.splitlines() for cell in row.split(",") if cell)


def test_the_same_figure_stands_on_each_page(world):
    owner = sign_in(world.owner)
    period = world.account.periods.latest("start")
    amount = formats.money(rate_period(period).usage_total, "EUR", "en")
    pages = addresses(world)
    for name in ("overview", "usage", "upcoming", "limits"):
        assert amount in owner.get(pages[name]).text, name


def test_days_of_the_table_add_up_to_the_total(world):
    text = sign_in(world.owner).get(reverse("portal:usage_csv")).text
    head, *rows = [line.split(",") for line in text.strip().splitlines()]
    total = head.index("total")
    period = world.account.periods.latest("start")
    assert sum(Decimal(row[total]) for row in rows) == rate_period(period).usage_total
    for row in rows:
        assert sum(Decimal(cell) for cell in row[2:total]) == Decimal(row[total])


class TestUsage:
    def test_a_wrong_range_is_named_and_stays_as_typed(self, world):
        answer = sign_in(world.owner).get(reverse("portal:usage") + "?from=soon&to=2026-01-01")
        assert answer.status_code == 200
        assert 'href="#from"' in answer.text
        assert 'value="soon"' in answer.text
        assert "<title>Error:" in answer.text

    def test_nothing_used_says_so(self, world):
        answer = sign_in(world.owner).get(reverse("portal:usage") + "?from=2020-01-01&to=2020-01-31")
        assert "No usage in this range." in answer.text


class TestLimits:
    form = {"amount": "1,234.50", "action": "stop", "threshold": ["50", "90"]}

    def test_check_then_confirm(self, world):
        owner = sign_in(world.owner)
        answer = owner.post(reverse("portal:limit_check"), self.form)
        assert answer.status_code == 200
        assert "Set the limit to €1,234.50" in answer.text
        assert current_limit(world.account).amount == 500
        answer = owner.post(reverse("portal:limit_confirm"), {**self.form, "amount": "1234.50"}, follow=True)
        assert "Your limit is €1,234.50 since" in answer.text
        found = current_limit(world.account)
        assert (found.amount, found.action, found.thresholds) == (Decimal("1234.50"), "stop", [50, 90])
        assert found.created_by == world.owner

    @pytest.mark.parametrize("amount", ["1 234,50 €", "1234,5", "EUR 1,234.50", "1.234,50", "1234.50"])
    def test_amounts_as_people_write_them(self, world, amount):
        answer = sign_in(world.owner).post(reverse("portal:limit_check"), {**self.form, "amount": amount})
        assert "Set the limit to €1,234.50" in answer.text

    @pytest.mark.parametrize(
        ("change", "field"),
        [
            ({"amount": "five"}, "f-amount"),
            ({"amount": ""}, "f-amount"),
            ({"amount": "-1"}, "f-amount"),
            ({"amount": "1.005"}, "f-amount"),
            ({"amount": "1,2,3"}, "f-amount"),
            ({"action": ""}, "f-action"),
            ({"action": "explode"}, "f-action"),
            ({"threshold": ["80", "80"]}, "f-thresholds"),
            ({"threshold": ["many"]}, "f-thresholds"),
            ({"threshold": ["²"]}, "f-thresholds"),
        ],
    )
    def test_errors_name_the_field_and_keep_what_was_typed(self, world, change, field):
        sent = {**self.form, **change}
        answer = sign_in(world.owner).post(reverse("portal:limit_check"), sent)
        assert answer.status_code == 422
        assert f'href="#{field}"' in answer.text
        assert f'value="{sent["amount"]}"' in answer.text
        assert "<title>Error:" in answer.text
        assert LimitVersion.objects.filter(account=world.account).count() == 1

    def test_lowering_below_what_is_used_is_said_before(self, world):
        answer = sign_in(world.owner).post(reverse("portal:limit_check"), {**self.form, "amount": "1"})
        assert "Usage stops as soon as you confirm." in answer.text

    def test_nothing_is_preselected_without_a_limit(self, world):
        owner = sign_in(world.owner)
        chosen = re.compile(r'name="action"[^>]* checked')
        assert len(chosen.findall(owner.get(reverse("portal:limits")).text)) == 1
        answer = owner.post(reverse("portal:limit_confirm"), {"remove": "1"}, follow=True)
        assert "There is no limit since" in answer.text
        assert not chosen.search(answer.text)
        assert 'name="amount" inputmode="decimal" autocomplete="off" value=""' in answer.text

    def test_a_meter_has_a_limit_of_its_own(self, world):
        owner = sign_in(world.owner)
        answer = owner.post(
            reverse("portal:limit_confirm"), {**self.form, "amount": "20", "meter": "storage"}, follow=True
        )
        assert "Limit on Storage" in answer.text
        assert current_limit(world.account).amount == 500
        assert owner.get(reverse("portal:limits") + "?meter=nothing").status_code == 404

    def test_only_owner_and_billing_may_change_it(self, world):
        for role, allowed in (("billing", True), ("developer", False), ("viewer", False)):
            email = f"{role}2@brume.example"
            answer = sign_in(make_member(world.account, role, email)).post(
                reverse("portal:limit_confirm"), self.form
            )
            assert answer.status_code == (302 if allowed else 403), role
        assert "Check the change" not in sign_in(world.viewer).get(reverse("portal:limits")).text
        assert "These roles may do it: owner, billing" in answer.text


class TestStops:
    def fired(self, world):
        """The account's limit crossed by 9.60 or so, refused twice, told; and a test of the alerts."""
        limit = set_limit(world.account, "1", "stop", by=world.owner)
        period = world.account.periods.latest("start")
        note_refusal(limit, period, timezone.now(), requests=41)
        raise_alerts(world.account, timezone.now())
        time_stops(world.account)
        return limit

    def test_the_receipt_is_on_the_page_and_has_one_of_its_own(self, world):
        self.fired(world)
        owner = sign_in(world.owner)
        text = owner.get(reverse("portal:limits")).text
        number = re.search(r"R-\d{4}-\d\d-\d\d-1", text)[0]
        address = re.search(r'href="(/billing/limits/receipts/[^"]+)"', text)[1]
        own = owner.get(address).text
        assert number in own
        for words in ("Requests refused", ">41<", "Overrun, waived", "not yet", "€1.00, account"):
            assert words in own, words
        assert sign_in(world.viewer).get(address).status_code == 200
        assert sign_in(world.outsider).get(address).status_code == 404
        set_limit(world.account, "5000", "stop", by=world.owner)
        own = owner.get(address).text
        assert f"{world.owner}, limit raised to €5,000.00" in own
        assert "Stopped at the limit" in owner.get(reverse("portal:limits")).text

    def test_a_decision_of_staff_is_named_with_its_reason(self, world):
        self.fired(world)
        staff = make_member(make_account("seller"), email="kim@seller.example")
        set_limit(world.account, None, by=staff, note="Agreed by phone with Nora")
        text = sign_in(world.owner).get(reverse("portal:limits")).text
        assert f"support, {staff}" in text
        assert text.count("Agreed by phone with Nora") == 2, "in the receipt and in the history"

    def test_what_needs_action_names_meters_and_failed_mails(self, world):
        set_limit(world.account, "1", "stop", meter=Meter.objects.get(code="output_tokens"))
        raise_alerts(world.account, timezone.now())
        Alert.objects.update(error="gone@brume.example: 550 5.1.1 Mailbox unknown")
        owner = sign_in(world.owner)
        text = owner.get(reverse("portal:overview")).text
        assert "Output tokens is stopped at its own limit" in text
        assert "An alert could not be mailed" in text
        text = owner.get(reverse("portal:limits")).text
        assert "Output tokens is stopped at its own limit" in text
        assert "3 mails failed" in text
        assert "gone@brume.example: 550 5.1.1 Mailbox unknown" in text

    def test_a_simulation_is_shown_with_who_was_sent_what(self, world):
        developer = make_member(world.account, "developer", "dev@brume.example")
        for user, code in ((world.viewer, 403), (developer, 302), (world.owner, 302)):
            answer = sign_in(user).post(reverse("portal:limit_drill"))
            assert answer.status_code == code, user
        assert Drill.objects.count() == 2
        send_alerts(world.account)
        text = sign_in(developer).get(reverse("portal:limits")).text
        assert f"asked for by {developer}" in text
        assert "owner@atelier-brume.example" in text
        owner = sign_in(world.owner)
        assert "on its way" in owner.post(reverse("portal:limit_drill"), follow=True).text
        answer = owner.post(reverse("portal:limit_drill"), follow=True)
        assert "Three tries an hour are the most." in answer.text
        set_limit(world.account, None)
        assert "There is no limit to try" in owner.post(reverse("portal:limit_drill"), follow=True).text
        assert not Alert.objects.exists()


class TestPlan:
    def quote(self, owner, when):
        text = owner.get(reverse("portal:plan_quote", args=["scale"])).text
        return re.search(f'name="quote_{when}" value="([^"]+)"', text)[1]

    def test_the_quote_is_confirmed_to_the_cent(self, world):
        owner = sign_in(world.owner)
        sent = {"when": "now", "quote_now": self.quote(owner, "now")}
        answer = owner.post(reverse("portal:plan_confirm", args=["scale"]), sent, follow=True)
        assert "You are on Scale since" in answer.text
        subscription = running_subscription(world.account)
        assert version_at(subscription, subscription.phases.last().start).plan.code == "scale"
        pending = subscription.pending_lines.all()
        assert sorted(line.amount > 0 for line in pending) == [False, True]

    @pytest.mark.parametrize("scheduled", [False, True])
    def test_each_column_of_a_quote_is_the_next_invoice_less_the_coupon(self, world, scheduled):
        load_catalog({"catalog": 1, "coupons": [{"code": "TEN", "amount": "10", "currency": "EUR"}]})
        redeem(world.account, "TEN")
        subscription, scale = running_subscription(world.account), Plan.objects.get(code="scale")
        if scheduled:
            acts.cancel(subscription, "period_end", actor=Actor.CUSTOMER)
        quoted = quote_page(world.account, subscription, scale, timezone.now())
        *_rows, coupon, _tax, total = quoted.foot
        assert (coupon.name, coupon.cells) == ("Coupon TEN", (-20, -20, -20))  # this period and the next
        assert "−€20.00" in sign_in(world.owner).get(reverse("portal:plan_quote", args=["scale"])).text
        assert (scheduled_change(subscription) is not None) == scheduled, "nothing is changed by looking"
        assert subscription.phases.count() == 1
        if scheduled:
            acts.reactivate(subscription, actor=Actor.CUSTOMER)
        for cell, when in zip(total.cells, (None, "period_end", "now"), strict=True):
            if when:
                acts.change_plan(subscription, scale, when, actor=Actor.CUSTOMER)
            assert upcoming_page(world.account, timezone.now()).total == cell, when

    def test_a_change_at_the_periods_end_can_be_taken_back(self, world):
        owner = sign_in(world.owner)
        sent = {"when": "period_end", "quote_period_end": self.quote(owner, "period_end")}
        answer = owner.post(reverse("portal:plan_confirm", args=["scale"]), sent, follow=True)
        assert "You switch to Scale on" in answer.text
        assert scheduled_change(running_subscription(world.account)).version.plan.code == "scale"
        page = reverse("portal:plan_take_back")
        assert "Take back the change to Scale" in owner.get(page).text
        answer = owner.post(page, {"quote": self.offered(owner, page)}, follow=True)
        assert "Taken back: your plan goes on as it is." in answer.text
        assert scheduled_change(running_subscription(world.account)) is None

    def test_a_quote_that_no_longer_holds_changes_nothing(self, world):
        owner = sign_in(world.owner)
        sent = {"when": "now", "quote_now": "made up"}
        answer = owner.post(reverse("portal:plan_confirm", args=["scale"]), sent)
        assert answer.status_code == 409
        assert "Something has changed since: this is the new quote." in answer.text
        assert 'id="w2" value="now" checked' in answer.text
        assert running_subscription(world.account).phases.count() == 1

    def test_a_choice_is_required(self, world):
        answer = sign_in(world.owner).post(reverse("portal:plan_confirm", args=["scale"]), {})
        assert answer.status_code == 422
        assert "Choose when to switch." in answer.text

    def test_only_public_plans_of_the_catalogue(self, world):
        owner = sign_in(world.owner)
        assert owner.get(reverse("portal:plan_quote", args=["nothing"])).status_code == 404
        assert owner.get(reverse("portal:plan_quote", args=["team"])).status_code == 302
        assert owner.get(reverse("portal:plan_quote", args=["scale-usd"])).status_code == 302

    def test_cancel_at_the_periods_end(self, world):
        owner, page = sign_in(world.owner), reverse("portal:plan_cancel")
        assert "The last invoice so far" in owner.get(page).text
        answer = owner.post(page, {"quote": self.offered(owner, page)}, follow=True)
        assert "Your plan ends on" in answer.text
        assert scheduled_change(running_subscription(world.account)).version is None

    def test_nothing_is_done_that_was_not_shown(self, world):
        owner = sign_in(world.owner)
        self.cancel(world, "period_end")
        for name in ("plan_take_back", "plan_reactivate"):
            answer = owner.post(reverse(f"portal:{name}"), {"quote": "made up"})
            assert answer.status_code == 409
            assert "Something has changed since: this is the new offer." in answer.text
        assert scheduled_change(running_subscription(world.account)).version is None

    def test_a_plan_that_is_to_end_is_reactivated(self, world):
        owner, page = sign_in(world.owner), reverse("portal:plan_reactivate")
        self.cancel(world, "period_end")
        assert "Reactivate Team" in owner.get(reverse("portal:plan")).text
        answer = owner.post(page, {"quote": self.offered(owner, page)}, follow=True)
        assert "Taken back: your plan goes on as it is." in answer.text
        assert scheduled_change(running_subscription(world.account)) is None

    def test_a_plan_that_has_ended_begins_anew_with_the_invoice_that_was_shown(self, world):
        owner, page = sign_in(world.owner), reverse("portal:plan_reactivate")
        ended = self.cancel(world, "now")
        assert "Reactivate Team" in owner.get(reverse("portal:plan")).text
        shown = owner.get(page).text
        answer = owner.post(page, {"quote": self.offered(owner, page)}, follow=True)
        assert "Your plan runs again." in answer.text
        running = running_subscription(world.account)
        assert running.pk != ended.pk
        assert formats.money(world.invoice.total, "EUR") in shown
        assert version_at(running, running.started_at).plan.code == "team"

    def test_a_plan_that_is_not_for_sale_any_more_is_not_begun_anew(self, world):
        self.cancel(world, "now")
        Plan.objects.filter(code="team").update(archived=True)
        answer = sign_in(world.owner).get(reverse("portal:plan_reactivate"), follow=True)
        assert "This plan is not for sale: choose another one." in answer.text

    def cancel(self, world, when):
        subscription = running_subscription(world.account)
        acts.cancel(subscription, when, actor=Actor.INSTALLATION)
        return subscription

    def offered(self, owner, page):
        return re.search('name="quote" value="([^"]+)"', owner.get(page).text)[1]

    def test_a_first_plan_leads_to_the_limit(self, world):
        account = world.outsider.memberships.get().account
        owner = sign_in(world.outsider)
        assert "You are on no plan yet." in owner.get(reverse("portal:overview")).text
        assert "Start on Team" in owner.get(reverse("portal:plan_quote", args=["team"])).text
        quote = self.offered(owner, reverse("portal:plan_quote", args=["team"]))
        confirm, chosen = reverse("portal:plan_confirm", args=["team"]), {"amount": "500", "action": "stop"}
        assert owner.post(confirm, chosen).status_code == 409
        answer = owner.post(confirm, {"quote": quote, **chosen})
        assert answer.headers["Location"] == reverse("portal:limits")
        assert running_subscription(account) is not None
        found = current_limit(account)
        assert (found.amount, found.action, found.thresholds, found.pace) == (
            500,
            "stop",
            [50, 80, 100],
            True,
        )
        assert found.created_by == world.outsider

    def test_a_first_paid_plan_asks_for_a_limit_and_preselects_nothing(self, world):
        account = world.outsider.memberships.get().account
        owner, page = sign_in(world.outsider), reverse("portal:plan_quote", args=["team"])
        confirm, quote = (
            reverse("portal:plan_confirm", args=["team"]),
            self.offered(sign_in(world.outsider), page),
        )
        text = owner.get(page).text
        assert " checked" not in text
        assert 'name="amount" inputmode="decimal" autocomplete="off" value=""' in text
        for sent, field in (
            ({}, "f-amount"),
            ({}, "f-action"),
            ({"amount": "500"}, "f-action"),
            ({"action": "stop"}, "f-amount"),
            ({"amount": "5x", "action": "none?"}, "f-action"),
        ):
            answer = owner.post(confirm, {"quote": quote, **sent})
            assert answer.status_code == 422
            assert f'href="#{field}"' in answer.text
            assert "<title>Error:" in answer.text
        assert running_subscription(account) is None
        assert not LimitVersion.objects.filter(account=account).exists()
        answer = owner.post(confirm, {"quote": quote, "action": "none"})
        assert answer.headers["Location"] == reverse("portal:limits")
        (chosen,) = LimitVersion.objects.filter(account=account)
        assert (chosen.amount, chosen.created_by) == (None, world.outsider), "none, but not by accident"

    @pytest.mark.parametrize("when", ["now", "period_end"])
    def test_a_change_from_a_free_plan_to_a_paid_one_asks_too(self, world, when):
        account = world.outsider.memberships.get().account
        free = {"code": "free", "name": "Free", "currency": "EUR", "interval": "month", "base_price": "0"}
        load_catalog({"catalog": 1, "plans": [{**free, "charges": []}]})
        acts.subscribe(account, Plan.objects.get(code="free"), actor=Actor.CUSTOMER)
        owner, page = sign_in(world.outsider), reverse("portal:plan_quote", args=["team"])
        text = owner.get(page).text
        assert 'name="action"' in text
        assert "Your limit stays as it is" not in text
        quotes = dict(re.findall(r'name="(quote_\w+)" value="([^"]+)"', text))
        confirm, sent = reverse("portal:plan_confirm", args=["team"]), {"when": when, **quotes}
        answer = owner.post(confirm, sent)
        assert answer.status_code == 422
        assert 'href="#f-action"' in answer.text
        assert "<title>Error:" in answer.text
        assert current_limit(account) is None
        stale = owner.post(confirm, {"when": when, "amount": "75", "action": "stop", f"quote_{when}": "x"})
        assert stale.status_code == 409
        assert 'value="75"' in stale.text, "what was typed stays"
        assert current_limit(account) is None, "both or neither"
        answer = owner.post(confirm, {**sent, "amount": "75", "action": "stop"})
        assert answer.headers["Location"] == reverse("portal:plan")
        found = current_limit(account)
        assert (found.amount, found.action, found.created_by) == (75, "stop", world.outsider)
        subscription = running_subscription(account)
        changed = version_at(subscription, timezone.now()).plan if when == "now" else None
        assert (changed or scheduled_change(subscription).version.plan).code == "team"

    def test_a_change_between_paid_plans_asks_nothing(self, db):
        world = build(limit=False)
        page = sign_in(world.owner).get(reverse("portal:plan_quote", args=["scale"]))
        assert 'name="action"' not in page.text

    def test_who_has_decided_about_a_limit_is_not_asked_again(self, world):
        self.cancel(world, "now")
        owner, page = sign_in(world.owner), reverse("portal:plan_reactivate")
        assert 'name="action"' not in owner.get(page).text
        assert owner.post(page, {"quote": self.offered(owner, page)}).status_code == 302
        assert LimitVersion.objects.filter(account=world.account).count() == 1

    def test_who_never_had_a_limit_is_asked_on_coming_back(self, db):
        world = build(limit=False)
        self.cancel(world, "now")
        owner, page = sign_in(world.owner), reverse("portal:plan_reactivate")
        quote = self.offered(owner, page)
        assert owner.post(page, {"quote": quote}).status_code == 422
        answer = owner.post(page, {"quote": quote, "amount": "20", "action": "notify"}, follow=True)
        assert "Your plan runs again." in answer.text
        assert current_limit(world.account).amount == 20


class TestAccount:
    def test_switching_shows_another_account_of_the_same_person_only(self, world):
        second = make_account("zweite", name="Zweite")
        second.memberships.create(user=world.owner, role="viewer")
        owner = sign_in(world.owner)
        assert world.account.name in owner.get(reverse("portal:settings")).text
        owner.post(reverse("portal:switch"), {"account": "zweite"})
        assert "Zweite" in owner.get(reverse("portal:settings")).text
        assert owner.post(reverse("portal:switch"), {"account": "other"}).status_code == 404

    def test_keys_are_shown_to_those_who_use_them(self, world):
        assert "API keys" in sign_in(world.owner).get(reverse("portal:settings")).text
        assert "API keys" not in sign_in(world.viewer).get(reverse("portal:settings")).text


class TestLanguage:
    def test_the_accounts_language_unless_the_person_chose_one(self, db):
        owner = sign_in(build(locale="fr-FR").owner)
        answer = owner.get(reverse("portal:overview"))
        assert '<html lang="fr-fr">' in answer.text
        assert "Vous avez consommé <b>" in answer.text
        assert answer.headers["Content-Language"] == "fr-fr"
        owner.post(reverse("portal:language"), {"language": "en", "next": "/billing/"})
        assert "You have used <b>" in owner.get(reverse("portal:overview")).text

    def test_french_pages_have_no_english_left(self, db):
        world = build(locale="fr")
        owner = sign_in(world.owner)
        with translation.override("fr"):
            english = {
                one.text
                for one in messages()
                if one.place.startswith("templates/portal")
                and len(one.text) > 12
                and "%(" not in one.text
                and gettext(one.text) != one.text  # "Notifications" is both
            }
        for name, address in addresses(world).items():
            text = owner.get(address)
            if text.headers["Content-Type"].startswith("text/html"):
                assert not [one for one in english if f">{one}<" in text.text], name

    def test_sign_in_speaks_french(self, client):
        text = client.get(reverse("account_login"), headers={"accept-language": "fr"}).text
        assert "Se connecter" in text
        assert '<html lang="fr">' in text
