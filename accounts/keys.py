"""Making and checking API keys: `pb_<prefix>_<secret>`, of which only the prefix and a SHA-256 are kept."""

import hashlib
import hmac
import re
import secrets
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from accounts.activity import record
from accounts.models import Account, ApiKey, Deed, User

SCOPES = ("ingest", "read", "manage")
_SHAPE = re.compile(r"pb_([a-z0-9]{12})_[A-Za-z0-9_-]{43}\Z")
LAST_USED_EVERY = timedelta(minutes=1)
_ALPHABET = "abcdefghijklmnopqrstuvwxyz0123456789"


def create_key(
    name: str,
    scopes: list[str],
    account: Account | None = None,
    *,
    expires_at: datetime | None = None,
    by: User | None = None,
) -> tuple[ApiKey, str]:
    """A new key and its text, which is shown once and cannot be read again. No account: an installation key."""
    unknown = sorted(set(scopes) - set(SCOPES))
    if unknown or not scopes:
        raise ValueError(f"scopes: use some of {', '.join(SCOPES)}; got {scopes!r}")
    prefix = "".join(secrets.choice(_ALPHABET) for _ in range(12))
    text = f"pb_{prefix}_{secrets.token_urlsafe(32)}"
    key = ApiKey.objects.create(
        account=account,
        name=name,
        prefix=prefix,
        digest=_digest(text),
        scopes=scopes,
        expires_at=expires_at,
        created_by=by,
    )
    return key, text


@transaction.atomic
def make_key(
    account: Account, name: str, scopes: list[str], expires_at: datetime | None, by: User
) -> tuple[ApiKey, str]:
    """A key of the account, made by one of its people, and its text."""
    key, text = create_key(name, scopes, account, expires_at=expires_at, by=by)
    record(account, Deed.KEY_MADE, by=by, **_told(key))
    return key, text


@transaction.atomic
def replace_key(key: ApiKey, until: datetime, by: User) -> tuple[ApiKey, str] | None:
    """Another key of the same name, scopes and length of life, and its text; the old one is in force `until` then.

    None where the key is not in force any more.
    """
    now = timezone.now()
    old = ApiKey.objects.select_for_update(of=("self",)).select_related("account").get(pk=key.pk)
    if old.account is None or not in_force(old, now):
        return None
    life = old.expires_at and now + (old.expires_at - old.created_at)
    new, text = create_key(old.name, old.scopes, old.account, expires_at=life, by=by)
    old.expires_at = min(until, old.expires_at or until)
    old.save(update_fields=["expires_at"])
    record(old.account, Deed.KEY_REPLACED, by=by, **_told(new), old=old.prefix, until=old.expires_at)
    return new, text


@transaction.atomic
def revoke_key(key: ApiKey, by: User) -> None:
    """From now on it opens nothing; nothing to do where it is revoked."""
    changed = ApiKey.objects.filter(pk=key.pk, revoked_at=None).update(revoked_at=timezone.now())
    if changed and key.account is not None:
        record(key.account, Deed.KEY_REVOKED, by=by, **_told(key))


def in_force(key: ApiKey, now: datetime) -> bool:
    """Neither revoked nor expired."""
    return key.revoked_at is None and (key.expires_at is None or key.expires_at > now)


def _told(key: ApiKey) -> dict[str, object]:
    """As the record of who changed what names the key."""
    return {"name": key.name, "prefix": key.prefix, "scopes": key.scopes}


def find_key(text: str, now: datetime) -> ApiKey | None:
    """The live key that `text` is, or None: unknown, revoked and expired look alike."""
    match = _SHAPE.match(text)
    key = match and ApiKey.objects.select_related("account").filter(prefix=match[1]).first()
    if not key or not hmac.compare_digest(bytes(key.digest), _digest(text)):
        return None
    return key if in_force(key, now) else None


def note_use(key: ApiKey, now: datetime) -> None:
    """Keep `last_used_at` true to the minute: at most one small write a minute, whoever else is asking."""
    if key.last_used_at is not None and now - key.last_used_at < LAST_USED_EVERY:
        return
    stale = Q(last_used_at=None) | Q(last_used_at__lt=now - LAST_USED_EVERY)
    ApiKey.objects.filter(stale, id=key.id).update(last_used_at=now)
    key.last_used_at = now


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()
