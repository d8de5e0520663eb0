"""`uv run python -m tests.harness.holding`: does the limit hold? The package says how it is found out."""

import argparse
import json
import shutil
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from tests.harness.holding import billing, delays
from tests.harness.holding.broken import FAULTS
from tests.harness.holding.goods import CHARGES, catalog
from tests.harness.holding.report import BEYOND, EXACT, LIES, OTHER, REFUSED, Report
from tests.harness.holding.rounds import ALLOWANCES, RESERVATIONS, Stage, play
from tests.harness.holding.sending import senders
from tests.harness.product import Product
from tests.server.running import Demo, environment, free_port

CONTROL_SECONDS, CONTROL_FIRINGS = 10, 5
WANTED = {
    "memory": {LIES, REFUSED},
    "lock": {EXACT},
    "clamp": {BEYOND, OTHER},
}
"""By fault, the promises that must be found broken."""


class Subject(Product):
    """The product that is looked at, or one with a fault. No key is slowed down: the senders are to be fast."""

    def launch(self) -> None:
        self._run(
            ["serve", "--port", str(self.port)], {**environment(self.data), "API_REQUESTS_PER_MINUTE": "0"}
        )

    def break_by(self, fault: str) -> None:
        self.entry = ("-m", "tests.harness.holding.broken", fault)


@dataclass(frozen=True)
class Effort:
    """Of a run: `seconds` of sending, half of it with reservations; `firings` of a limit, one after another. `name` is
    new to the product. Not `ahead`: subscriptions are cancelled, and no command runs."""

    seconds: float
    senders: int
    firings: int
    name: str = "held"
    seed: int = 1
    ahead: bool = True
    plans: tuple[str, ...] = tuple(CHARGES)


def run(product: Demo, effort: Effort) -> Report:
    """Time firings, use accounts up, invoice them, and look. `product` runs."""
    with product.client() as api, senders(effort.senders) as crowd:
        answer = api.put("/catalog", json=catalog())
        assert answer.status_code == 200, answer.text
        timed = delays.measure(product, api, effort.firings, f"{effort.name}-firing", effort.seed)
        stage = Stage(product.url, product.info["api_keys"]["manage"], api, crowd, effort.name)
        rounds = [
            each
            for ways in (ALLOWANCES, RESERVATIONS)
            for each in play(stage, ways, effort.plans, effort.seconds / 2, effort.seed)
        ]
        unverified = billing.close(product, api, rounds, effort.ahead)
        beyond = [billing.beyond(api, one) for one in rounds]
        found = [each for one in rounds for each in billing.differences(api, one)]
    return Report(rounds, timed, beyond, found, unverified)


def control(product: Subject, effort: Effort, faults: Sequence[str]) -> bool:
    """Each fault in turn; whether what it breaks was found broken."""
    found = True
    for fault in faults:
        product.break_by(fault)
        product.start()
        try:
            report = run(product, replace(effort, name=fault))
        finally:
            product.stop()
        seen = WANTED[fault] <= report.broken
        print(f"{fault}: {'found' if seen else 'NOT FOUND'}")
        for name in sorted(report.broken):
            print(f"    {name}: {report.promises[name][0]}")
        found = found and seen
    return found


def main() -> int:
    parser = argparse.ArgumentParser(prog="tests.harness.holding", description=__doc__)
    parser.add_argument("--seconds", type=float, default=60, help="of sending, half of it with reservations")
    parser.add_argument("--senders", type=int, default=4)
    parser.add_argument("--firings", type=int, default=20, help="of a limit, to time refusal, mail and raise")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there too")
    parser.add_argument(
        "--control", nargs="*", choices=FAULTS, help="faults are built in, all or these: they must be found"
    )
    words = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="plainbill-holding-"))
    folder.chmod(0o755)
    product = Subject(folder / "data", free_port())
    try:
        product.start()
        product.settle()
        if words.control is not None:
            product.stop()
            good = control(
                product,
                Effort(CONTROL_SECONDS, words.senders, CONTROL_FIRINGS, seed=words.seed),
                words.control or list(FAULTS),
            )
        else:
            began = time.monotonic()
            found = run(product, Effort(words.seconds, words.senders, words.firings, seed=words.seed))
            good = found.good
            print("\n".join(found.lines()))
            print(f"{time.monotonic() - began:.0f} s, {words.senders} senders")
            if words.json:
                words.json.write_text(json.dumps(found.data(), indent=2, ensure_ascii=False) + "\n")
    finally:
        product.stop()
    print("good" if good else f"NOT GOOD; everything is kept in {folder}")
    if good:
        shutil.rmtree(folder, ignore_errors=True)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
