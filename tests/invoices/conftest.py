"""Whatever a test of this folder issued, its exports agree with and its proof holds: every world is one more case."""

from collections.abc import Iterator
from typing import Final

import pytest

TAMPERING: Final = ("test_immutable", "test_verify")
"""These change issued rows behind the triggers' back, so nothing agrees."""


@pytest.fixture(autouse=True)
def _exports_agree(request: pytest.FixtureRequest, _installation_scope: None) -> Iterator[None]:
    yield
    if "db" not in request.fixturenames or request.module.__name__.endswith(TAMPERING):
        return
    from accounts.models import Account
    from tests.invoices.exports.checking import exports_hold

    for account in Account.objects.filter(invoices__isnull=False).distinct():
        exports_hold(account)


@pytest.fixture(autouse=True)
def _every_document_is_proven(request: pytest.FixtureRequest, _installation_scope: None) -> Iterator[None]:
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
