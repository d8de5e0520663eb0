"""How people work a page: by a pointer, by the keyboard alone, on a narrow screen, in French.

Tasks (tests/browser/tasks.py) name what they want by the English texts of the templates, which are said in the reader's
language; what they do is done in the way of these hands.
"""

import re
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from django.utils import translation
from playwright.sync_api import ElementHandle, Locator, Page, expect

from portal import formats
from tests.browser.test_french import ENGLISH

MOST_STOPS: Final = 200
"""Keys that a way to an element may take."""
NARROW: Final = 320
"""CSS px: WCAG 2.2, 1.4.10 Reflow, https://www.w3.org/TR/WCAG22/#reflow"""

# Where the focus is, seen from the element that is wanted, and what is wrong with the stop: WCAG 2.2, 2.4.7 and 2.4.11,
# https://www.w3.org/TR/WCAG22/#focus-visible, and the brief's ring of 3 px. Radios of one name are one stop.
STOP: Final = """(wanted) => {
  const at = document.activeElement;
  if (!at || at === document.body) return { there: false, behind: false, faults: [] };
  const faults = [];
  const box = at.getClientRects()[0] ?? at.getBoundingClientRect();
  const [left, top] = [Math.max(box.left, 0), Math.max(box.top, 0)];
  const [right, bottom] = [Math.min(box.right, innerWidth), Math.min(box.bottom, innerHeight)];
  if (right <= left || bottom <= top) faults.push("outside the screen");
  else {
    if (box.height < innerHeight && (box.top < -1 || box.bottom > innerHeight + 1)) faults.push("cut off");
    const hit = document.elementFromPoint((left + right) / 2, (top + bottom) / 2);
    if (!at.contains(hit)) faults.push(`behind ${hit?.tagName}.${hit?.className}`);
  }
  const style = getComputedStyle(at);
  if (style.outlineStyle === "none" || parseFloat(style.outlineWidth) < 3)
    faults.push(`its ring is ${style.outline}`);
  if (at.tabIndex > 0) faults.push("it jumps the order");
  const there = at === wanted || (at.type === "radio" && wanted.type === "radio" && at.name === wanted.name);
  const behind = !!(at.compareDocumentPosition(wanted) & Node.DOCUMENT_POSITION_PRECEDING);
  return { there, behind, faults: faults.map((one) => `${location.pathname}: ${at.outerHTML.slice(0, 120)}: ${one}`) };
}"""

# What stands on the page, without codes and keys, which are words of no language.
WORDS: Final = """(main) => [...main.querySelectorAll("code")].reduce(
  (text, one) => text.replace(one.innerText, ""), main.innerText)"""


