"""The fast reader vouches only for bodies in which no key came twice and nothing is unprintable."""

import json

import pytest

from billing.usage.intake.body import JSON
from billing.usage.intake.typed import read_typed

GOOD = {
    "specversion": "1.0",
    "id": "é-1",
    "source": "s",
    "type": "t",
    "subject": "a:{}",
    "time": "2026-02-01T12:00:00+01:00",
    "revision": 1,
    "voided": False,
    "data": {"text": "x: y", "number": 1, "none": None, "yes": True, "part": 0.5},
}


@pytest.mark.parametrize("separators", [(",", ":"), (", ", ": "), (" ,\n", " \t:\r\n ")])
@pytest.mark.parametrize("left_out", ["", "time", "revision", "voided", "data"])
def test_good_events_are_read_however_they_are_laid_out(separators: tuple[str, str], left_out: str) -> None:
    event = {name: value for name, value in GOOD.items() if name != left_out}
    body = json.dumps([event, event], separators=separators, ensure_ascii=False).encode()
    events = read_typed(body, JSON)
    assert events is not None
    assert [event.id for event in events] == ["é-1", "é-1"]


@pytest.mark.parametrize(
    "twice",
    ['"id":"1",', '"id" : "1",', '"voided":false,', '"data":{},', '"time":"2026-02-01T12:00:00Z" ,'],
)
def test_a_key_that_came_twice_is_left_to_the_careful_reader(twice: str) -> None:
    text = json.dumps(GOOD | {"data": {"n": 1}}, ensure_ascii=False)
    assert read_typed(text.encode(), JSON) is not None
    assert read_typed(text.replace('"id"', f'{twice}"id"', 1).encode(), JSON) is None
    assert read_typed(text.replace('"n": 1', '"n" :1, "n": 2').encode(), JSON) is None


@pytest.mark.parametrize("name", ["id", "source", "type", "subject"])
@pytest.mark.parametrize("bad", ["\x7f", "\x85", "\u2028"])
def test_what_cannot_be_printed_is_left_to_the_careful_reader(name: str, bad: str) -> None:
    plain = {**GOOD, "id": "1", "data": {"n": 1}}
    assert read_typed(json.dumps(plain).encode(), JSON) is not None
    assert read_typed(json.dumps({**plain, name: f"a{bad}"}, ensure_ascii=False).encode(), JSON) is None
