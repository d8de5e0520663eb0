import gzip
import hashlib
import re
from pathlib import Path

from django.test import Client

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


def test_files_come_as_gzip_to_who_takes_it():
    address, client = "/static/css/portal.css", Client()
    bare, small = client.get(address), client.get(address, headers={"accept-encoding": "br, gzip"})
    content = b"".join(bare.streaming_content)
    assert content == (STATIC / "css/portal.css").read_bytes()
    assert gzip.decompress(small.content) == content
    assert len(small.content) < len(content) / 3
    assert (small["Content-Encoding"], small["Content-Length"]) == ("gzip", str(len(small.content)))
    for one in (bare, small):
        assert one["Vary"] == "Accept-Encoding"
        assert one["Content-Type"].startswith("text/css")
        assert one["Cache-Control"] == bare["Cache-Control"]
    since = {"accept-encoding": "gzip", "if-modified-since": small["Last-Modified"]}
    assert client.get(address, headers=since).status_code == 304
    part = client.get(address, headers={"accept-encoding": "gzip", "range": "bytes=0-9"})
    assert (part.status_code, b"".join(part.streaming_content)) == (206, content[:10])
    assert "Content-Encoding" not in client.get("/static/nothing.css", headers={"accept-encoding": "gzip"})


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
