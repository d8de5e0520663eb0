"""A passkey from a device of Chromium's own (CDP, WebAuthn domain): made in the settings, it signs in alone."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.visits import Visits
from tests.browser.world import World

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("server")]
DEVICE = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}


@pytest.fixture
def named(chromium: Browser, world: World) -> Iterator[Visits]:
    """Visits by a name: browsers give no passkey to an IP address."""
    visits = Visits(chromium, f"http://localhost:{world.demo.port}", {})
    yield visits
    visits.close()
    assert visits.complaints == []


def with_device(page: Page, **changes: bool) -> None:
    session = page.context.new_cdp_session(page)
    session.send("WebAuthn.enable")
    session.send("WebAuthn.addVirtualAuthenticator", {"options": DEVICE | changes})


def test_a_passkey_is_made_and_signs_in_alone(named: Visits, world: World) -> None:
    page = named.open(world.keyed.person("owner"))
    with_device(page)
    page.goto("/billing/settings/")
    page.get_by_role("link", name="Second factor").click()
    page.get_by_role("link", name="Set up a passkey").click()
    expect(page.get_by_text("You have none yet.")).to_be_visible()
    page.get_by_role("link", name="Add a passkey").click()
    page.get_by_label("Password").fill(world.keyed.person("owner").password)
    page.get_by_role("button", name="Go on").click()
    expect(page.get_by_label("Name of the passkey")).to_have_value(re.compile("Chrome"))
    page.get_by_label("Name of the passkey").fill("Laptop")
    page.get_by_role("button", name="Add the passkey").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Recovery codes")
    page.goto("/billing/settings/")
    page.get_by_role("main").get_by_role("button", name="Sign out").click()

    page.goto("/accounts/login/")
    page.get_by_role("button", name="Sign in with a passkey").click()
    expect(page).to_have_url(re.compile("/billing/$"))
    page.goto("/accounts/2fa/webauthn/")
    expect(page.get_by_role("list", name="Your passkeys")).to_contain_text("Last used")
    page.get_by_role("link", name="Remove Laptop").click()
    page.get_by_role("link", name="Use your passkey").click()
    page.get_by_role("button", name="Use your passkey").click()
    page.get_by_role("button", name="Remove the passkey").click()
    expect(page.get_by_text("You have none yet.")).to_be_visible()


def test_who_is_not_confirmed_is_told_and_nothing_changes(named: Visits, world: World) -> None:
    page = named.open(None)
    page.goto("/accounts/login/")
    with_device(page, isUserVerified=False)
    page.get_by_role("button", name="Sign in with a passkey").click()
    expect(page.get_by_role("alert")).to_contain_text("No passkey was given")
    expect(page).to_have_url(re.compile("/accounts/login/$"))


def test_without_scripts_nothing_of_it_is_offered(named: Visits, world: World) -> None:
    page = named.open(world.novice.person("owner"), scripts=False)
    page.goto("/accounts/2fa/webauthn/add/")
    page.get_by_label("Password").fill(world.novice.person("owner").password)
    page.get_by_role("button", name="Go on").click()
    expect(page.get_by_role("button", name="Add the passkey")).to_be_hidden()
    expect(page.get_by_text("Browsers make passkeys by JavaScript only")).to_be_visible()
