"""Who changed what: what is kept of changes by the portal, the API and staff, and the page that tells it."""

import json
import re
from collections.abc import Iterator
from types import SimpleNamespace

import pytest
from django.db import connection
from django.test import Client, override_settings
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.activity import acting, record
from accounts.keys import create_key
from accounts.models import Account, Activity, Deed, Role, User
from billing.payments import cards
from billing.payments.models import Card, Payer
from billing.plans.actions import Actor, load_catalog, redeem, subscribe
from billing.plans.catalog_file import load_catalog_file
from billing.plans.models import Coupon, Plan
from billing.webhooks.actions import add_endpoint, change_endpoint, remove_endpoint, rotate_secret
from portal.pages.activity import KINDS, PAGE
from portal.pages.deeds import SENTENCES, sentence_of
from tests.factories import make_account, make_member
from tests.portal.world import CATALOG, HOSTILE, sign_in

PAGE_URL = "/billing/activity/"
HOOK = "http://127.0.0.1/hook"


@pytest.fixture
def account(db: None) -> Account:
    load_catalog(load_catalog_file(CATALOG))
    return make_account()


@pytest.fixture(autouse=True)
def loopback_may_be_called() -> Iterator[None]:
    with override_settings(WEBHOOK_ALLOWED_HOSTS=["127.0.0.1"]):
        yield


def kept() -> list[tuple[str, str, str]]:
    """Who did what, oldest first."""
    rows = Activity.objects.order_by("pk").select_related("account")
    return [(row.by, row.by_name, sentence_of(row.deed, row.details, row.account)) for row in rows]


def told() -> list[str]:
    return [sentence for _by, _name, sentence in kept()]


def page(client: Client, query: str = "") -> str:
    response = client.get(PAGE_URL + query)
    assert response.status_code == 200
    return response.content.decode()


def test_a_limit_by_the_portal_and_by_a_key(account: Account) -> None:
    owner = make_member(account)
    form = {"amount": "500", "action": "stop", "thresholds": "80, 100", "pace": "on"}
    assert sign_in(owner).post("/billing/limits/confirm/", form).status_code == 302
    _key, text = create_key("nightly", ["manage"], account)
    for body in (
        {"amount": "300.50", "action": "notify", "thresholds": [80, 100]},
        {"amount": "300.50", "action": "notify", "thresholds": [90]},
        {"amount": None},
    ):
        answer = Client().put(
            f"/api/v1/accounts/{account.code}/limit",
            json.dumps(body),
            "application/json",
            headers={"Authorization": f"Bearer {text}"},
        )
        assert answer.status_code == 200, answer.content
    assert kept() == [
        ("member", owner.email, "Spending limit set to €500.00 (Stop)."),
        ("key", "nightly", "Spending limit changed from €500.00 (Stop) to €300.50 (Tell me)."),
        ("key", "nightly", "Spending limit, €300.50 (Tell me): alerts set to 90\u202f%."),
        ("key", "nightly", "Spending limit lifted; it was €300.50 (Tell me)."),
    ]


def test_a_change_that_was_refused_is_none(account: Account) -> None:
    form = {"amount": "lots", "action": "stop", "thresholds": "80"}
    assert sign_in(make_member(account)).post("/billing/limits/confirm/", form).status_code == 422
    assert kept() == []


def test_a_plan_and_a_coupon(account: Account) -> None:
    owner, client = make_member(account), None
    subscription = subscribe(account, Plan.objects.get(code="team"), actor=Actor.INSTALLATION)
    client = sign_in(owner)

    def confirmed(address: str, **form: str) -> None:
        offer = client.get(address).content.decode()
        quote = offer.partition('name="quote" value="')[2].partition('"')[0]
        assert (
            client.post(address.replace("scale/", "scale/confirm/"), {"quote": quote, **form}).status_code
            == 302
        )

    confirmed(reverse("portal:plan_cancel"))
    confirmed(reverse("portal:plan_reactivate"))
    coupon = Coupon.objects.get(code="WELCOME")
    with acting(owner):
        redeem(account, coupon.code)
    day = r"\d+\xa0\w+ \d{4}"
    found = kept()
    assert [name for _by, name, _what in found] == ["", *[owner.email] * 3]
    for (_by, _name, what), pattern in zip(
        found,
        [
            rf"Subscription to Team from {day}\.",
            rf"Subscription cancelled; it ends on {day}\.",
            r"Cancellation taken back: the subscription goes on\.",
            r"Coupon WELCOME redeemed\.",
        ],
        strict=True,
    ):
        assert re.fullmatch(pattern, what), what
    assert subscription.account_id == account.pk


