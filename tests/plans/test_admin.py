"""The admin: every page answers, drafts are published with the parser's faults shown, changes show their lines."""

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.keys import create_key, find_key
from accounts.models import Account, ApiKey, User
from billing.invoices.models import Invoice
from billing.plans.actions import Actor, confirm_change, load_catalog, subscribe
from billing.plans.actions.draft import new_draft
from billing.plans.models import Coupon, Meter, PendingLine, Plan, PlanVersion, Redemption, Subscription
from billing.plans.queries import latest_version, running_subscription, scheduled_change, version_at
from tests.factories import make_account, make_member
from tests.plans.selling import again, plan, sell, the_plan, utc

pytestmark = pytest.mark.usefixtures("db")


@pytest.fixture
def staff(db: None, _installation_scope: None) -> Client:
    client = Client()
    client.force_login(User.objects.create_superuser("staff@plainbill.example", "correct horse battery"))
    return client


@pytest.fixture
def team(db: None, _installation_scope: None) -> Iterator[Subscription]:
    """An account on Team since 1 November 2026, looked at on the 19th."""
    sell()
    with time_machine.travel(utc(2026, 11, 19, 12)):
        account = make_account(timezone="UTC")
        make_member(account)
        create_key("Product", ["ingest"], account)
        yield subscribe(account, the_plan("team"), utc(2026, 11, 1))


def page(client: Client, name: str, *args: Any, status: int = 200) -> str:
    response = client.get(reverse(f"admin:{name}", args=args))
    assert response.status_code == status, name
    return response.content.decode()


def fields(client: Client, url: str) -> dict[str, str]:
    """The values of the form on a page, as a browser would send them back."""
    response = client.get(url)
    assert response.status_code == 200
    shown: dict[str, str] = {}
    forms = [
        response.context["adminform"].form,
        *(formset.formset for formset in response.context["inline_admin_formsets"]),
    ]
    for form in forms:
        every = [form] if hasattr(form, "fields") else [form.management_form, *form.initial_forms]
        for each in every:
            for bound in each:
                value = bound.value()
                widget = bound.field.widget
                if hasattr(widget, "widgets"):
                    parts = widget.decompress(value)
                    names = widget.widgets_names
                    shown |= {
                        f"{bound.html_name}{name}": part or ""
                        for name, part in zip(names, parts, strict=True)
                    }
                elif value is not None and value is not False:
                    shown[bound.html_name] = str(value)
    return shown


class TestPages:
    def test_every_list_add_and_change_page_answers(self, staff: Client, team: Subscription) -> None:
        confirm_change(team, the_plan("scale"), actor=Actor.INSTALLATION)
        confirm_change(team, the_plan("free"), "period_end", actor=Actor.INSTALLATION)
        new_draft(the_plan("team"))
        seen = set()
        for model, options in admin.site._registry.items():
            name = f"{model._meta.app_label}_{model._meta.model_name}"
            page(staff, f"{name}_changelist")
            request = staff.get("/admin/").wsgi_request
            page(staff, f"{name}_add", status=200 if options.has_add_permission(request) else 403)
            for row in model._default_manager.all()[:20]:
                page(staff, f"{name}_change", row.pk)
                seen.add(name)
        assert {
            "accounts_account", "accounts_user", "accounts_apikey", "plans_meter", "plans_plan",
            "plans_planversion", "plans_taxrate", "plans_coupon", "plans_subscription",
        } <= seen  # fmt: skip

    def test_searches_answer(self, staff: Client, team: Subscription) -> None:
        for name in ("accounts_account", "accounts_user", "accounts_apikey", "plans_meter", "plans_plan",
                     "plans_planversion", "plans_subscription"):  # fmt: skip
            response = staff.get(reverse(f"admin:{name}_changelist"), {"q": "acme"})
            assert response.status_code == 200, name

    def test_customers_are_refused_and_strangers_sent_to_the_sites_own_sign_in(
        self, team: Subscription
    ) -> None:
        client = Client()
        client.force_login(User.objects.get(email="owner@acme.example"))
        assert client.get(reverse("admin:plans_plan_changelist"), follow=True).status_code == 403
        anonymous = Client().get(reverse("admin:plans_plan_changelist"), follow=True)
        assert anonymous.redirect_chain[-1][0].startswith(reverse("account_login"))

    def test_it_says_who_is_on_a_version(self, staff: Client, team: Subscription) -> None:
        version = version_at(team, timezone.now())
        assert "acme (Acme)" in page(staff, "plans_planversion_change", version.pk)
        other = latest_version(the_plan("scale"))
        assert other is not None
        assert "acme (Acme)" not in page(staff, "plans_planversion_change", other.pk)


