"""Where one is signed in: the list, ending sessions, and what a changed password ends."""

import time

import pytest
from allauth.usersessions.models import UserSession
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import User
from portal.pages.sessions import device
from tests.factories import make_account, make_member
from tests.portal.world import sign_in

PAGE, END = reverse("portal:sessions"), reverse("portal:session_end")
PASSWORD = "correct horse battery"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0"
IPHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_7 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    "Version/26.0 Mobile/15E148 Safari/604.1"
)


@pytest.fixture
def owner(db: None) -> User:
    return make_member(make_account())


def signed_in(user: User, agent: str) -> Client:
    client = Client(headers={"User-Agent": agent})
    answer = client.post(reverse("account_login"), {"login": user.email, "password": PASSWORD})
    assert answer.status_code == 302
    return client


def text(client: Client) -> str:
    answer = client.get(PAGE)
    assert answer.status_code == 200
    return answer.content.decode()


def out(client: Client) -> bool:
    return client.get(PAGE).status_code == 302


def row_of(client: Client) -> UserSession:
    return UserSession.objects.get(session_key=client.session.session_key)


def test_each_session_is_listed_with_its_device_and_this_one_marked(owner: User) -> None:
    here, there = signed_in(owner, FIREFOX), signed_in(owner, IPHONE)
    for client, own in ((here, "Firefox on Linux"), (there, "Safari on iPhone")):
        page = text(client)
        assert "Firefox on Linux" in page
        assert "Safari on iPhone" in page
        assert own in page.partition("this one")[0].rpartition("<th")[2]
        assert page.count("this one") == 1


def test_one_is_ended_or_all_others(owner: User) -> None:
    here, there, third = (signed_in(owner, FIREFOX) for _ in range(3))
    assert here.post(END, {"session": row_of(there).pk}).status_code == 302
    assert (out(there), out(third), out(here)) == (True, False, False)
    signed_in(owner, IPHONE)
    assert "2 sessions are ended." in here.post(END, {"session": "others"}, follow=True).content.decode()
    assert out(third)
    assert "End all others" not in text(here)
    for nonsense in ("", "x", "0", row_of(here).pk):
        assert here.post(END, {"session": nonsense}).status_code == 404
    assert not out(here)


def test_anothers_sessions_are_not_there(owner: User) -> None:
    other = make_member(make_account("other"))
    theirs, mine = signed_in(other, IPHONE), signed_in(owner, FIREFOX)
    assert "iPhone" not in text(mine)
    assert mine.post(END, {"session": row_of(theirs).pk}).status_code == 404
    mine.post(END, {"session": "others"})
    assert not out(theirs)


def test_a_changed_password_ends_all_others(owner: User) -> None:
    here, there = signed_in(owner, FIREFOX), signed_in(owner, IPHONE)
    new = {"oldpassword": PASSWORD, "password1": "nine blue lanterns", "password2": "nine blue lanterns"}
    assert here.post(reverse("account_change_password"), new).status_code == 302
    assert out(there)
    assert "iPhone" not in text(here)


def test_last_seen_is_kept_true_without_a_write_for_each_page(owner: User) -> None:
    client = signed_in(owner, FIREFOX)
    before = row_of(client).last_seen_at
    with CaptureQueriesContext(connection) as found:
        text(client)
    assert not [one for one in found if one["sql"].startswith(("UPDATE", "INSERT"))]
    session = client.session
    session["seen"] = int(time.time()) - 301
    session.save()
    text(client)
    assert row_of(client).last_seen_at > before


def test_a_session_from_before_is_noted_once_it_looks(owner: User) -> None:
    client = sign_in(owner)
    assert text(client).count("this one") == 1
    assert row_of(client).user == owner


def test_it_takes_as_many_statements_for_many_sessions_as_for_one(owner: User) -> None:
    client, counts = signed_in(owner, FIREFOX), list[int]()
    for more in (0, 59):
        for _ in range(more):
            other = sign_in(owner)
            UserSession.objects.create(
                user=owner, session_key=other.session.session_key, ip="192.0.2.1", user_agent=IPHONE
            )
        with CaptureQueriesContext(connection) as found:
            page = text(client)
        assert page.count("iPhone") >= more
        counts.append(len(found))
    assert counts[0] == counts[1] <= 12, counts


@pytest.mark.parametrize(
    ("agent", "words"),
    [
        (FIREFOX, "Firefox on Linux"),
        (IPHONE, "Safari on iPhone"),
        (
            "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/142.0 Safari/537.36 Edg/142.0",
            "Edge on Windows",
        ),
        (
            "Mozilla/5.0 (Linux; Android 15) AppleWebKit/537.36 Chrome/142.0 Mobile Safari/537.36",
            "Chrome on Android",
        ),
        ("curl/8.5.0", "Unknown device"),
        ("", "Unknown device"),
    ],
)
def test_devices_in_words(agent: str, words: str) -> None:
    assert device(agent) == words


def test_the_signin_kits_own_list_leads_here(owner: User) -> None:
    assert sign_in(owner).get("/accounts/sessions/")["Location"] == PAGE
