"""People in front of the portal: a browser context each, watched for errors, dialogs and foreign requests."""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Dialog, Locator, Page, Request

from tests.browser.world import Person
from tests.patience import PATIENCE

# Says in the console what the content security policy held back, so that it is found with the other errors.
TELL_VIOLATIONS = """document.addEventListener("securitypolicyviolation",
  (event) => console.error("policy violation", event.violatedDirective, event.blockedURI, event.sourceFile));"""


class Visits:
    """`complaints` collects what went wrong in any page."""

    def __init__(
        self, browser: Browser, url: str, known: dict[str, list[Any]], also: Sequence[str] = ()
    ) -> None:
        """Pages may ask the site at `url`, and those of `also`."""
        self.browser, self.url, self.known = browser, url, known
        self.sites = {urlsplit(one).netloc for one in (url, *also)}
        self.complaints: list[str] = []
        self._contexts: list[BrowserContext] = []

    def open(self, person: Person | None, *, scripts: bool = True, locale: str = "en-GB") -> Page:
        """A page of a new context, signed in by the form the first time, on the overview."""
        context = self.browser.new_context(
            base_url=self.url,
            java_script_enabled=scripts,
            locale=locale,
            viewport={"width": 1440, "height": 900},
        )
        context.set_default_timeout(PATIENCE * 1_000)
        self._contexts.append(context)
        if scripts:
            context.add_init_script(TELL_VIOLATIONS)
        page = context.new_page()
        self._watch(page)
        if person is None:
            return page
        if person.email in self.known:
            context.add_cookies(self.known[person.email])
            page.goto("/billing/")
        else:
            sign_in(page, person)
            self.known[person.email] = list(context.cookies())
        return page

    @contextmanager
    def told(self, status: str) -> Iterator[None]:
        """What happens inside is answered with `status`, which Chromium writes into the console, and nothing else."""
        before = len(self.complaints)
        yield
        assert all(status in each for each in self.complaints[before:]), self.complaints[before:]
        del self.complaints[before:]

    def close(self) -> None:
        for context in self._contexts:
            context.close()

    def _watch(self, page: Page) -> None:
        def complain(what: str) -> None:
            self.complaints.append(f"{page.url}: {what}")

        def dismiss(dialog: Dialog) -> None:
            complain(f"dialog {dialog.message}")
            dialog.dismiss()

        def tell(message: ConsoleMessage) -> None:
            if message.type in ("error", "warning"):
                complain(message.text)

        def check(request: Request) -> None:
            asked = urlsplit(request.url)
            if asked.scheme in ("http", "https", "ws", "wss") and asked.netloc not in self.sites:
                complain(f"asked {request.url}")

        page.on("console", tell)
        page.on("pageerror", lambda error: complain(str(error)))
        page.on("dialog", dismiss)
        page.on("request", check)


def sign_in(page: Page, person: Person) -> None:
    page.goto("/billing/")
    page.get_by_label(re.compile("^(Mail|E-?mail|Adresse)", re.I)).fill(person.email)
    page.get_by_label(re.compile("^(Password|Mot de passe)", re.I)).fill(person.password)
    page.get_by_role("button", name=re.compile("^(Sign in|Se connecter)$")).click()
    page.wait_for_url("**/billing/")


def go(page: Page, name: str) -> None:
    """Follow a link of the rail."""
    page.get_by_role("navigation", name="Main").get_by_role("link", name=name, exact=True).click()


def facts(page: Page | Locator) -> dict[str, str]:
    """The terms of the page's definition lists and what stands beside them."""
    terms = page.get_by_role("term").all_inner_texts()
    return dict(zip(terms, page.get_by_role("definition").all_inner_texts(), strict=True))


def table_rows(page: Page, caption: str) -> list[list[str]]:
    """The texts of a table's cells, head row first."""
    rows = page.get_by_role("table", name=caption).get_by_role("row").all()
    cells = [row.locator("th, td").all_inner_texts() for row in rows]
    return [[" ".join(text.split()) for text in row] for row in cells]


def euros(amount: Decimal | str | int) -> str:
    """As an English page shows it."""
    value = Decimal(amount)
    return f"{'−' if value < 0 else ''}€{abs(value):,.2f}"


def token(page: Page) -> str:
    """What a form of the open page proves its origin with."""
    value = page.locator("input[name=csrfmiddlewaretoken]").first.get_attribute("value")
    assert value
    return value
