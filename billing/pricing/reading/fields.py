"""`Fields`: reads one mapping of the catalogue and notes what is wrong with it, instead of stopping at the
first fault.
"""

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from itertools import islice
from typing import Final

type Convert[T] = Callable[[object], T]
"""Turns a raw value into a `T`, or raises ValueError with a sentence that says how to mend it."""


WHOLE: Final = "top level"
"""The path of the whole: of a file that is no mapping, of a line that is no JSON."""

MAX_PROBLEMS: Final = 10_000
"""Faults after which a file is read no further: who mends these finds the others next."""

MAX_HINTS: Final = 30
"""Faults after which none says "Did you mean …?" any more: looking for what is alike takes time."""

MAX_ALIKE: Final = 200
"""Words that are looked at for one that is alike."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One fault of a catalogue: where (`plans[2].charges[0].tiers[1].up_to`) and how to mend it."""

    path: str
    message: str

    def __str__(self) -> str:
        return f"{self.path}: {self.message}"

    def as_data(self) -> dict[str, str]:
        return {"path": self.path, "message": self.message}


def suggestion(word: str, known: Collection[str]) -> str:
    """ " Did you mean …?" if `word` is nearly one of `known`, else nothing."""
    near = get_close_matches(word[:60], list(islice(known, MAX_ALIKE)))
    return f" Did you mean {near[0]}?" if near else ""


def join(path: str, key: str) -> str:
    """The path of `key` inside `path`; keys that are not plain words are shown in quotes."""
    step = key if key.replace("_", "").isalnum() else repr(key[:100])
    return f"{path}.{step}" if path else step


class Fields:
    """The keys of the mapping at `path`. Null counts as absent. `problems` is shared and grows."""

    def __init__(self, data: object, path: str, problems: list[Problem], keys: Collection[str]) -> None:
        self.path, self.problems = path, problems
        self.is_mapping = isinstance(data, Mapping)
        self.data: Mapping[object, object] = data if isinstance(data, Mapping) else {}
        if not self.is_mapping:
            named = f" with {', '.join(sorted(keys))}" if keys else ""
            self.note(path, f"expected a mapping{named}.")
        for key in self.data:
            if not isinstance(key, str):
                self.note(path, f"the key {str(key)[:60]} is not text: write it in quotes.")
            elif key not in keys:
                self.note(join(path, key), f"unknown key: remove it.{self.hint(key, keys)}")
            if self.is_full:
                break

    @property
    def is_full(self) -> bool:
        """Whether there are so many problems that reading on helps nobody."""
        return len(self.problems) >= MAX_PROBLEMS

    def hint(self, word: str, known: Collection[str]) -> str:
        """As `suggestion`, for the first problems."""
        return suggestion(word, known) if len(self.problems) < MAX_HINTS else ""

    def note(self, path: str, message: str) -> None:
        """Add a problem at `path`."""
        self.problems.append(Problem(path or WHOLE, message))

    def fault(self, key: str, message: str) -> None:
        """Add a problem with the value of `key`, unless there are no keys at all, which is noted already."""
        if self.is_mapping:
            self.note(join(self.path, key), message)

    def has(self, key: str) -> bool:
        """Whether `key` has a value."""
        return self.data.get(key) is not None

    def get[T](self, key: str, convert: Convert[T], default: T) -> T:
        """The converted value of `key`; `default` if it is absent, or faulty (which is noted)."""
        value = self.data.get(key)
        if value is None:
            return default
        try:
            return convert(value)
        except ValueError as error:
            self.fault(key, str(error))
            return default

    def need[T](self, key: str, convert: Convert[T], default: T, why: str = "it is required.") -> T:
        """As `get`, but an absent value is a problem."""
        if not self.has(key):
            self.fault(key, f"missing: {why}")
        return self.get(key, convert, default)

    def items(self, key: str, limit: int) -> Iterator[tuple[str, object]]:
        """Path and raw value of each entry of the list at `key`: none if it is absent, no list, or above
        `limit`.
        """
        value = self.data.get(key)
        if value is None:
            return
        if not isinstance(value, list | tuple):
            self.fault(key, "expected a list.")
        elif len(value) > limit:
            self.fault(key, f"{len(value)} entries are too many: at most {limit} are allowed.")
        else:
            for index, entry in enumerate(value):
                if self.is_full:
                    break
                yield f"{join(self.path, key)}[{index}]", entry


def unique(codes: Iterator[tuple[str, str]], problems: list[Problem]) -> None:
    """Note each (path, code) whose code an earlier path has; unreadable codes ("") are left out."""
    first = dict[str, str]()
    for path, code in codes:
        if code and first.setdefault(code, path) != path:
            problems.append(
                Problem(f"{path}.code", f"{code} is the code of {first[code]} too: give each its own.")
            )
