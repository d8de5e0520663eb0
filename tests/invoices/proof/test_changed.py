"""A changed proof is found: by its hashes, or, where somebody put those right, by the amounts."""

import json
import random
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any
from zipfile import ZIP_STORED, ZipFile, ZipInfo

import pytest
from django.db import transaction

from accounts.scope import installation_scope
from billing.invoices.actions import bill_account
from billing.invoices.models import Invoice
from billing.invoices.proof import proof_file
from billing.proof.archive import EVENTS, INVOICE, MANIFEST, PARTS, RULES, TERMS
from billing.proof.cli import main
from tests.invoices import world
from tests.invoices.proof.proofs import consistent, forged, pack, parts_of, run, save
from tests.invoices.world import utc


def issued() -> Invoice:
    """Usage of February, the base price of March, and a minimum spend that was missed."""
    world.load(world.plan("all", world.OUT, world.IN, world.CALLS, minimum_spend="200.00"))
    account = world.customer()
    world.on_plan(account, "all", utc(2026, 2, 1))
    world.use(account, utc(2026, 2, 3), output_tokens=3_000_000, input_tokens=1_234_567)
    world.send([world.event(account, utc(2026, 2, 4), "api")])
    world.use(account, utc(2026, 2, 9, 11, 30), output_tokens="17.5", input_tokens=1, model="é")
    return bill_account(account, utc(2026, 3, 1))[-1]


@pytest.fixture
def invoice(db: None) -> Invoice:
    return issued()


MADE: dict[str, bytes] = {}
"""The proof, made once: what follows needs no database."""


@pytest.fixture
def proof(django_db_setup: None, django_db_blocker: pytest.FixtureRequest, tmp_path: Path) -> Path:
    path = tmp_path / "proof.zip"
    if not MADE:
        with django_db_blocker.unblock(), installation_scope():  # type: ignore[attr-defined]
            MADE["proof"] = save(issued(), tmp_path).read_bytes()
            transaction.set_rollback(True)
    path.write_bytes(MADE["proof"])
    return path


