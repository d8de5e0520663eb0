"""`uv run python -m tests.vitals`: what Lighthouse says of every page on a phone, and how soon a page answers a hand.

Starts the demo in a temporary folder. Lighthouse (its version is below) comes from npm into that folder and runs on
the Node that Playwright brings; npm itself has to be there. Gates: portal-design's table, in docs/benchmarks.md.

--pages N       the first N pages only
--json FILE     the figures
"""

import argparse
import json
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright
from rich.console import Console
from rich.table import Table

from tests.browser.conftest import ARGUMENTS
from tests.browser.test_every_page import pages_from_the_rail
from tests.browser.visits import Visits
from tests.browser.world import Person
from tests.server.running import Demo, free_port
from tests.vitals.hands import slowest_answers
from tests.vitals.lighthouse import Report, install, look

ACCOUNT = "nordlicht-data"


def main() -> int:
    """0 when every gate is met."""
    options = _options()
    with tempfile.TemporaryDirectory(prefix="plainbill-vitals-") as folder, sync_playwright() as playwright:
        program = install(Path(folder))
        demo = Demo(Path(folder) / "data", free_port()).start()
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=ARGUMENTS)
        try:
            reports = list(_reports(browser, demo, program, options.pages))
            hands = slowest_answers(browser, demo, ACCOUNT)
        finally:
            browser.close()
            demo.stop()
    _show(reports, hands)
    if options.json:
        found = {"pages": [one.as_data() for one in reports], "hands": hands}
        options.json.write_text(json.dumps(found, indent=1) + "\n")
    return int(any(one.faults() for one in reports) or max(hands.values()) > 100)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--pages", type=int)
    parser.add_argument("--json", type=Path)
    return parser.parse_args()


def _reports(browser: Browser, demo: Demo, program: list[str], most: int | None) -> Iterator[Report]:
    login = demo.login("owner", ACCOUNT)
    visits = Visits(browser, demo.url, {})
    page = visits.open(Person(login["email"], login["password"]))
    addresses = [f"{demo.url}/accounts/login/", *pages_from_the_rail(page)][:most]
    cookies = "; ".join(f"{one['name']}={one['value']}" for one in page.context.cookies())
    visits.close()
    for address in addresses:
        report = look(program, address, {} if "/accounts/" in address else {"Cookie": cookies})
        print(report, flush=True)
        yield report


def _show(reports: list[Report], hands: dict[str, float]) -> None:
    table = Table("page", "performance", "accessibility", "best practices", "LCP s", "CLS", "kB", "")
    for one in reports:
        path = one.address.split("/", 3)[3]
        scores = [f"{one.scores[name]:.0f}" for name in one.scores]
        figures = [f"{one.lcp / 1000:.2f}", f"{one.cls:.3f}", f"{one.size / 1000:.0f}"]
        table.add_row(path, *scores, *figures, " ".join(one.faults()))
    Console(width=150).print(table)
    for act, taken in hands.items():
        print(f"{act}: {taken:.0f} ms")


if __name__ == "__main__":
    raise SystemExit(main())
