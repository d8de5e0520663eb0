"""The mutation run over billing/pricing: `uv run python -m tests.mutation [part of a file's path …]`.

Each fault is tried in a forked process, on the tests that run its statement; no file is written. First by
replacing the code of living functions, which is quick; what survives that and runs at import, by loading the
faulty module afresh. Ends with 1 if a fault survives that docs/mutation.md does
not explain.
"""

import ast
import gc
import os
import pickle
import resource
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from types import FunctionType
from typing import Any

import coverage
import hypothesis
import pytest

from tests.mutation.choosing import Chosen, Collected, Survey
from tests.mutation.faults import Fault, faults
from tests.mutation.injecting import Faulty, compiled, living_functions, replace

ROOT = Path(__file__).parents[2]
EXPLAINED = ROOT / "docs" / "mutation.md"
OPTIONS = (
    *("-q", "-x", "--no-header", "--noconftest", "--tb=no", "-p", "no:cacheprovider", "-p", "no:logging"),
    *("-c", os.devnull, "--rootdir", str(ROOT)),
)
SURVIVED, KILLED, NO_PYTHON, UNSETTLED, ENDLESS = 0, 1, 3, 4, -signal.SIGPROF
VERDICTS = {SURVIVED: "survived", KILLED: "killed", NO_PYTHON: "no Python", ENDLESS: "killed by time"}
BYTES = 4 << 30

type Seconds = Mapping[str, float]
"""By test."""


@dataclass(frozen=True)
class Trial:
    """A fault, where it is, the tests to try it on, and whether tests and imports run its statement."""

    path: Path
    tree: ast.Module
    fault: Fault
    tests: Seconds
    in_tests: bool
    at_import: bool

    @property
    def row(self) -> str:
        file = self.path.relative_to(ROOT / "billing" / "pricing")
        return f"| {file} | {self.fault.function} | `{self.fault.before}` | `{self.fault.after}` |"

    def quickly(self, collected: Collected, living: Sequence[FunctionType]) -> int:
        """In a process that has collected all tests."""
        gc.disable()
        resource.setrlimit(resource.RLIMIT_AS, (BYTES, BYTES))
        self.fault.inject()
        code = compiled(self.tree, str(self.path))
        if code is None:
            return NO_PYTHON
        try:
            replace(living, code)
        except ValueError:
            return UNSETTLED
        if not self.in_tests:
            return UNSETTLED
        return KILLED if not collected.passes(self.tests) else UNSETTLED if self.at_import else SURVIVED

    def afresh(self, known: Seconds) -> int:
        """In a process that has imported nothing of the product; file by file, the quickest first."""
        resource.setrlimit(resource.RLIMIT_AS, (BYTES, BYTES))
        signal.setitimer(signal.ITIMER_PROF, 5 + 3 * sum(self.tests.values()))
        self.fault.inject()
        code = compiled(self.tree, str(self.path))
        if code is None:
            return NO_PYTHON
        module = ".".join(self.path.relative_to(ROOT).with_suffix("").parts)
        sys.meta_path.insert(0, Faulty(module, str(self.path), code))
        files = groupby(sorted(self.tests.items()), lambda test: test[0].split("::")[0])
        for file, tests in sorted(
            ((file, dict(tests)) for file, tests in files), key=lambda found: sum(found[1].values())
        ):
            if run_tests(file, Chosen(tests, known)) not in {0, 5}:
                return KILLED
        return SURVIVED


def run_tests(target: str, plugin: object) -> int:
    return pytest.main([*OPTIONS, target], plugins=[plugin])


def survey(answer: Path) -> int:
    """Run every test once. The answer: file -> line -> the tests that run it; test -> seconds."""
    cov = coverage.Coverage(data_file=None, source=["billing.pricing"], config_file=False)
    tests = Survey(cov)
    cov.start()
    status = run_tests("tests/pricing", tests)
    cov.stop()
    data = cov.get_data()
    lines = {file: data.contexts_by_lineno(file) for file in data.measured_files()}
    answer.write_bytes(pickle.dumps((lines, tests.seconds)))
    return status


def trials_of(path: Path, lines: Mapping[int, list[str]], seconds: Seconds) -> Iterator[Trial]:
    """The trials of one file; `lines` says which tests run each."""
    tree = ast.parse(path.read_text())
    for fault in faults(tree):
        run = {test for line in range(fault.first, fault.last + 1) for test in lines.get(line, ())}
        in_tests = run - {""}
        tests = {test: seconds[test] for test in in_tests or seconds}
        yield Trial(path, tree, fault, tests, bool(in_tests), "" in run)


def try_quickly(trials: Sequence[Trial], answer: Path) -> int:
    """The answer: the status of each trial."""

    def work(collected: Collected) -> None:
        living = living_functions(str(trials[0].path))
        gc.collect()
        gc.freeze()
        found = [forked(lambda trial=trial: trial.quickly(collected, living)) for trial in trials]
        answer.write_bytes(pickle.dumps(found))

    return run_tests("tests/pricing", Collected(work))


def statuses(trials: Sequence[Trial], known: Seconds) -> Iterator[int]:
    """The status of each trial: quickly, then afresh."""
    for trial, status in zip(trials, asked(lambda answer: try_quickly(trials, answer)), strict=True):
        yield forked(lambda trial=trial: trial.afresh(known)) if status == UNSETTLED else status


def forked(work: Callable[[], int]) -> int:
    """The status of a silent process that does `work`."""
    sys.stdout.flush()
    if pid := os.fork():
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    nothing = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, 1)
    os.dup2(nothing, 2)
    os._exit(work())


def asked(work: Callable[[Path], int]) -> Any:
    """What a process that does `work` answers."""
    with tempfile.TemporaryDirectory() as folder:
        answer = Path(folder) / "answer"
        if forked(lambda: work(answer)):
            raise SystemExit("The tests of billing/pricing must pass without a fault.")
        return pickle.loads(answer.read_bytes())  # noqa: S301  # written by this program


def summary(counts: Counter[int]) -> str:
    found = ", ".join(f"{count} {VERDICTS.get(status, status)}" for status, count in sorted(counts.items()))
    return f"{counts.total()} faults, {found}"


def main(only: list[str]) -> int:
    os.chdir(ROOT)
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    phases = (hypothesis.Phase.explicit, hypothesis.Phase.generate)
    hypothesis.settings.register_profile(
        "quick", derandomize=True, max_examples=20, deadline=None, database=None, phases=phases
    )
    hypothesis.settings.load_profile("quick")
    started, counts, unexplained = time.monotonic(), Counter[int](), 0
    explained = EXPLAINED.read_text() if EXPLAINED.exists() else ""
    lines, seconds = asked(survey)
    print(f"{len(seconds)} tests surveyed in {time.monotonic() - started:.0f} s", flush=True)
    for path in sorted((ROOT / "billing" / "pricing").rglob("*.py")):
        if only and not any(part in str(path.relative_to(ROOT)) for part in only):
            continue
        trials = list(trials_of(path, lines.get(str(path), {}), seconds))
        of_file = Counter[int]()
        for trial, status in zip(trials, statuses(trials, seconds) if trials else (), strict=True):
            of_file[status] += 1
            if status not in {KILLED, ENDLESS}:
                is_new = trial.row not in explained
                unexplained += is_new
                print(f"{VERDICTS.get(status, status)}{' (new)' * is_new} {trial.row}", flush=True)
        if trials:
            print(f"{path.relative_to(ROOT)}: {summary(of_file)}", flush=True)
            counts += of_file
    print(f"In {time.monotonic() - started:.0f} s: {summary(counts)}")
    return int(unexplained > 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
