"""The embedded PostgreSQL as real processes: odd paths, several users at once, kills."""

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from portal.postgres import embedded
from tests.patience import PATIENCE
from tests.server.running import free_port

ASK = """
import sys
from pathlib import Path
from portal.postgres import embedded
import psycopg
folder = Path(sys.argv[1])
embedded.ensure_running(folder)
with psycopg.connect(host=str(embedded.socket_dir(folder)), user=embedded.APP_ROLE, dbname=embedded.DATABASE) as c:
    print("answer", c.execute("SELECT 41 + 1").fetchone()[0], flush=True)
if "wait" in sys.argv:
    sys.stdin.read()
"""
# A site whose worker leaves a process behind that uses the database and does not end by itself.
SERVE = """
import os, sys
from pathlib import Path
from portal import serving
from portal.postgres import embedded
folder, ask, port = sys.argv[1:]
leaves = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {ask!r}, {folder!r}, 'wait'])"
serving._server_command = lambda host, port: [sys.executable, "-c", "import time; time.sleep(1000)"]
serving._worker_command = lambda schedule: [sys.executable, "-c", leaves]
embedded.ensure_running(Path(folder))
serving.Site("127.0.0.1", int(port)).run()
"""
ROOT = Path(__file__).resolve().parent.parent.parent


@pytest.fixture
def folder() -> Iterator[Path]:
    """A data folder with spaces in its path, below a folder that is closed to others."""
    with tempfile.TemporaryDirectory(prefix="plain bill ") as closed:
        path = Path(closed) / "data dir"
        yield path
        embedded.stop(path)


def ask(folder: Path, *words: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", ASK, str(folder), *words]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, cwd=ROOT, stdin=pipe, stdout=pipe, stderr=pipe, text=True)


def postmaster(folder: Path) -> int | None:
    try:
        return int((folder / "postgres" / "postmaster.pid").read_text().split()[0])
    except OSError:
        return None


def test_a_closed_folder_with_spaces_twice_in_a_row(folder: Path) -> None:
    mode = folder.parent.stat().st_mode
    for _ in range(2):
        out, err = ask(folder).communicate("", timeout=PATIENCE)
        assert out == "answer 42\n", err
        assert postmaster(folder) is None, "the last user stops the server"
    assert folder.parent.stat().st_mode == mode, "folders above are left as they are"


def test_the_server_stays_while_anyone_uses_it(folder: Path) -> None:
    first = ask(folder, "wait")
    assert first.stdout is not None
    assert first.stdout.readline() == "answer 42\n"
    second, _ = ask(folder).communicate("", timeout=PATIENCE)
    assert second == "answer 42\n"
    assert postmaster(folder) is not None, "the first one still needs it"
    first.communicate("", timeout=PATIENCE)
    assert postmaster(folder) is None


def test_a_site_ends_with_all_that_its_processes_left(folder: Path) -> None:
    command = [sys.executable, "-c", SERVE, str(folder), ASK, str(free_port())]
    env = {**os.environ, "DATA_DIR": str(folder), "DJANGO_SETTINGS_MODULE": "portal.settings"}
    pipe = subprocess.PIPE
    site = subprocess.Popen(command, cwd=ROOT, env=env, stdin=pipe, stdout=pipe, text=True)
    assert site.stdout is not None
    assert site.stdout.readline() == "answer 42\n", "the process that is left behind has begun"
    site.send_signal(signal.SIGINT)
    site.wait(PATIENCE)
    assert postmaster(folder) is None


def test_after_kill_9_of_the_user_and_of_the_server(folder: Path) -> None:
    first = ask(folder, "wait")
    assert first.stdout is not None
    assert first.stdout.readline() == "answer 42\n"
    first.kill()
    first.wait()
    pid = postmaster(folder)
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    out, err = ask(folder).communicate("", timeout=PATIENCE)
    assert out == "answer 42\n", err


def test_many_at_once_start_one_server(folder: Path) -> None:
    users = [ask(folder) for _ in range(4)]
    assert [user.communicate("", timeout=PATIENCE)[0] for user in users] == ["answer 42\n"] * 4


def test_the_roles(folder: Path) -> None:
    user = ask(folder, "wait")
    assert user.stdout is not None
    user.stdout.readline()
    with psycopg.connect(
        host=str(embedded.socket_dir(folder)), user="postgres", dbname="postgres"
    ) as connection:
        rows = connection.execute(
            "SELECT rolname, rolsuper OR rolbypassrls FROM pg_roles WHERE rolname LIKE 'plainbill%' ORDER BY 1"
        ).fetchall()
    user.communicate("", timeout=PATIENCE)
    assert rows == [(embedded.APP_ROLE, False), (embedded.OWNER_ROLE, False)]
