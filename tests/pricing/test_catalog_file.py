"""Catalogue files: numbers arrive as written, and what could surprise or harm is refused with its place."""

import json
from decimal import Decimal

import pytest

from billing.plans.catalog_file import MAX_BYTES, CatalogFileError, load_catalog_file, loads_catalog

YAML = """
price: 0.10000000000000000001
big: 123456789012345678901234567890
many: 1e3
count: 7
quoted: "7"
no: no
time: 12:30
day: 2026-02-01
octal: 010
yes: true
none: ~
empty:
list: [1, -2, .5]
"""


def test_yaml_numbers_are_exact_and_words_stay_words():
    data = loads_catalog(YAML, "yaml")
    assert data == {
        "price": Decimal("0.10000000000000000001"),
        "big": 123456789012345678901234567890,
        "many": 1000,
        "count": 7,
        "quoted": "7",
        "no": "no",
        "time": "12:30",
        "day": "2026-02-01",
        "octal": 10,
        "yes": True,
        "none": None,
        "empty": None,
        "list": [1, -2, Decimal("0.5")],
    }
    assert (type(data["price"]), type(data["count"]), type(data["big"])) == (Decimal, int, int)


@pytest.mark.parametrize("form", ["yaml", "json"])
def test_a_byte_order_mark_is_no_part_of_a_text(form):
    assert loads_catalog('\ufeff{"a": 7}', form) == {"a": 7}


def test_json_numbers_are_exact():
    data = loads_catalog('{"a": 0.10000000000000000001, "b": 7, "c": [1e3, null, true]}', "json")
    assert data == {"a": Decimal("0.10000000000000000001"), "b": 7, "c": [1000, None, True]}
    assert type(data["b"]) is int


def test_very_long_integers_become_decimals():
    long = "9" * 5000
    for form in ("json", "yaml"):
        assert loads_catalog(f'{{"a": {long}}}', form) == {"a": Decimal(long)}


def test_aliases_and_merges_are_followed():
    text = "base: &base {model: per_unit, unit_price: '1'}\nlist: [*base, {<<: *base, unit_price: '2'}]"
    same = {"model": "per_unit", "unit_price": "1"}
    assert loads_catalog(text, "yaml") == {"base": same, "list": [same, {**same, "unit_price": "2"}]}
    assert loads_catalog("[&a 5, *a]", "yaml") == [5, 5]


BOMB = "a0: &a0 [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"a{n}: &a{n} [{','.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 9)
)


@pytest.mark.parametrize(
    ("text", "message", "line", "column"),
    [
        ("a: 1\nb: 2\na: 3", "'a' occurs twice", 3, 1),
        ("a: [1, 2", "did not find expected", 2, 1),
        (
            "a: !!python/object:os.system x",
            "the tag tag:yaml.org,2002:python/object:os.system has no place",
            1,
            4,
        ),
        ("a: !!int x", "'x' is no number", 1, 4),
        ("!!float snan: 1", "'snan' is no number", 1, 1),
        ("a: !!float inf", "'inf' is no number", 1, 4),
        ("a: !!map word", "expected a mapping", 1, 4),
        ("a: !!map [1, 2]", "expected a mapping", 1, 4),
        ("? [a]\n: 1", "a key must be a plain word", 1, 3),
        ("a: 1\n---\nb: 2", "another document", 2, 1),
        ("a: *b", "stands inside what it repeats, or before it", None, None),
        ("a: &a [*a]", "stands inside what it repeats", None, None),
        ("[" * 33 + "]" * 33, "at most 32 levels", None, None),
        ("[" * 200_000, "at most 32 levels", None, None),
        (BOMB, "aliases followed", None, None),
        ("a: 1e99999999999999999999", "is no number", 1, 4),
        ("a: \x00", "not readable|control characters|unacceptable", None, None),
        ("a: " + "x" * MAX_BYTES, "too large", None, None),
    ],
    ids=range(18),
)
def test_yaml_that_is_refused(text, message, line, column):
    with pytest.raises(CatalogFileError, match=message) as raised:
        loads_catalog(text, "yaml")
    assert (raised.value.line, raised.value.column) == (line, column)


@pytest.mark.parametrize(
    ("text", "message", "line", "column"),
    [
        ('{"a": 1,\n "a": 2}', "'a' occurs twice", None, None),
        ('{"a": 1,\n "b" 2}', "Expecting ':'", 2, 6),
        ('{"a": NaN}', "NaN is not a number", None, None),
        ('{"a": -Infinity}', "-Infinity is not a number", None, None),
        ('{"a": 1e99999999999999999999}', "out of range", None, None),
        ("[" * 200_000, "nested too deeply", None, None),
        (" " * (MAX_BYTES + 1), "too large", None, None),
    ],
    ids=range(7),
)
def test_json_that_is_refused(text, message, line, column):
    with pytest.raises(CatalogFileError, match=message) as raised:
        loads_catalog(text, "json")
    assert (raised.value.line, raised.value.column) == (line, column)


def test_the_place_is_part_of_the_message():
    with pytest.raises(CatalogFileError, match=r"^line 2, column 6: Expecting"):
        loads_catalog('{"a": 1,\n "b" 2}', "json")


def test_files_are_read_by_their_name(tmp_path):
    data = {"catalog": 1, "plans": []}
    for name, text in (
        ("c.json", json.dumps(data)),
        ("c.yaml", "catalog: 1\nplans: []"),
        ("c", json.dumps(data)),
    ):
        (tmp_path / name).write_text(text)
        assert load_catalog_file(tmp_path / name) == data
    (tmp_path / "bom.json").write_bytes(b"\xef\xbb\xbf" + json.dumps(data).encode())
    assert load_catalog_file(str(tmp_path / "bom.json")) == data


def test_files_that_cannot_be_read(tmp_path):
    with pytest.raises(CatalogFileError, match=r"absent\.yaml cannot be read: No such file"):
        load_catalog_file(tmp_path / "absent.yaml")
    (tmp_path / "latin.yaml").write_bytes(b"catalog: 1\nname: \xe9")
    with pytest.raises(CatalogFileError, match="line 2, column 1: not UTF-8"):
        load_catalog_file(tmp_path / "latin.yaml")
    (tmp_path / "large.yaml").write_bytes(b" " * (MAX_BYTES + 1))
    with pytest.raises(CatalogFileError, match="too large"):
        load_catalog_file(tmp_path / "large.yaml")
