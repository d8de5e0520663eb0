"""One reading: what is asked twice inside it is answered once; outside of it each time."""

import threading
from collections.abc import Sequence
from contextlib import suppress

import pytest

from accounts.reading import grouped, many, no_reading, once, one_reading, reads, supposing


class Asked:
    """Counts how often it is asked."""

    def __init__(self) -> None:
        self.times = 0

    def __call__(self, *args: object, **kwargs: object) -> int:
        self.times += 1
        return self.times


@pytest.fixture
def asked() -> Asked:
    return Asked()


def test_outside_each_question_is_asked(asked: Asked) -> None:
    ask = once(asked)
    assert (ask(1), ask(1)) == (1, 2)
    assert not reads()


def test_inside_the_same_question_is_asked_once(asked: Asked) -> None:
    ask = once(asked)
    with one_reading():
        assert reads()
        assert (ask(1), ask(1), ask(2), ask(1, by="x"), ask(1, by="x")) == (1, 1, 2, 3, 3)
        with one_reading():
            assert ask(1) == 1, "a reading inside another is part of it"
        assert ask(1) == 1
    assert ask(1) == 4


def test_a_reading_that_fails_keeps_nothing(asked: Asked) -> None:
    ask = once(asked)
    with suppress(KeyError), one_reading():
        ask(1)
        raise KeyError
    with one_reading():
        assert ask(1) == 2


def test_what_cannot_be_told_apart_is_asked_each_time(asked: Asked) -> None:
    ask = once(asked)
    with one_reading():
        assert (ask([1]), ask([1])) == (1, 2)


def test_another_thread_has_its_own(asked: Asked) -> None:
    ask, found = once(asked), list[int]()
    with one_reading():
        ask(1)
        thread = threading.Thread(target=lambda: found.append(ask(1)))
        thread.start()
        thread.join()
    assert found == [2]


class Squares:
    """Notes which keys it was asked for at a time."""

    def __init__(self) -> None:
        self.asked: list[list[int]] = []

    def __call__(self, keys: Sequence[int]) -> dict[int, int]:
        self.asked.append(list(keys))
        return {key: key * key for key in keys}


def test_many_are_read_ahead_in_one_go_and_each_only_once() -> None:
    squares = Squares()
    ask = many(squares)
    with one_reading():
        assert ask(1) == 1
        ask.ahead([1, 2, 3, 2])
        ask.ahead([3, 2])
        assert (ask(2), ask(3), ask(4)) == (4, 9, 16)
    assert squares.asked == [[1], [2, 3], [4]]


def test_outside_nothing_is_read_ahead() -> None:
    squares = Squares()
    ask = many(squares)
    ask.ahead([1, 2])
    assert (ask(2), ask(2)) == (4, 4)
    assert squares.asked == [[2], [2]]


def test_who_tries_a_change_inside_a_reading_asks_anew(asked: Asked) -> None:
    ask = once(asked)
    with one_reading():
        ask(1)
        with no_reading():
            assert not reads()
            assert (ask(1), ask(1)) == (2, 3)
        assert ask(1) == 1


def test_who_supposes_a_change_shares_what_it_does_not_touch() -> None:
    touched, kept, numbers = once(Asked()), once(Asked()), many(Squares())
    with one_reading():
        assert (touched(1), kept(1), numbers(2)) == (1, 1, 4)
        with supposing([kept, numbers]):
            numbers.tell(3, 10)
            assert (touched(1), kept(1), kept(2), numbers(2), numbers(3)) == (2, 1, 2, 4, 10)
        assert (touched(1), kept(2), numbers(3)) == (1, 2, 10), "what was learnt of them is known after it"
        with suppress(KeyError), supposing([]):
            touched(1)
            raise KeyError
        assert touched(1) == 1
    with supposing([kept]):
        assert reads()
        assert kept(1) == kept(1) == 3, "a reading of its own, where there is no other"
    assert not reads()


def test_rows_are_grouped_in_their_order() -> None:
    rows = [("b", 1), ("a", 2), ("b", 3)]
    assert grouped("abc", rows, lambda row: row[0]) == {"a": [("a", 2)], "b": [("b", 1), ("b", 3)], "c": []}
