"""One reading: what is asked twice inside it is answered once; outside of it each time."""

import threading
from contextlib import suppress

import pytest

from accounts.reading import once, one_reading, reads


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
