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

from playwright.sync_api import Playwright, sync_playwright
from rich.console import Console
from rich.table import Table

from tests.browser.conftest import ARGUMENTS
from tests.browser.test_every_page import pages_from_the_rail
from tests.server.running import Demo, free_port
from tests.vitals.hands import slowest_answers
from tests.vitals.lighthouse import Report, install, look

ACCOUNT = "nordlicht-data"


def main() -> int:
    """0 when every gate is met."""
    options = _options()
    with tempfile.TemporaryDirectory(prefix="plainbill-vitals-") as folder, sync_playwright() as playwright:
        demo = Demo(Path(folder) / "data", free_port()).start()
        try:
            reports = list(_told(_reports(playwright, demo, Path(folder), options.pages)))
            hands = slowest_answers(playwright, demo, ACCOUNT)
        finally:
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


def _reports(playwright: Playwright, demo: Demo, folder: Path, most: int | None) -> Iterator[Report]:
    """The page for signing in, and all that an owner sees, by a browser that is signed in itself."""
    program, port = install(folder), free_port()
    login = demo.login("owner", ACCOUNT)
    words = [*ARGUMENTS, f"--remote-debugging-port={port}"]
    context = playwright.chromium.launch_persistent_context(
        folder / "profile", executable_path=shutil.which("chromium"), args=words
    )
    page = context.new_page()
    page.goto(f"{demo.url}/accounts/login/")
    yield look(program, page.url, port)
    page.get_by_label("Mail").fill(login["email"])
    page.get_by_label("Password").fill(login["password"])
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.wait_for_url("**/billing/")
    addresses = list(pages_from_the_rail(page))
    page.goto("about:blank")
    for address in addresses[:most]:
        yield look(program, address, port)
    context.close()


def _told(reports: Iterator[Report]) -> Iterator[Report]:
    for one in reports:
        print(one.address, one.faults() or "ok", *one.failed, flush=True)
        yield one


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