class TestMeters:
    NEW = {
        "code": "gpu_seconds", "name_en": "GPU seconds", "name_fr": "Secondes GPU", "unit_en": "second",
        "unit_fr": "seconde", "unit_code": "SEC", "event_type": "gpu.run", "aggregation": "sum", "value": "seconds",
        "dimensions": "model, region", "footprint": "null",
    }  # fmt: skip

    def test_a_meter_is_made_without_writing_json(self, staff: Client) -> None:
        response = staff.post(reverse("admin:plans_meter_add"), self.NEW)
        assert response.status_code == 302
        meter = Meter.objects.get()
        assert meter.name == {"en": "GPU seconds", "fr": "Secondes GPU"}
        assert meter.dimensions == ["model", "region"]

    def test_the_parsers_faults_are_shown_at_their_fields(self, staff: Client) -> None:
        response = staff.post(
            reverse("admin:plans_meter_add"), {**self.NEW, "aggregation": "count", "unit_code": "?"}
        )
        assert response.status_code == 200
        errors = response.context["adminform"].form.errors
        assert set(errors) == {"value", "unit_code"}
        assert not Meter.objects.exists()

    def test_what_usage_rests_on_cannot_be_edited(self, staff: Client, team: Subscription) -> None:
        meter = Meter.objects.get()
        url = reverse("admin:plans_meter_change", args=[meter.pk])
        staff.post(
            url, {**self.NEW, "aggregation": "max", "event_type": "x", "value": "y", "dimensions": "model"}
        )
        meter.refresh_from_db()
        assert (meter.aggregation, meter.event_type, meter.value) == (
            "sum",
            "llm.completion",
            "output_tokens",
        )
        assert meter.dimensions == ["model"]


class TestDrafts:
    @pytest.fixture
    def draft(self, team: Subscription) -> PlanVersion:
        return new_draft(the_plan("team"))

    @pytest.fixture
    def url(self, draft: PlanVersion) -> str:
        return reverse("admin:plans_planversion_change", args=[draft.pk])

    def test_a_draft_begins_as_a_copy_of_the_newest_version(self, staff: Client, team: Subscription) -> None:
        response = staff.post(reverse("admin:plans_plan_draft", args=[the_plan("team").pk]))
        draft = PlanVersion.objects.get(published_at=None)
        assert response.headers["Location"] == reverse("admin:plans_planversion_change", args=[draft.pk])
        assert (draft.number, f"{draft.base_price:.2f}", draft.charges.get().model) == (
            2,
            "49.00",
            "graduated",
        )

    def test_it_is_edited_and_published(self, staff: Client, url: str, draft: PlanVersion) -> None:
        response = staff.post(
            url, {**fields(staff, url), "base_price": "59.00", "_publish": "1"}, follow=True
        )
        assert [str(message) for message in response.context["messages"]][-1].startswith(
            "team v2 is published"
        )
        newest = latest_version(the_plan("team"))
        assert newest is not None
        assert (newest.pk, f"{newest.base_price:.2f}") == (draft.pk, "59.00")

    def test_faults_are_shown_and_it_stays_a_draft(self, staff: Client, url: str, draft: PlanVersion) -> None:
        values = {**fields(staff, url), "charges-0-terms": '{"tiers": []}', "tax": "nowhere", "_publish": "1"}
        response = staff.post(url, values, follow=True)
        texts = [str(message) for message in response.context["messages"]]
        assert any(text.startswith("charges[0].tiers: ") for text in texts)
        assert any(text.startswith("tax: ") for text in texts)
        draft.refresh_from_db()
        assert draft.published_at is None
        assert draft.tax == "nowhere", "the draft was saved, to be mended"

    @pytest.mark.parametrize("terms", ['"x"', "[1]", "5", "true"])
    def test_terms_that_are_no_keys_are_told_at_their_field(
        self, staff: Client, url: str, draft: PlanVersion, terms: str
    ) -> None:
        response = staff.post(url, {**fields(staff, url), "charges-0-terms": terms, "_publish": "1"})
        assert response.status_code == 200
        assert "The keys of the catalogue file" in str(
            response.context["inline_admin_formsets"][0].formset.errors
        )
        assert "tiers" in draft.charges.get().terms

    def test_two_people_edit_one_draft(self, staff: Client, url: str, draft: PlanVersion) -> None:
        read = fields(staff, url)
        first = staff.post(url, {**read, "base_price": "55.00"})
        second = staff.post(url, {**read, "base_price": "66.00"})
        assert (first.status_code, second.status_code) == (302, 409)
        assert "Somebody else has saved this draft" in second.content.decode()
        draft.refresh_from_db()
        assert f"{draft.base_price:.2f}" == "55.00"

    def test_a_published_version_is_only_read(self, staff: Client, team: Subscription) -> None:
        version = version_at(team, timezone.now())
        url = reverse("admin:plans_planversion_change", args=[version.pk])
        assert "_publish" not in staff.get(url).content.decode()
        assert staff.post(url, {"base_price": "1.00", "_publish": "1"}).status_code == 403
        assert staff.post(reverse("admin:plans_planversion_delete", args=[version.pk])).status_code == 403


