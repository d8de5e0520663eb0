"""One reading: a page or a document asks much twice, and within a reading the second answer comes from memory.

Who opens a reading promises that nothing it asks about changes inside. Outside of one nothing is kept.
"""

from collections.abc import Callable, Collection, Hashable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from functools import update_wrapper, wraps
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


@contextmanager
def no_reading() -> Iterator[None]:
    """As if no reading went on: for who tries a change inside one, and takes it back."""
    token = _answers.set(None)
    try:
        yield
    finally:
        _answers.reset(token)


@contextmanager
def supposing(kept: Collection[Callable[..., Any]]) -> Iterator[None]:
    """A reading of its own, for who supposes a change inside another one, or makes one that is taken back.

    Only what the `kept` questions answer, which the change does not touch, is shared with the other, both ways.
    """
    around = _answers.get()
    inside: Answers = {}
    _share(around, inside, kept)
    token = _answers.set(inside)
    try:
        yield
    finally:
        _answers.reset(token)
        _share(inside, around, kept)


def _share(some: Answers | None, others: Answers | None, kept: Collection[Callable[..., Any]]) -> None:
    if some is not None and others is not None:
        others.update({key: answer for key, answer in some.items() if key[0] in kept})


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
        key = ask, args, tuple(sorted(kwargs.items()))
        try:
            if key in answers:
                found: R = answers[key]
                return found
        except TypeError:  # not hashable
            return function(*args, **kwargs)
        answers[key] = function(*args, **kwargs)
        return answers[key]  # type: ignore[no-any-return]

    return ask


class Many[K: Hashable, R]:
    """A question that one statement answers for several keys. Asked for one it is as if marked by `once`; `ahead` asks
    for all that a reading is about to look at.
    """

    def __init__(self, read: Callable[[Sequence[K]], Mapping[K, R]]) -> None:
        self.read = read
        update_wrapper(self, read)

    def __call__(self, key: K) -> R:
        answers = _answers.get()
        if answers is None:
            return self.read([key])[key]
        self.ahead([key])
        found: R = answers[self, key]
        return found

    def ahead(self, keys: Iterable[K]) -> None:
        """In a reading: have the answers for all of `keys` in memory, by one statement for those that are not."""
        answers = _answers.get()
        if answers is None:
            return
        missing = [key for key in dict.fromkeys(keys) if (self, key) not in answers]
        if missing:
            found = self.read(missing)
            answers.update({(self, key): found[key] for key in missing})

    def tell(self, key: K, answer: R) -> None:
        """In a reading: `answer` came along with something else that was read."""
        answers = _answers.get()
        if answers is not None:
            answers[self, key] = answer


def many[K: Hashable, R](read: Callable[[Sequence[K]], Mapping[K, R]]) -> Many[K, R]:
    """`read`, which answers for each of several keys, as a question about one of them. The answer is shared."""
    return Many(read)


def grouped[K, R](keys: Iterable[K], rows: Iterable[R], key: Callable[[R], K]) -> dict[K, list[R]]:
    """The rows of each key, in their order; of one without rows none."""
    found: dict[K, list[R]] = {each: [] for each in keys}
    for row in rows:
        found[key(row)].append(row)
    return found
