"""Debian's Chromium, the demo's customers, and pages that are watched: nothing may go wrong in silence."""

import os
import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect, sync_playwright

from tests.browser.visits import Visits
from tests.browser.world import World, build
from tests.patience import PATIENCE
from tests.server.running import Demo

ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]


@pytest.fixture(scope="package")
def chromium() -> Iterator[Browser]:
    """Ends with this package: its event loop would make Django refuse queries in later tests of the process."""
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if path is None:
        missing = "no Chromium on PATH. On Debian: apt-get install chromium"
        if os.environ.get("CI") == "true":
            pytest.fail(missing)
        pytest.skip(missing)
    expect.set_options(timeout=PATIENCE * 1_000)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture(scope="package")
def world(chromium: Browser, demo: Demo) -> World:
    return build(demo)


@pytest.fixture(scope="package")
def known() -> dict[str, list[object]]:
    """Cookies of people who signed in already."""
    return {}


@pytest.fixture
def visits(chromium: Browser, demo: Demo, known: dict[str, list[object]]) -> Iterator[Visits]:
    """Sign people in; afterwards all that their pages complained about is a failure."""
    found = Visits(chromium, demo.url, known)
    yield found
    found.close()
    assert found.complaints == []
