"""`manage.py move_subscribers --from PLAN[@VERSION] --to PLAN --when now|period_end --preview|--confirm`."""

import json
from argparse import ArgumentParser
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts.scope import installation_scope
from billing.pricing.money import money_string
from portal.moves import Candidate, Move, Total, candidates, find_move, move_one, totals


class Command(BaseCommand):
    help = "Move the subscribers of a plan, or of one version of it, to the newest version of a plan."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--from", dest="source", required=True, metavar="PLAN[@VERSION]")
        parser.add_argument("--to", dest="target", required=True, metavar="PLAN")
        parser.add_argument("--when", choices=["now", "period_end"], required=True)
        what = parser.add_mutually_exclusive_group(required=True)
        what.add_argument("--preview", action="store_true", help="only show what each would pay")
        what.add_argument("--confirm", action="store_true", help="move them; safe to run again")
        parser.add_argument(
            "--quotes",
            type=Path,
            metavar="FILE",
            help="what --preview --json printed: move only whom it quotes, only if that still holds",
        )
        parser.add_argument(
            "--json", action="store_true", help="a JSON object for each account, then the totals"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            with installation_scope():
                move = find_move(options["source"], options["target"], options["when"])
        except LookupError as error:
            raise CommandError(str(error)) from error
        quotes = _quotes(options["quotes"]) if options["quotes"] else None
        seen, refused = list[Candidate](), 0
        for one in candidates(move):
            row = _data(one)
            if options["confirm"]:
                row |= _confirmed(move, one, quotes)
                refused += row["refusal"] is not None and not row["done"]
            seen.append(one)
            self.stdout.write(json.dumps(row, ensure_ascii=False) if options["json"] else _words(row))
        sums = [_sums(total) for total in totals(seen)]
        if options["json"]:
            self.stdout.write(json.dumps({"totals": sums}))
        for total in [] if options["json"] else sums:
            self.stdout.write("{accounts} accounts: {difference} {currency} more a period.".format_map(total))
        if refused:
            raise CommandError(f"{refused} of {len(seen)} were not moved: see their reasons")


def _confirmed(move: Move, one: Candidate, quotes: dict[str, str] | None) -> dict[str, Any]:
    """Move an account that can be moved; with a file of quotes, only by its own."""
    if one.preview is None:
        return {}
    quote = one.preview.quote if quotes is None else quotes.get(one.account.code, "")
    outcome = move_one(move, one.subscription, quote, lambda preview: None)
    if outcome.moved is not None:
        return {"moved": True}
    return _data(outcome.left) if outcome.left else {}


def _data(one: Candidate) -> dict[str, Any]:
    currency = one.after.currency
    compared = one.compared
    return {
        "account": one.account.code,
        "subscription": str(one.subscription.pk),
        "from": str(one.before),
        "to": str(one.after),
        "currency": currency,
        "base_price": {"before": f"{one.before.base_price:f}", "after": f"{one.after.base_price:f}"},
        "period": compared and {"start": compared.start.isoformat(), "end": compared.end.isoformat()},
        "before": compared and money_string(compared.before, currency),
        "after": compared and money_string(compared.after, currency),
        "difference": compared and money_string(compared.difference, currency),
        "next_invoice": money_string(one.prorated, currency) if one.preview else None,
        "effective_at": one.preview.effective_at.isoformat() if one.preview else None,
        "quote": one.preview.quote if one.preview else None,
        "refusal": one.refusal or None,
        "done": one.done,
        "moved": False,
    }


def _words(row: dict[str, Any]) -> str:
    if row["moved"]:
        return f"{row['account']}: moved to {row['to']}"
    if row["refusal"]:
        return f"{row['account']}: stays on {row['from']}. {row['refusal']}"
    figures = f"{row['before']} → {row['after']} ({row['difference']})" if row["before"] else "no usage yet"
    return f"{row['account']}: {row['from']} → {row['to']}, {figures} {row['currency']}"


def _sums(total: Total) -> dict[str, Any]:
    amounts = {name: getattr(total, name) for name in ("base_difference", "before", "after", "difference")}
    return {
        "currency": total.currency,
        "accounts": total.accounts,
        **{name: money_string(amount, total.currency) for name, amount in amounts.items()},
    }


def _quotes(file: Path) -> dict[str, str]:
    """Account → quote, from the lines of a preview."""
    return dict(_quoted(file))


def _quoted(file: Path) -> Iterator[tuple[str, str]]:
    try:
        rows = [json.loads(line) for line in file.read_text().splitlines() if line.strip()]
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise CommandError(f"--quotes {file}: {error}") from error
    for row in rows:
        if isinstance(row, dict) and isinstance(row.get("quote"), str):
            yield str(row.get("account")), row["quote"]
