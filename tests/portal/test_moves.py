"""Moving all subscribers of a version: who would pay how much more, and each of them exactly so."""

import json
import re
from collections.abc import Iterator
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts.models import Account, User
from accounts.scope import installation_scope
from billing.plans.actions import Actor, cancel, confirm_change, load_catalog, subscribe
from billing.plans.models import PendingLine, Plan, Subscription
from billing.plans.queries import current_period, running_subscription, scheduled_change, version_at
from billing.usage.ingest import ingest
from portal.moves import Candidate, Move, candidates, find_move, move_one, totals
from tests.factories import make_account
from tests.plans.selling import catalog, plan, the_plan

CENT_EACH = [{"meter": "output_tokens", "model": "per_unit", "unit_price": "0.01"}]
TWO_EACH = [{"meter": "output_tokens", "model": "per_unit", "unit_price": "0.02"}]


def sell(*plans: dict[str, Any]) -> None:
    load_catalog(catalog(*plans))


@pytest.fixture
def world(committed: str) -> Iterator[None]:
    """Three customers on the first version of Team (49, a cent a token), of which there is a second (59, two cents)."""
    start = timezone.now() - timedelta(days=70)
    with installation_scope():
        sell(
            plan("team", "49.00", charges=CENT_EACH),
            plan("scale", "199.00", charges=CENT_EACH),
            plan("yearly", "500.00", interval="year", charges=CENT_EACH),
            plan("dollars", "49.00", currency="USD"),
        )
        for code in ("anna", "bert", "cleo"):
            subscription = subscribe(make_account(code, timezone="UTC"), the_plan("team"), start)
            current_period(subscription, timezone.now())
        sell(plan("team", "59.00", charges=TWO_EACH))
    return


def of(code: str) -> Subscription:
    subscription = running_subscription(Account.objects.get(code=code))
    assert subscription is not None
    return subscription


def use(code: str, tokens: int) -> None:
    """In the middle of the last whole period."""
    with installation_scope():
        period = of(code).periods.filter(end__lte=timezone.now()).latest("number")
    with installation_scope():
        event = {
            "specversion": "1.0", "id": "1", "source": "/test", "type": "llm.completion", "subject": code,
            "time": (period.start + timedelta(days=9)).isoformat(), "data": {"output_tokens": tokens},
        }  # fmt: skip
        assert ingest(json.dumps(event).encode(), "application/cloudevents+json").accepted == 1


def shown(move: Move) -> dict[str, Candidate]:
    return {one.account.code: one for one in candidates(move)}


def team(when: Any = "period_end") -> Move:
    with installation_scope():
        return find_move("team@1", "team", when)


def move_all(move: Move, quotes: dict[str, str | None] | None = None) -> dict[str, str]:
    """Account → what became of it."""
    found = {}
    for one in candidates(move):
        quote = (quotes or {}).get(one.account.code, one.preview and one.preview.quote)
        outcome = move_one(move, one.subscription, quote, lambda preview: None)
        found[one.account.code] = "moved" if outcome.moved else str(outcome.left and outcome.left.refusal)
    return found


def test_who_would_pay_how_much_more(world: None) -> None:
    use("anna", 1000)
    found = shown(team())
    anna, bert = found["anna"].compared, found["bert"].compared
    assert anna is not None
    assert bert is not None
    assert (f"{anna.before:.2f}", f"{anna.after:.2f}", f"{anna.difference:.2f}") == (
        "59.00",
        "79.00",
        "20.00",
    )
    assert f"{bert.difference:.2f}" == "10.00", "the base price alone"
    (total,) = totals(found.values())
    assert (total.currency, total.accounts) == ("EUR", 3)
    assert (f"{total.base_difference:.2f}", f"{total.difference:.2f}") == ("30.00", "40.00")


def test_now_the_lines_are_those_of_the_preview(world: None) -> None:
    move = team("now")
    found = shown(move)
    assert move_all(move) == {"anna": "moved", "bert": "moved", "cleo": "moved"}
    with installation_scope():
        for code, one in found.items():
            assert one.preview is not None
            lines = PendingLine.objects.filter(account__code=code)
            assert sorted(line.amount for line in lines) == sorted(line.amount for line in one.preview.lines)
            assert str(version_at(of(code), timezone.now())) == "team v2"
        assert PendingLine.objects.count() == 6


