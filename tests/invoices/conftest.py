"""Whatever a test of this folder issues, its proof must hold."""

from collections.abc import Iterator

import pytest


@pytest.fixture(autouse=True)
def _every_document_is_proven(request: pytest.FixtureRequest) -> Iterator[None]:
    yield
    if "db" not in request.fixturenames:
        return
    from accounts.scope import account_scope
    from billing.invoices.models import Invoice
    from billing.invoices.proof import check_invoice
    from billing.proof.report import report

    for invoice in Invoice.objects.order_by("priced_at"):
        with account_scope(invoice.account_id):
            found = check_invoice(invoice)
        assert not found.differences, "\n".join(report(found))