def said(path: Path, capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    """In this process: what `run` gives, without a program for each."""
    code = main([str(path)])
    told = capsys.readouterr()
    assert bool(told.err) == (code == 2)
    return code, told.out + told.err


def test_two_downloads_are_byte_equal(invoice: Invoice, tmp_path: Path) -> None:
    with proof_file(invoice) as again:
        assert again.read() == save(invoice, tmp_path).read_bytes()


def test_the_parts_and_what_they_say(invoice: Invoice, tmp_path: Path) -> None:
    from billing.invoices.queries import invoice_data

    proof = save(invoice, tmp_path)
    parts = parts_of(proof)
    assert list(parts) == [*PARTS, MANIFEST]
    assert json.loads(parts[INVOICE]) == json.loads(json.dumps(invoice_data(invoice)))
    assert parts[EVENTS].count(b"\n") == 3
    assert run(proof, tmp_path)[0] == 0


@pytest.mark.parametrize("part", [*PARTS, MANIFEST])
def test_any_changed_byte_is_found(proof: Path, capsys: pytest.CaptureFixture[str], part: str) -> None:
    """The archive's own checksums are right for the changed bytes: only the hashes tell."""
    parts = parts_of(proof)
    content, changed = parts[part], proof.with_suffix(".changed.zip")
    places = range(len(content)) if len(content) < 200 else random.Random(7).sample(range(len(content)), 200)
    for place in places:
        other = bytearray(content)
        other[place] ^= 1
        pack({**parts, part: bytes(other)}, changed)
        code, told = said(changed, capsys)
        assert code == 2, f"byte {place} of {part}"
        assert "is no proof" in told


def test_a_changed_byte_of_the_archive_itself_never_gives_another_result(
    proof: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Times and rights of its members say nothing of the document; all else is found."""
    whole, right = proof.read_bytes(), said(proof, capsys)[1]
    for place in random.Random(8).sample(range(len(whole)), 300):
        other = bytearray(whole)
        other[place] ^= 1 << place % 8
        proof.write_bytes(bytes(other))
        code, told = said(proof, capsys)
        assert code == 2 or (code == 0 and told == right), f"byte {place}: {told}"


def test_a_changed_event_with_a_manifest_that_fits_gives_another_amount(proof: Path, tmp_path: Path) -> None:
    parts = parts_of(proof)
    events = parts[EVENTS].replace(b"1234567", b"2234567")
    assert events != parts[EVENTS]
    code, told = run(consistent({**parts, EVENTS: events}, tmp_path / "forged.zip"), tmp_path)
    assert code == 1
    assert "Line 2, usage: Input tokens: 5.59 by its events, 3.09 on the document" in told


def without_last(parts: dict[str, bytes]) -> bytes:
    return b"".join(parts[EVENTS].splitlines(keepends=True)[:-1])


def test_an_event_left_out_is_named(proof: Path, tmp_path: Path) -> None:
    parts = parts_of(proof)
    code, told = run(consistent({**parts, EVENTS: without_last(parts)}, tmp_path / "forged.zip"), tmp_path)
    assert (code, "Line 1, usage: Output tokens: " in told.rpartition("The first:")[2]) == (1, True)


type Change = Callable[[Any], Any]


def put(*path: Any, to: Any) -> Change:
    def change(value: Any) -> None:
        for step in path[:-1]:
            value = value[step]
        assert value[path[-1]] != to
        value[path[-1]] = to

    return change


def drop_line(value: Any) -> None:
    del value["lines"][0]


FORGERIES: dict[str, tuple[str, Change, int, str]] = {
    "price": (TERMS, put("all@1", "plan", "charges", 1, "unit_price", to="0.5"), 1, "Line 2, usage"),
    "base price": (TERMS, put("all@1", "plan", "base_price", to="48.00"), 1, "Line 4, base"),
    "minimum": (TERMS, put("all@1", "plan", "minimum_spend", to="100.00"), 1, "minimum"),
    "aggregation": (
        TERMS, put("all@1", "meters", "output_tokens", "aggregation", to="latest"), 1, "Line 1, usage",
    ),
    "amount": (INVOICE, put("lines", 0, "amount", to="45.01"), 1, "45.00 by its events, 45.01 on the document"),
    "exact amount": (INVOICE, put("lines", 0, "exact_amount", to="45"), 1, "Line 1, usage: Output tokens: exact"),
    "quantity": (INVOICE, put("lines", 1, "quantity", to="1234569"), 1, "Line 2, usage: Input tokens: quantity"),
    "working": (INVOICE, put("lines", 0, "tiers", 1, "flat_price", to="6"), 1, "Output tokens: working"),
    "days": (INVOICE, put("lines", 3, "quantity", to="30"), 1, "Line 4, base"),
    "subtotal": (INVOICE, put("subtotal", to="1.00"), 1, "Subtotal: "),
    "tax": (INVOICE, put("taxes", 0, "amount", to="1.00"), 1, "Tax at S 20 %: "),
    "taxable": (INVOICE, put("taxes", 0, "taxable", to="1.00"), 1, "Taxable at S 20 %: "),
    "total": (INVOICE, put("total", to="1.00"), 1, "Total: "),
    "amount due": (INVOICE, put("amount_due", to="1.00"), 1, "Amount due: "),
    "a discount": (INVOICE, put("discounts", to=[{"coupon": "X", "amount": "1.00"}]), 1, "Discount X: "),
    "rate": (RULES, put("lines", 0, "tax", "rate", to="10"), 1, "Taxable at S 10 %: "),
    "another period": (RULES, put("periods", 0, "start", to="2026-02-04T00:00:00Z"), 2, "spans"),
    "full days": (RULES, put("lines", 3, "days", "full_days", to=30), 2, "first_day"),
    "purged": (RULES, put("periods", 0, "events", to="purged"), 1, "past their legal term"),
    "priced before": (RULES, put("priced_at", to="2026-02-05T00:00:00Z"), 2, "arrived after"),
    "no closing": (RULES, put("closes", to=None), 2, "line 1 is of a period"),
    "fewer facts": (RULES, drop_line, 2, "not the lines of invoice.json"),
    "a minimum for an adjustment": (INVOICE, put("lines", 4, "kind", to="adjustment"), 1, "minimum"),
    "other number": (INVOICE, put("number", to="F-000009"), 2, "not the invoice that manifest.json names"),
    "other format": (RULES, put("format", to="plainbill-proof/2"), 2, "plainbill-proof/1"),
    "other rounding": (RULES, put("rounding", to="half-even"), 2, "half-up"),
    "currency": (INVOICE, put("currency", to="XXX"), 2, "ISO 4217"),
}  # fmt: skip


@pytest.mark.parametrize("name", FORGERIES)
def test_a_forgery_with_a_manifest_that_fits(
    proof: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    part, change, expected, named = FORGERIES[name]
    code, told = said(forged(proof, part, change), capsys)
    assert (code, named in told) == (expected, True), told


ODD: list[Any] = [
    None, "", "x", "-1", "1e9", "1" * 5_000, "9" * 100, "NaN", "\x1b[2J", -1, 0, 10**400, True, [], {}, [[]], {"a": 1},
    "2026-02-30T00:00:00Z", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "9999-12-31", "team@1",
]  # fmt: skip


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every value inside `value`."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(found for key, each in inner for found in places(each, (*path, key)))]


def replaced(value: Any, path: tuple[Any, ...], other: Any) -> Any:
    if not path:
        return other
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[path[0]] = replaced(copy[path[0]], path[1:], other)
    return copy


@pytest.mark.parametrize("part", [INVOICE, TERMS, RULES])
def test_odd_values_are_refused_or_found_and_never_a_fault_of_the_program(
    proof: Path, capsys: pytest.CaptureFixture[str], part: str
) -> None:
    dice, value = random.Random(part), json.loads(parts_of(proof)[part])
    everywhere = places(value)
    for path in dice.sample(everywhere, min(200, len(everywhere))):
        odd = dice.choice(ODD)
        code, told = said(forged(proof, part, lambda value: replaced(value, path, odd)), capsys)  # noqa: B023
        assert code in (0, 1, 2), f"{path}: {odd!r}"
        assert "\x1b" not in told


LINES: dict[str, Callable[[list[bytes]], list[bytes]]] = {
    "out of order": lambda lines: lines[::-1],
    "twice": lambda lines: [*lines, lines[-1]],
    "no JSON": lambda lines: [b"{", *lines],
    "an empty line": lambda lines: [b"", *lines],
    "a number": lambda lines: [b"1", *lines],
    "a key twice": lambda lines: [lines[0][:-1] + b', "id": "x"}', *lines[1:]],
    "a key more": lambda lines: [lines[0][:-1] + b', "x": "x"}', *lines[1:]],
    "nested": lambda lines: [b'{"a":' * 100_000, *lines],
    "a huge number": lambda lines: [*lines[:-1], lines[-1].replace(b'"17.5"', b"1e999999999")],
    "a long number": lambda lines: [*lines[:-1], lines[-1].replace(b'"17.5"', b"9" * 100_000)],
    "no number": lambda lines: [*lines[:-1], lines[-1].replace(b'"17.5"', b"NaN")],
    "a long line": lambda lines: [*lines[:-1], lines[-1].replace(b'"17.5"', b'"' + b"x" * 2**21 + b'"')],
    "not UTF-8": lambda lines: [*lines[:-1], lines[-1].replace(b'"17.5"', b'"\xff"')],
    "no time zone": lambda lines: [lines[0].replace(b"Z", b""), *lines[1:]],
}


@pytest.mark.parametrize("name", LINES)
def test_events_that_are_none(proof: Path, capsys: pytest.CaptureFixture[str], name: str) -> None:
    parts = parts_of(proof)
    lines = LINES[name](parts[EVENTS].splitlines())
    path = consistent({**parts, EVENTS: b"".join(line + b"\n" for line in lines)}, proof)
    code, told = said(path, capsys)
    assert (code, "events.ndjson" in told) == (2, True), told


def bomb(parts: dict[str, bytes], path: Path) -> Path:
    """Its directory says little of what it holds; a gigabyte of blanks before the value."""
    with ZipFile(path, "w", 8, compresslevel=9) as archive:
        for name, content in parts.items():
            with archive.open(ZipInfo(name), "w") as part:
                part.write(content)
                if name == EVENTS:
                    packer = b"\n" * 2**20
                    for _ in range(64):
                        part.write(packer)
    return path


def truncated(parts: dict[str, bytes], path: Path) -> Path:
    pack(parts, path)
    path.write_bytes(path.read_bytes()[:-100])
    return path


def damaged(parts: dict[str, bytes], path: Path) -> Path:
    """Bytes in the middle of a packed part."""
    pack(parts, path)
    whole = bytearray(path.read_bytes())
    whole[200:240] = zlib.compress(b"other") * 2
    path.write_bytes(bytes(whole))
    return path


def stored(parts: dict[str, bytes], path: Path) -> Path:
    with ZipFile(path, "w", ZIP_STORED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return path


ARCHIVES: dict[str, Callable[[dict[str, bytes], Path], Path]] = {
    "empty": lambda parts, path: pack({}, path),
    "a bomb": bomb,
    "truncated": truncated,
    "damaged": damaged,
    "a part more": lambda parts, path: pack({**parts, "more.json": b"{}"}, path),
    "a path": lambda parts, path: pack({**parts, "../../evil": b"{}"}, path),
    "in a folder": lambda parts, path: pack({f"x/{name}": one for name, one in parts.items()}, path),
    "no manifest": lambda parts, path: pack({name: parts[name] for name in PARTS}, path),
    "no events": lambda parts, path: pack({n: one for n, one in parts.items() if n != EVENTS}, path),
    "another order": lambda parts, path: pack(dict(reversed(parts.items())), path),
    "a manifest of a number": lambda parts, path: pack({**parts, MANIFEST: b"1"}, path),
    "an empty manifest": lambda parts, path: pack({**parts, MANIFEST: b""}, path),
    "a manifest with parts of numbers": lambda parts, path: pack(
        {**parts, MANIFEST: b'{"invoice": "F", "parts": [1]}'}, path
    ),
}


@pytest.mark.parametrize("name", ARCHIVES)
def test_files_that_are_no_proof(proof: Path, capsys: pytest.CaptureFixture[str], name: str) -> None:
    code, told = said(ARCHIVES[name](parts_of(proof), proof), capsys)
    assert (code, "is no proof" in told, told.count("\n")) == (2, True, 1), told


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_part_twice(proof: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with ZipFile(proof, "a") as archive:
        archive.writestr(INVOICE, b"{}")
    assert said(proof, capsys)[0] == 2


def test_how_it_is_packed_does_not_matter(proof: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert said(stored(parts_of(proof), proof), capsys)[0] == 0


def test_what_is_no_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "empty").write_bytes(b"")
    for path in (tmp_path / "nowhere.zip", tmp_path, tmp_path / "empty", Path("\0")):
        assert said(path, capsys)[0] == 2
    assert main([]) == main(["a", "b"]) == main(["--what"]) == 2
    assert "usage" in capsys.readouterr().err
    assert main(["--help"]) == 0
