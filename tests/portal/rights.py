"""Who is answered what on every address of the site: the sweep's table (tests/portal/test_rights.py).

Kept by hand and apart from accounts/permissions.py, so that a slip there is found here. Keys of the API have a table
of their own (tests/api/calls.py).
"""

from dataclasses import dataclass
from enum import Enum
from typing import Final


class Reach(Enum):
    """Who gets through. A member whose role does not is told so (403); whoever is signed out is asked to sign in."""

    ANYONE = "anyone"
    SIGNED_IN = "signed in"  # pages about the person himself
    MEMBERS = "members"
    MONEY = "owner and billing"
    BUILDERS = "owner and developer"
    OWNERS = "owner"
    ABOUT = "owner, and the viewer, whom it is about"  # to others it is not there: 404
    TRIERS = "owner, billing and developer"
    KEYS = "keys"  # a session is no key: 401
    STREAM = "stream"  # members; asks nobody to sign in, as no person reads it


@dataclass(frozen=True, slots=True)
class Rule:
    """`get` and `post`; None: the method is not allowed. `own`: the address names something of the account, or needs
    a subscription or an invoice, which the outsider's is without.

    `off`: the methods that need what these tests are without, so that whoever gets through finds nothing.
    """

    get: Reach | None = None
    post: Reach | None = None
    own: bool = False
    off: str = ""


READ: Final = Rule(get=Reach.MEMBERS)
OWN: Final = Rule(get=Reach.MEMBERS, own=True)
PAY: Final = Rule(post=Reach.MONEY, off="GET POST")
BOTH: Final = Rule(get=Reach.SIGNED_IN, post=Reach.SIGNED_IN)
OPEN: Final = Rule(get=Reach.ANYONE, post=Reach.ANYONE)

PORTAL: Final[dict[str, Rule]] = {
    "overview": READ,
    "live": Rule(get=Reach.STREAM),
    "live_cards": READ,
    "switch": Rule(post=Reach.MEMBERS, own=True),
    "language": Rule(post=Reach.ANYONE),
    "usage": READ,
    "usage_csv": READ,
    "events": READ,
    "events_csv": READ,
    "event": OWN,
    "simulate": READ,
    "limits": READ,
    "limit_check": Rule(post=Reach.MONEY),
    "limit_confirm": Rule(post=Reach.MONEY),
    "limit_drill": Rule(post=Reach.TRIERS),
    "limit_receipt": OWN,
    "invoices": READ,
    "invoice": OWN,
    "invoice_pdf": OWN,
    "invoice_ubl": OWN,
    "invoice_cii": OWN,
    "invoice_check": OWN,
    "invoice_proof": OWN,
    "invoice_line": OWN,
    "verify_program": Rule(get=Reach.ANYONE),
    "upcoming": READ,
    "plan": READ,
    "plan_quote": Rule(get=Reach.MONEY),
    "plan_confirm": Rule(post=Reach.MONEY),
    "plan_take_back": Rule(get=Reach.MONEY, post=Reach.MONEY, own=True),
    "plan_cancel": Rule(get=Reach.MONEY, post=Reach.MONEY, own=True),
    "plan_coupon": Rule(post=Reach.MONEY),
    "plan_reactivate": Rule(get=Reach.MONEY, post=Reach.MONEY, own=True),
    "settings": READ,
    "details": Rule(get=Reach.MONEY, post=Reach.MONEY),
    "account_language": Rule(get=Reach.MONEY, post=Reach.MONEY),
    "notifications": Rule(get=Reach.MEMBERS, post=Reach.MEMBERS),
    "keys": Rule(get=Reach.BUILDERS),
    "key": Rule(get=Reach.BUILDERS, own=True),
    "key_new": Rule(get=Reach.BUILDERS, post=Reach.BUILDERS),
    "key_replace": Rule(get=Reach.BUILDERS, post=Reach.BUILDERS),  # asks who it is before it looks
    "key_revoke": Rule(get=Reach.BUILDERS, post=Reach.BUILDERS, own=True),
    "members": READ,
    "member": Rule(get=Reach.ABOUT, post=Reach.ABOUT, own=True),
    "member_invite": Rule(get=Reach.OWNERS, post=Reach.OWNERS),
    "invitation_change": Rule(post=Reach.OWNERS),  # the same
    "invitation": OPEN,
    "open": Rule(get=Reach.ANYONE),
    "sessions": READ,
    "session_end": Rule(post=Reach.MEMBERS),
    "activity": READ,
    "webhooks": Rule(get=Reach.MEMBERS, post=Reach.BUILDERS),
    "webhook": OWN,
    "webhook_act": Rule(post=Reach.BUILDERS, own=True),
    "webhook_again": Rule(post=Reach.BUILDERS, own=True),
    "payment": READ,
    "payment_act": PAY,
    "card_begin": PAY,
    "card_add": Rule(get=Reach.MONEY, off="GET POST"),
    "card_added": PAY,
    "invoice_pay": Rule(get=Reach.MONEY, post=Reach.MONEY, off="GET POST"),
    "invoice_paid": Rule(post=Reach.MONEY, own=True),
    "exports": READ,
    "invoices_zip": OWN,
    "accounting_csv": READ,
    "focus_csv": READ,
    "greenbutton": Rule(get=Reach.MEMBERS, off="GET"),
    "usage_export": READ,
}
"""Below /billing/, by name."""

