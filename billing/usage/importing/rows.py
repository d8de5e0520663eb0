"""Rows of a CSV or JSON Lines file, one at a time, each with its number; or the reason why a row cannot be read.

The first line of a CSV names its columns. A file may be gzipped, and may begin with the mark that Excel writes.
"""

import csv
import gzip
import io
import zlib
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final

from django.utils.translation import gettext as _

from billing.usage.intake.body import DuplicateKey, parse
from billing.usage.intake.errors import IntakeError

MAX_LINE: Final = 1_000_000
"""Bytes of one line; a longer one is no usage record, and could fill the memory."""

MAX_FIELD: Final = 131_072
_BOM: Final = b"\xef\xbb\xbf"
_NOT_TEXT: Final = {
    b"PK\x03\x04": _("a ZIP archive or a spreadsheet"),
    b"\xff\xfe": _("UTF-16"),
    b"\xfe\xff": _("UTF-16"),
}


class FileError(ValueError):
    """The file as a whole cannot be read; the message says how to mend it."""


@dataclass(frozen=True, slots=True)
class Row:
    """`number`: its line in the file, the first being 1. `raw`: its text. Either values or an error."""

    number: int
    raw: str
    values: dict[str, Any] | None
    error: str = ""


@dataclass(slots=True)
class Source:
    """An open file. `place()` says how many of its `size` bytes were read."""

    path: Path
    file: IO[bytes]
    text: IO[bytes]
    size: int

    def place(self) -> int:
        return self.file.tell()

    def close(self) -> None:
        self.text.close()
        self.file.close()


def open_source(path: Path) -> Source:
    """Open a file by its content, not by its name. Raises `FileError`."""
    try:
        file = path.open("rb")
    except OSError as error:
        raise FileError(
            _("%(path)s cannot be opened: %(error)s.") % {"path": path, "error": error.strerror}
        ) from None
    head = file.read(4)
    for magic, name in _NOT_TEXT.items():
        if head.startswith(magic):
            file.close()
            raise FileError(
                _("The file is %(name)s. Save it as CSV or JSON Lines in UTF-8.") % {"name": name}
            )
    file.seek(len(_BOM) if head.startswith(_BOM) else 0)
    text: Any = gzip.GzipFile(fileobj=file) if head.startswith(b"\x1f\x8b") else file
    return Source(path, file, text, path.stat().st_size)


def read_rows(source: Source, wanted: set[str]) -> Iterator[Row]:
    """The file's rows. `wanted`: the columns that must be there. Raises `FileError` for the file as a whole."""
    lines = _Lines(source.text)
    first = next(lines, None)
    if first is None:
        raise FileError(_("The file is empty."))
    lines.put_back([first])
    yield from _json_rows(lines) if first.text.lstrip().startswith("{") else _csv_rows(lines, wanted)


@dataclass(frozen=True, slots=True)
class _Line:
    """`fault`: why its bytes are no text; `text` then shows what can be shown."""

    number: int
    text: str
    fault: str = ""


class _Lines:
    """Lines, numbered. Those that were read too far ahead can be put back."""

    def __init__(self, file: IO[bytes]) -> None:
        self.file, self.number, self.waiting = file, 0, deque[_Line]()

    def __iter__(self) -> "_Lines":
        return self

    def __next__(self) -> _Line:
        line = self.waiting.popleft() if self.waiting else self._read()
        if line is None:
            raise StopIteration
        return line

    def put_back(self, lines: list[_Line]) -> None:
        self.waiting.extendleft(reversed(lines))

    def _read(self) -> _Line | None:
        try:
            line = self.file.readline(MAX_LINE + 1)
        except (OSError, EOFError, zlib.error) as error:
            raise FileError(_("The gzip file is damaged: %(error)s") % {"error": error}) from None
        if not line:
            return None
        self.number += 1
        if len(line) > MAX_LINE:
            raise FileError(
                _("Line %(line)d has more than %(size)d bytes: this is no usage record.")
                % {"line": self.number, "size": MAX_LINE}
            )
        try:
            text = line.decode()
        except UnicodeDecodeError as error:
            fault = _("not UTF-8: byte %(place)d") % {"place": error.start + 1}
            return _Line(self.number, line.decode(errors="replace"), fault)
        if "\0" in text:
            return _Line(self.number, text.replace("\0", "�"), _("holds a NUL character"))
        return _Line(self.number, text)