def test_webhooks(account: Account) -> None:
    endpoint, _ = add_endpoint(account, HOOK, ["invoice.paid"])
    change_endpoint(endpoint, url=HOOK + "2")
    change_endpoint(endpoint, url=HOOK + "2")
    change_endpoint(endpoint, types=["limit.stopped"], active=False)
    change_endpoint(endpoint, description="books", active=True)
    rotate_secret(endpoint)
    assert f'href="{reverse("portal:webhook", args=[endpoint.pk])}"' in page(sign_in(make_member(account)))
    remove_endpoint(endpoint)
    assert told() == [
        f"Webhook {HOOK} added.",
        f"Webhook moved from {HOOK} to {HOOK}2.",
        f"Webhook {HOOK}2 is told of: limit.stopped.",
        f"Webhook {HOOK}2: switched off by hand.",
        f"Description of the webhook {HOOK}2 changed.",
        f"Webhook {HOOK}2 switched on.",
        f"New secret for the webhook {HOOK}2.",
        f"Webhook {HOOK}2 removed.",
    ]
    assert str(endpoint.pk) not in page(client_of(account)), "its page is gone"


def client_of(account: Account) -> Client:
    return sign_in(account.memberships.get().user)


def test_the_installations_own_webhooks_are_nobodys(account: Account) -> None:
    endpoint, _ = add_endpoint(None, HOOK)
    remove_endpoint(endpoint)
    assert kept() == []


def test_cards(account: Account) -> None:
    Payer.objects.create(account=account, provider="stripe", reference="cus_1")
    first, second = (
        cards._keep(
            account.pk,
            SimpleNamespace(reference=f"pm_{n}", brand="visa", last4=f"424{n}", exp_month=1, exp_year=2030),
        )  # type: ignore[arg-type]
        for n in (1, 2)
    )
    cards.choose_default(second)
    cards.choose_default(Card.objects.get(pk=second.pk))
    cards.pay_automatically(account, True)
    cards.pay_automatically(account, True)
    cards.pay_automatically(account, False)
    cards.note_removed(first.reference)
    cards.note_removed(first.reference)
    assert told() == [
        f"Card {first} added.",
        f"Card {second} added.",
        f"Card {second} made the default.",
        "New invoices are paid automatically.",
        "New invoices are no longer paid automatically.",
        f"Card {first} removed.",
    ]


def test_billing_details_by_a_key(account: Account) -> None:
    _key, text = create_key("crm", ["manage"])
    answer = Client().patch(
        f"/api/v1/accounts/{account.code}",
        json.dumps({"address": {"city": "Lyon"}, "name": account.name}),
        "application/json",
        headers={"Authorization": f"Bearer {text}"},
    )
    assert answer.status_code == 200, answer.content
    assert kept() == [("key", "crm", "Billing details changed: city (before: “–”, now: “Lyon”).")]


def test_staff_change_details_and_members_in_the_admin(account: Account) -> None:
    staff = User.objects.create_superuser("help@example.com", "x", name="Support")
    owner, leaver = make_member(account), make_member(account, Role.BILLING)
    newcomer = make_member(make_account("other"))
    one, two = account.memberships.get(user=owner), account.memberships.get(user=leaver)
    names = ("code", "name", "currency", "timezone", "locale", "email", "country")
    inline = {"memberships-TOTAL_FORMS": "3", "memberships-INITIAL_FORMS": "2"}
    for at, (row, user, role) in enumerate(
        [(one, owner, Role.OWNER), (two, leaver, Role.BILLING), (None, newcomer, Role.OWNER)]
    ):
        fields = {"id": row.pk if row else "", "account": account.pk, "user": user.pk, "role": role}
        inline |= {f"memberships-{at}-{name}": str(value) for name, value in fields.items()}
    data = {name: getattr(account, name) for name in names} | {"city": "Lyon"} | inline
    data |= {"memberships-0-role": Role.DEVELOPER, "memberships-1-DELETE": "on"}
    for inlines in ("api_keys", "redemptions"):
        data |= {f"{inlines}-TOTAL_FORMS": "0", f"{inlines}-INITIAL_FORMS": "0"}
    answer = sign_in(staff).post(reverse("admin:accounts_account_change", args=[account.pk]), data)
    assert answer.status_code == 302, re.findall(r"errorlist.*", answer.content.decode())
    assert {(by, name) for by, name, _what in kept()} == {("staff", "Support")}
    assert set(told()) == {
        "Billing details changed: city (before: “–”, now: “Lyon”).",
        f"Role of {owner.email} changed from owner to developer.",
        f"{leaver.email} removed; the role was billing.",
        f"{newcomer.email} joined as owner.",
    }


