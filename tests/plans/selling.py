"""A small catalogue and its customers, for tests."""

import copy
from datetime import UTC, datetime
from typing import Any

from accounts.models import Account
from billing.plans.actions import load_catalog
from billing.plans.models import Plan, Subscription

type Data = dict[str, Any]

METER: Data = {
    "code": "output_tokens",
    "name": {"en": "Output tokens", "fr": "Jetons produits"},
    "unit": {"en": "token", "fr": "jeton"},
    "event_type": "llm.completion",
    "aggregation": "sum",
    "value": "output_tokens",
    "dimensions": ["model", "region"],
}
CHARGE: Data = {
    "meter": "output_tokens",
    "model": "graduated",
    "tiers": [
        {"up_to": "1000000", "unit_price": "0"},
        {"up_to": None, "unit_price": "0.00002", "flat_price": "5.00"},
    ],
}
TAX: Data = {"code": "fr-20", "name": "TVA 20 %", "rate": "20", "country": "FR", "category": "S"}
COUPON: Data = {"code": "WELCOME", "percent": "20", "periods": 3}


def plan(code: str, base_price: str, **fields: Any) -> Data:
    """A plan of the catalogue file, EUR and monthly unless `fields` say otherwise."""
    return {
        "code": code,
        "name": {"en": code.title(), "fr": f"{code.title()} (fr)"},
        "currency": "EUR",
        "interval": "month",
        "base_price": base_price,
        "charges": [copy.deepcopy(CHARGE)],
        **fields,
    }


def catalog(*plans: Data, **fields: Any) -> Data:
    """A catalogue file with one meter, tax and coupon, and these plans (default: free, team 49, scale 199)."""
    chosen = plans or (
        plan("free", "0.00"),
        plan("team", "49.00", tax="fr-20"),
        plan("scale", "199.00"),
        plan("scale-yearly", "1990.00", interval="year"),
        plan("weekly", "12.00", interval="week"),
        plan("trial", "49.00", trial_days=14),
        plan("bespoke", "500.00", public=False),
        plan("dollars", "49.00", currency="USD"),
    )
    data = {
        "catalog": 1,
        "meters": [METER],
        "plans": list(chosen),
        "taxes": [TAX],
        "coupons": [COUPON],
        **fields,
    }
    return copy.deepcopy(data)


def sell(*plans: Data) -> None:
    load_catalog(catalog(*plans))


def the_plan(code: str) -> Plan:
    return Plan.objects.get(code=code)


def again(subscription: Subscription) -> Subscription:
    """The row as it is stored now."""
    return Subscription.objects.select_related("account").get(pk=subscription.pk)


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[misc, arg-type]


def pending(account: Account) -> list[tuple[str, str, str]]:
    """(plan, kind, amount) of the lines that wait for the next invoice, in the order they came."""
    from billing.plans.models import PendingLine

    rows = (
        PendingLine.objects.filter(account=account)
        .select_related("version__plan")
        .order_by("created_at", "amount")
    )
    return [(row.version.plan.code if row.version else "", row.kind, f"{row.amount:.2f}") for row in rows]
