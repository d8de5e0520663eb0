"""FOCUS 1.2 (FinOps Open Cost and Usage Specification) as CSV: what was billed, for FinOps tools."""

from collections.abc import Iterator

from billing.invoices.exports.cells import csv_rows
from billing.invoices.exports.focus.columns import COLUMNS
from billing.invoices.exports.focus.rows import cells_of, closing_rows, document_of, line_rows
from billing.invoices.exports.reading import Chosen, documents, line_pages

__all__ = ["focus_csv"]


def focus_csv(chosen: Chosen) -> Iterator[bytes]:
    """The file, a page of lines at a time."""
    yield csv_rows([COLUMNS])
    for invoice in documents(chosen):
        document = document_of(invoice)
        for lines in line_pages(invoice):
            yield csv_rows(cells_of(row, COLUMNS) for row in line_rows(document, lines))
        yield csv_rows(cells_of(row, COLUMNS) for row in closing_rows(document))