def test_each_deed_has_a_sentence_and_a_kind() -> None:
    assert set(SENTENCES) == set(Deed)
    assert {deed.partition(".")[0] for deed in Deed} == set(KINDS)


def fill(account: Account, count: int, name: str = "it") -> None:
    for number in range(count):
        record(account, Deed.KEY_MADE, name=f"{name}-{number}")


def test_the_page_is_read_newest_first_page_by_page(account: Account) -> None:
    fill(account, 2 * PAGE + 1)
    client = sign_in(make_member(account))
    seen, query = list[str](), ""
    for _ in range(3):
        text = page(client, query)
        seen += [part.partition("”")[0] for part in text.split("API key “it-")[1:]]
        query = text.partition('<nav class="pager"')[2].partition("</nav>")[0]
        query = (
            "?" + query.rpartition('href="?')[2].partition('"')[0].replace("&amp;", "&")
            if "Older" in query
            else ""
        )
    assert seen == [str(number) for number in reversed(range(2 * PAGE + 1))]
    assert query == ""


def test_the_filter_is_by_who_and_by_kind(account: Account) -> None:
    owner, other = make_member(account), make_member(account, Role.BILLING)
    record(account, Deed.KEY_MADE, by=owner, name="of the owner")
    record(account, Deed.COUPON_REDEEMED, by=owner, coupon="ABC")
    record(account, Deed.KEY_MADE, by=other, name="of the other")
    client = sign_in(owner)
    for query, wanted in [
        (f"?who=member:{owner.email}", {"of the owner", "ABC"}),
        ("?kind=key", {"of the owner", "of the other"}),
        (f"?kind=key&who=member:{other.email}", {"of the other"}),
        ("?kind=limit", set()),
        ("?who=nonsense", set()),
        ("?kind=%00", set()),
        ("?who=member:%00", set()),
        ("?before=x", {"of the owner", "of the other", "ABC"}),
        ("?before=99999999999999999999999", {"of the owner", "of the other", "ABC"}),
    ]:
        text = page(client, query)
        assert {each for each in ("of the owner", "of the other", "ABC") if each in text} == wanted, query
    assert "Nothing fits." in page(client, "?kind=limit")


def test_what_was_typed_is_never_markup(account: Account) -> None:
    record(account, Deed.KEY_MADE, name=HOSTILE)
    assert "<script>alert" not in page(sign_in(make_member(account)))


def test_anothers_deeds_are_not_there(account: Account) -> None:
    other = make_account("other")
    record(other, Deed.KEY_MADE, name="theirs")
    text = page(sign_in(make_member(account)))
    assert "theirs" not in text
    assert "Nothing yet." in text


def test_times_are_in_the_accounts_zone_and_words_in_its_language(db: None) -> None:
    account = make_account(locale="fr", timezone="Pacific/Chatham")
    member = make_member(account, Role.VIEWER)
    row = record(
        account, Deed.MEMBER_JOINED, by=member, member={"name": "", "email": "a@b.c"}, role="billing"
    )
    row.refresh_from_db()
    text = page(sign_in(member))
    assert "Arrivée de a@b.c, rôle facturation." in text
    assert "+13:45" in text.partition('<time datetime="')[2].partition('"')[0]


def test_it_takes_as_many_statements_for_many_rows_as_for_one(account: Account) -> None:
    client = sign_in(make_member(account))
    counts = list[int]()
    endpoint, _ = add_endpoint(account, HOOK)
    for more in (0, 59):
        for _ in range(more):
            rotate_secret(endpoint)
        with CaptureQueriesContext(
            connection,
        ) as found:
            page(client)
        counts.append(len(found))
    assert counts[0] == counts[1] <= 12, counts
