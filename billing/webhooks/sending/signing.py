"""The headers of Standard Webhooks: who, when, and HMAC-SHA256 over `id.timestamp.body` for each secret in force."""

import base64
import hashlib
import hmac
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID


def signed_headers(message_id: UUID, body: bytes, keys: Sequence[bytes], at: datetime) -> dict[str, str]:
    """Headers for one try at `at`; the id is the same on every try. `keys`: the secret, and those it replaces."""
    timestamp = str(int(at.timestamp()))
    signed = b".".join((str(message_id).encode(), timestamp.encode(), body))
    return {
        "webhook-id": str(message_id),
        "webhook-timestamp": timestamp,
        "webhook-signature": " ".join(_signature(key, signed) for key in keys),
    }


def _signature(key: bytes, signed: bytes) -> str:
    return "v1," + base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()
