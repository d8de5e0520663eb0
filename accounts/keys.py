"""Making and checking API keys: `pb_<prefix>_<secret>`, of which only the prefix and a SHA-256 are kept."""

import hashlib
import hmac
import re
import secrets
from datetime import datetime, timedelta

from django.db.models import Q

from accounts.models import Account, ApiKey

SCOPES = ("ingest", "read", "manage")
_SHAPE = re.compile(r"pb_([a-z0-9]{12})_[A-Za-z0-9_-]{43}\Z")
LAST_USED_EVERY = timedelta(minutes=1)
_ALPHABET = "abcdefghijklmnopqrstuvwxyz0123456789"


def create_key(name: str, scopes: list[str], account: Account | None = None) -> tuple[ApiKey, str]:
    """A new key and its text, which is shown once and cannot be read again. No account: an installation key."""
    unknown = sorted(set(scopes) - set(SCOPES))
    if unknown or not scopes:
        raise ValueError(f"scopes: use some of {', '.join(SCOPES)}; got {scopes!r}")
    prefix = "".join(secrets.choice(_ALPHABET) for _ in range(12))
    text = f"pb_{prefix}_{secrets.token_urlsafe(32)}"
    key = ApiKey.objects.create(
        account=account, name=name, prefix=prefix, digest=_digest(text), scopes=scopes
    )
    return key, text


def find_key(text: str, now: datetime) -> ApiKey | None:
    """The live key that `text` is, or None: unknown, revoked and expired look alike."""
    match = _SHAPE.match(text)
    key = match and ApiKey.objects.select_related("account").filter(prefix=match[1]).first()
    if not key or not hmac.compare_digest(bytes(key.digest), _digest(text)):
        return None
    if key.revoked_at is not None or (key.expires_at is not None and key.expires_at <= now):
        return None
    return key


def note_use(key: ApiKey, now: datetime) -> None:
    """Keep `last_used_at` true to the minute: at most one small write a minute, whoever else is asking."""
    if key.last_used_at is not None and now - key.last_used_at < LAST_USED_EVERY:
        return
    stale = Q(last_used_at=None) | Q(last_used_at__lt=now - LAST_USED_EVERY)
    ApiKey.objects.filter(stale, id=key.id).update(last_used_at=now)
    key.last_used_at = now


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()
