"""The rules over settings: a good production passes; each unsafe setting is told, by its name and how to mend it."""

import re
from types import SimpleNamespace
from typing import Any

import pytest

from portal import env
from portal.checks.settings import NAME, senseless, unsafe
from portal.theme import Theme
from tests.checks.environments import SECRET


def values(**changes: Any) -> Any:
    """What portal/env.py reads of a good environment, with `changes`; those of the seller by `seller_…`."""
    seller = {"name": "Meridian Models", "address": "12 quai Perrache, 69002 Lyon", "country": "FR"}
    seller |= {
        key.removeprefix("seller_"): changes.pop(key) for key in [*changes] if key.startswith("seller_")
    }
    good = {
        "UNREADABLE": [],
        "PRODUCTION": True,
        "DEBUG": False,
        "SECRET_KEY": SECRET,
        "SECRET_KEY_FALLBACKS": [],
        "ALLOWED_HOSTS": ["billing.example.com"],
        "SITE_URL": "https://billing.example.com",
        "DATABASE_URL": "postgres://plainbill:secret@db/plainbill",
        "DATABASE_OWNER_URL": "",
        "EMAIL_URL": "smtp+tls://billing:secret@mail.example.com:587",
        "EMAIL_FROM": "Meridian Models <billing@example.com>",
        "EMBED_ORIGINS": [],
        "INVOICE_SERIES": "F",
        "THEME": Theme(),
    }
    stripe = SimpleNamespace(
        secret_key=changes.pop("STRIPE_SECRET_KEY", "sk_live_secret"),
        publishable_key=changes.pop("STRIPE_PUBLISHABLE_KEY", "pk_live_key"),
        webhook_secret=changes.pop("STRIPE_WEBHOOK_SECRET", "whsec_secret"),
    )
    assert changes.keys() <= good.keys()
    return SimpleNamespace(**{**good, **changes}, SELLER=SimpleNamespace(**seller), STRIPE=stripe)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"ALLOWED_HOSTS": ["billing.example.com", "127.0.0.1"]},
        {"ALLOWED_HOSTS": [".example.com", "[::1]"]},
        {"SITE_URL": "https://billing.example.com:8443"},
        {"EMAIL_URL": "smtp://mail.example.com:25"},
        {"EMAIL_URL": "smtp+ssl://mail.example.com:465"},
        {"DATABASE_URL": ""},
        {"DATABASE_URL": "postgresql://%2Fvar%2Frun%2Fpostgresql/plainbill"},
        {"SECRET_KEY_FALLBACKS": [SECRET[::-1]]},
        {"STRIPE_SECRET_KEY": "", "STRIPE_PUBLISHABLE_KEY": "", "STRIPE_WEBHOOK_SECRET": ""},
        {"STRIPE_SECRET_KEY": "rk_live_secret"},
        {"INVOICE_SERIES": "INV-2026"},
        {"EMBED_ORIGINS": ["https://app.example.com", "https://app.example.com:8443"]},
    ],
)
def test_a_good_production_passes(changes: dict[str, Any]) -> None:
    assert senseless(values(**changes)) == []
    assert unsafe(values(**changes)) == []


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("SECRET_KEY", {"SECRET_KEY": ""}),
        ("SECRET_KEY", {"SECRET_KEY": SECRET[:49]}),
        ("SECRET_KEY", {"SECRET_KEY": "abcd" * 20}),
        ("SECRET_KEY", {"SECRET_KEY": "django-insecure-" + SECRET}),
        ("SECRET_KEY_FALLBACKS", {"SECRET_KEY_FALLBACKS": [SECRET, "short"]}),
        ("DEBUG", {"DEBUG": True}),
        ("ALLOWED_HOSTS", {"ALLOWED_HOSTS": ["*", "billing.example.com"]}),
        ("SITE_URL", {"SITE_URL": "http://billing.example.com"}),
        ("SITE_URL", {"SITE_URL": "http://localhost:8000"}),
        ("SITE_URL", {"SITE_URL": "https://127.0.0.1"}),
        ("SITE_URL", {"SITE_URL": "https://[::1]:8000"}),
        ("SITE_URL", {"SITE_URL": "https://elsewhere.example.com"}),
        ("EMAIL_URL", {"EMAIL_URL": "consolemail://"}),
        ("EMAIL_URL", {"EMAIL_URL": "memorymail://"}),
        ("EMAIL_URL", {"EMAIL_URL": "dummymail://"}),
        ("EMAIL_URL", {"EMAIL_URL": "filemail:///var/mail"}),
        ("EMAIL_FROM", {"EMAIL_FROM": "billing@localhost"}),
        ("EMAIL_FROM", {"EMAIL_FROM": "Billing <billing@localhost>"}),
        ("EMAIL_FROM", {"EMAIL_FROM": "billing"}),
        ("SELLER_NAME", {"seller_name": NAME}),
        ("SELLER_NAME", {"seller_name": ""}),
        ("SELLER_ADDRESS", {"seller_address": ""}),
        ("STRIPE_SECRET_KEY", {"STRIPE_SECRET_KEY": "sk_test_secret"}),
        ("STRIPE_SECRET_KEY", {"STRIPE_SECRET_KEY": "rk_test_secret"}),
        ("STRIPE_SECRET_KEY", {"STRIPE_SECRET_KEY": ""}),
        ("STRIPE_PUBLISHABLE_KEY", {"STRIPE_PUBLISHABLE_KEY": "", "STRIPE_WEBHOOK_SECRET": ""}),
        ("STRIPE_WEBHOOK_SECRET", {"STRIPE_WEBHOOK_SECRET": ""}),
    ],
)
def test_each_unsafe_setting_is_told_alone(name: str, changes: dict[str, Any]) -> None:
    assert senseless(values(**changes)) == [], "elsewhere than in production it may be so"
    (told,) = unsafe(values(**changes))
    assert told.startswith(f"{name} ")
    assert ": " in told, "how to mend it"