class TestSubscriptions:
    def change(self, staff: Client, team: Subscription, **values: str) -> Any:
        url = reverse("admin:plans_subscription_change-plan", args=[team.pk])
        assert staff.get(url).status_code == 200
        return staff.post(url, values)

    def test_the_lines_are_shown_and_confirmed(self, staff: Client, team: Subscription) -> None:
        response = self.change(staff, team, plan="scale", when="now")
        text = response.content.decode()
        assert "-19.60" in text
        assert "79.60" in text
        assert not PendingLine.objects.exists()
        quote = response.context["preview"].quote
        response = self.change(staff, team, plan="scale", when="now", quote=quote)
        assert response.status_code == 302
        assert sorted(f"{line.amount:.2f}" for line in PendingLine.objects.all()) == ["-19.60", "79.60"]
        page(staff, "plans_subscription_change", team.pk)

    def test_an_offer_that_does_not_hold_is_shown_anew(self, staff: Client, team: Subscription) -> None:
        response = self.change(staff, team, plan="scale", when="now", quote="stale")
        assert response.status_code == 200
        assert "look at the new one" in response.content.decode()
        assert response.context["preview"].lines
        assert not PendingLine.objects.exists()

    def test_a_refusal_is_shown_at_its_field(self, staff: Client, team: Subscription) -> None:
        response = self.change(staff, team, plan="team", when="now")
        assert list(response.context["form"].errors) == ["plan"]

    def test_a_cancellation_is_scheduled_and_taken_back(self, staff: Client, team: Subscription) -> None:
        response = self.change(staff, team, plan="-", when="period_end")
        self.change(staff, team, plan="-", when="period_end", quote=response.context["preview"].quote)
        assert scheduled_change(team) is not None
        assert "Take the scheduled change back" in page(staff, "plans_subscription_change", team.pk)
        self.confirmed(staff, team, "take-back")
        assert scheduled_change(team) is None
        assert staff.get(reverse("admin:plans_subscription_take-back", args=[team.pk])).status_code == 302

    def confirmed(self, staff: Client, subscription: Subscription, what: str) -> str:
        """Look at the page of `what`, and confirm what it shows."""
        url = reverse(f"admin:plans_subscription_{what}", args=[subscription.pk])
        shown = staff.get(url)
        assert shown.status_code == 200
        made_up = staff.post(url, {"quote": "made up"})
        assert "look at the new one" in made_up.content.decode()
        assert staff.post(url, {"quote": shown.context["preview"].quote}).status_code == 302
        return shown.content.decode()

    def test_cancelling_now_shows_the_final_invoice_and_reactivating_the_first_one(
        self, staff: Client, team: Subscription
    ) -> None:
        response = self.change(staff, team, plan="-", when="now")
        text = response.content.decode()
        assert "The final invoice so far" in text
        quote = response.context["preview"].quote
        assert self.change(staff, team, plan="-", when="now", quote=quote).status_code == 302
        final = Invoice.objects.latest("issued_at")
        shown = response.context["invoice"].totals
        assert (final.subtotal, final.total) == (-shown.subtotal, -shown.total), "a credit note"
        assert "Reactivate" in page(staff, "plans_subscription_change", team.pk)
        assert "49.00" in self.confirmed(staff, team, "reactivate")
        assert running_subscription(team.account) is not None
        assert [entry.change_message for entry in LogEntry.objects.order_by("pk")] == [
            "-, now",
            "Reactivate Acme",
        ], "who did it is kept"

    def test_an_account_is_subscribed(self, staff: Client, team: Subscription) -> None:
        other = make_account("other", timezone="UTC")
        values = {"account": str(other.pk), "plan": str(the_plan("bespoke").pk), "anchor": "start",
                  "start_0": "2026-11-10", "start_1": "00:00:00"}  # fmt: skip
        response = staff.post(reverse("admin:plans_subscription_add"), values)
        assert response.status_code == 302, response.context and response.context["adminform"].form.errors
        made = Subscription.objects.get(account=other)
        assert (made.started_at, made.periods.count()) == (utc(2026, 11, 10), 1)
        response = staff.post(reverse("admin:plans_subscription_add"), values)
        assert "has a running subscription" in response.content.decode()
        assert Subscription.objects.filter(account=other).count() == 1

    def test_one_that_does_not_exist_is_not_found(self, staff: Client, team: Subscription) -> None:
        url = reverse("admin:plans_subscription_change-plan", args=["00000000-0000-4000-8000-000000000000"])
        assert staff.get(url).status_code == 404


