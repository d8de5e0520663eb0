"""Who changed which webhook, for the account's record; the installation's own belong to no account."""

from typing import Any

from accounts.activity import record
from accounts.models import Deed, User
from billing.webhooks.models import Endpoint


def keep(endpoint: Endpoint, deed: Deed, *, by: User | None = None, **details: Any) -> None:
    if endpoint.account_id is not None:
        record(endpoint.account_id, deed, by=by, webhook=str(endpoint.pk), url=endpoint.url, **details)
