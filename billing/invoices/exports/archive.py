"""Documents as one ZIP, written while it is sent: a PDF each, and the electronic invoice where there can be one."""

import io
from collections.abc import Iterator
from functools import partial
from typing import Final
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile, ZipInfo
from zoneinfo import ZoneInfo

from django.db import close_old_connections, connection

from billing.invoices.einvoice import invoice_cii, is_representable
from billing.invoices.exports.reading import Chosen, documents, read_now
from billing.invoices.models import Invoice
from billing.invoices.pdf import invoice_pdf

READABLE: Final = 0o100644 << 16
"""Mode of a plain file that all may read, where `ZipInfo.external_attr` keeps it."""


class Outlet(io.RawIOBase):
    """A file that can only be written and not gone back in; `taken` gives what was written since it was last asked."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, data: "bytes | bytearray | memoryview") -> int:  # type: ignore[override]
        self._parts.append(bytes(data))
        return len(data)

    def taken(self) -> bytes:
        parts, self._parts = self._parts, []
        return b"".join(parts)


def archive(chosen: Chosen) -> Iterator[bytes]:
    """The file, a document at a time. A PDF that was never asked for is rendered now, and kept."""
    outlet = Outlet()
    with ZipFile(outlet, "w") as zipped:
        for invoice in documents(chosen):
            _add(zipped, invoice, "pdf", _pdf(invoice), ZIP_STORED)
            if is_representable(invoice.currency):
                cii = read_now(chosen.account, partial(invoice_cii, invoice))
                _add(zipped, invoice, "xml", cii, ZIP_DEFLATED)
            yield outlet.taken()
    yield outlet.taken()


def _pdf(invoice: Invoice) -> bytes:
    """It opens scopes of its own, lest a transaction waits for a rendering."""
    try:
        return invoice_pdf(invoice)
    finally:
        if not connection.in_atomic_block:
            close_old_connections()


def _add(zipped: ZipFile, invoice: Invoice, suffix: str, content: bytes, compression: int) -> None:
    """Dated by its issue, so that the same documents make the same file."""
    issued = invoice.issued_at.astimezone(ZoneInfo(invoice.snapshot["timezone"]))
    entry = ZipInfo(f"{invoice.number}.{suffix}", issued.timetuple()[:6])
    entry.compress_type, entry.external_attr = compression, READABLE
    zipped.writestr(entry, content)
