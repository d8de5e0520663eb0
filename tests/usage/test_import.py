"""`import_usage`: any file, once; good rows land, bad ones are listed with their reason."""

import contextlib
import csv
import gzip
import io
import json
import multiprocessing
import os
import signal
import tracemalloc
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from accounts.models import Account
from accounts.scope import installation_scope
from billing.plans.actions.catalog import load_catalog
from billing.plans.actions.subscribe import subscribe
from billing.plans.models import Plan
from billing.usage.importing import run as importing
from billing.usage.importing.run import Mapping, import_file
from billing.usage.models import Event
from billing.usage.rebuild import rebuild
from tests.factories import make_account
from tests.usage.given import PER_UNIT, START, catalog, given_account, stored, totals

DAY = START.date().isoformat()
HEADER = "id,time,value,model\n"


@pytest.fixture
def account(db: None) -> Account:
    return given_account(timezone="Europe/Paris")


def run(path: Path, **options: Any) -> dict[str, int]:
    out = io.StringIO()
    values = {"id": "id", "map": ["time=time", "data.tokens=value", "data.model=model"], **options}
    values |= {"account": "acme", "type": "llm", "source": "file", "stderr": io.StringIO()}
    with contextlib.suppress(SystemExit):
        call_command("import_usage", str(path), stdout=out, **values)
    return json.loads(out.getvalue())


def counts(accepted: int, duplicates: int = 0, quarantined: int = 0, rejected: int = 0) -> dict[str, int]:
    return {"accepted": accepted, "duplicates": duplicates, "quarantined": quarantined, "rejected": rejected}


def rejected(path: Path) -> list[list[str]]:
    with Path(f"{path}.rejected.csv").open(newline="") as file:
        return list(csv.reader(file))[1:]


def given_file(tmp_path: Path, text: str | bytes, name: str = "usage.csv") -> Path:
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def test_a_file_imported_twice_adds_nothing(tmp_path: Path, account: Account) -> None:
    rows = "".join(f"{DAY} 12:00:00.1234567,{n}.5,m\n" for n in range(2500))
    path = given_file(tmp_path, "time,value,model\n" + rows)
    assert run(path, id=None) == counts(2500)
    assert run(path, id=None) == counts(0, 2500)
    assert totals(account) == (2500, Decimal(2499 * 1250) + Decimal(1250))
    assert rebuild(check=True) == []


def test_times_without_offset_are_the_accounts_or_as_told(tmp_path: Path, account: Account) -> None:
    noon = f"{DAY} 12:00:00.6805900"
    run(given_file(tmp_path, f"{HEADER}1,{noon},1,m\n"))
    run(given_file(tmp_path, f"{HEADER}2,{noon},1,m\n"), timezone="UTC")
    run(given_file(tmp_path, f"{HEADER}3,{noon}+02:00,1,m\n"), timezone="UTC")
    times = {row.event_id: row.time for row in Event.objects.all()}
    assert times["2"].isoformat() == f"{DAY}T12:00:00.680590+00:00"
    assert times["1"] < times["2"]
    assert times["3"].hour == 10


def test_bad_rows_are_listed_with_row_and_column(tmp_path: Path, account: Account) -> None:
    lines = [
        f"1,{DAY}T12:00:00Z,5,m",
        f"2,{DAY}T12:00:00Z",
        "3,01/02/2026,1,m",
        f"4,{DAY}T12:00:00Z,1.000,5,m",
        f"5,{DAY}T12:00:00Z,abc,m",
        f"6,{DAY}T12:00:00Z,1,m\0",
        f",{DAY}T12:00:00Z,1,m",
        f'8,{DAY}T12:00:00Z,"unclosed,m',
        f"9,{DAY}T12:00:00Z,7,m",
        f"10,{DAY}T12:00:00Z,{'9' * 140_000},m",
        f'11,{DAY}T12:00:00Z,8,"two\nlines"',
    ]
    path = given_file(tmp_path, HEADER + "\n".join(lines))
    assert run(path) == counts(3, rejected=8)
    found = rejected(path)
    assert [int(row[0]) for row in found] == [3, 4, 5, 6, 7, 8, 9, 11]
    reasons = [row[1] for row in found]
    for reason, words in zip(
        reasons,
        ["value", "column time", "columns", "column value", "NUL", "id", "quote", "field"],
        strict=True,
    ):
        assert words in reason, (words, reason)
    assert totals(account) == (3, Decimal(20))


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "empty"),
        (b"id,time\n1,2\n", "no column model, value"),
        (b"id,id,time,value,model\n", "twice"),
        ("id,time,value,model\n1".encode("utf-16"), "UTF-16"),
        (b"PK\x03\x04" + b"x" * 100, "ZIP"),
        (b"id,t\xffme\n", "UTF-8"),
        (b"id,time,value,model\n" + b"x" * 2_000_000, "Line 2 has more than"),
        (b"\x1f\x8b" + b"no gzip", "gzip"),
    ],
)
def test_files_that_cannot_be_read(tmp_path: Path, account: Account, content: bytes, words: str) -> None:
    with pytest.raises(CommandError, match=words):
        run(given_file(tmp_path, content))
    assert stored(account) == 0


def test_header_only_and_byte_order_mark(tmp_path: Path, account: Account) -> None:
    assert run(given_file(tmp_path, HEADER)) == counts(0)
    assert run(given_file(tmp_path, b"\xef\xbb\xbf" + f"{HEADER}1,{DAY}T12:00:00Z,1,m\n".encode())) == counts(
        1
    )