def _csv_rows(lines: _Lines, wanted: set[str]) -> Iterator[Row]:
    header = _header(next(lines), wanted)
    for line in lines:
        group = _quoted_group(line, lines)
        raw = "".join(one.text for one in group).rstrip("\r\n")
        fault = next((one.fault for one in group if one.fault), "")
        if not raw and not fault:
            continue
        row = _csv_row(line.number, raw, fault, header)
        if row.values is None and len(group) > 1:
            lines.put_back(group[1:])  # a stray quote spoils its own line only
            row = _csv_row(line.number, line.text.rstrip("\r\n"), line.fault, header)
        yield row


def _quoted_group(line: _Line, lines: _Lines) -> list[_Line]:
    """The line, and those that its quoted field goes on over; only the line if the quote is never closed."""
    group, size = [line], len(line.text)
    is_open = _is_open(line.text)
    while is_open and size <= MAX_FIELD:
        following = next(lines, None)
        if following is None:
            break
        group.append(following)
        size += len(following.text)
        is_open ^= _is_open(following.text)
    if is_open:
        lines.put_back(group[1:])
        return [line]
    return group


def _csv_row(number: int, raw: str, fault: str, header: list[str]) -> Row:
    if fault:
        return Row(number, raw, None, fault)
    if _is_open(raw):
        return Row(number, raw, None, _("a quote is not closed"))
    try:
        fields = _fields(raw)
    except csv.Error as error:
        return Row(number, raw, None, _("not CSV: %(error)s") % {"error": error})
    if len(fields) != len(header):
        missing = f" ({header[len(fields)]})" if len(fields) < len(header) else ""
        message = _("has %(found)d columns%(missing)s, the header has %(wanted)d")
        return Row(
            number, raw, None, message % {"found": len(fields), "missing": missing, "wanted": len(header)}
        )
    return Row(number, raw, dict(zip(header, fields, strict=True)))


def _fields(raw: str) -> list[str]:
    """The fields of a row. One without quotes, as most are, needs no parser."""
    if '"' not in raw and "\r" not in raw and len(raw) <= MAX_FIELD:
        return raw.split(",")
    return next(csv.reader(io.StringIO(raw, newline=""), strict=True))


def _header(first: _Line, wanted: set[str]) -> list[str]:
    if first.fault:
        raise FileError(_("The header is %(fault)s. Save the file as CSV in UTF-8.") % {"fault": first.fault})
    try:
        header = [name.strip() for name in next(csv.reader([first.text.rstrip("\r\n")], strict=True))]
    except (csv.Error, StopIteration) as error:
        raise FileError(_("The header is not CSV: %(error)s") % {"error": error}) from None
    if len(set(header)) < len(header):
        raise FileError(_("The header names a column twice."))
    check_columns(header, wanted)
    return header


def check_columns(header: list[str], wanted: set[str]) -> None:
    """Raises `FileError` if a wanted column is not in the header."""
    missing = sorted(wanted - set(header))
    if missing:
        raise FileError(
            _("The file has no column %(missing)s. It has: %(header)s.")
            % {"missing": ", ".join(missing), "header": ", ".join(name[:50] for name in header[:50])}
        )


def _is_open(raw: str) -> bool:
    """Whether a quoted field goes on: quotes are doubled inside one, so an odd number is open."""
    return raw.count('"') % 2 == 1


def _json_rows(lines: _Lines) -> Iterator[Row]:
    for line in lines:
        raw = line.text.rstrip("\r\n")
        if not raw.strip():
            continue
        if line.fault:
            yield Row(line.number, raw, None, line.fault)
            continue
        try:
            value = parse(raw.encode())
        except IntakeError as error:
            yield Row(line.number, raw, None, str(error))
            continue
        if type(value) is DuplicateKey:
            yield Row(line.number, raw, None, _("a key occurs twice"))
        elif not isinstance(value, dict):
            yield Row(line.number, raw, None, _("is no JSON object"))
        else:
            yield Row(line.number, raw, value)
