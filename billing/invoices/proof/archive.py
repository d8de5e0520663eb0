"""Writing a proof: a ZIP archive with the same bytes each time, in memory that does not grow with the events."""

import hashlib
import json
import zipfile
from collections.abc import Iterable, Iterator
from itertools import batched
from tempfile import TemporaryFile
from typing import IO, Final

from billing.invoices.evidence import Stored, events_behind
from billing.invoices.models import Invoice
from billing.invoices.proof.checking import Parts, parts_of, priced_periods
from billing.pricing.dates import utc
from billing.proof.archive import EVENTS, INVOICE, MANIFEST, RULES, TERMS, canonical, manifest

LEVEL: Final = 6
BATCH: Final = 200
"""Events written at once."""

_encoded: Final = json.JSONEncoder(ensure_ascii=False).encode
_EPOCH: Final = (1980, 1, 1, 0, 0, 0)
"""The earliest time that a ZIP archive can tell: the same in every download."""

_UNIX: Final = 3
_READABLE: Final = 0o644 << 16


def proof_file(invoice: Invoice) -> IO[bytes]:
    """The proof of a document in a file that goes when it is closed, at its beginning. Inside the account's scope.

    It is written whole before the first byte is sent, so that who downloads slowly holds no connection of the database.
    """
    file = TemporaryFile()  # noqa: SIM115  (the caller sends it)
    try:
        _write(file, invoice, parts_of(invoice))
        file.seek(0)
    except BaseException:
        file.close()
        raise
    return file


def _write(file: IO[bytes], invoice: Invoice, parts: Parts) -> None:
    stored = events_behind(invoice.account_id, priced_periods(parts.proof()), invoice.priced_at)
    contents: dict[str, Iterable[bytes]] = {
        INVOICE: [canonical(parts.invoice)],
        TERMS: [canonical(parts.terms)],
        RULES: [canonical(parts.rules)],
        EVENTS: _lines(stored),
    }
    hashes: dict[str, tuple[int, str]] = {}
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=LEVEL) as archive:
        for name, content in contents.items():
            hashes[name] = _member(archive, name, content)
        _member(archive, MANIFEST, [canonical(manifest(invoice.number, hashes))])


def _member(archive: zipfile.ZipFile, name: str, content: Iterable[bytes]) -> tuple[int, str]:
    """Its bytes and SHA-256."""
    info = zipfile.ZipInfo(name, _EPOCH)
    info.compress_type, info.create_system, info.external_attr = zipfile.ZIP_DEFLATED, _UNIX, _READABLE
    digest, size = hashlib.sha256(), 0
    with archive.open(info, "w", force_zip64=True) as member:
        for part in content:
            digest.update(part)
            size += len(part)
            member.write(part)
    return size, digest.hexdigest()


def _lines(events: Iterable[Stored]) -> Iterator[bytes]:
    """Many at a time: each call of the packer costs more than a line."""
    for some in batched(events, BATCH, strict=False):
        yield "".join(map(_line, some)).encode()


def _line(event: Stored) -> str:
    head = {
        "time": utc(event.time),
        "received_at": utc(event.received_at),
        "source": event.source,
        "id": event.id,
        "type": event.type,
        "revision": event.revision,
    }
    written = _encoded(head)
    return f'{written[:-1]}, "data": {event.data}}}\n'
