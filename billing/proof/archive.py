"""The archive: its parts, their hashes, and reading one that anybody may have made.

Nothing is unpacked: parts have fixed names, are read as streams, and never more of one than it may have.
"""

import hashlib
import json
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, Final

from billing.proof.reading import Fields, NotAProof, json_value

MANIFEST: Final = "manifest.json"
INVOICE: Final = "invoice.json"
TERMS: Final = "terms.json"
RULES: Final = "rules.json"
EVENTS: Final = "events.ndjson"
PARTS: Final = (INVOICE, TERMS, RULES, EVENTS)
"""In the archive's order, before the manifest."""

FORMAT: Final = "plainbill-proof/1"

MAX_DOCUMENT: Final = 64 * 2**20
"""Bytes of a part that is read as a whole."""

MAX_EVENTS: Final = 2**40
"""Bytes of all events; they are read line by line."""

MAX_RATIO: Final = 250
"""How many times larger than in the archive a part may be. Events are ten to sixty times larger."""

_CHUNK: Final = 2**20
_PLAIN: Final = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)


def canonical(value: Any) -> bytes:
    """JSON as a proof writes it: the same value gives the same bytes."""
    return (json.dumps(value, ensure_ascii=False, indent=1) + "\n").encode()


def manifest(number: str, hashes: Mapping[str, tuple[int, str]]) -> dict[str, Any]:
    """`hashes`: part -> bytes and SHA-256."""
    return {
        "format": FORMAT,
        "invoice": number,
        "parts": [{"name": name, "bytes": hashes[name][0], "sha256": hashes[name][1]} for name in PARTS],
        "sha256": whole({name: sha for name, (_, sha) in hashes.items()}),
    }


def whole(hashes: Mapping[str, str]) -> str:
    """The SHA-256 of all parts together: of what `sha256sum` writes for them, in the archive's order."""
    return hashlib.sha256("".join(f"{hashes[name]}  {name}\n" for name in PARTS).encode()).hexdigest()


class Archive:
    """A proof that was opened; `sha256` stands for the whole of it."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive
        self._members = _members(archive)
        found = {name: self._hash(name) for name in PARTS}
        written = self._read(MANIFEST)
        number = Fields(json_value(written, MANIFEST), MANIFEST).text("invoice")
        if written != canonical(manifest(number, found)):
            raise NotAProof(f"{self._changed(written, found)} was changed after the proof was made.")
        self.number, self.sha256 = number, whole({name: sha for name, (_, sha) in found.items()})

    def document(self, name: str) -> Any:
        """The JSON of a part."""
        return json_value(self._read(name), name)

    def lines(self, name: str, longest: int) -> Iterator[bytes]:
        """The lines of a part, without their ends."""
        with self._open(name) as part:
            while line := part.readline(longest + 1):
                if len(line) > longest or not line.endswith(b"\n"):
                    raise NotAProof(f"{name} has a line that is too long, or breaks off.")
                yield line[:-1]

    def _read(self, name: str) -> bytes:
        with self._open(name) as part:
            return part.read(MAX_DOCUMENT)

    def _hash(self, name: str) -> tuple[int, str]:
        digest, size = hashlib.sha256(), 0
        with self._open(name) as part:
            while chunk := part.read(_CHUNK):
                size += len(chunk)
                digest.update(chunk)
        return size, digest.hexdigest()

    @contextmanager
    def _open(self, name: str) -> Iterator[IO[bytes]]:
        try:
            with self._archive.open(self._members[name]) as part:
                yield part
        except (zipfile.BadZipFile, EOFError, OSError, RuntimeError, NotImplementedError) as error:
            raise NotAProof(f"{name} cannot be read: the archive is damaged.") from error
        except Exception as error:
            if type(error).__module__ != "zlib":
                raise
            raise NotAProof(f"{name} cannot be read: the archive is damaged.") from error

    def _changed(self, written: bytes, found: Mapping[str, tuple[int, str]]) -> str:
        """The first part whose hash is not that of the manifest; else the manifest itself."""
        parts = Fields(json_value(written, MANIFEST), MANIFEST).children("parts")
        told = {part.text("name"): part.text("sha256") for part in parts}
        return next((name for name in PARTS if told.get(name, "") != found[name][1]), MANIFEST)


@contextmanager
def opened(path: Path) -> Iterator[Archive]:
    """The proof at `path`. Raises `NotAProof`."""
    try:
        archive = zipfile.ZipFile(path)
    except FileNotFoundError:
        raise NotAProof("there is no such file.") from None
    except (OSError, ValueError, zipfile.BadZipFile, RuntimeError, NotImplementedError) as error:
        raise NotAProof("it is no ZIP archive.") from error
    with archive:
        yield Archive(archive)


def _members(archive: zipfile.ZipFile) -> dict[str, zipfile.ZipInfo]:
    found = archive.infolist()
    names = [one.filename for one in found]
    for name in (*PARTS, MANIFEST):
        if name not in names:
            raise NotAProof(f"{name} is missing in it.")
    if names != [*PARTS, MANIFEST]:
        raise NotAProof(f"it holds other files than {', '.join((*PARTS, MANIFEST))}.")
    for one in found:
        highest = MAX_EVENTS if one.filename == EVENTS else MAX_DOCUMENT
        if one.flag_bits & 1 or one.compress_type not in _PLAIN:
            raise NotAProof(f"{one.filename} is encrypted, or packed in an unusual way.")
        if one.file_size > highest or one.file_size > MAX_RATIO * one.compress_size + _CHUNK:
            raise NotAProof(f"{one.filename} would be {one.file_size} bytes: that is no proof.")
    return {one.filename: one for one in found}