@pytest.mark.parametrize(
    "hosts",
    [[], ["localhost"], ["localhost", "127.0.0.1", "[::1]"], ["plainbill.localhost"], ["0.0.0.0"]],  # noqa: S104
)
def test_no_host_but_the_machine_itself(hosts: list[str]) -> None:
    told = unsafe(values(ALLOWED_HOSTS=hosts))
    assert [one.partition(" ")[0] for one in told] == ["ALLOWED_HOSTS", "SITE_URL"]


@pytest.mark.parametrize("host", ["https://billing.example.com", "billing.example.com:443"])
def test_a_host_that_no_request_fits(host: str) -> None:
    told = unsafe(values(ALLOWED_HOSTS=[host]))
    assert told[0].startswith(f"ALLOWED_HOSTS holds {host}")


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("DATABASE_URL", {"DATABASE_URL": "mysql://plainbill:secret@db/plainbill"}),
        ("DATABASE_URL", {"DATABASE_URL": "db.example.com"}),
        ("DATABASE_OWNER_URL", {"DATABASE_OWNER_URL": "postgres://[::1:secret"}),
        ("SITE_URL", {"SITE_URL": "billing.example.com"}),
        ("SITE_URL", {"SITE_URL": "https://billing.example.com/portal"}),
        ("SITE_URL", {"SITE_URL": "https://billing.example.com:port"}),
        ("EMAIL_URL", {"EMAIL_URL": "mail.example.com"}),
        ("EMAIL_URL", {"EMAIL_URL": "smtp://mail.example.com:x"}),
        ("EMBED_ORIGINS", {"EMBED_ORIGINS": ["app.example.com"]}),
        ("EMBED_ORIGINS", {"EMBED_ORIGINS": ["https://app.example.com/"]}),
        ("EMBED_ORIGINS", {"EMBED_ORIGINS": ["https://*; script-src *"]}),
        ("INVOICE_SERIES", {"INVOICE_SERIES": "f"}),
        ("INVOICE_SERIES", {"INVOICE_SERIES": "F/2026"}),
        ("SELLER_COUNTRY", {"seller_country": "France"}),
        ("SELLER_COUNTRY", {"seller_country": "fr"}),
    ],
)
def test_what_makes_no_sense_is_told_everywhere(name: str, changes: dict[str, Any]) -> None:
    (told,) = senseless(values(**changes, PRODUCTION=False))
    assert told.startswith(f"{name} ")
    assert ": " in told
    assert "secret" not in told


def test_what_was_not_read_comes_first() -> None:
    assert senseless(values(UNREADABLE=["A=x"], INVOICE_SERIES=""))[0] == "A=x"


def test_all_is_told_at_once_and_no_secret() -> None:
    told = unsafe(
        values(
            SECRET_KEY="a secret",
            SECRET_KEY_FALLBACKS=["a secret"],
            DEBUG=True,
            ALLOWED_HOSTS=["*"],
            SITE_URL="http://localhost",
            EMAIL_URL="consolemail://user:secret@",
            EMAIL_FROM="",
            seller_name="",
            seller_address="",
            STRIPE_SECRET_KEY="sk_test_secret",
        )
    )
    assert [one.partition(" ")[0] for one in told] == [
        *("SECRET_KEY", "SECRET_KEY_FALLBACKS", "DEBUG", "ALLOWED_HOSTS", "SITE_URL"),
        *("EMAIL_URL", "EMAIL_FROM", "SELLER_NAME", "SELLER_ADDRESS", "STRIPE_SECRET_KEY"),
    ]
    assert not [one for one in told if "secret" in one]
    assert all(re.fullmatch(r"[^\n]+\.", one) for one in told)


def test_a_seller_who_was_never_named_is_known() -> None:
    assert env.SELLER.name == NAME, "the default of portal/env.py"
