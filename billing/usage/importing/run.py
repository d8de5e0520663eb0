"""A usage file into the store: rows to events, events to `ingest`, bad rows to a file beside it."""

import csv
import hashlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _

from billing.usage.importing.rows import FileError, Row, open_source, read_rows
from billing.usage.importing.times import read_time
from billing.usage.ingest import Rejected, Result, count, store
from billing.usage.intake.attributes import Incoming, read_event

ATTRIBUTES: Final = ("time", "revision", "voided")
"""What may be mapped besides `data.PROPERTY`."""

CHUNK: Final = 10_000
"""Rows of one transaction: a fifth less work for the database than a thousand; more gain nothing, and lock longer."""

CHUNK_CHARACTERS: Final = 16_000_000
"""Most text of one transaction, so that a file of long rows takes no more memory than one of short rows."""

MAX_SHOWN: Final = 10_000
"""Characters of a bad row that are written out."""


@dataclass(frozen=True, slots=True)
class Mapping:
    """How a row becomes an event. `columns`: attribute or data.PROPERTY -> column; `zone`: of times without offset.

    `id_column` None: the id is made of the row's place and content, so the same file again adds nothing.
    """

    subject: str
    type: str
    source: str
    columns: dict[str, str]
    id_column: str | None
    zone: ZoneInfo

    def __post_init__(self) -> None:
        for target in self.columns:
            if target not in ATTRIBUTES and not (target.startswith("data.") and len(target) > 5):
                known = ", ".join([*ATTRIBUTES, "data.PROPERTY"])
                raise FileError(
                    _("--map %(target)s: map one of %(known)s.") % {"target": target, "known": known}
                )

    @property
    def wanted(self) -> set[str]:
        """The columns that the file must have."""
        return {*self.columns.values(), *([self.id_column] if self.id_column else [])}


type Bad = tuple[Row, str]


@dataclass(frozen=True, slots=True)
class Imported:
    """Rows by what became of them; the bad ones are in the file beside, not here: a file may hold millions."""

    accepted: int = 0
    duplicates: int = 0
    quarantined: int = 0
    rejected: int = 0

    def __add__(self, other: "Imported") -> "Imported":
        return Imported(
            self.accepted + other.accepted,
            self.duplicates + other.duplicates,
            self.quarantined + other.quarantined,
            self.rejected + other.rejected,
        )


def import_file(path: Path, mapping: Mapping, progress: Callable[[int, int], None]) -> Imported:
    """Import a file; `progress` is told (bytes read, bytes). Rows that are refused go to `rejected_path(path)`.

    Rows are durable `CHUNK` at a time: a run that is broken off is finished by running it again. Raises
    `FileError` for a file that cannot be read, with the rows before it stored.
    """
    result = Imported()
    rejects = _Rejects(rejected_path(path))
    source = open_source(path)
    with closing(source), closing(rejects):
        for rows in _chunks(read_rows(source, mapping.wanted)):
            stored, bad = _store(rows, mapping)
            result += stored
            rejects.write(bad)
            progress(source.place(), source.size)
    return result


def rejected_path(path: Path) -> Path:
    """Where the bad rows of a file go."""
    return path.with_name(f"{path.name}.rejected.csv")


def _chunks(rows: Iterable[Row]) -> Iterator[list[Row]]:
    """The rows, `CHUNK` at a time, fewer where they are long."""
    chunk, size = list[Row](), 0
    for row in rows:
        chunk.append(row)
        size += len(row.raw)
        if len(chunk) == CHUNK or size >= CHUNK_CHARACTERS:
            yield chunk
            chunk, size = [], 0
    if chunk:
        yield chunk


def _store(rows: list[Row], mapping: Mapping) -> tuple[Imported, list[Bad]]:
    events, by_index = list[Incoming](), dict[int, Row]()
    bad = list[Bad]()
    for index, row in enumerate(rows):
        by_index[index] = row
        event = _event(index, row, mapping)
        if isinstance(event, Incoming):
            events.append(event)
        else:
            bad.append((row, event))
    result = count(store(events).values()) if events else Result()
    bad += [(by_index[each.index], _reason(each, mapping)) for each in result.rejected]
    done = Imported(result.accepted, result.duplicates, result.quarantined, len(bad))
    return done, sorted(bad, key=lambda one: one[0].number)


def _event(index: int, row: Row, mapping: Mapping) -> Incoming | str:
    """The row's event, or what is wrong with it and in which column."""
    if row.values is None:
        return row.error
    raw: dict[str, Any] = {
        "specversion": "1.0",
        "id": _id(row, mapping),
        "source": mapping.source,
        "type": mapping.type,
        "subject": mapping.subject,
        "data": {},
    }
    time = None
    for target, column in mapping.columns.items():
        value = row.values.get(column)
        if value is None or value == "":
            if target == "time":
                return _("column %(column)s: is empty") % {"column": column}
            continue
        try:
            if target.startswith("data."):
                raw["data"][target.removeprefix("data.")] = value
            elif target == "time":
                time = read_time(str(value), mapping.zone)
            else:
                raw[target] = _READERS[target](value)
        except ValueError as error:
            return _("column %(column)s: %(error)s") % {"column": column, "error": error}
    event = read_event(index, raw)
    if not isinstance(event, Incoming):
        return _reason(event, mapping)
    event.time = time
    return event


def _reason(each: Rejected, mapping: Mapping) -> str:
    """What is wrong, with the columns that it came from."""
    names = {"id": mapping.id_column, **mapping.columns}
    columns = [names[name] for name in each.detail.partition(":")[0].split(", ") if names.get(name)]
    reason = f"{each.code}: {each.detail}"
    return f"column {', '.join(map(str, columns))}: {reason}" if columns else reason


def _id(row: Row, mapping: Mapping) -> Any:
    if mapping.id_column is None:
        return f"row-{row.number}-{hashlib.sha256(row.raw.encode()).hexdigest()[:32]}"
    value = (row.values or {}).get(mapping.id_column)
    return str(value) if type(value) is int else value


def _voided(value: Any) -> bool:
    text = str(value).lower()
    if text not in ("true", "false", "1", "0"):
        raise ValueError(_("write true or false"))
    return text in ("true", "1")


_READERS: Final[dict[str, Callable[[Any], Any]]] = {"revision": int, "voided": _voided}


class _Rejects:
    """The file of bad rows: line, reason, the row as it was. Made when the first one comes; an old one goes away."""

    def __init__(self, path: Path) -> None:
        self.path, self.file = path, None
        self.path.unlink(missing_ok=True)

    file: Any

    def write(self, bad: list[Bad]) -> None:
        if not bad:
            return
        try:
            if self.file is None:
                self.file = self.path.open("w", encoding="utf-8", newline="")
                csv.writer(self.file).writerow(["row", "reason", "content"])
        except OSError as error:
            raise FileError(
                _(
                    "%(path)s cannot be written: %(error)s. Put the file where bad rows can be listed beside it."
                )
                % {"path": self.path, "error": error.strerror}
            ) from None
        csv.writer(self.file).writerows([row.number, reason, row.raw[:MAX_SHOWN]] for row, reason in bad)
        self.file.flush()

    def close(self) -> None:
        if self.file is not None:
            self.file.close()
