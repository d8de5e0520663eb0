"""Each text field of the product, and how a text that would be markup gets into it, or why none can.

Every such text ends with a tag of its own, so that a page that shows it can be told to show just this field.
"""

from typing import Final

MARKUPS: Final = (
    '"><img src=x onerror=alert(1)>',
    "javascript:alert(1)//<script>alert(1)</script>",
    "'-alert(1)-'<svg onload=alert(1)>",
    "{{7*7}}${7*7}<b onclick=alert(1)>",
)
SHORT: Final = "<svg onload=a()>"
"""For fields of 20 characters."""

PORTAL, ADMIN, NOWHERE = "portal", "admin", "nowhere"

WRITTEN: Final = {
    "accounts.User.email": PORTAL,
    "accounts.User.name": PORTAL,
    "accounts.Account.name": PORTAL,
    "accounts.Account.email": PORTAL,
    "accounts.Account.tax_code": ADMIN,
    "accounts.Account.line1": PORTAL,
    "accounts.Account.line2": PORTAL,
    "accounts.Account.postcode": PORTAL,
    "accounts.Account.city": PORTAL,
    "accounts.Account.legal_id": PORTAL,
    "accounts.Account.purchase_order": PORTAL,
    "accounts.Invitation.email": PORTAL,
    "accounts.Invitation.name": PORTAL,
    "accounts.Invitation.error": NOWHERE,
    "accounts.ApiKey.name": PORTAL,
    "accounts.IdempotentRequest.endpoint": NOWHERE,
    "accounts.IdempotentRequest.key": NOWHERE,
    "accounts.IdempotentRequest.answer": NOWHERE,
    "limits.LimitVersion.note": PORTAL,
    "limits.Alert.recipients": PORTAL,
    "limits.Alert.error": PORTAL,
    "limits.Drill.recipients": PORTAL,
    "limits.Drill.error": PORTAL,
    "limits.Reservation.dimensions": NOWHERE,
    "limits.Reservation.source": NOWHERE,
    "limits.Reservation.event_id": NOWHERE,
    "plans.Meter.name": PORTAL,
    "plans.Meter.unit": PORTAL,
    "plans.Meter.event_type": PORTAL,
    "plans.Meter.value": PORTAL,
    "plans.Meter.dimensions": PORTAL,
    "plans.Meter.footprint": ADMIN,
    "plans.TaxRate.name": PORTAL,
    "plans.PlanVersion.name": PORTAL,
    "plans.Charge.where": PORTAL,
    "plans.PendingLine.description": PORTAL,
    "plans.PendingLine.detail": ADMIN,
    "invoices.Invoice.snapshot": PORTAL,
    "invoices.ParkedAccount.error": ADMIN,
    "invoices.Payment.method": ADMIN,
    "invoices.Payment.reference": ADMIN,
    "invoices.LedgerTransaction.reference": ADMIN,
    "payments.Notice.recipients": ADMIN,
    "payments.Notice.error": ADMIN,
    "payments.Hold.question": ADMIN,
    "payments.Payer.reference": ADMIN,
    "payments.Card.reference": ADMIN,
    "payments.Card.brand": ADMIN,
    "payments.Attempt.reference": ADMIN,
    "payments.Attempt.code": ADMIN,
    "payments.Attempt.words": ADMIN,
    "webhooks.Endpoint.description": PORTAL,
    "usage.Event.source": PORTAL,
    "usage.Event.event_id": PORTAL,
    "usage.Event.data": PORTAL,
    "usage.QuarantinedEvent.subject": ADMIN,
    "usage.QuarantinedEvent.source": ADMIN,
    "usage.QuarantinedEvent.event_id": ADMIN,
    "usage.QuarantinedEvent.type": ADMIN,
    "usage.QuarantinedEvent.body": ADMIN,
    "usage.QuarantinedEvent.error": ADMIN,
}
"""Where the text of the field is shown: the portal's pages, only the admin's, or none."""

COPIED: Final = {
    "accounts.Activity.by_name": "accounts.User.name",
    "accounts.Activity.by_email": "accounts.User.email",
    "accounts.Activity.details": "accounts.Invitation.name",
    "plans.Meter.priced_dimensions": "plans.Meter.dimensions",
    "plans.PlanVersion.terms": "plans.PlanVersion.name",
    "invoices.InvoiceLine.description": "plans.Meter.name",
    "invoices.InvoiceLine.unit": "plans.Meter.unit",
    "invoices.InvoiceLine.detail": "plans.PlanVersion.name",
    "invoices.LedgerTransaction.posted_by": "accounts.User.email",
    "usage.Event.type": "plans.Meter.event_type",
    "usage.EventRow.key": "usage.Event.source",
    "usage.EventRow.source": "usage.Event.source",
    "usage.EventRow.event_id": "usage.Event.event_id",
    "usage.EventRow.type": "plans.Meter.event_type",
    "usage.EventRow.data": "usage.Event.data",
    "usage.RollupShape.event_type": "plans.Meter.event_type",
    "usage.RollupShape.value": "plans.Meter.value",
    "usage.RollupShape.dimensions": "plans.Meter.dimensions",
    "usage.RollupShape.ready": "plans.Meter.dimensions",
    "usage.DayTotal.dimensions": "plans.Charge.where",
    "usage.DayLevel.dimensions": "plans.Charge.where",
    "usage.DayLevel.last_source": "usage.Event.source",
    "usage.DayLevel.last_event_id": "usage.Event.event_id",
}
"""The field whose text the product copies there."""