def test_again_moves_nobody_twice(world: None) -> None:
    for when in ("period_end", "now"):
        move = team(when)
        assert set(move_all(move).values()) == {"moved"} or when == "now"
    again = shown(team("period_end"))
    assert [one.done for one in again.values()] == [True] * 3
    with installation_scope():
        assert not PendingLine.objects.exists()


def test_who_has_chosen_otherwise_stays_and_is_named_with_the_reason(world: None) -> None:
    with installation_scope():
        cancel(of("anna"), actor=Actor.CUSTOMER)
        confirm_change(of("bert"), the_plan("scale"), "period_end", actor=Actor.CUSTOMER)
        before = scheduled_change(of("bert"))
    found = move_all(team("now"))
    assert found["anna"].startswith("It is cancelled and ends on ")
    assert found["bert"].startswith("A change to scale v1 is scheduled for ")
    assert found["cleo"] == "moved"
    with installation_scope():
        assert scheduled_change(of("bert")) == before


@pytest.mark.parametrize(
    ("target", "reason"),
    [("yearly", "billed by the month, the other plan by the year"), ("dollars", "priced in USD")],
)
def test_another_interval_or_currency_is_no_move(world: None, target: str, reason: str) -> None:
    with installation_scope():
        move = find_move("team@1", target, "period_end")
    found = shown(move)
    assert all(reason in one.refusal and one.preview is None for one in found.values())
    assert totals(found.values()) == []
    assert reason in move_all(move)["anna"]


def test_what_was_chosen_between_preview_and_confirmation_is_not_replaced(world: None) -> None:
    move = team()
    anna = next(candidates(move))
    assert anna.preview is not None
    with installation_scope():
        cancel(of("anna"), actor=Actor.CUSTOMER)
    outcome = move_one(move, anna.subscription, anna.preview.quote, lambda preview: None)
    assert outcome.left is not None
    assert "cancelled" in outcome.left.refusal
    with installation_scope():
        change = scheduled_change(of("anna"))
        assert change is not None
        assert change.version is None


def test_a_quote_that_does_not_hold_is_refused_with_the_new_figures(world: None) -> None:
    move = team("now")
    stale = shown(move)
    with installation_scope():
        sell(plan("team", "69.00", charges=TWO_EACH))
    new = team("now")
    anna = stale["anna"]
    assert anna.preview is not None
    outcome = move_one(new, anna.subscription, anna.preview.quote, lambda preview: None)
    assert outcome.moved is None
    assert outcome.left is not None
    assert outcome.left.preview is not None
    assert f"{outcome.left.base_difference:.2f}" == "20.00"
    assert "look at the new one" in outcome.left.refusal
    with installation_scope():
        assert str(version_at(of("anna"), timezone.now())) == "team v1"
    again = move_one(new, anna.subscription, outcome.left.preview.quote, lambda preview: None)
    assert again.moved is not None


def test_what_fails_for_one_leaves_the_others_moved_and_can_go_on(world: None) -> None:
    move = team("now")

    def broken(preview: Any) -> None:
        raise RuntimeError("the power failed")

    found = list(candidates(move))
    move_one(move, found[0].subscription, None, lambda preview: None)
    with pytest.raises(RuntimeError):
        move_one(move, found[1].subscription, None, broken)
    with installation_scope():
        on = [str(version_at(of(code), timezone.now())) for code in ("anna", "bert", "cleo")]
    assert on == ["team v2", "team v1", "team v1"], "nothing of the second is stored"
    assert move_all(move) == {"bert": "moved", "cleo": "moved"}


def test_unknown_and_archived_plans_are_refused_with_a_sentence(world: None) -> None:
    with installation_scope():
        Plan.objects.filter(code="scale").update(archived=True)
        for source, target in [
            ("nothing", "team"),
            ("team@9", "team"),
            ("team@x", "team"),
            ("team", "scale"),
            ("team", "no"),
        ]:
            with pytest.raises(LookupError, match=r"\."):
                find_move(source, target, "now")