class Hands:
    """A pointer. `page` is what the person looks at; `language` what he reads."""

    language = "en"
    width = 1440

    def __init__(self, page: Page) -> None:
        self.page = page
        page.set_viewport_size({"width": self.width, "height": 800})

    # What is said.

    def say(self, text: str, context: str = "", **values: object) -> str:
        """A text of the templates in the reader's language, without its marks; placeholders as in its msgid."""
        with translation.override(self.language):
            said = translation.pgettext(context, text) if context else translation.gettext(text)
        return re.sub("</?b>", "", said % values if values else said)

    def money(self, amount: Decimal | str) -> str:
        return formats.money(Decimal(amount), "EUR", self.language)

    # What is seen.

    @property
    def main(self) -> Locator:
        return self.page.get_by_role("main")

    @property
    def title(self) -> Locator:
        return self.main.get_by_role("heading", level=1)

    @property
    def told(self) -> Locator:
        """What the page says was done."""
        return self.main.locator(".banner[role=status]").first

    def link(self, text: str, **values: object) -> Locator:
        return self.main.get_by_role("link", name=self.say(text, **values), exact=True)

    def button(self, text: str, **values: object) -> Locator:
        return self.main.get_by_role("button", name=self.say(text, **values), exact=True)

    def field(self, text: str, context: str = "") -> Locator:
        return self.main.get_by_label(self.say(text, context), exact=True)

    def table(self, caption: str, **values: object) -> Locator:
        return self.main.get_by_role("table", name=self.say(caption, **values), exact=True)

    def row(self, caption: str, name: str) -> Locator:
        """The row whose head has `name`."""
        head = self.page.get_by_role("rowheader").filter(has_text=name)
        return self.table(caption).get_by_role("row").filter(has=head)

    # What is done.

    def go_to(self, place: str) -> None:
        """A page of the rail, or of the menu where the rail has no room."""
        rail = self.page.get_by_role("navigation", name=self.say("Main"), exact=True)
        if not rail.is_visible():
            self.unfold(self.page.locator("summary").filter(has_text=self.say("Menu")))
            rail = self.page.get_by_role("navigation", name=self.say("Menu"), exact=True)
        self.follow(rail.get_by_role("link", name=self.say(place), exact=True))

    def follow(self, link: Locator) -> None:
        with self.page.expect_navigation():
            self.push(link, "Enter")
        self.arrived()

    def press(self, button: Locator) -> None:
        with self.page.expect_navigation():
            self.push(button, "Space")
        self.arrived()

    def unfold(self, summary: Locator) -> None:
        self.push(summary, "Space")
        expect(summary.locator("xpath=..")).to_have_attribute("open", "")

    def download(self, link: Locator) -> bytes:
        with self.page.expect_download() as waiting:
            self.push(link, "Enter")
        return Path(waiting.value.path()).read_bytes()

    def push(self, target: Locator, key: str) -> None:
        """Work a link or button; `key` is what does it on a keyboard."""
        target.click()

    def fill(self, field: Locator, text: str) -> None:
        field.fill(text)

    def choose(self, box: Locator) -> None:
        box.check()

    def pick(self, select: Locator, option: str) -> None:
        select.select_option(label=option)

    def arrived(self) -> None:
        """What holds of each page that the task comes to."""
        expect(self.title).to_have_count(1)


class Keyboard(Hands):
    """Tab, Shift+Tab, Enter, Space, arrows and letters; each stop on the way is looked at."""

    def push(self, target: Locator, key: str) -> None:
        self._reach(target)
        self.page.keyboard.press(key)

    def fill(self, field: Locator, text: str) -> None:
        self._reach(field)
        self.page.keyboard.press("Control+a")
        self.page.keyboard.type(text)
        expect(field).to_have_value(text)

    def choose(self, box: Locator) -> None:
        wanted = self._reach(box)
        for _ in range(MOST_STOPS):
            if wanted.evaluate("(one) => one === document.activeElement"):
                break
            self.page.keyboard.press("ArrowDown")
        if not box.is_checked():
            self.page.keyboard.press("Space")
        expect(box).to_be_checked()

    def pick(self, select: Locator, option: str) -> None:
        wanted = self._reach(select)
        self.page.keyboard.press("Home")
        for _ in range(MOST_STOPS):
            if wanted.evaluate("(one) => one.selectedOptions[0].label") == option:
                return
            self.page.keyboard.press("ArrowDown")
        raise AssertionError(f"no way down to {option}")

    def _reach(self, target: Locator) -> ElementHandle:
        wanted = target.element_handle()
        assert wanted is not None
        for _ in range(MOST_STOPS):
            stop: dict[str, Any] = wanted.evaluate(STOP)
            assert stop["faults"] == [], "\n".join(stop["faults"])
            if stop["there"]:
                return wanted
            self.page.keyboard.press("Shift+Tab" if stop["behind"] else "Tab")
        raise AssertionError(f"{self.page.url}: no way by keyboard to {target}")


class Narrow(Hands):
    """A screen 320 px wide, on which nothing has to be moved sideways."""

    width = NARROW

    def arrived(self) -> None:
        super().arrived()
        needed = self.page.evaluate("() => document.scrollingElement.scrollWidth")
        assert needed <= NARROW, f"{self.page.url}: {needed} px wide"


class French(Hands):
    language = "fr"

    def arrived(self) -> None:
        super().arrived()
        assert self.page.locator("html").get_attribute("lang") == "fr", self.page.url
        words = self.main.evaluate(WORDS)
        english = [words[max(0, one.start() - 30) : one.end() + 30] for one in ENGLISH.finditer(words)]
        assert english == [], f"{self.page.url}: {english}"
