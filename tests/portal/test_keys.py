"""API keys in the portal: shown once, of one account, in force until they are not, and never more than their maker."""

import json
import re
import time
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.keys import create_key
from accounts.models import Account, Activity, ApiKey, Deed, Role, User
from billing.usage.models import SentByKey
from tests.factories import make_account, make_member
from tests.portal.world import HOSTILE, sign_in
from tests.usage.given import event, given_account

PAGE = "/billing/settings/keys/"
NEW = {"name": "Nightly report", "scopes": ["read"], "expires": "30"}
SHAPE = re.compile(r"pb_[a-z0-9]{12}_[A-Za-z0-9_-]{43}")


@pytest.fixture
def account(db: None) -> Account:
    return given_account()


def confirmed(user: User) -> Client:
    """Signed in, and asked again just now who he is."""
    client = sign_in(user)
    answer = client.get(f"{PAGE}new/")
    assert (
        answer.headers["Location"] == "/accounts/reauthenticate/?next=%2Fbilling%2Fsettings%2Fkeys%2Fnew%2F"
    )
    answer = client.post(answer.headers["Location"], {"password": "correct horse battery"})
    assert answer.headers["Location"] == f"{PAGE}new/"
    return client


def ask(text: str, path: str = "/api/v1/accounts/acme") -> int:
    return Client().get(path, headers={"Authorization": f"Bearer {text}"}).status_code


def send(text: str, *events: dict[str, object]) -> int:
    body, bearer = json.dumps(events), {"Authorization": f"Bearer {text}"}
    return Client().post("/api/v1/events", body, "application/json", headers=bearer).status_code


def made(client: Client, **change: object) -> tuple[ApiKey, str]:
    answer = client.post(f"{PAGE}new/", {**NEW, **change})
    assert answer.status_code == 302, answer.text
    assert not SHAPE.search(answer.headers["Location"])
    key = ApiKey.objects.latest("created_at")
    assert answer.headers["Location"] == f"{PAGE}{key.pk}/"
    [text] = set(SHAPE.findall(client.get(answer.headers["Location"]).text))
    return key, text


def test_a_key_is_shown_once_and_works(account: Account) -> None:
    owner = make_member(account)
    client = confirmed(owner)
    client.post(f"{PAGE}new/", NEW)
    key = ApiKey.objects.get()
    kept = json.dumps(dict(client.session.items()))
    assert not SHAPE.search(kept), "sealed while it waits"
    assert client.head(f"{PAGE}{key.pk}/").status_code == 200, "a look at the head shows nothing"
    text = client.get(f"{PAGE}{key.pk}/").text
    [secret] = set(SHAPE.findall(text))
    assert "The key, shown this once" in text
    assert not SHAPE.search(client.get(f"{PAGE}{key.pk}/").text)
    assert "new_key" not in client.session
    assert (key.account, key.scopes, key.created_by, key.name) == (account, ["read"], owner, "Nightly report")
    assert key.expires_at is not None
    assert abs(key.expires_at - timezone.now() - timedelta(days=30)) < timedelta(minutes=5)
    assert ask(secret) == 200
    deed = Activity.objects.get(deed=Deed.KEY_MADE)
    assert (deed.user_id, deed.details["prefix"]) == (owner.pk, key.prefix)
    assert secret not in json.dumps(deed.details)
    listed = client.get(PAGE).text
    assert "Nightly report" in listed
    assert f"pb_{key.prefix}" in listed


def test_who_it_is_is_asked_again_before_a_key_is_made(account: Account) -> None:
    client = sign_in(make_member(account))
    answer = client.post(f"{PAGE}new/", NEW)
    assert answer.headers["Location"].startswith("/accounts/reauthenticate/")
    client.post(answer.headers["Location"], {"password": "correct horse battery"})
    assert not ApiKey.objects.exists(), "the form is sent again by the person, not by us"
    key, _ = create_key("old", ["read"], account)
    late = confirmed(make_member(account, Role.DEVELOPER))
    session = late.session
    for record in session["account_authentication_methods"]:
        record["at"] = time.time() - 3600
    session.save()
    for path in (f"{PAGE}new/", f"{PAGE}{key.pk}/replace/"):
        assert late.get(path).headers["Location"].startswith("/accounts/reauthenticate/")
    assert late.get(f"{PAGE}{key.pk}/revoke/").status_code == 200, "a lost key ends at once"


@pytest.mark.parametrize(
    ("change", "field", "words"),
    [
        ({"name": " "}, "name", "Enter what it is for"),
        ({"name": "a\nb"}, "name", "Remove line breaks"),
        ({"name": "x" * 101}, "name", "100"),
        ({"scopes": []}, "scopes", "Choose at least one"),
        ({"scopes": ["root"]}, "scopes", "Choose from the list"),
        ({"expires": "7"}, "expires", "Choose from the list"),
    ],
)
def test_what_is_wrong_is_said_and_what_was_typed_stays(
    account: Account, change: dict[str, object], field: str, words: str
) -> None:
    answer = confirmed(make_member(account)).post(f"{PAGE}new/", {**NEW, "name": HOSTILE, **change})
    assert answer.status_code == 422
    assert re.search(f'<a href="#f-{field}">[^<]*{words}', answer.text)
    assert "<title>Error:" in answer.text
    assert "<script>alert" not in answer.text
    assert not ApiKey.objects.exists()
    if field != "scopes":
        assert re.search(r'value="read" checked', answer.text)