_CODE = "a code: letters, digits and . _ : - only"
_LISTED = "one of a list"
_OURS = "made by the product"
NEVER: Final = {
    "accounts.User.password": "a hash",
    "accounts.User.language": "a language that the product has",
    "accounts.Account.code": _CODE,
    "accounts.Account.currency": _LISTED,
    "accounts.Account.timezone": _LISTED,
    "accounts.Account.locale": _LISTED,
    "accounts.Account.country": _LISTED,
    "accounts.Account.tax_id": "letters and digits: accounts/validators.py",
    "accounts.Membership.role": _LISTED,
    "accounts.Membership.mails": _LISTED,
    "accounts.Invitation.role": _LISTED,
    "accounts.PortalLink.path": "signs of an address only: accounts/portal_links.py",
    "accounts.ApiKey.prefix": _OURS,
    "accounts.ApiKey.scopes": _LISTED,
    "accounts.Activity.deed": _LISTED,
    "accounts.Activity.by": _LISTED,
    "limits.LimitVersion.action": _LISTED,
    "limits.LimitVersion.thresholds": "whole numbers",
    "limits.Reservation.limits": _OURS,
    "limits.Reservation.charges": "codes and amounts",
    "plans.Meter.code": _CODE,
    "plans.Meter.unit_code": "three characters",
    "plans.Meter.aggregation": _LISTED,
    "plans.TaxRate.code": _CODE,
    "plans.TaxRate.country": _LISTED,
    "plans.TaxRate.category": _LISTED,
    "plans.Coupon.code": _CODE,
    "plans.Coupon.currency": _LISTED,
    "plans.Plan.code": _CODE,
    "plans.PlanVersion.currency": _LISTED,
    "plans.PlanVersion.interval": _LISTED,
    "plans.PlanVersion.tax": _CODE,
    "plans.PlanVersion.digest": "a hash",
    "plans.Charge.code": _CODE,
    "plans.Charge.model": _LISTED,
    "plans.Charge.terms": "keys of the catalogue file and decimals",
    "plans.Subscription.anchor": _LISTED,
    "plans.Period.timezone": _LISTED,
    "plans.PendingLine.kind": _LISTED,
    "plans.PendingLine.tax": _CODE,
    "invoices.Series.code": "the operator's",
    "invoices.Invoice.kind": _LISTED,
    "invoices.Invoice.series": "the operator's",
    "invoices.Invoice.number": "the operator's series and a number",
    "invoices.Invoice.currency": _LISTED,
    "invoices.InvoiceLine.kind": _LISTED,
    "invoices.InvoiceLine.charge": _CODE,
    "invoices.InvoiceLine.meter": _CODE,
    "invoices.InvoiceLine.tiers": "amounts",
    "invoices.InvoiceLine.tax_code": _CODE,
    "invoices.InvoiceLine.tax_category": _LISTED,
    "invoices.LedgerTransaction.kind": _LISTED,
    "invoices.LedgerEntry.book": _LISTED,
    "payments.Notice.kind": _LISTED,
    "payments.Payer.provider": _OURS,
    "payments.Card.last4": "four characters",
    "payments.Attempt.state": _LISTED,
    "webhooks.Endpoint.url": "an address of http or https, percent-encoded: billing/webhooks/targets.py",
    "webhooks.Endpoint.types": _LISTED,
    "webhooks.Endpoint.off": _LISTED,
    "webhooks.Message.type": _LISTED,
    "webhooks.Message.fact": "a key of a row or a number",
    "webhooks.Delivery.error": _LISTED,
    "usage.RollupShape.aggregation": _LISTED,
    "usage.RollupZone.timezone": _LISTED,
    "usage.DayHours.timezone": _LISTED,
    "usage.DayHours.hours": "numbers",
    "usage.QuarantinedEvent.reason": _LISTED,
}
"""Why no such text can be in the field."""

PLACES: Final = {name: place for place, name in enumerate(WRITTEN)}
MAIL: Final = ("accounts.User.email", "accounts.Account.email", "accounts.Invitation.email")


def tag(field: str) -> str:
    return f"z{PLACES[field]:02}"


def text(field: str, most: int = 200) -> str:
    """What is written into `field`, of at most so many characters: markup, then the tag. In a mail address it is
    quoted (RFC 5321, 4.1.2).
    """
    if field in MAIL:
        return f'"<svg/onload=alert(1)>{tag(field)}"@hostile.example'
    markup = MARKUPS[PLACES[field] % len(MARKUPS)]
    return (markup if len(markup) + 3 <= most else SHORT) + tag(field)
