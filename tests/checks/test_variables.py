"""The environment is read by type and range; what cannot be read is told, all of it, and stands for nothing else."""

import pytest

from portal.variables import Variables


@pytest.mark.parametrize(
    ("text", "expected"),
    [("1", True), ("Yes", True), (" on ", True), ("0", False), ("FALSE", False), ("no", False)],
)
@pytest.mark.parametrize("default", [True, False])
def test_switches(text: str, expected: bool, default: bool) -> None:
    assert Variables({"PRODUCTION": text}).bool("PRODUCTION", default=default) is expected


def test_what_is_unset_or_set_to_nothing_has_its_default() -> None:
    for values in ({}, {"A": ""}, {"A": "  "}):
        read = Variables(values)
        assert (read.str("A", "x"), read.int("A", 7), read.bool("A", True)) == ("x", 7, True)
        assert read.unreadable == []


def test_a_list_that_is_set_to_nothing_is_empty() -> None:
    assert Variables({}).list("A", ["x"]) == ["x"]
    assert Variables({"A": ""}).list("A", ["x"]) == []
    assert Variables({"A": ""}).ints("A", [3]) == []
    assert Variables({"A": "a.example, b.example,"}).list("A", []) == ["a.example", "b.example"]


@pytest.mark.parametrize("text", ["0", "14", "-0", "007", "366"])
def test_numbers_within_their_range(text: str) -> None:
    read = Variables({"DAYS": text})
    assert read.int("DAYS", 5, most=366) == int(text)
    assert read.unreadable == []


@pytest.mark.parametrize("text", ["-1", "367", "abc", "1.5", "1e2", "٣", "--1", "+5", "9" * 5000])
def test_numbers_out_of_their_range_are_told_with_it(text: str) -> None:
    read = Variables({"DAYS": text})
    assert read.int("DAYS", 5, most=366) == 5
    assert [one.partition("=")[0] for one in read.unreadable] == ["DAYS"]
    assert "from 0 to 366" in read.unreadable[0]
    assert len(read.unreadable[0]) < 200


def test_a_word_that_is_no_switch_is_told() -> None:
    read = Variables({"PRODUCTION": "production"})
    read.bool("PRODUCTION", default=False)
    assert read.unreadable == [
        "PRODUCTION=production is neither on nor off: write PRODUCTION=1 or PRODUCTION=0."
    ]


def test_all_that_is_wrong_is_told() -> None:
    read = Variables({"A": "x", "B": "-3,4,y", "C": "maybe"})
    read.int("A", 1)
    assert len(read.ints("B", [1])) == 3
    read.bool("C", default=True)
    assert [one.partition(" ")[0] for one in read.unreadable] == ["A=x", "B=-3", "B=y", "C=maybe"]
