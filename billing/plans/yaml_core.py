"""A YAML loader for the core schema of YAML 1.2: decimals; no duplicate keys, tags or alias bombs."""

import re
from collections.abc import Hashable
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from yaml import CSafeLoader, MappingNode, MarkedYAMLError, Node, ScalarNode, SequenceNode, parse
from yaml.constructor import ConstructorError
from yaml.events import (
    AliasEvent,
    CollectionEndEvent,
    CollectionStartEvent,
    NodeEvent,
)

MAX_DEPTH: Final = 32
"""Levels of lists and mappings; a catalogue has seven."""

MAX_NODES: Final = 500_000
"""Values of a file, counted again wherever an alias repeats them."""


class TooMuchError(ValueError):
    """A text that is too deep, or too much once its aliases are followed."""


def check_size(text: str) -> None:
    """Raise `TooMuchError` before anything is built. Walks events, so neither depth nor aliases cost memory
    here.
    """
    sizes: dict[str, int] = {}
    stack: list[tuple[str | None, int]] = []
    count = 0
    for event in parse(text, Loader=CSafeLoader):
        if isinstance(event, CollectionEndEvent):
            anchor, before = stack.pop()
            if anchor:
                sizes[anchor] = count - before
        if isinstance(event, AliasEvent):
            if event.anchor not in sizes:
                raise TooMuchError(f"the alias *{event.anchor} stands inside what it repeats, or before it")
            count += sizes[event.anchor]
        elif isinstance(event, NodeEvent):
            count += 1
            if isinstance(event, CollectionStartEvent):
                stack.append((event.anchor, count - 1))
            elif event.anchor:
                sizes[event.anchor] = 1
        if len(stack) > MAX_DEPTH:
            raise TooMuchError(f"nested too deeply: at most {MAX_DEPTH} levels are allowed")
        if count > MAX_NODES:
            raise TooMuchError(f"too much: at most {MAX_NODES} values are allowed, aliases followed")


def yaml_error_place(error: Exception) -> tuple[str, int | None, int | None]:
    """Message, line and column (from 1) of what the loader raised."""
    if isinstance(error, MarkedYAMLError):
        mark = error.problem_mark or error.context_mark
        message = error.problem or error.context or "not readable"
        return (message, mark.line + 1, mark.column + 1) if mark else (message, None, None)
    return str(error).partition("\n")[0], None, None


class CoreLoader(CSafeLoader):
    """Builds null, true, false, ints, Decimals, text, lists and dicts, and nothing else."""

    # Not extended but replaced: the resolvers and constructors of YAML 1.1 are left behind.
    yaml_implicit_resolvers = {}
    yaml_constructors = {}

    def build_mapping(self, node: Node) -> dict[Hashable, Any]:
        """A dict; the same key twice is an error, though a merge (<<) may be overridden."""
        if not isinstance(node, MappingNode):  # a tag can call anything a mapping
            raise ConstructorError(None, None, "expected a mapping", node.start_mark)
        seen = set[str]()
        for key, _ in node.value:
            if not isinstance(key, ScalarNode):
                raise ConstructorError(None, None, "a key must be a plain word", key.start_mark)
            if key.value in seen:
                raise ConstructorError(
                    None, None, f"the key {key.value[:100]!r} occurs twice", key.start_mark
                )
            seen.add(key.value)
        return self.construct_mapping(node, deep=True)

    def build_sequence(self, node: SequenceNode) -> list[Any]:
        return self.construct_sequence(node, deep=True)

    def build_number(self, node: ScalarNode) -> int | Decimal:
        written = self.construct_scalar(node)
        if _INT.fullmatch(written) and len(written) <= 100:
            return int(written)
        try:
            found = Decimal(written)
        except InvalidOperation:
            found = Decimal("NaN")
        if not found.is_finite():
            raise ConstructorError(None, None, f"{written[:40]!r} is no number", node.start_mark)
        return found

    def build_constant(self, node: ScalarNode) -> bool | None:
        return _CONSTANTS.get(self.construct_scalar(node).lower())

    def refuse(self, node: Node) -> None:
        raise ConstructorError(None, None, f"the tag {node.tag} has no place in a catalogue", node.start_mark)


_INT: Final = re.compile(r"[-+]?[0-9]+", re.ASCII)
_CONSTANTS: Final = {"true": True, "false": False}
_TAG: Final = "tag:yaml.org,2002:"

for _kind, _pattern, _first in (
    ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    ("bool", r"true|True|TRUE|false|False|FALSE", list("tTfF")),
    ("int", _INT.pattern, list("-+0123456789")),
    ("float", r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?", list("-+.0123456789")),
    ("merge", r"<<", ["<"]),
):
    CoreLoader.add_implicit_resolver(_TAG + _kind, re.compile(rf"(?:{_pattern})\Z", re.ASCII), _first)

_BUILDERS: Final[tuple[tuple[str | None, Any], ...]] = (
    ("null", CoreLoader.build_constant),
    ("bool", CoreLoader.build_constant),
    ("int", CoreLoader.build_number),
    ("float", CoreLoader.build_number),
    ("str", CoreLoader.construct_scalar),
    ("seq", CoreLoader.build_sequence),
    ("map", CoreLoader.build_mapping),
    (None, CoreLoader.refuse),
)
for _tag, _build in _BUILDERS:
    CoreLoader.add_constructor(_tag and _TAG + _tag, _build)
