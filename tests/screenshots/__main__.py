"""Starts the demo in a temporary folder, looks at its pages with Chromium and writes docs/pictures/*.png.

Pictures show generated usage up to now, so that each run's differ. The palette is cut to 64 colours: enough for flat
pages, and a third of the size.
"""

import re
import tempfile
from io import BytesIO
from pathlib import Path
from typing import Final

from PIL import Image
from playwright.sync_api import Page, sync_playwright

from tests.browser.conftest import ARGUMENTS
from tests.browser.visits import Visits
from tests.browser.world import Person
from tests.server.running import ROOT, Demo, free_port

PICTURES: Final = ROOT / "docs/pictures"
COLOURS: Final = 64
SHOTS: Final = (
    ("overview", "nordlicht-data", "", "light", 1280),
    ("overview-dark-phone", "nordlicht-data", "", "dark", 390),
    ("usage", "nordlicht-data", "usage/", "light", 1280),
    ("limits", "nordlicht-data", "limits/", "light", 1280),
    ("plan", "nordlicht-data", "plan/", "dark", 1280),
    ("simulate", "nordlicht-data", "simulate/", "light", 1280),
    ("invoice-french", "atelier-brume", "invoices/*", "light", 1280),
)
"""Name, account, path (`*`: its first link of the kind), theme, width."""


def main() -> None:
    PICTURES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="plainbill-pictures-") as folder, sync_playwright() as playwright:
        demo = Demo(Path(folder) / "data", free_port()).start()
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=ARGUMENTS)
        visits = Visits(browser, demo.url, {})
        try:
            for name, account, path, theme, width in SHOTS:
                login = demo.login("owner", account)
                page = visits.open(Person(login["email"], login["password"]))
                page.emulate_media(color_scheme=theme, reduced_motion="reduce")
                page.set_viewport_size({"width": width, "height": 900 if width > 400 else 844})
                _go(page, path)
                _keep(page.screenshot(), PICTURES / f"{name}.png")
        finally:
            visits.close()
            browser.close()
            demo.stop()


def _go(page: Page, path: str) -> None:
    if not path.endswith("*"):
        page.goto(f"/billing/{path}")
        return
    page.goto(f"/billing/{path[:-1]}")
    page.get_by_role("main").get_by_role("link", name=re.compile(r"^F-\d+$")).first.click()
    page.wait_for_load_state()


def _keep(picture: bytes, file: Path) -> None:
    Image.open(BytesIO(picture)).convert("RGB").quantize(COLOURS).save(file, optimize=True)
    print(f"{file.relative_to(ROOT)}: {file.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
