"""Builds the demo's installation as it would have grown: customers, 90 days and more of usage, invoices, limits.

It goes the way that any customer's life goes: the catalogue file, subscriptions, intake, the billing run. Only the
issue dates of past invoices are set back, which nothing but the demo may do.
"""

import json
import secrets
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import batched
from pathlib import Path
from zoneinfo import ZoneInfo

from django.utils import timezone

from accounts.keys import create_key
from accounts.models import Account, Membership, User
from accounts.scope import account_scope, installation_scope
from billing.invoices.actions import bill_account, record_payment
from billing.invoices.models import Invoice
from billing.limits.actions import set_limit
from billing.plans.actions import Actor, confirm_change, load_catalog, subscribe
from billing.plans.catalog_file import load_catalog_file
from billing.plans.models import Period, Plan
from billing.plans.queries import period_at
from billing.usage.hours import keep_hours
from billing.usage.ingest import ingest
from billing.usage.rating import rate_period
from portal.demo import usage
from portal.demo.logins import Login, Logins
from portal.demo.people import CUSTOMERS, STAFF, Customer, address

CATALOG = Path(__file__).parent / "catalog.yaml"
DAYS = 90
BATCH = 1000
MEDIA = "application/cloudevents-batch+json"
Progress = Callable[[str], object]


def exists() -> bool:
    """Whether this database already holds the demo."""
    with installation_scope():
        return Account.objects.filter(code=CUSTOMERS[-1].code).exists()


def build(url: str, progress: Progress) -> Logins:
    """Everything from nothing, in half a minute or so."""
    now = timezone.now()
    with installation_scope():
        load_catalog(load_catalog_file(CATALOG))
        logins = [_staff()]
        keys = {scope: create_key(f"Demo, {scope}", [scope])[1] for scope in ("ingest", "read", "manage")}
    lives = [_live(customer, logins, now, progress) for customer in CUSTOMERS]
    dues = sorted({(due, account.code): account for account, instants in lives for due in instants}.items())
    for (due, _), account in dues:  # in order of time, as numbers are
        for invoice in bill_account(account, due, dated_back=True):
            if invoice.due_at < now:
                _pay(invoice)
    return Logins(url=url, users=tuple(logins), api_keys=keys)


def _live(
    customer: Customer, logins: list[Login], now: datetime, progress: Progress
) -> tuple[Account, list[datetime]]:
    """One customer's life so far, invoices apart: the account, and the instants at which it is to be billed."""
    start = _start(customer, now)
    with installation_scope():
        account = _account(customer)
        logins += _members(customer, account)
        plan = Plan.objects.get(code=customer.plan)
        subscription = subscribe(account, plan, start=start, anchor=customer.anchor)
    progress(f"  {customer.name}: {_send(customer, start, now)} events")
    with account_scope(account.pk):
        ended = list(Period.objects.filter(account=account, end__lte=now).order_by("start"))
        if customer.code == "kestrel-robotics":
            change = ended[1].start + (ended[1].end - ended[1].start) / 2
            confirm_change(
                subscription, Plan.objects.get(code="team-usd"), at=change, actor=Actor.INSTALLATION
            )
        if customer.code == "atelier-brume":
            _limits(account, ended[-1], now)
        else:
            set_limit(account, "2500", "notify", at=start_of(ended[-1]))
        keep_hours(account, now)
    return account, [start, *(period.end for period in ended)]


def _limits(account: Account, last: Period, now: datetime) -> None:
    """A stop that waived a little in the last period, set anew in the running one to where it is nearly reached."""
    by = User.objects.get(email=address(CUSTOMERS[0], "moussa"))
    spent = rate_period(last).usage_total
    set_limit(account, _round_down(spent - 1, 25), "stop", by=by, at=start_of(last))
    running = period_at(account, now)
    assert running is not None  # noqa: S101  # the subscription runs
    usage_now = rate_period(running).usage_total
    set_limit(account, _round_down(usage_now / Decimal("0.78"), 10), "stop", by=by, at=start_of(running))


def start_of(period: Period) -> datetime:
    """A little after the period began, when somebody came to the office."""
    return period.start + timedelta(hours=9, minutes=14)


def _round_down(amount: Decimal, step: int) -> Decimal:
    return max(amount // step * step, Decimal(step))


def _pay(invoice: Invoice) -> None:
    if invoice.amount_due > 0:
        record_payment(invoice, invoice.amount_due, invoice.issued_at + timedelta(days=3), "manual", "SEPA")


def _account(customer: Customer) -> Account:
    return Account.objects.create(
        code=customer.code,
        name=customer.name,
        currency=customer.currency,
        timezone=customer.timezone,
        locale=customer.locale,
        country=customer.country,
        **dict(customer.details),
    )


def _members(customer: Customer, account: Account) -> Iterator[Login]:
    for name, short, role in customer.members:
        login = Login(
            address(customer, short), secrets.token_urlsafe(9), role.value, customer.code, staff=False
        )
        user = User.objects.create_user(login.email, login.password, name=name)
        Membership.objects.create(account=account, user=user, role=role)
        yield login


def _staff() -> Login:
    name, email = STAFF
    login = Login(email, secrets.token_urlsafe(9), None, None, staff=True)
    User.objects.create_superuser(login.email, login.password, name=name)
    return login


def _start(customer: Customer, now: datetime) -> datetime:
    """90 days back: on the first of that month for the account whose usage is compared by whole months."""
    zone = ZoneInfo(customer.timezone)
    day = (now.astimezone(zone) - timedelta(days=DAYS)).replace(hour=0, minute=0, second=0, microsecond=0)
    if customer.code == "atelier-brume":
        day = day.replace(day=1)
    return day.astimezone(UTC)


def _send(customer: Customer, start: datetime, now: datetime) -> int:
    sent = 0
    for batch in batched(usage.history(customer, start, now), BATCH, strict=False):
        sent += ingest(json.dumps(batch).encode(), MEDIA).accepted
    return sent
