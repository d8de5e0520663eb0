"""What the environment must not say. Pure; all that is wrong is told at once."""

import re
from collections.abc import Callable, Iterator
from email.utils import parseaddr
from ipaddress import ip_address
from typing import Final, Protocol
from urllib.parse import SplitResult, urlsplit

from django.http.request import validate_host

from portal.theme import Theme, faults

KEY_LENGTH: Final = 50
KEY_VARIETY: Final = 5
"""Characters that a secret key has at least, and different ones among them: Django's own bounds (security.W009)."""

# What Django's PostgreSQL backend is asked for by environ's URLs, and the mailers by theirs.
DATABASE_SCHEMES: Final = frozenset({"postgres", "postgresql", "psql", "pgsql"})
SMTP_SCHEMES: Final = frozenset({"smtp", "smtps", "smtp+tls", "smtp+ssl"})
MAIL_SCHEMES: Final = SMTP_SCHEMES | {"consolemail", "filemail", "memorymail", "dummymail"}
TEST_KEYS: Final = ("sk_test_", "rk_test_")
"""What Stripe's secret and restricted keys begin with in test mode (docs.stripe.com/keys)."""

NAME: Final = "Your company"
"""The seller's name while none is set."""


class Seller(Protocol):
    @property
    def name(self) -> str: ...
    @property
    def address(self) -> str: ...
    @property
    def country(self) -> str: ...


class Stripe(Protocol):
    @property
    def secret_key(self) -> str: ...
    @property
    def publishable_key(self) -> str: ...
    @property
    def webhook_secret(self) -> str: ...


class Values(Protocol):
    """What is looked at of portal/env.py."""

    UNREADABLE: list[str]
    PRODUCTION: bool
    DEBUG: bool
    SECRET_KEY: str
    SECRET_KEY_FALLBACKS: list[str]
    ALLOWED_HOSTS: list[str]
    SITE_URL: str
    DATABASE_URL: str
    DATABASE_OWNER_URL: str
    EMAIL_URL: str
    EMAIL_FROM: str
    EMBED_ORIGINS: list[str]
    INVOICE_SERIES: str

    # Named as they are there.
    @property
    def SELLER(self) -> Seller: ...  # noqa: N802
    @property
    def THEME(self) -> Theme: ...  # noqa: N802
    @property
    def STRIPE(self) -> Stripe: ...  # noqa: N802


def senseless(values: Values) -> list[str]:
    """What nothing can start with, in production or not."""
    rules = (_addresses, _mail_address, _names, _origins, _look)
    return [*values.UNREADABLE, *_told(rules, values)]


def unsafe(values: Values) -> list[str]:
    """What production must not start with."""
    return _told((_key, _debug, _hosts, _site, _mail, _seller, _payments), values)


def _told(rules: tuple[Callable[[Values], Iterator[str]], ...], values: Values) -> list[str]:
    return [sentence for rule in rules for sentence in rule(values)]


def _addresses(values: Values) -> Iterator[str]:
    for name in ("DATABASE_URL", "DATABASE_OWNER_URL"):
        text: str = getattr(values, name)
        if text and _split(text).scheme not in DATABASE_SCHEMES:
            yield f"{name} is no address of a PostgreSQL: write postgres://role:password@host/database."
    site = _split(values.SITE_URL)
    if site.scheme not in {"http", "https"} or not site.hostname:
        yield "SITE_URL is no address of a site: write one like https://billing.example.com."
    elif site.path or site.query or site.fragment or site.username is not None:
        yield "SITE_URL says more than scheme, host and port: write one like https://billing.example.com."


def _mail_address(values: Values) -> Iterator[str]:
    if _split(values.EMAIL_URL).scheme not in MAIL_SCHEMES:
        yield "EMAIL_URL is no address of a mail server: write smtp+tls://user:password@host:587."


def _names(values: Values) -> Iterator[str]:
    if not re.fullmatch(r"[A-Z0-9-]{1,20}", values.INVOICE_SERIES):
        yield "INVOICE_SERIES is no series of invoice numbers: write 1 to 20 capital letters, digits and hyphens."
    if not re.fullmatch(r"[A-Z]{2}", values.SELLER.country):
        yield "SELLER_COUNTRY is no country: write its two capital letters (ISO 3166-1), such as FR."


def _look(values: Values) -> Iterator[str]:
    return faults(values.THEME)


def _origins(values: Values) -> Iterator[str]:
    for origin in values.EMBED_ORIGINS:
        if not re.fullmatch(r"https?://[A-Za-z0-9.-]+(:[0-9]{1,5})?", origin):
            yield f"EMBED_ORIGINS holds {origin[:100]}, which is no origin: write one like https://app.example.com."


