"""Every address of the site, asked by every kind of person, answers as the table says (tests/portal/rights.py)."""

import re
from collections.abc import Iterator
from datetime import timedelta
from http.cookies import SimpleCookie
from typing import Final
from uuid import uuid4

import pytest
from django.contrib import admin
from django.db import transaction
from django.http import HttpResponse
from django.test import Client, RequestFactory, override_settings
from django.urls import URLPattern, URLResolver, get_resolver
from django.utils import timezone

from accounts import team
from accounts.keys import create_key
from accounts.models import Membership, User
from billing.invoices.models import InvoiceLine
from billing.limits.actions import raise_alerts, set_limit, time_stops
from billing.limits.models import Stop
from billing.usage.queries import events_page
from billing.webhooks.actions import add_endpoint, announce
from billing.webhooks.models import Delivery, EventType, Message
from tests.factories import make_member
from tests.portal.rights import ADMIN, PORTAL, SITE, Reach, Rule
from tests.portal.world import World, build, sign_in

pytestmark = pytest.mark.django_db
ROLES: Final = ("anonymous", "outsider", "viewer", "developer", "billing", "owner", "staff")
THROUGH: Final[dict[Reach, set[str]]] = {
    Reach.MEMBERS: {"viewer", "developer", "billing", "owner"},
    Reach.MONEY: {"billing", "owner"},
    Reach.BUILDERS: {"developer", "owner"},
    Reach.OWNERS: {"owner"},
    Reach.ABOUT: {"viewer", "owner"},
    Reach.TRIERS: {"developer", "billing", "owner"},
}
OTHERS: Final = ("PUT", "PATCH", "DELETE")
ANSWERS: Final = (400, 409, 410, 422)
"""To who got through, and asked for what cannot be done."""
QUERIES: Final = {
    "portal:invoices_zip": "?year=2026",
    "portal:accounting_csv": "?year=2026",
    "portal:focus_csv": "?year=2026",
    "portal:usage_export": "?month=2026-01",
}
NO_OTHERS: Final = ("anonymous", "owner")
"""Who asks by the methods that no page has: refused before it is looked at who asks."""
KEYS: Final = Rule(get=Reach.KEYS, post=Reach.KEYS)
NOBODYS: Final = str(uuid4())
API_VALUES: Final = {"account": "atelier-brume"} | dict.fromkeys(
    ("reservation", "subscription", "delivery"), NOBODYS
)


def patterns(
    resolver: URLResolver, prefix: str = "", space: str = ""
) -> Iterator[tuple[str, str, URLPattern]]:
    """The path, the name with its namespace, and the pattern of every address."""
    for one in resolver.url_patterns:
        path = prefix + str(one.pattern)
        if isinstance(one, URLResolver):
            yield from patterns(one, path, ":".join(filter(None, (space, one.namespace))))
        else:
            yield path, ":".join(filter(None, (space, one.name))), one


ADDRESSES: Final = list(patterns(get_resolver()))
OURS: Final = [one for one in ADDRESSES if not one[0].startswith("admin/")]


def expected(rule: Rule, method: str, role: str) -> object:
    """A status, or "through", "sign in", "admin"."""
    reach = {"GET": rule.get, "POST": rule.post}.get(method)
    if reach is None:
        return 405
    if reach is Reach.KEYS:
        return 401
    if reach is Reach.STREAM:
        return {"anonymous": 401, "staff": 404}.get(role, "through")
    if reach is not Reach.ANYONE:
        if role == "anonymous":
            return "sign in"
        if reach is not Reach.SIGNED_IN:
            if role == "staff":
                return "admin"
            if role == "outsider" and rule.own:
                return 404
            if role not in THROUGH[reach] | {"outsider"}:
                return 404 if reach is Reach.ABOUT else 403
    return 404 if method in rule.off.split() else "through"


def outcome(response: HttpResponse, role: str) -> object:
    where = response.headers.get("Location", "")
    if where.startswith(("/accounts/login/", "/admin/login/")) and role != "staff":
        return "sign in"
    if where == "/admin/" and role == "staff":
        return "admin"
    passed = response.status_code < 400 or response.status_code in ANSWERS
    return "through" if passed else response.status_code


@pytest.fixture
def world(db: None) -> World:
    return build()


@pytest.fixture
def people(world: World) -> dict[str, User | None]:
    return {
        "anonymous": None,
        "outsider": world.outsider,
        "viewer": world.viewer,
        "developer": make_member(world.account, "developer"),
        "billing": make_member(world.account, "billing"),
        "owner": world.owner,
        "staff": User.objects.create_superuser("staff@example.com", "correct horse battery"),
    }


@pytest.fixture
def values(world: World) -> dict[str, str]:
    """What stands in the addresses' places: things of the account."""
    line = InvoiceLine.objects.filter(account=world.account, kind="usage").first()
    assert line is not None
    set_limit(world.account, "1", "stop", by=world.owner)
    raise_alerts(world.account, timezone.now())
    time_stops(world.account)
    endpoint, _ = add_endpoint(world.account, "http://127.0.0.1/hook")
    key, _ = create_key("build server", ["read"], world.account)
    invitation, token = team.invite(world.account, "new@example.com", "New", "viewer", world.owner)
    return {
        "key": str(key.pk),
        "invitation": str(invitation.pk),
        "token": token,
        "member": str(Membership.objects.get(account=world.account, user=world.viewer).pk),
        "number": line.invoice.number,
        "line": str(line.pk),
        "event": events_page(world.account, limit=1).events[0].id,
        "code": "scale",
        "stop": str(Stop.objects.get(account=world.account).pk),
        "webhook": str(endpoint.pk),
        "setup": "seti_1",
    }


