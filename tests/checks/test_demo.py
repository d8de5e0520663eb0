"""The demo is no production, whatever the environment says that it is started in."""

import httpx
import pytest

from tests.patience import PATIENCE
from tests.server.running import Demo

pytestmark = [pytest.mark.server, pytest.mark.xdist_group("server")]


def test_a_demo_that_is_started_with_production_on_is_none(demo: Demo) -> None:
    page = httpx.get(f"{demo.url}/accounts/login/", timeout=PATIENCE, trust_env=False)
    assert page.status_code == 200
    assert "; Secure" not in page.headers["set-cookie"]
