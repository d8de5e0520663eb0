"""The clock of a scenario: a small library (clock.c) under every process of the product, PostgreSQL among them.

The product has no such clock and no door for one. The library answers what time of day it is, moved by what a file
says; so time goes on between two leaps, alike in all processes. Clocks that measure spans stay real.
libfaketime 0.9.10 was tried first: it breaks `time.sleep` where monotonic clocks stay real, and under load worker and
server, which have threads, stood still for good.
"""

import os
import shutil
import struct
import subprocess
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

SOURCE = Path(__file__).with_name("clock.c")
MISSING = "no C compiler, which the scenarios' clock needs. On Debian: apt-get install gcc libc6-dev"


def compiled(folder: Path) -> Path:
    """The library. Without a compiler a test skips, and fails where CI=true."""
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if compiler is None:
        if os.environ.get("CI") == "true":
            pytest.fail(MISSING)
        pytest.skip(MISSING)
    made = folder / "clock.so"
    subprocess.run([compiler, "-O2", "-Wall", "-Werror", "-shared", "-fPIC", "-o", made, SOURCE], check=True)
    return made


class Clock:
    """A file that holds the nanoseconds from the real time to the scenario's. It goes forward only."""

    def __init__(self, folder: Path, start: datetime) -> None:
        self.library, self.file = compiled(folder), folder / "clock"
        self._set(start)

    @property
    def environment(self) -> dict[str, str]:
        """What a process needs to live by this clock."""
        return {"LD_PRELOAD": str(self.library), "SCENARIO_CLOCK": str(self.file)}

    def now(self) -> datetime:
        return datetime.fromtimestamp(time.time() + self._ahead, UTC)

    def leap(self, to: datetime) -> None:
        assert to > self.now(), f"time does not go back from {self.now()} to {to}"
        self._set(to)

    def _set(self, to: datetime) -> None:
        self._ahead = to.timestamp() - time.time()
        # In place: the processes have mapped the file.
        with self.file.open("r+b" if self.file.exists() else "wb") as file:
            file.write(struct.pack("=q", round(self._ahead * 1_000_000_000)))
