"""Whatever a test of this folder issued, its exports must agree with: every world is one more case for them."""

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