def test_json_lines_and_gzip(tmp_path: Path, account: Account) -> None:
    lines = [json.dumps({"id": n, "time": f"{DAY}T12:00:00Z", "value": 0.1, "model": "m"}) for n in range(3)]
    text = "\n".join([*lines, "[1]", '{"id": 1, "id": 2}', "{", ""])
    path = given_file(tmp_path, gzip.compress(text.encode()), "usage.jsonl.gz")
    assert run(path) == counts(3, rejected=3)
    assert totals(account) == (3, Decimal("0.3"))
    assert [row[0] for row in rejected(path)] == ["4", "5", "6"]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"map": ["nothing=time"]}, "map one of"),
        ({"map": ["time"]}, "TARGET=COLUMN"),
        ({"timezone": "../../etc/passwd"}, "time zone"),
    ],
)
def test_bad_options(tmp_path: Path, account: Account, options: dict, words: str) -> None:
    with pytest.raises(CommandError, match=words):
        run(given_file(tmp_path, HEADER), **options)


def test_the_real_file(db: None, shared: Path, tmp_path: Path) -> None:
    meters = [
        {
            "code": "input",
            "name": "Input",
            "unit": "token",
            "event_type": "real",
            "aggregation": "sum",
            "value": "input",
        },
        {
            "code": "output",
            "name": "Output",
            "unit": "token",
            "event_type": "real",
            "aggregation": "sum",
            "value": "output",
        },
    ]
    load_catalog(catalog(PER_UNIT))
    load_catalog({"catalog": 1, "meters": meters})
    account = make_account(timezone="UTC")
    subscribe(account, Plan.objects.get(code="team"), start=datetime(2023, 11, 1, tzinfo=UTC))
    path = given_file(tmp_path, (shared / "data" / "llm_requests.csv").read_bytes())
    options = {
        "id": None,
        "map": ["time=TIMESTAMP", "data.input=ContextTokens", "data.output=GeneratedTokens"],
    }

    def imported() -> dict[str, int]:
        out = io.StringIO()
        call_command(
            "import_usage", str(path), account="acme", type="real", source="azure", stdout=out, **options
        )
        return json.loads(out.getvalue())

    assert imported() == counts(19_366)
    assert imported() == counts(0, 19_366)
    assert totals(account, "input") == (19_366, Decimal(22_361_870))
    assert totals(account, "output") == (19_366, Decimal(4_088_665))


@pytest.mark.parametrize("chunk", [1, 7, 50, 10_000])
def test_chunks_change_no_answer(
    tmp_path: Path, account: Account, chunk: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Duplicates, conflicts, revisions and late rows of one file, wherever its chunks are cut."""
    monkeypatch.setattr(importing, "CHUNK", chunk)
    rows = [f"{n % 40},{DAY} 12:00:00,{n % 40},m,0,false" for n in range(100)]  # 60 of them again
    rows += [f"1,{DAY} 12:00:00,77,m,0,false", f"2,{DAY} 12:00:00,9,m,1,false", f"3,{DAY} 12:00:00,,m,1,true"]
    rows += ["old,2001-01-01 12:00:00,5,m,0,false", "bad,never,5,m,0,false"]
    path = given_file(tmp_path, "id,time,value,model,rev,void\n" + "\n".join(rows))
    more = ["revision=rev", "voided=void"]
    options = {"map": ["time=time", "data.tokens=value", "data.model=model", *more]}
    assert run(path, **options) == counts(42, duplicates=60, quarantined=1, rejected=2)
    assert [(row[0], row[1].partition(":")[0]) for row in rejected(path)] == [
        ("102", "column id"),
        ("106", "column time"),
    ]
    assert totals(account) == (39, Decimal(sum(range(40)) - 2 + 9 - 3))
    assert rebuild(check=True) == []


def test_memory_does_not_grow_with_the_file(
    tmp_path: Path, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Long rows, every other one bad: what is kept of them at any time is a small part of the file."""
    monkeypatch.setattr(importing, "CHUNK_CHARACTERS", 200_000)
    long = "x" * 1_000
    rows = (f"{n},{DAY} 12:00:00,{n if n % 2 else long},{long}" for n in range(4_000))
    path = given_file(tmp_path, HEADER + "\n".join(rows))
    columns = {"time": "time", "data.tokens": "value", "data.model": "model"}
    mapping = Mapping("acme", "llm", "file", columns, "id", ZoneInfo("Europe/Paris"))
    tracemalloc.start()
    try:
        result = import_file(path, mapping, lambda done, size: None)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert (result.accepted, result.rejected) == (2_000, 2_000)
    assert peak < path.stat().st_size / 2


def test_killed_in_the_middle_and_run_again(
    committed: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing, "CHUNK", 500)
    with installation_scope():
        account = given_account(timezone="Europe/Paris")
    rows = "".join(f"{n},{DAY} 12:00:00,{n % 9},m\n" for n in range(5_000))
    path = given_file(tmp_path, gzip.compress((HEADER + rows).encode()), "usage.csv.gz")
    columns = {"time": "time", "data.tokens": "value", "data.model": "model"}
    mapping = Mapping("acme", "llm", "file", columns, "id", ZoneInfo("Europe/Paris"))
    connection.close()  # the other process must not share it
    told, tell = multiprocessing.get_context("fork").Pipe(duplex=False)
    child = os.fork()
    if child == 0:
        with contextlib.suppress(BaseException):
            import_file(path, mapping, lambda done, size: tell.send(done))
        os._exit(1)
    for _ in range(3):
        assert told.poll(60), "the import makes no progress"
        told.recv()
    os.kill(child, signal.SIGKILL)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
    result = import_file(path, mapping, lambda done, size: None)
    assert result.accepted + result.duplicates == 5_000
    assert 1_500 <= result.duplicates < 5_000
    with installation_scope():
        assert totals(account) == (5_000, Decimal(sum(n % 9 for n in range(5_000))))
        assert totals(account, "calls") == (5_000, Decimal(5_000))
    assert rebuild(check=True) == []
