"""Reads environment variables by type and range.

What cannot be read is noted in `unreadable` and its default stands in, so that everything that is wrong is told at
once; `portal.settings` then refuses (portal/checks). A variable that is set to nothing counts as unset, a list apart.
"""

from collections.abc import Mapping
from typing import Final

ON: Final = frozenset({"1", "true", "yes", "y", "on", "ok"})
OFF: Final = frozenset({"0", "false", "no", "n", "off"})

# The methods are named for the types that they read, and so hide them from one another.
type Text = str
type Texts = list[str]
type Switch = bool
type Number = int
type Numbers = list[int]


class Variables:
    """Reads from `values`, such as `os.environ`."""

    def __init__(self, values: Mapping[str, str]) -> None:
        self.values = values
        self.unreadable: list[str] = []

    def str(self, name: Text, default: Text) -> Text:
        """Without white space around it."""
        return self.values.get(name, "").strip() or default

    def list(self, name: Text, default: Texts) -> Texts:
        """Parts between commas; set to nothing: none."""
        if name not in self.values:
            return default
        return [part.strip() for part in self.values[name].split(",") if part.strip()]

    def bool(self, name: Text, default: Switch) -> Switch:
        """A switch. A word that is neither on nor off is not taken for off: PRODUCTION=production would be."""
        word = self.str(name, "").lower()
        if word in ON | OFF:
            return word in ON
        if word:
            self.unreadable.append(
                f"{name}={_shown(word)} is neither on nor off: write {name}=1 or {name}=0."
            )
        return default

    def int(self, name: Text, default: Number, least: Number = 0, most: Number = 1_000_000) -> Number:
        """A whole number from `least` to `most`."""
        text = self.str(name, "")
        return self._number(name, text, default, least, most) if text else default

    def ints(self, name: Text, default: Numbers, least: Number = 0, most: Number = 1_000_000) -> Numbers:
        """Whole numbers between commas, each from `least` to `most`."""
        if name not in self.values:
            return default
        return [self._number(name, part, least, least, most) for part in self.list(name, [])]

    def _number(self, name: Text, text: Text, default: Number, least: Number, most: Number) -> Number:
        found = (
            int(text) if text.isascii() and text.removeprefix("-").isdecimal() and len(text) < 20 else None
        )
        if found is None or not least <= found <= most:
            self.unreadable.append(
                f"{name}={_shown(text)} does not do: write a whole number from {least} to {most}."
            )
            return default
        return found


def _shown(text: str) -> str:
    return text if len(text) <= 40 else f"{text[:40]}…"