SITE: Final[dict[str, Rule]] = {
    "": Rule(get=Reach.ANYONE, post=Reach.ANYONE),
    "healthz": OPEN,
    "readyz": OPEN,
    "theme_css": Rule(get=Reach.ANYONE, off="GET"),
    "brand_logo": Rule(get=Reach.ANYONE, off="GET"),
    "stripe_news": Rule(post=Reach.ANYONE, off="GET POST"),
    "openapi": Rule(get=Reach.ANYONE),
    "api-docs": Rule(get=Reach.ANYONE),
    "api-problems": Rule(get=Reach.ANYONE),
    "events": Rule(get=Reach.KEYS, post=Reach.KEYS),
    "account_login": OPEN,
    "account_logout": OPEN,
    "account_inactive": Rule(get=Reach.ANYONE),
    "account_signup": OPEN,
    "account_confirm_login_code": BOTH,
    "account_email_verification_sent": Rule(get=Reach.ANYONE),
    "account_confirm_email": Rule(get=Reach.ANYONE, post=Reach.ANYONE, off="POST"),
    "account_reset_password": OPEN,
    "account_reset_password_done": Rule(get=Reach.ANYONE),
    "account_reset_password_from_key": OPEN,
    "account_reset_password_from_key_done": Rule(get=Reach.ANYONE),
    "account_reauthenticate": BOTH,
    "account_email": OPEN,  # led on to the settings
    "account_change_password": BOTH,
    "account_set_password": BOTH,
    "usersessions_list": OPEN,  # led on to our own
    "mfa_index": Rule(get=Reach.SIGNED_IN),
    "mfa_authenticate": BOTH,
    "mfa_reauthenticate": BOTH,
    "mfa_activate_totp": BOTH,
    "mfa_deactivate_totp": Rule(get=Reach.SIGNED_IN, post=Reach.SIGNED_IN, off="GET POST"),
    "mfa_list_webauthn": Rule(get=Reach.SIGNED_IN),
    "mfa_add_webauthn": BOTH,
    "mfa_reauthenticate_webauthn": BOTH,
    "mfa_remove_webauthn": BOTH,  # asks who it is before it looks
    "mfa_edit_webauthn": BOTH,
    "mfa_login_webauthn": BOTH,  # led to the page for signing in, where the passkey is asked for
    "mfa_view_recovery_codes": Rule(get=Reach.SIGNED_IN, off="GET"),
    "mfa_generate_recovery_codes": BOTH,
    "mfa_download_recovery_codes": Rule(get=Reach.SIGNED_IN, post=Reach.SIGNED_IN, off="GET POST"),
}
"""Beside them, by name. A call of the API without a name is for keys."""

ADMIN: Final[dict[str, str]] = {
    "accounts.account": "vac",
    "accounts.activity": "v",
    "accounts.apikey": "vac",
    "accounts.user": "vac",
    "auth.group": "vacd",
    "invoices.invoice": "v",
    "invoices.ledgertransaction": "v",
    "invoices.parkedaccount": "v",
    "invoices.payment": "va",
    "limits.alert": "v",
    "limits.drill": "v",
    "limits.limitversion": "va",
    "limits.stop": "v",
    "payments.attempt": "v",
    "payments.card": "v",
    "payments.hold": "va",
    "payments.notice": "v",
    "payments.payer": "v",
    "plans.coupon": "vac",
    "plans.meter": "vac",
    "plans.pendingline": "vad",
    "plans.plan": "vac",
    "plans.planversion": "vac",
    "plans.redemption": "va",
    "plans.subscription": "va",
    "plans.taxrate": "vacd",
    "procrastinate.procrastinatejob": "v",
    "usage.eventrow": "v",
    "usage.quarantinedevent": "v",
    "webhooks.delivery": "v",
    "webhooks.endpoint": "v",
}
"""Staff's pages: what may be done with each table: "v" view, "a" add, "c" change, "d" delete."""
