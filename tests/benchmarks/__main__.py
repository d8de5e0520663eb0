"""`uv run python -m tests.benchmarks`: every row, as a table and, with --json FILE, as JSON.

--only copying posting asking streaming memory reading pages special billing paper    some of them
--rounds N      rounds of each pair (5)
--events N      the store of `pages`, and the larger one of `reading` (10,000,000; its smaller is a tenth)
--posted N      events that `memory` posts (1,000,000)
--billed N      accounts that `billing` bills in a round (200)
--streams N     live streams that `streaming` opens (2,000)
--quick         a small slice of each, to see that it works
"""

import argparse
import json
import os
import platform
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.benchmarks.measure import Row
from tests.benchmarks.site import settle, temporary_data

NAMES = (
    "copying",
    "posting",
    "asking",
    "streaming",
    "memory",
    "reading",
    "pages",
    "special",
    "billing",
    "paper",
)


def main() -> int:
    """0 unless a row misses its gate."""
    options = _options()
    found = list[Row]()
    with temporary_data():
        codes = settle(20)
        for found_row in _rows(options, codes):
            found.append(found_row)
            print(f"{found_row.name}: {found_row.ratio:.3g}", flush=True)
    Console(width=160).print(_table(found))
    if options.json:
        data = {
            "machine": _machine(),
            "date": datetime.now(UTC).isoformat(),
            "rows": [row.as_data() for row in found],
        }
        options.json.write_text(json.dumps(data, indent=1) + "\n")
    return int(any(row.passed is False for row in found))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", nargs="+", choices=NAMES, default=NAMES)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--events", type=int, default=10_000_000)
    parser.add_argument("--posted", type=int, default=1_000_000)
    parser.add_argument("--billed", type=int, default=200)
    parser.add_argument("--streams", type=int, default=2_000)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--json", type=Path)
    return parser.parse_args()


def _rows(options: argparse.Namespace, codes: list[str]) -> Iterator[Row]:
    from tests.benchmarks import (
        asking,
        billing,
        copying,
        memory,
        pages,
        posting,
        reading,
        special,
        streaming,
    )

    rounds = 1 if options.quick else options.rounds
    if "copying" in options.only:
        yield from copying.rows(codes, rounds, 2 if options.quick else 10)
        yield from copying.counting(codes, rounds * 2, 2 if options.quick else 10)
    if "posting" in options.only:
        yield from posting.rows(codes, rounds, 0.1 if options.quick else 1.0)
    if "asking" in options.only:
        yield from asking.rows(codes, rounds, 10 if options.quick else 100)
    if "streaming" in options.only:
        others = settle(20, "streaming")
        yield from streaming.rows(
            others, 20 if options.quick else options.streams, 3 if options.quick else 40
        )
    if "memory" in options.only:
        yield from memory.rows(codes, 40_000 if options.quick else options.posted)
    if "reading" in options.only:
        large = 20_000 if options.quick else options.events
        yield from reading.rows(codes, (large // 10, large), 3 if options.quick else 20)
    if "pages" in options.only:
        yield from pages.rows(20_000 if options.quick else options.events, 5 if options.quick else 100)
    if "special" in options.only:
        yield from special.rows((2_000, 20_000) if options.quick else (100_000, 1_000_000), 8)
    if "billing" in options.only:
        yield from billing.rows(rounds, 5 if options.quick else options.billed)
    if "paper" in options.only:
        yield from billing.paper(rounds)


def _table(rows: list[Row]) -> Table:
    table = Table("row", "unit", "product", "yardstick", "ratio", "spread", "gate", "", "note")
    for row in rows:
        verdict = {None: "", True: "ok", False: "MISSED"}[row.passed]
        table.add_row(
            row.name,
            row.unit,
            f"{row.product:,.4g}" if row.product < 1000 else f"{row.product:,.0f}",
            ""
            if row.yardstick is None
            else f"{row.yardstick:,.4g}"
            if row.yardstick < 1000
            else f"{row.yardstick:,.0f}",
            f"{row.ratio:,.3g}" if row.ratio < 1000 else f"{row.ratio:,.0f}",
            f"{row.spread[0]:,.3g}–{row.spread[1]:,.3g}",
            "" if row.gate is None else " ".join(map(str, row.gate)),
            verdict,
            row.note,
        )
    return table


def _machine() -> str:
    return f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}"


if __name__ == "__main__":
    raise SystemExit(main())
