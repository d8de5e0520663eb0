"""What a kill -9 of the embedded server leaves: a pid file that may name a process nobody has buried yet.

PostgreSQL takes a zombie for a running server and refuses to start: for ever, where process 1 reaps nothing.
Linux only: elsewhere the server's own checks have to do.
"""

import os
import time
from pathlib import Path

PROC = Path("/proc")
WAIT_SECONDS = 15


def alive(cluster: Path) -> bool:
    """Whether the server that `cluster`'s pid file names still lives."""
    try:
        return _alive(_pid(cluster))
    except (OSError, ValueError, IndexError):  # no file, or one that is just being written
        return False


def clear(cluster: Path, sockets: Path) -> None:
    """Remove the lock files of a dead server, once none of its processes is left working in `cluster`."""
    pid_file = cluster / "postmaster.pid"
    if not PROC.is_dir() or not pid_file.exists():
        return
    deadline = time.monotonic() + WAIT_SECONDS
    while _alive(_pid(cluster)) or _working_in(cluster):
        if time.monotonic() > deadline:
            return
        time.sleep(0.1)
    for lock in (pid_file, *sockets.glob(".s.PGSQL.*")):
        lock.unlink(missing_ok=True)


def _working_in(cluster: Path) -> bool:
    """Whether a living process has `cluster` as its folder, as every process of PostgreSQL has."""
    for process in PROC.iterdir():
        if not process.name.isdigit() or int(process.name) == os.getpid():
            continue
        try:
            if (process / "cwd").readlink() == cluster and _alive(int(process.name)):
                return True
        except OSError:
            continue
    return False


def _pid(cluster: Path) -> int:
    return int((cluster / "postmaster.pid").read_text().split()[0])


def _alive(pid: int) -> bool:
    if not PROC.is_dir():
        return _answers_signals(pid)
    try:
        state = (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state not in {"Z", "X"}


def _answers_signals(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