def test_each_account_costs_few_queries(world: None) -> None:
    with installation_scope():
        before = the_plan("team").versions.get(number=1)
        start = timezone.now() - timedelta(days=40)
        for number in range(12):
            one = subscribe(make_account(f"many{number:02}", timezone="UTC"), the_plan("team"), start)
            one.phases.update(version=before)
    with CaptureQueriesContext(connection) as queries:
        assert len(shown(team())) == 15
    assert len(queries) < 15 * 40


class TestStaff:
    @pytest.fixture
    def staff(self, world: None) -> Client:
        client = Client()
        with installation_scope():
            user = User.objects.create_superuser("staff@plainbill.example", "correct horse battery")
        client.force_login(user)
        return client

    URL = "/admin/plans/subscription/move/"

    def quotes(self, text: str) -> dict[str, str]:
        return dict(re.findall(r'name="quote_([^"]+)" value="([^"]+)"', text))

    def test_the_page_shows_each_account_and_moves_those_that_are_ticked(self, staff: Client) -> None:
        assert reverse("admin:plans_subscription_move") == self.URL
        assert "Move subscribers" in staff.get(self.URL, {"source": "team@1"}).content.decode()
        chosen = {"source": "team@1", "target": "team", "when": "now"}
        text = staff.get(self.URL, chosen).content.decode()
        assert "3 accounts in EUR" in text
        quotes = self.quotes(text)
        with installation_scope():
            anna, bert = str(of("anna").pk), str(of("bert").pk)
        sent = {
            **chosen,
            "move": [anna, bert, "no id"],
            f"quote_{anna}": quotes[anna],
            f"quote_{bert}": "made up",
        }
        response = staff.post(self.URL, sent)
        answer = response.content.decode()
        assert "1 of 2 are moved." in answer
        assert "Not moved: these are the new figures" in answer
        assert list(self.quotes(answer)) == [bert]
        with installation_scope():
            assert [str(version_at(of(code), timezone.now())) for code in ("anna", "bert")] == [
                "team v2",
                "team v1",
            ]
            entry = LogEntry.objects.get()
        assert (entry.object_id, entry.user.email) == (anna, "staff@plainbill.example")
        assert "Moved to team v2" in entry.change_message

    def test_customers_and_staff_without_the_right_may_not(self, staff: Client) -> None:
        client = Client()
        with installation_scope():
            client.force_login(
                User.objects.create_user("s@plainbill.example", "correct horse", is_staff=True)
            )
        assert client.get(self.URL).status_code == 403

    def test_bad_choices_are_named(self, staff: Client) -> None:
        text = staff.get(self.URL, {"source": "team@77", "target": "team", "when": "soon"}).content.decode()
        assert text.count("Select a valid choice") == 2


class TestCommand:
    def run(self, *args: str) -> list[dict[str, Any]]:
        out = StringIO()
        call_command("move_subscribers", "--from", "team@1", "--to", "team", "--json", *args, stdout=out)
        return [json.loads(line) for line in out.getvalue().splitlines()]

    def test_preview_then_confirm_by_its_quotes(self, world: None, tmp_path: Path) -> None:
        *rows, last = self.run("--when", "now", "--preview")
        assert [(row["account"], row["difference"], row["moved"]) for row in rows] == [
            ("anna", "10.00", False), ("bert", "10.00", False), ("cleo", "10.00", False),
        ]  # fmt: skip
        assert last["totals"][0]["difference"] == "30.00"
        file = tmp_path / "quotes"
        file.write_text("\n".join(json.dumps(row) for row in rows[:2]))
        with pytest.raises(CommandError, match="1 of 3 were not moved"):
            self.run("--when", "now", "--confirm", "--quotes", str(file))
        *rows, _last = self.run("--when", "now", "--confirm")
        assert [(row["account"], row["moved"]) for row in rows] == [("cleo", True)]

    def test_what_is_wrong_is_said(self, world: None, tmp_path: Path) -> None:
        with pytest.raises(CommandError, match="not for sale"):
            call_command("move_subscribers", "--from", "team", "--to", "x", "--when", "now", "--preview")
        with pytest.raises(CommandError, match="--quotes"):
            self.run("--when", "now", "--confirm", "--quotes", str(tmp_path / "nothing"))
