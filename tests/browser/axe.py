"""axe-core on a page: what it finds against WCAG 2.2 AA and against good practice."""

from collections.abc import Iterator

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

OPTIONS = {
    "resultTypes": ["violations"],
    "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
}
_axe = Axe()


def violations(page: Page) -> Iterator[str]:
    """The rule, the page and the first element of each violation."""
    for found in _axe.run(page, options=OPTIONS).response["violations"]:
        first = found["nodes"][0]
        yield f"{page.url}: {found['id']} ({len(found['nodes'])}): {first['target']} {first['html'][:120]}"
