"""The codes of problems: what each means and the status that carries it. Shown at /api/docs/problems/."""

from typing import Final

from rest_framework import exceptions

from billing.plans.errors import PlanError

STATUS_OF_KIND: Final = {"invalid": 400, "forbidden": 403, "conflict": 409}
"""Of the errors that billing's actions raise."""

MEANINGS: dict[str, tuple[int, str]] = {
    "invalid": (400, "A field or a parameter cannot be used; `errors` names each one and how to mend it."),
    "malformed": (400, "The body cannot be read as the media type that it claims to be."),
    "unauthorized": (
        401,
        "No key, or one that is unknown, revoked or expired. Send Authorization: Bearer KEY.",
    ),
    "forbidden": (403, "The key's scopes do not allow the call, or it needs an installation key."),
    "not_found": (404, "Nothing here, or nothing that this key may see."),
    "method_not_allowed": (405, "The address does not know this method; Allow lists those it knows."),
    "request_timeout": (408, "The body came too slowly. Send it at once."),
    "conflict": (409, "The state of things does not allow it now, such as a code that is taken."),
    "quote_changed": (409, "The quote no longer holds; `quote` and `lines` are what would be charged now."),
    "length_required": (411, "Send Content-Length: a body in chunks is taken by POST /events only."),
    "gone": (410, "It has expired."),
    "too_large": (413, "The body is larger than the call takes."),
    "unsupported_media_type": (415, "The body's media type is not one that the call takes."),
    "exceeds_reservation": (
        422,
        "The event does not fit what was reserved, and nothing was stored; `errors` says where. The reservation stays.",
    ),
    "not_a_member": (
        422,
        "The person is no member of the account, or one of the staff, and is not signed in.",
    ),
    "not_a_supply": (
        422,
        "The meter does not sum energy, gas or water, so there is no Green Button file of it.",
    ),
    "idempotency_key_reused": (422, "The Idempotency-Key was used with another body. Use a new one."),
    "too_many_requests": (429, "The key asks too often. Wait for as many seconds as Retry-After says."),
    "limit_reached": (
        429,
        "The usage would pass a spending limit: `limit_id`, `scope` (account or meter), `resets_at`, `raise_url`. Do "
        "not retry: it is lifted when the limit is raised there, or when the period ends, as Retry-After says.",
    ),
    "internal_error": (500, "A fault of ours. It is in the log, and nothing was changed."),
    "unavailable": (503, "The store does not answer now. Send the same request again after Retry-After."),
    "store_unavailable": (
        503,
        "The events could not be stored. Send the same events again, with the same ids.",
    ),
}

OF_DRF: Final[dict[type[exceptions.APIException], str]] = {
    exceptions.NotAuthenticated: "unauthorized",
    exceptions.AuthenticationFailed: "unauthorized",
    exceptions.PermissionDenied: "forbidden",
    exceptions.NotFound: "not_found",
    exceptions.MethodNotAllowed: "method_not_allowed",
    exceptions.ParseError: "malformed",
    exceptions.UnsupportedMediaType: "unsupported_media_type",
    exceptions.Throttled: "too_many_requests",
}


MEANINGS |= {
    error.code: (STATUS_OF_KIND[error.kind], str(error.__doc__))
    for error in PlanError.__subclasses__()
    if error.code not in MEANINGS
}


def status_of(code: str) -> int:
    """A code that is not listed is a refused value."""
    return MEANINGS.get(code, (400, ""))[0]
