"""Every environment variable of Plainbill, read in one place, each with a default and a reason.

The names are public (docs/operating.md). A value that makes no sense, or is unsafe in production, stops the start and
is told by name: see portal/checks.
"""

import os
from dataclasses import dataclass
from pathlib import Path

from portal.theme import Theme
from portal.variables import Variables

BASE_DIR = Path(__file__).resolve().parent.parent
env = Variables(os.environ)
UNREADABLE = env.unreadable


@dataclass(frozen=True)
class Seller:
    """Who issues the invoices; copied into each issued invoice, so a later change leaves old ones alone."""

    name: str
    address: str
    country: str
    vat_id: str
    legal_id: str
    iban: str
    bic: str


@dataclass(frozen=True)
class Stripe:
    """Cards are charged where `secret_key` is set. The addresses are Stripe's own, unless a test says otherwise."""

    secret_key: str
    publishable_key: str
    webhook_secret: str
    api_url: str
    js_url: str


# Where the embedded PostgreSQL, the secret key and generated files live when no server is named.
DATA_DIR = Path(env.str("DATA_DIR", default="") or BASE_DIR / ".data").expanduser().resolve()
# Unset: the embedded PostgreSQL under DATA_DIR. The role in it is used through plainbill_app (docs/adr/0002).
DATABASE_URL = env.str("DATABASE_URL", default="")
# The role that owns the tables and migrates, when DATABASE_URL names a role that does not.
DATABASE_OWNER_URL = env.str("DATABASE_OWNER_URL", default="")
# Connections that the server keeps open and shares among its requests; 0 (commands): one, for as long as it is used.
DATABASE_POOL_SIZE = env.int("DATABASE_POOL_SIZE", default=0, most=1_000)
# A second PostgreSQL for usage; unset: the same one.
USAGE_STORE_URL = env.str("USAGE_STORE_URL", default="")
# Off: development. On: secure cookies, https only, and no start on unsafe settings.
PRODUCTION = env.bool("PRODUCTION", default=False)
DEBUG = env.bool("DEBUG", default=False)
SECRET_KEY = env.str("SECRET_KEY", default="")
# Earlier keys, comma-separated: sessions signed and webhook secrets sealed under them stay good after a change.
SECRET_KEY_FALLBACKS = env.list("SECRET_KEY_FALLBACKS", default=[])
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]"])
# Links in mails and the API are made from this, never from the Host header.
SITE_URL = env.str("SITE_URL", default="http://localhost:8000").rstrip("/")
EMAIL_URL = env.str("EMAIL_URL", default="consolemail://")
EMAIL_FROM = env.str("EMAIL_FROM", default="billing@localhost")
# Days after its time at which an event in an invoiced period is still taken, as late usage.
LATE_DAYS = env.int("LATE_DAYS", default=35, most=366)
# Days for which raw events are kept that no invoice rests on: a year to look back on, and a month. Totals stay.
EVENT_RETENTION_DAYS = env.int("EVENT_RETENTION_DAYS", default=400, most=36_525)
# Years, after the one of the invoice, for which the raw events behind it are kept: accounting law's term (France: 10).
INVOICE_EVENTS_YEARS = env.int("INVOICE_EVENTS_YEARS", default=10, most=100)
# Days for which quarantined events are kept that wait, or that were replayed and so are events by now.
QUARANTINE_RETENTION_DAYS = env.int("QUARANTINE_RETENTION_DAYS", default=400, least=1, most=36_525)
# Hours between a period's end and its invoice, for events still on their way.
INVOICE_GRACE_HOURS = env.int("INVOICE_GRACE_HOURS", default=0, most=744)
PAYMENT_TERMS_DAYS = env.int("PAYMENT_TERMS_DAYS", default=14, most=366)
# Days after its due date on which an unpaid invoice is reminded of, rising; empty: never.
REMINDER_DAYS = sorted(env.ints("REMINDER_DAYS", default=[3, 10, 24], most=366))
# How many processes render the PDFs of a billing run side by side.
PDF_PROCESSES = env.int("PDF_PROCESSES", default=min(4, os.cpu_count() or 1), least=1, most=256)
# The series that invoice numbers are counted in; capital letters, digits and hyphens.
INVOICE_SERIES = env.str("INVOICE_SERIES", default="F")
# How often a key may call the API in a minute, of each server process; 0: as often as it likes. Events apart.
API_REQUESTS_PER_MINUTE = env.int("API_REQUESTS_PER_MINUTE", default=12_000, most=100_000_000)
EVENT_REQUESTS_PER_MINUTE = env.int("EVENT_REQUESTS_PER_MINUTE", default=120_000, most=100_000_000)
# Hosts that webhooks may call though they are private, by http too and on any port: receivers of the operator's own, or
# localhost while developing. Empty: none. In production endpoints of the installation only, never a customer's.
WEBHOOK_ALLOWED_HOSTS = env.list("WEBHOOK_ALLOWED_HOSTS", default=[])
# Sites, such as https://app.example.com, that may show the portal's pages in a frame; empty: none (docs/embedding.md).
EMBED_ORIGINS = env.list("EMBED_ORIGINS", default=[])
# Customers may pay by card through this Stripe account; empty: by bank transfer only (docs/payments.md).
STRIPE = Stripe(
    secret_key=env.str("STRIPE_SECRET_KEY", default=""),
    publishable_key=env.str("STRIPE_PUBLISHABLE_KEY", default=""),
    webhook_secret=env.str("STRIPE_WEBHOOK_SECRET", default=""),
    api_url=env.str("STRIPE_API_URL", default="https://api.stripe.com"),
    js_url=env.str("STRIPE_JS_URL", default="https://js.stripe.com/v3/"),
)
# Days after a card was first declined on which it is tried again, rising; empty: never.
CARD_RETRY_DAYS = sorted(env.ints("CARD_RETRY_DAYS", default=[1, 3, 7], most=366))
# The host's own accent (one colour, or one for each theme, light first), font and logo (docs/theming.md).
THEME = Theme(
    accent=tuple(env.list("BRAND_ACCENT", default=[])),
    font=env.str("BRAND_FONT", default=""),
    logo=env.str("BRAND_LOGO", default=""),
)
SELLER = Seller(
    name=env.str("SELLER_NAME", default="Your company"),
    address=env.str("SELLER_ADDRESS", default=""),
    country=env.str("SELLER_COUNTRY", default="FR"),
    vat_id=env.str("SELLER_VAT_ID", default=""),
    legal_id=env.str("SELLER_LEGAL_ID", default=""),
    iban=env.str("SELLER_IBAN", default=""),
    bic=env.str("SELLER_BIC", default=""),
)