@pytest.fixture
def forms(world: World, values: dict[str, str]) -> dict[str, dict[str, str]]:
    """What a form must name to be more than a question about nothing."""
    message = announce(world.account, EventType.INVOICE_ISSUED, {})
    delivery = Delivery.objects.create(
        message=Message.objects.get(pk=message),
        endpoint_id=values["webhook"],
        account=world.account,
        give_up_at=timezone.now() + timedelta(days=3),
        error="status",
    )
    return {
        "portal:session_end": {"session": "others"},
        "portal:member": {"act": "remove"},
        "portal:invitation_change": {"act": "again"},
        "portal:switch": {"account": world.account.code},
        "portal:webhook_act": {"act": "off"},
        "portal:webhook_again": {"delivery": str(delivery.pk)},
    }


@pytest.fixture(autouse=True)
def loopback_may_be_called() -> Iterator[None]:
    with override_settings(WEBHOOK_ALLOWED_HOSTS=["127.0.0.1"]):
        yield


def filled(path: str, values: dict[str, str]) -> str:
    """An address with something in each of its places."""
    plain = re.sub(r"\(\?P<(\w+)>[^)]*\)|<(?:\w+:)?(\w+)>", lambda hit: values[hit[1] or hit[2]], path)
    return "/" + plain.replace("^", "").replace("$", "")


class Caller:
    """One person's browser, which takes back what each of its requests changed."""

    def __init__(self, person: User | None) -> None:
        self.session = sign_in(person).cookies if person else SimpleCookie()

    def __call__(self, method: str, path: str, form: dict[str, str] | None = None) -> HttpResponse:
        client = Client(raise_request_exception=False)
        client.cookies = SimpleCookie({name: morsel.value for name, morsel in self.session.items()})
        with transaction.atomic():
            response = client.post(path, form) if method == "POST" else client.generic(method, path)
            transaction.set_rollback(True)
        return response


def methods(rule: Rule, ours: str, role: str) -> Iterator[str]:
    """Those to try. What foreign pages say to others is theirs."""
    yield from (name for name, reach in (("GET", rule.get), ("POST", rule.post)) if ours or reach)
    if ours and role in NO_OTHERS:
        yield from OTHERS


def test_every_address_is_in_the_table() -> None:
    known = {f"portal:{name}" for name in PORTAL} | set(SITE)
    unnamed = {path for path, name, _ in OURS if not name and not path.startswith("api/v1/")}
    assert unnamed == {"", "accounts/sessions/", "accounts/email/"}, "addresses that lead on"
    assert {name for _, name, _ in OURS} == known


@pytest.mark.parametrize("role", ROLES)
def test_every_address(
    values: dict[str, str], forms: dict[str, dict[str, str]], people: dict[str, User | None], role: str
) -> None:
    foreign = {"key": "MQ:x:y", "uidb36": "1", "pk": "1"}
    call, wrong = Caller(people[role]), {}
    for path, name, _ in OURS:
        ours = name.removeprefix("portal:") if name.startswith("portal:") else ""
        rule = PORTAL[ours] if ours else KEYS if path.startswith("api/v1/") and not name else SITE[name]
        for method in methods(rule, ours, role):
            response = call(
                method,
                filled(path, {**API_VALUES, **foreign, **values}) + QUERIES.get(name, ""),
                forms.get(name),
            )
            found, wanted = outcome(response, role), expected(rule, method, role)
            if found != wanted:
                wrong[method, path] = f"{found} ({response.status_code}) and not {wanted}"
    assert not wrong, "\n".join(f"{method} {path}: {what}" for (method, path), what in wrong.items())


STAFF_ONLY: Final = [one for one in ADDRESSES if one[0].startswith("admin/")]


def test_what_staff_may_do_with_each_table() -> None:
    staff = RequestFactory().get("/admin/")
    staff.user = User(is_staff=True, is_superuser=True, email="staff@example.com")
    found = {}
    for model, of in admin.site._registry.items():
        may = {
            "v": of.has_view_permission(staff),
            "a": of.has_add_permission(staff),
            "c": of.has_change_permission(staff),
            "d": of.has_delete_permission(staff),
        }
        found[model._meta.label_lower] = "".join(letter for letter, yes in may.items() if yes)
    assert found == ADMIN


@pytest.mark.parametrize("role", [role for role in ROLES if role != "staff"])
def test_the_admin_is_for_staff(people: dict[str, User | None], role: str) -> None:
    call, wrong = Caller(people[role]), {}
    for path, name, _ in STAFF_ONLY:
        for method in ("GET", "POST") if role == "owner" else ("GET",):
            where = "/" + re.sub(r"<[^>]+>", "1", path).replace("(?P.+)$", "x")
            response = call(method, where)
            if outcome(response, role) != "sign in" and name not in ("admin:login", "admin:logout"):
                wrong[method, path] = response.status_code
    assert not wrong, "\n".join(f"{method} {path}: {what}" for (method, path), what in wrong.items())