def test_a_revoked_key_is_refused_on_the_next_request(account: Account) -> None:
    client = confirmed(make_member(account))
    key, text = made(client, scopes=["read", "ingest"])
    assert (ask(text), send(text, event(id="a"))) == (200, 200)
    assert "Whatever uses it is refused" in client.get(f"{PAGE}{key.pk}/revoke/").text
    assert ask(text) == 200, "looking revokes nothing"
    answer = client.post(f"{PAGE}{key.pk}/revoke/", follow=True)
    assert "Nightly report is revoked." in answer.text
    assert (ask(text), send(text, event(id="b"))) == (401, 401)
    assert Activity.objects.filter(deed=Deed.KEY_REVOKED).count() == 1
    assert client.post(f"{PAGE}{key.pk}/revoke/").status_code == 404
    assert client.get(f"{PAGE}{key.pk}/replace/").status_code == 404


def test_a_replaced_key_goes_on_for_a_while(account: Account) -> None:
    client = confirmed(make_member(account))
    old, before = made(client)
    answer = client.post(f"{PAGE}{old.pk}/replace/", {"ends": "1"}, follow=True)
    [text] = set(SHAPE.findall(answer.text))
    assert (ask(before), ask(text)) == (200, 200)
    old.refresh_from_db()
    new = ApiKey.objects.latest("created_at")
    assert (new.name, new.scopes) == (old.name, old.scopes)
    assert new.expires_at is not None
    assert new.expires_at - new.created_at > timedelta(days=29), "as long a life as the old one had"
    assert old.expires_at is not None
    assert abs(old.expires_at - timezone.now() - timedelta(hours=1)) < timedelta(minutes=5)
    deed = Activity.objects.get(deed=Deed.KEY_REPLACED)
    assert (deed.details["prefix"], deed.details["old"]) == (new.prefix, old.prefix)
    assert (
        "API key “Nightly report” replaced; the old one works until" in client.get("/billing/activity/").text
    )
    client.post(f"{PAGE}{new.pk}/replace/", {"ends": "0"})
    assert ask(text) == 401, "at once, where that is wanted"
    for nonsense in ({}, {"ends": "9999"}):
        answer = client.post(f"{PAGE}{old.pk}/replace/", nonsense)
        assert answer.status_code == 422
        assert '<a href="#f-ends">Choose from the list</a>' in answer.text


def test_what_each_sent_is_shown(account: Account) -> None:
    client = confirmed(make_member(account))
    key, text = made(client, scopes=["ingest"])
    assert send(text, event(id="a"), event(id="b")) == 200
    assert send(text, event(id="a")) == 200
    row = client.get(PAGE).text.partition(key.prefix)[2]
    assert re.search(r'data-l="Events sent">2</td>', row)
    SentByKey.objects.create(api_key=key, account=account, day=timezone.now() - timedelta(days=70), events=50)
    assert re.search(r'data-l="Events sent">2</td>', client.get(PAGE).text), "of this period"
    key.refresh_from_db()
    assert key.last_used_at is not None


def test_a_developer_gives_no_more_than_he_may(account: Account) -> None:
    everything, _ = create_key("deploy", ["manage"], account)
    client = confirmed(make_member(account, Role.DEVELOPER))
    text = client.get(f"{PAGE}new/").text
    assert 'value="manage"' not in text
    assert "Only owners make keys that may everything." in text
    assert client.post(f"{PAGE}new/", {**NEW, "scopes": ["manage"]}).status_code == 422
    assert client.post(f"{PAGE}{everything.pk}/replace/", {"ends": "0"}).status_code == 403
    assert ApiKey.objects.count() == 1
    assert client.post(f"{PAGE}{everything.pk}/revoke/").status_code == 302
    owner = confirmed(make_member(account))
    key, _ = made(owner, scopes=["manage"])
    assert key.scopes == ["manage"]


@pytest.mark.parametrize("role", [Role.VIEWER, Role.BILLING])
def test_others_do_not_see_them(account: Account, role: str) -> None:
    key, _ = create_key("deploy", ["read"], account)
    client = sign_in(make_member(account, role))
    own = f"{PAGE}{key.pk}/"
    for path in (PAGE, own, f"{PAGE}new/", f"{own}revoke/", f"{own}replace/"):
        assert client.get(path).status_code == 403, path
        assert client.post(path).status_code in (403, 405), path
    assert f'href="{PAGE}"' not in client.get("/billing/settings/").text
    assert ApiKey.objects.get().revoked_at is None


def test_anothers_are_not_there(account: Account) -> None:
    theirs, _ = create_key("theirs", ["read"], make_account("other"))
    general, _ = create_key("general", ["read"])
    client = confirmed(make_member(account))
    assert "theirs" not in client.get(PAGE).text
    assert "general" not in client.get(PAGE).text
    for key in (theirs, general):
        for path in ("", "revoke/", "replace/"):
            assert client.get(f"{PAGE}{key.pk}/{path}").status_code == 404
            assert client.post(f"{PAGE}{key.pk}/{path}", {"ends": "0"}).status_code in (404, 405)
    assert not ApiKey.objects.exclude(revoked_at=None).exists()


def test_few_queries_however_many_keys(account: Account) -> None:
    client = confirmed(make_member(account))
    key, _ = create_key("one", ["read"], account)
    pages = (PAGE, f"{PAGE}{key.pk}/", f"{PAGE}new/", f"{PAGE}{key.pk}/revoke/", "/billing/settings/")
    counts = []
    for more in (0, 60):
        for number in range(more):
            create_key(f"key {number}", ["read"], account)
        counts.append([])
        for path in pages:
            with CaptureQueriesContext(connection) as found:
                assert client.get(path).status_code == 200
            counts[-1].append(len(found))
    assert counts[0] == counts[1]
    # The test's savepoint and nested scopes are five of them, and one outside of a test.
    assert max(counts[0]) <= 13, counts
    assert client.get(f"{PAGE}?page=2").text.count('data-l="State"') == 11
    assert client.get(f"{PAGE}?page=nonsense").status_code == 200