def _key(values: Values) -> Iterator[str]:
    how = f"set it to {KEY_LENGTH} or more random characters, the same for every process"
    if not values.SECRET_KEY:
        yield f"SECRET_KEY is not set: {how}."
    elif _guessable(values.SECRET_KEY):
        yield f"SECRET_KEY is too easy to guess: {how}."
    if any(_guessable(key) for key in values.SECRET_KEY_FALLBACKS):
        yield "SECRET_KEY_FALLBACKS holds a key that is too easy to guess: take it out."


def _guessable(key: str) -> bool:
    return len(key) < KEY_LENGTH or len(set(key)) < KEY_VARIETY or key.startswith("django-insecure-")


def _debug(values: Values) -> Iterator[str]:
    if values.DEBUG:
        yield "DEBUG is on, and shows code and settings to whoever meets an error: leave it out, or set DEBUG=0."


def _hosts(values: Values) -> Iterator[str]:
    hosts, how = values.ALLOWED_HOSTS, "name the site's own, as in ALLOWED_HOSTS=billing.example.com"
    if "*" in hosts:
        yield f"ALLOWED_HOSTS holds *, so that anybody's name would do for this site: {how}."
    elif all(_local(host) for host in hosts):
        yield f"ALLOWED_HOSTS names no host but this machine: {how}."
    wrong = [host for host in hosts if "/" in host or re.search(r"[^:\]]:\d+\Z", host)]
    if wrong:
        yield f"ALLOWED_HOSTS holds {wrong[0]}, which no request fits: write the name alone, without scheme and port."


def _site(values: Values) -> Iterator[str]:
    site = _split(values.SITE_URL)
    if not site.hostname:
        return  # told already
    if _local(site.hostname):
        yield f"SITE_URL leads to {site.hostname}, which is nobody else's: set it to where customers find the site."
    elif site.scheme != "https":
        yield "SITE_URL begins with http, over which everybody reads along: set it to the site's https address."
    elif not validate_host(site.hostname, values.ALLOWED_HOSTS):
        yield f"SITE_URL leads to {site.hostname}, which ALLOWED_HOSTS lacks: add it there, or mend SITE_URL."


def _mail(values: Values) -> Iterator[str]:
    scheme = _split(values.EMAIL_URL).scheme
    if scheme in MAIL_SCHEMES - SMTP_SCHEMES:
        yield f"EMAIL_URL is {scheme}, which sends no mail: set it to smtp+tls://user:password@host:587."
    mailbox, _, domain = parseaddr(values.EMAIL_FROM)[1].rpartition("@")
    if not mailbox or _local(domain):
        yield "EMAIL_FROM is at no domain of yours: set it to an address that customers can answer to."


def _seller(values: Values) -> Iterator[str]:
    """An invoice states who issues it: Directive 2006/112/EC, Article 226 (5)."""
    if values.SELLER.name in {"", NAME}:
        yield "SELLER_NAME is not set, and the law wants it on every invoice: set it to your company's full name."
    if not values.SELLER.address:
        yield "SELLER_ADDRESS is not set, and the law wants it on every invoice: set it to your company's address."


def _payments(values: Values) -> Iterator[str]:
    if values.STRIPE.secret_key.startswith(TEST_KEYS):
        yield "STRIPE_SECRET_KEY is a test key, by which test cards would pay invoices: set it to the live one."
    parts = {
        "STRIPE_SECRET_KEY": values.STRIPE.secret_key,
        "STRIPE_PUBLISHABLE_KEY": values.STRIPE.publishable_key,
        "STRIPE_WEBHOOK_SECRET": values.STRIPE.webhook_secret,
    }
    missing = [name for name, value in parts.items() if not value]
    if 0 < len(missing) < len(parts):
        yield f"{' and '.join(missing)} is not set, and cards need all three: set it, or leave all of them out."


def _local(host: str) -> bool:
    """Whether `host` names the machine itself."""
    bare = host.strip("[]").rstrip(".").lower()
    try:
        return ip_address(bare).is_loopback or ip_address(bare).is_unspecified
    except ValueError:
        return bare in {"localhost", "localhost.localdomain"} or bare.endswith(".localhost")


def _split(address: str) -> SplitResult:
    """Its parts; of what is no address, none."""
    try:
        found = urlsplit(address)
        found.port  # noqa: B018  (raises for what is no port)
    except ValueError:
        return urlsplit("")
    return found
