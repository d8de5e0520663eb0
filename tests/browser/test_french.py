"""A French account reads French on each page, written as French is."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Page, expect

from tests.browser.visits import Visits
from tests.browser.world import Person, World

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("server")]
# Words that stand in nearly every English sentence and in no French one.
ENGLISH = re.compile(
    r"\b(the|you|your|and|of|with|is|are|was|will|until|before|from|to|by|this|that|in|at|it)\b", re.I
)
PLAIN_SPACE = re.compile(r"\S [;:?!€%»]|« ")
TITLES = {
    "": "Aperçu",
    "usage/": "Consommation",
    "limits/": "Limites",
    "invoices/": "Factures",
    "upcoming/": "Prochaine facture",
    "plan/": "Forfait",
    "plan/change/scale/": "Devis pour",
    "plan/cancel/": "Résilier",
    "settings/": "Réglages",
    "details/": "Coordonnées de facturation",
    "settings/language/": "Langue et heure",
    "settings/notifications/": "Notifications",
    "settings/keys/": "Clés d’API",
    "settings/keys/new/": "Créer une clé",
}


def faults(page: Page, path: str, title: str) -> dict[str, object]:
    """What is not French on a page, by its path."""
    answer = page.goto(f"/billing/{path}")
    assert answer is not None
    assert answer.status == 200, path
    return faults_shown(page, path, title)


def faults_shown(page: Page, path: str, title: str) -> dict[str, object]:
    assert page.locator("html").get_attribute("lang") == "fr", path
    # Code and keys are no words of a language.
    page.evaluate("() => document.querySelectorAll('code').forEach((one) => one.remove())")
    text = page.get_by_role("main").inner_text() + page.get_by_role("contentinfo").inner_text()
    wrong = [
        " ".join(text[max(0, hit.start() - 30) : hit.end() + 30].split())
        for rule in (ENGLISH, PLAIN_SPACE)
        for hit in rule.finditer(text)
    ]
    return {path: (page.title(), wrong[:5])} if wrong or title not in page.title() else {}


@contextmanager
def canceled(world: World, account: str) -> Iterator[None]:
    """The account's plan is to end, for as long as the block lasts."""
    with world.demo.client("manage") as api:
        running = api.get(f"/accounts/{account}/subscriptions").json()["results"][0]["id"]
        assert api.delete(f"/subscriptions/{running}?when=period_end").status_code == 200
        try:
            yield
        finally:
            api.delete(f"/subscriptions/{running}/changes")


def test_french_on_every_page(visits: Visits, world: World) -> None:
    login = world.demo.login("owner", "atelier-brume")
    page = visits.open(Person(login["email"], login["password"]))
    with world.demo.client("read") as api:
        number = api.get("/accounts/atelier-brume/invoices").json()["results"][0]["number"]
    found = {}
    for path, title in {**TITLES, f"invoices/{number}/": "Facture"}.items():
        found |= faults(page, path, title)
    with canceled(world, "atelier-brume"):
        found |= faults(page, "plan/reactivate/", "Réactiver")
    page.goto("/billing/plan/")
    page.get_by_text("J’ai un code").click()
    page.get_by_label("Code").fill("INCONNU")
    page.get_by_role("button", name="Utiliser le code").click()
    expect(page).to_have_title(re.compile("^Erreur"))
    # Chromium writes the status 422 of the answer into the console.
    assert "422" in visits.complaints.pop()
    found |= faults_shown(page, "plan/coupon/", "Forfait")
    assert found == {}
    page.goto("/billing/")
    expect(page.get_by_role("heading", level=1)).to_have_text(
        re.compile(r"^Vous avez consommé \d[\d\u202f]*,\d\d\u00a0€ depuis le")
    )


def test_a_reader_chooses_another_language(visits: Visits, world: World) -> None:
    page = visits.open(world.plain.person("viewer"))
    page.goto("/billing/limits/")
    page.get_by_role("contentinfo").get_by_role("button", name="Français").click()
    expect(page).to_have_title(re.compile("^Limites"))
    assert page.url.endswith("/billing/limits/")
    assert page.locator("html").get_attribute("lang") == "fr"
    page.get_by_role("contentinfo").get_by_role("button", name="English").click()
    expect(page).to_have_title(re.compile("^Limits"))
