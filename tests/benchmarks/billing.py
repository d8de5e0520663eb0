"""The billing run against one SQL statement that finds the same amounts; an invoice's PDF against a bare rendering."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.benchmarks.copying import owner
from tests.benchmarks.events import CATALOG, Maker
from tests.benchmarks.measure import Row, figure, in_turn, row, seconds
from tests.benchmarks.site import settle

AGO = timedelta(days=40)
"""Since when the accounts have their plan: their first month is over."""

EVENTS = 40
"""Of each account, over all of its days."""

LINES = 12
MODELS = [f"m{number}" for number in range(LINES - 1)]

_TABLE = """
    CREATE TABLE IF NOT EXISTS bench_line (
        account_id bigint NOT NULL, charge text NOT NULL, starts timestamptz NOT NULL, ends timestamptz NOT NULL,
        quantity numeric, amount numeric NOT NULL, PRIMARY KEY (account_id, charge)
    )"""
# The prices are those of the catalogue's one plan (events.py): nothing but sums, tiers and one INSERT.
_LINES = """
    INSERT INTO bench_line
    SELECT account_id, charge, starts, ends, quantity, round(
        CASE charge WHEN 'requests' THEN quantity * 0.001
            ELSE least(quantity, 1000000) * 0.00002 + greatest(quantity - 1000000, 0) * 0.00001 END, 2)
    FROM (
        SELECT p.account_id, p.start AS starts, p."end" AS ends,
            CASE m.code WHEN 'tokens' THEN 'tokens-' || (d.dimensions ->> 'model') ELSE m.code END AS charge,
            sum(d.total) AS quantity
        FROM plans_period p
        JOIN usage_daytotal d ON d.account_id = p.account_id AND d.day >= p.first_day AND d.day < p.end_day
        JOIN plans_meter m ON m.id = d.meter_id
        WHERE p.account_id = ANY(%s) AND p.number = 0 AND p.closed_at IS NULL
        GROUP BY p.account_id, p.start, p."end", 4
    ) used
    UNION ALL
    SELECT account_id, 'base', "end", full_end, 1, 10.00 FROM plans_period
    WHERE account_id = ANY(%s) AND number = 0 AND closed_at IS NULL"""


def rows(rounds: int, accounts: int) -> Iterator[Row]:
    """`accounts` to bill in each round, others each time, as a period is billed once."""
    found = [_used(f"billing{number}", accounts) for number in range(rounds + 1)]
    with owner() as connection:
        connection.execute(_TABLE)
        connection.execute("SELECT set_config('plainbill.account', '*', false)")
        connection.commit()

        def as_sql(chosen: list[Any]) -> float:
            ids = [account.pk for account in chosen]

            def work() -> None:
                connection.execute(_LINES, [ids, ids])
                connection.commit()

            return accounts / seconds(work)

        pairs = list[tuple[float, float]]()
        for each in found:  # the statement first: it takes the periods that are open yet
            yardstick, issued = as_sql(each), list[Any]()
            taken = seconds(lambda accounts=each, into=issued: into.extend(_bill(accounts)))
            pairs.append((accounts / taken, yardstick))
            _compare(connection, issued)
    name, note = "billing run / one SQL statement", f"{accounts} accounts a round, one process"
    yield row(name, "accounts/s", pairs[1:], (">=", 0.6), note)
    yield figure("billing run", "accounts/s", [own for own, _ in pairs[1:]], (">=", 4_000), note)
    speeds = [_verified() for _ in range(rounds)]
    yield figure("verify, each from its raw events", "invoices/min", speeds, (">=", 10_000), "one process")


def paper(rounds: int) -> Iterator[Row]:
    """The PDF of an invoice of 12 lines, page, electronic invoice and PDF/A included, and WeasyPrint by itself."""
    from django.template.loader import render_to_string
    from django.utils.translation import override

    from accounts.scope import account_scope
    from billing.invoices import pdf
    from billing.invoices.paper.page import page_of

    invoice = _long_invoice()
    with account_scope(invoice.account_id), override(invoice.snapshot["locale"]):
        html = render_to_string("invoices/invoice.html", page_of(invoice))
    style, fonts, fetcher = pdf._style()

    def bare() -> None:
        page = pdf._weasyprint().HTML(string=html, url_fetcher=fetcher)
        assert page.write_pdf(stylesheets=[style], font_config=fonts)

    pairs = in_turn(lambda _: seconds(lambda: pdf.render(invoice)), lambda _: seconds(bare), rounds)
    note = f"{LINES} lines, PDF/A-3a with CII"
    yield row("invoice PDF / bare rendering of its HTML", "s", pairs, ("<=", 1.3), note)


def _used(prefix: str, accounts: int) -> list[Any]:
    """New accounts whose first month is over, with usage."""
    from accounts.models import Account
    from accounts.scope import installation_scope
    from billing.usage.ingest import ingest

    codes = settle(accounts, prefix, AGO)
    maker = Maker(codes, prefix, days=AGO.days - 1)
    for _ in range(max(1, accounts * EVENTS // 1_000)):
        assert not ingest(maker.body(1_000), "application/json").rejected
    with installation_scope():
        return list(Account.objects.filter(code__in=codes).order_by("code"))


def _bill(accounts: list[Any]) -> list[Any]:
    """The invoices, one for each, by the billing run."""
    from billing.invoices.run import bill_accounts

    outcomes = list(bill_accounts(accounts, datetime.now(UTC)))
    assert [len(outcome.invoices) for outcome in outcomes] == [1] * len(accounts), outcomes[:3]
    return [invoice for outcome in outcomes for invoice in outcome.invoices]


def _verified() -> float:
    """Documents a minute, of all that were issued, as `manage.py verify` looks at them."""
    from billing.invoices.verify import steps, verify

    todo = steps()

    def work() -> None:
        assert [found for step in todo for found in verify(step)] == []

    return sum(step.documents for step in todo) * 60 / seconds(work)


def _compare(connection: Any, invoices: list[Any]) -> None:
    """Both found the same lines and amounts."""
    from accounts.scope import installation_scope
    from billing.invoices.models import InvoiceLine

    ids = [invoice.account_id for invoice in invoices]
    made = "SELECT account_id, charge, amount FROM bench_line WHERE account_id = ANY(%s)"
    wanted = {(account, charge): amount for account, charge, amount in connection.execute(made, [ids])}
    with installation_scope():
        own = {
            (line.account_id, line.charge if line.kind == "usage" else line.kind): line.amount
            for line in InvoiceLine.objects.filter(invoice__in=invoices)
        }
    assert own == wanted, sorted(own.items() ^ wanted.items())[:4]


def _long_invoice() -> Any:
    from accounts.models import Account
    from accounts.scope import installation_scope
    from billing.invoices.actions import bill_account
    from billing.plans.actions import Actor
    from billing.plans.models import Plan
    from billing.usage.ingest import ingest
    from portal import acts
    from tests.benchmarks.events import account_values

    charge = {"meter": "tokens", "model": "per_unit", "unit_price": "0.00002"}
    charges = [{**charge, "code": f"tokens-{model}", "where": {"model": [model]}} for model in MODELS]
    plan = {**CATALOG["plans"][0], "code": "long", "name": "Long", "charges": charges}
    now = datetime.now(UTC)
    with installation_scope():
        acts.load_catalog({"catalog": 1, "plans": [plan]})
        acts.create_account(account_values("long"))
        account = Account.objects.get(code="long")
        acts.subscribe(account, Plan.objects.get(code="long"), now - AGO, actor=Actor.INSTALLATION)
    events = Maker(["long"], "long").events(len(MODELS))
    for event, model in zip(events, MODELS, strict=True):
        event["time"] = (now - AGO + timedelta(days=2)).isoformat()
        event["data"]["model"] = model
    assert ingest(json.dumps(events).encode(), "application/json").accepted == len(MODELS)
    (invoice,) = bill_account(account, now)
    with installation_scope():
        assert invoice.lines.count() == LINES
    return invoice
