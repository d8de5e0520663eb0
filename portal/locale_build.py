"""Translations: compiles each django.po that changed, and lists what the source wants translated.

Compiled files stay out of git, and GNU gettext is not needed on the machine: Babel does both.
"""

import ast
import os
import re
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

LOCALES = Path(__file__).resolve().parent / "locale"
ROOT = LOCALES.parent.parent
# The site's own, and what an app brings for what leaves the site: mails, printed invoices.
FOLDERS = (LOCALES, *sorted((ROOT / "billing").glob("*/locale")))
_CALL = re.compile(r"\b(_|n?p?gettext)\(")
_PYTHON = {
    "_": None,
    "gettext": None,
    "gettext_lazy": None,
    "ngettext": (1, 2),
    "ngettext_lazy": (1, 2),
    "pgettext": ((1, "c"), 2),
    "pgettext_lazy": ((1, "c"), 2),
    "npgettext": ((1, "c"), 2, 3),
}


@dataclass(frozen=True, order=True)
class Message:
    """A text to translate: its context ("" for none), its singular and its plural ("" for none)."""

    context: str
    text: str
    plural: str
    place: str


def compile_stale() -> list[Path]:
    """Write a .mo beside each .po that is newer; a folder that cannot be written is left in English."""
    written = list[Path]()
    for source in sorted(found for folder in FOLDERS for found in folder.glob("*/LC_MESSAGES/*.po")):
        target = source.with_suffix(".mo")
        if target.exists() and target.stat().st_mtime >= source.stat().st_mtime:
            continue
        if os.access(source.parent, os.W_OK):
            _compile(source, target)
            written.append(target)
    return written


def _compile(source: Path, target: Path) -> None:
    """Through a file of its own: several processes start at once."""
    from babel.messages import mofile, pofile

    with source.open("rb") as stream:
        catalog = pofile.read_po(stream, locale=source.parent.parent.name)
    handle, name = tempfile.mkstemp(dir=target.parent, suffix=".tmp")
    with os.fdopen(handle, "wb") as stream:
        mofile.write_mo(stream, catalog)
    Path(name).chmod(0o644)
    Path(name).replace(target)


def messages() -> Iterator[Message]:
    """Every text in our Python files and templates that asks for a translation."""
    for folder in ("accounts", "billing", "portal"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            if "migrations" not in path.parts:
                yield from _python_messages(path)
    for path in sorted((ROOT / "templates").rglob("*.*")):
        if path.suffix in {".html", ".txt"}:
            yield from _template_messages(path)


def _python_messages(path: Path) -> Iterator[Message]:
    from babel.messages.extract import extract

    with path.open("rb") as stream:
        found = list(extract("python", stream, keywords=_PYTHON))
    for line, text, _comments, context in found:
        single, several = text if isinstance(text, tuple) else (text, "")
        yield Message(context or "", single, several, f"{path.relative_to(ROOT)}:{line}")


def _template_messages(path: Path) -> Iterator[Message]:
    from django.utils.translation.template import templatize

    source = templatize(path.read_text(encoding="utf-8"), origin=str(path))
    for match in _CALL.finditer(source):
        words = _literals(source, match.end())
        context = words.pop(0) if "p" in match[1] else ""
        several = words[1] if match[1].startswith("n") else ""
        line = source.count("\n", 0, match.start()) + 1
        yield Message(context, words[0], several, f"{path.relative_to(ROOT)}:{line}")


def _literals(source: str, at: int) -> list[str]:
    """The string literals of a call whose opening bracket ends at `at`."""
    literal = re.compile(r"""\s*u?('(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")\s*(,|\))""", re.DOTALL)
    found = list[str]()
    while match := literal.match(source, at):
        found.append(str(ast.literal_eval(match[1])))
        at = match.end()
        if match[2] == ")":
            break
    return found
