"""One reading: a page or a document asks much twice, and within a reading the second answer comes from memory.

Who opens a reading promises that nothing it asks about changes inside. Outside of one nothing is kept.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import wraps
from typing import Any, Final

type Answers = dict[Any, Any]

_answers: Final = ContextVar[Answers | None]("answers", default=None)


@contextmanager
def one_reading() -> Iterator[None]:
    """What `once` functions answer inside is kept until the end. A reading inside another is part of it."""
    if _answers.get() is not None:
        yield
        return
    token = _answers.set({})
    try:
        yield
    finally:
        _answers.reset(token)


def reads() -> bool:
    """Whether a reading is going on."""
    return _answers.get() is not None


def once[**P, R](function: Callable[P, R]) -> Callable[P, R]:
    """`function`, asked once in a reading for the same arguments. The answer is shared: who gets it leaves it as it is.

    Arguments that cannot be told apart from others, as a row that is not stored, are asked about each time.
    """

    @wraps(function)
    def ask(*args: P.args, **kwargs: P.kwargs) -> R:
        answers = _answers.get()
        if answers is None:
            return function(*args, **kwargs)
        key = function, args, tuple(sorted(kwargs.items()))
        try:
            if key in answers:
                found: R = answers[key]
                return found
        except TypeError:  # not hashable
            return function(*args, **kwargs)
        answers[key] = function(*args, **kwargs)
        return answers[key]  # type: ignore[no-any-return]

    return ask
