"""The account's language and time zone, and the language of each person."""

import re
from zoneinfo import available_timezones

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import translation

from accounts.models import Account, Role, User
from billing.plans.models import Period
from billing.usage.models import RollupZone
from portal.pages.language import LOCALES, locale_name
from portal.places import zones
from tests.factories import make_account, make_member
from tests.portal.world import build, sign_in

PAGE = "/billing/settings/language/"
SETTINGS = "/billing/settings/"


@pytest.fixture
def account(db: None) -> Account:
    return make_account()


def test_language_and_zone_are_kept(account: Account) -> None:
    client = sign_in(make_member(account, Role.BILLING))
    answer = client.post(PAGE, {"locale": "fr-CA", "timezone": "America/Montreal"})
    assert answer.status_code == 422, "an old name of Toronto, which the account has not"
    assert '<a href="#f-timezone">Choose a time zone of the list</a>' in answer.text
    assert '<option value="fr-CA" selected>' in answer.text, "what was chosen stays"
    answer = client.post(PAGE, {"locale": "fr-CA", "timezone": "America/Toronto"}, follow=True)
    assert "C’est enregistré. Le fuseau horaire vaut à partir de la prochaine période" in answer.text
    assert "Français (Canada)" in answer.text
    assert "America/Toronto, UTC" in answer.text
    found = Account.objects.get()
    assert (found.locale, found.timezone) == ("fr-CA", "America/Toronto")
    answer = client.post(PAGE, {"locale": "en-GB", "timezone": "America/Toronto"}, follow=True)
    assert "Saved.</h2>" in answer.text


def test_a_value_that_is_not_in_the_list_stays(account: Account) -> None:
    Account.objects.update(locale="en", timezone="Europe/Kiev")
    client = sign_in(make_member(account))
    text = client.get(PAGE).text
    assert '<option value="Europe/Kiev" selected>' in text
    assert '<option value="en" selected>English</option>' in text
    assert client.post(PAGE, {"locale": "en", "timezone": "Europe/Kiev"}).status_code == 302


def test_the_running_period_keeps_its_days(
    db: None, django_capture_on_commit_callbacks: type[object]
) -> None:
    world = build()
    before = list(Period.objects.values_list("start", "end"))
    with django_capture_on_commit_callbacks(execute=True):  # type: ignore[call-arg, attr-defined]
        sign_in(world.owner).post(PAGE, {"locale": "en", "timezone": "Pacific/Auckland"})
    assert list(Period.objects.values_list("start", "end")) == before
    assert RollupZone.objects.get(account=world.account).timezone == "Pacific/Auckland", (
        "days are counted anew"
    )


def test_zones_are_told_apart_and_known() -> None:
    known = available_timezones()
    for language in ("en", "fr"):
        with translation.override(language):
            for region, cities in zones():
                names = [name for _, name in cities]
                assert len(set(names)) == len(names), region
                assert {zone for zone, _ in cities} <= known
                assert all(names), region
            total = sum(len(cities) for _, cities in zones())
    assert total > 400
    assert len({locale_name(each) for each in LOCALES}) == len(LOCALES)


@pytest.mark.parametrize(("role", "may"), [("owner", 1), ("billing", 1), ("developer", 0), ("viewer", 0)])
def test_who_may(account: Account, role: str, may: bool) -> None:
    client = sign_in(make_member(account, role))
    assert client.get(PAGE).status_code == (200 if may else 403)
    assert (f'href="{PAGE}"' in client.get(SETTINGS).text) == may
    answer = client.post(PAGE, {"locale": "fr-FR", "timezone": "UTC"})
    assert answer.status_code == (302 if may else 403)
    assert (Account.objects.get().timezone == "UTC") == may


def test_a_chosen_language_goes_with_the_person(account: Account) -> None:
    person = make_member(account)
    client = sign_in(person)
    assert client.post("/billing/language/", {"language": "fr", "next": SETTINGS}).status_code == 302
    assert User.objects.get().language == "fr"
    assert "<h1>Réglages</h1>" in client.get(SETTINGS).text
    assert "<h1>Réglages</h1>" in sign_in(person).get(SETTINGS).text, "another browser"
    other = sign_in(make_member(account, Role.VIEWER))
    assert "<h1>Settings</h1>" in other.get(SETTINGS).text
    for nonsense in ("", "xx", "en-GB", "x" * 500):
        client.post("/billing/language/", {"language": nonsense})
        client.get("/billing/language/", {"language": "en"})
        assert User.objects.get(pk=person.pk).language == "fr"
    stranger = Client()
    assert stranger.post("/billing/language/", {"language": "fr"}).status_code == 302
    assert stranger.cookies["django_language"].value == "fr"


def test_few_queries(account: Account) -> None:
    client = sign_in(make_member(account))
    text = client.get(PAGE).text
    assert len(re.findall("<optgroup", text)) == 11
    with CaptureQueriesContext(connection) as found:
        client.get(PAGE)
    assert len(found) <= 12
