"""Adding, changing and removing endpoints, and their secrets."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Final

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import Account, Deed, User
from billing.webhooks import targets
from billing.webhooks.actions.keeping import keep
from billing.webhooks.actions.switching import switch_off, switch_on
from billing.webhooks.errors import WebhookError
from billing.webhooks.models import Endpoint, EventType, Secret
from billing.webhooks.sealing import as_text, new_key, seal

MOST: Final = 20
"""Endpoints of one account, and of the installation."""
OLD_SECRET_FOR: Final = timedelta(hours=24)
# Signatures that a delivery bears at most, if secrets are replaced again and again within a day.
_MOST_SECRETS: Final = 4
_LONGEST_DESCRIPTION: Final = 200


@transaction.atomic
def add_endpoint(
    account: Account | None,
    url: str,
    types: Iterable[str] = EventType.values,
    description: str = "",
    *,
    by: User | None = None,
) -> tuple[Endpoint, str]:
    """A new endpoint and its secret, which is shown once. No account: it hears of every account's facts.

    Raises `WebhookError`. Resolves the host, so it may take some seconds.
    """
    checked = targets.check(url, installation=account is None)
    if account is not None:
        Account.objects.select_for_update(no_key=True).get(pk=account.pk)
    if Endpoint.objects.filter(account=account).count() >= MOST:
        raise WebhookError(
            "conflict", "", _("There are %s webhooks already: remove one that is not used.") % MOST
        )
    endpoint = Endpoint.objects.create(
        account=account,
        url=checked,
        types=read_types(types),
        description=_description(description),
        created_by=by,
    )
    keep(endpoint, Deed.WEBHOOK_ADDED, by=by)
    return endpoint, _new_secret(endpoint)


@transaction.atomic
def change_endpoint(
    endpoint: Endpoint,
    *,
    url: str | None = None,
    types: Iterable[str] | None = None,
    description: str | None = None,
    active: bool | None = None,
) -> Endpoint:
    """Set what is given; what waits goes to the new address. Raises `WebhookError`."""
    checked = None if url is None else targets.check(url, installation=endpoint.account_id is None)
    found = locked(endpoint)
    before = _said(found)
    if checked is not None:
        found.url = checked
    if types is not None:
        found.types = read_types(types)
    if description is not None:
        found.description = _description(description)
    found.save(update_fields=["url", "types", "description"])
    if _said(found) != before:
        keep(found, Deed.WEBHOOK_CHANGED, before=before, after=_said(found))
    if active is not None and active == bool(found.off):
        if active:
            switch_on(found)
        else:
            switch_off(found, Endpoint.Off.BY_HAND)
    return found


@transaction.atomic
def remove_endpoint(endpoint: Endpoint) -> None:
    """Remove it with its secrets and the record of its deliveries."""
    found = Endpoint.objects.select_for_update().get(pk=endpoint.pk)
    keep(found, Deed.WEBHOOK_REMOVED)
    found.delete()


@transaction.atomic
def rotate_secret(endpoint: Endpoint) -> str:
    """A new secret, shown once. The one before signs beside it for 24 hours, so that a receiver may change over."""
    keep(locked(endpoint), Deed.WEBHOOK_SECRET)
    now = timezone.now()
    secrets = Secret.objects.filter(endpoint=endpoint)
    secrets.filter(expires_at__lte=now).delete()
    secrets.filter(expires_at=None).update(expires_at=now + OLD_SECRET_FOR)
    kept = secrets.order_by("-expires_at").values_list("pk", flat=True)[: _MOST_SECRETS - 1]
    secrets.exclude(pk__in=list(kept)).delete()
    return _new_secret(endpoint)


def read_types(given: Iterable[str]) -> list[str]:
    """Types of events, each once, in the order of `EventType`. Raises `WebhookError`."""
    chosen = set(given)
    unknown = sorted(chosen - set(EventType.values))
    if unknown or not chosen:
        raise WebhookError("invalid", "types", _("Choose at least one of %s.") % ", ".join(EventType.values))
    return [name for name in EventType.values if name in chosen]


def locked(endpoint: Endpoint) -> Endpoint:
    """The row as it is now, locked: before its deliveries, in all that changes both."""
    rows = Endpoint.objects.select_for_update(no_key=True, of=("self",)).select_related("account")
    return rows.get(pk=endpoint.pk)


def _said(endpoint: Endpoint) -> dict[str, object]:
    return {"url": endpoint.url, "types": list(endpoint.types), "description": endpoint.description}


def _description(text: str) -> str:
    if len(text) > _LONGEST_DESCRIPTION:
        raise WebhookError("invalid", "description", _("Write at most %s characters.") % _LONGEST_DESCRIPTION)
    return text


def _new_secret(endpoint: Endpoint) -> str:
    key = new_key()
    Secret.objects.create(endpoint=endpoint, account_id=endpoint.account_id, sealed=seal(key))
    return as_text(key)