class TestAccountsAndKeys:
    def test_a_key_is_shown_once(self, staff: Client, team: Subscription) -> None:
        values = {"account": str(team.account_id), "name": "Gateway", "scopes": ["ingest", "read"]}
        response = staff.post(reverse("admin:accounts_apikey_add"), values)
        assert response.status_code == 200
        assert "no-store" in response.headers["Cache-Control"]
        found = re.search(r"pb_[a-z0-9]{12}_[A-Za-z0-9_-]{43}", response.content.decode())
        assert found
        key = find_key(found[0], timezone.now())
        assert key is not None
        assert (key.name, key.account_id, key.scopes) == ("Gateway", team.account_id, ["ingest", "read"])
        assert found[0] not in page(staff, "accounts_apikey_change", key.pk)
        assert found[0] not in page(staff, "accounts_apikey_changelist")

    def test_a_key_may_expire_and_is_revoked(self, staff: Client, team: Subscription) -> None:
        tomorrow = timezone.now() + timedelta(days=1)
        values = {
            "name": "Installation",
            "scopes": ["manage"],
            "expires_at_0": f"{tomorrow:%Y-%m-%d}",
            "expires_at_1": "12:00",
        }
        response = staff.post(reverse("admin:accounts_apikey_add"), values)
        text = re.search(r"pb_[a-z0-9]{12}_[A-Za-z0-9_-]{43}", response.content.decode())
        assert text
        key = ApiKey.objects.get(name="Installation")
        assert find_key(text[0], timezone.now()) == key
        assert find_key(text[0], timezone.now() + timedelta(days=3)) is None
        staff.post(
            reverse("admin:accounts_apikey_changelist"),
            {"action": "revoke", "_selected_action": [str(key.pk)]},
        )
        assert find_key(text[0], timezone.now()) is None

    def test_a_key_without_scope_is_refused(self, staff: Client) -> None:
        response = staff.post(reverse("admin:accounts_apikey_add"), {"name": "Nothing"})
        assert response.status_code == 200
        assert not ApiKey.objects.exists()

    def test_code_and_currency_of_an_account_stay(self, staff: Client, team: Subscription) -> None:
        url = reverse("admin:accounts_account_change", args=[team.account_id])
        staff.post(url, {**fields(staff, url), "code": "other", "currency": "USD", "name": "Acme plc"})
        account = Account.objects.get(pk=team.account_id)
        assert (account.code, account.currency, account.name) == ("acme", "EUR", "Acme plc")

    def test_a_user_is_made_by_mail_address(self, staff: Client) -> None:
        secret = "a long enough secret"
        values = {
            "email": "new@acme.example",
            "usable_password": "true",
            "password1": secret,
            "password2": secret,
        }
        values |= {"memberships-TOTAL_FORMS": "0", "memberships-INITIAL_FORMS": "0"}
        response = staff.post(reverse("admin:accounts_user_add"), values)
        assert response.status_code == 302
        assert User.objects.get(email="new@acme.example").check_password(secret)

    def test_only_superusers_give_rights(self, team: Subscription) -> None:
        from django.contrib.auth.models import Permission

        helper = User.objects.create_user("helper@plainbill.example", "correct horse battery", is_staff=True)
        helper.user_permissions.set(Permission.objects.filter(content_type__app_label="accounts"))
        client = Client()
        client.force_login(helper)
        url = reverse("admin:accounts_user_change", args=[helper.pk])
        client.post(url, {**fields(client, url), "is_superuser": "on"})
        helper.refresh_from_db()
        assert not helper.is_superuser
        boss = User.objects.create_superuser("boss@plainbill.example", "correct horse battery")
        assert client.post(reverse("admin:accounts_user_change", args=[boss.pk]), {}).status_code == 403


