import gzip
import hashlib
import re
from pathlib import Path

from accounts.models import Role
from accounts.permissions import ALLOWED, Act, allows

STATIC = Path(__file__).resolve().parents[2] / "static"


def test_htmx_is_as_published():
    text = (STATIC / "vendor/htmx/README.md").read_text()
    listed = dict(re.findall(r"\| `([\w.-]+\.js)` \|.*?`([0-9a-f]{64})`", text))
    files = {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in (STATIC / "vendor/htmx").glob("*.js")
    }
    assert files == listed
    assert len(files) == 2


def test_a_first_view_is_light():
    assert (STATIC / "js/portal.js").stat().st_size <= 2048
    assert len(gzip.compress((STATIC / "css/portal.css").read_bytes())) <= 14 * 1024
    scripts = [*STATIC.glob("js/*.js"), *STATIC.glob("vendor/htmx/*.js")]
    assert sum(len(gzip.compress(path.read_bytes())) for path in scripts) <= 20 * 1024


def test_every_act_is_in_the_table_and_readers_change_nothing():
    assert set(ALLOWED) == set(Act)
    for act in Act:
        assert allows(Role.OWNER, act)
        assert not allows("stranger", act)
    assert {act for act in Act if allows(Role.VIEWER, act)} == {Act.READ}
    assert {act for act in Act if allows(Role.DEVELOPER, act)} == {
        Act.READ,
        Act.SEE_KEYS,
        Act.MANAGE_KEYS,
        Act.CHANGE_WEBHOOKS,
        Act.TRY_ALERTS,
    }