class TestCoupons:
    @pytest.fixture
    def coupon(self, staff: Client, team: Subscription) -> Coupon:
        load_catalog({"catalog": 1, "coupons": [{"code": "WELCOME", "percent": "20", "periods": 3}]})
        return Coupon.objects.get()

    def redeem(self, staff: Client, account: Account, code: str) -> Any:
        return staff.post(reverse("admin:plans_redemption_add"), {"account": account.pk, "code": code})

    def test_staff_redeem_for_an_account_and_it_is_kept_who_did(
        self, staff: Client, team: Subscription, coupon: Coupon
    ) -> None:
        assert "WELCOME" not in page(staff, "accounts_account_change", team.account_id)
        assert self.redeem(staff, team.account, "welcome").status_code == 302
        made = Redemption.objects.get()
        assert (made.account, made.coupon, made.percent, made.periods) == (team.account, coupon, 20, 3)
        entry = LogEntry.objects.get()
        assert (entry.object_id, entry.user.email) == (str(made.pk), "staff@plainbill.example")
        shown = page(staff, "plans_redemption_change", made.pk)
        assert re.search(r"Periods left:.*?3", shown, re.S)
        assert "_save" not in shown, "it is only read"
        assert "WELCOME" in page(staff, "accounts_account_change", team.account_id)
        assert str(team.account) in page(staff, "plans_coupon_change", coupon.pk)

    def test_a_refusal_is_shown_at_its_field(self, staff: Client, team: Subscription, coupon: Coupon) -> None:
        for code, sentence in (
            ("NONE", "No such coupon"),
            ("", "required"),
            ("WELCOME", None),
            ("WELCOME", "once"),
        ):
            answer = self.redeem(staff, team.account, code)
            if sentence:
                assert sentence in answer.context["adminform"].form.errors["code"][0]
        assert Redemption.objects.count() == LogEntry.objects.count() == 1


def test_staff_without_the_right_may_not_change_subscriptions(team: Subscription) -> None:
    client = Client()
    client.force_login(
        User.objects.create_user("reader@plainbill.example", "correct horse battery", is_staff=True)
    )
    url = reverse("admin:plans_subscription_change-plan", args=[team.pk])
    assert client.post(url, {"plan": "scale", "when": "now"}).status_code == 403
    assert again(team).canceled_at is None


def test_plans_page_counts_who_is_on_it(staff: Client, team: Subscription) -> None:
    sell(plan("team", "59.00"))
    response = staff.get(reverse("admin:plans_plan_changelist"), {"q": "team"})
    row = next(each for each in response.context["cl"].result_list if each.code == "team")
    assert (row.published, row.on_it) == (2, 1)
    assert Plan.objects.count() == 8
