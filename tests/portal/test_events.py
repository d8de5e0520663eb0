"""Raw events as a list, as CSV, and one by one with its way to the invoice."""

import csv
import io
import json
from datetime import timedelta
from decimal import Decimal
from urllib.parse import quote, urlencode

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from billing.invoices.models import InvoiceLine
from billing.plans.models import Meter
from billing.pricing.money import exact
from billing.usage.ingest import ingest
from billing.usage.models import Event
from billing.usage.queries import Sought, events_by_id, events_of_line, events_page
from billing.usage.reading import pages
from portal import formats
from portal.pages.events import event_url
from tests.factories import make_account, make_member
from tests.portal.world import HOSTILE, build, send, sign_in

pytestmark = pytest.mark.django_db
LIST = "/billing/usage/events/"
MANY = """
    INSERT INTO usage_event (account_id, source, event_id, type, "time", received_at, timed, data)
    SELECT %s, '/many/' || n %% 20, n::text, 'llm.completion', %s - n * interval '1 minute', now(), true,
           '{"output_tokens": 5, "model": "m"}' FROM generate_series(1, 30000) AS n"""


@pytest.fixture
def world(db):
    return build()


def put(account, id, at, **fields):
    """One event with this id; `fields` replace its own."""
    event = {
        "specversion": "1.0",
        "id": id,
        "source": "/test",
        "type": "llm.completion",
        "subject": account.code,
        "time": at.isoformat(),
        "data": {"output_tokens": 1000, "input_tokens": 10, "model": "m", "region": "eu"},
    }
    result = ingest(json.dumps([event | fields]).encode(), "application/json")
    assert result.accepted + result.quarantined == 1, result
    return next(iter(events_by_id(account, id)), None)


class TestList:
    def test_newest_first_with_what_each_counted(self, world):
        put(world.account, "the-newest", world.now)
        text = sign_in(world.owner).get(LIST).text
        assert text.index("the-newest") < text.index(f"{(world.now - timedelta(minutes=5)).isoformat()}")
        assert "1,000 tokens" in text
        assert "10 tokens" in text
        assert f"model {HOSTILE}" not in text

    def test_pages_go_older_and_newer_and_lose_nothing(self, world):
        for number in range(130):
            put(world.account, f"e{number:03}", world.now - timedelta(seconds=number))
        whole = [one.id for one in events_page(world.account, Sought(), limit=1000).events]
        seen, after, newer = list[str](), None, []
        while True:
            page = events_page(world.account, Sought(), after=after, limit=40)
            seen += [one.id for one in page.events]
            newer.append(page.newer)
            if page.next is None:
                break
            after = page.next
        assert seen == whole
        assert newer[0] is None
        back = events_page(world.account, Sought(), before=newer[2], limit=40)
        assert [one.id for one in back.events] == whole[40:80]
        assert back.next == back.events[-1].position

    def test_the_links_of_the_page_lead_there_and_back(self, world):
        owner = sign_in(world.owner)
        for number in range(60):
            put(world.account, f"e{number:03}", world.now - timedelta(seconds=number))
        first = owner.get(LIST)
        older = first.context["page"].older
        second = owner.get(LIST + older)
        assert second.context["page"].rows[0].event.id == "e050"
        assert "Newest" in second.text
        back = owner.get(LIST + second.context["page"].newer).context["page"]
        assert back.begun
        assert [row.event.id for row in back.rows] == [row.event.id for row in first.context["page"].rows]
        assert owner.get(LIST + "?after=made-up").context["page"].begun

    def test_filters_by_source_type_meter_dimension_and_days(self, world):
        at = world.now - timedelta(minutes=1)
        put(world.account, "mine", at, source="/mine")
        put(world.account, "stored", at, type="storage.level", data={"gigabytes": "2.5", "bucket": "b"})
        put(world.account, "lacking", at, data={"output_tokens": 5, "region": "us"})

        def ids(query):
            page = sign_in(world.owner).get(LIST, query).context["page"]
            return {row.event.id for row in page.rows if not row.event.id.startswith("20")}

        assert ids({}) == {"mine", "stored", "lacking"}
        assert ids({"source": "/mine"}) == {"mine"}
        assert ids({"type": "storage.level"}) == {"stored"}
        assert ids({"meter": "input_tokens"}) == {"mine"}
        assert ids({"region": "us"}) == {"lacking"}
        assert ids({"region": ["us", "eu"]}) >= {"lacking", "mine"}
        assert ids({"bucket": "b", "meter": "storage"}) == {"stored"}
        assert ids({"from": "2020-01-01", "to": "2020-02-01"}) == set()

    @pytest.mark.parametrize("name", ["meter", "type", "from", "to"])
    def test_what_is_wrong_is_named(self, world, name):
        answer = sign_in(world.owner).get(LIST, {name: "\0nothing'"})
        assert answer.status_code == 200
        assert f'href="#{name}"' in answer.text

    @pytest.mark.parametrize("name", ["source", "model", "after", "before"])
    def test_hostile_values_find_nothing_and_break_nothing(self, world, name):
        for value in ("\0", HOSTILE, "a" * 5000, "\ud800".encode("utf-8", "surrogatepass"), "''; --"):
            assert sign_in(world.owner).get(LIST, {name: value}).status_code == 200

    def test_a_rare_value_is_looked_for_page_by_page(self, world, monkeypatch):
        put(world.account, "rare", world.now - timedelta(days=3), source="/rare")
        monkeypatch.setattr(pages, "LOOKED_AT", 2)
        page, looked = events_page(world.account, Sought(source="/rare")), 0
        while not page.events and page.next:
            page, looked = events_page(world.account, Sought(source="/rare"), after=page.next), looked + 1
        assert [one.id for one in page.events] == ["rare"]
        assert looked >= 2

    def test_voided_corrected_and_late_ones_say_so(self, world):
        put(world.account, "taken", world.now)
        put(world.account, "taken", world.now, revision=1, voided=True)
        put(world.account, "mended", world.now)
        put(world.account, "mended", world.now, revision=7)
        put(world.account, "tardy", world.now - timedelta(days=15))
        answer = sign_in(world.owner).get(LIST, {"from": (world.now - timedelta(days=40)).date()})
        assert "Voided: it counts nothing" in answer.text
        assert "Corrected, revision 7" in answer.text
        rows = {row.event.id: row for row in answer.context["page"].rows}
        assert not rows["taken"].counted
        assert rows["tardy"].late
        assert not rows["mended"].late
        assert "Late: came on" in answer.text

    def test_another_customer_sees_none(self, world):
        page = sign_in(world.outsider).get(LIST, {"from": "2026-01-01"}).context["page"]
        assert page.rows == []

    def test_queries_stay_the_same(self, world):
        owner, counts = sign_in(world.owner), []
        for minute in (1, 2):
            owner.get(LIST)
            with CaptureQueriesContext(connection) as found:
                owner.get(LIST)
            counts.append(len(found))
            send(world.account, world.now - timedelta(minutes=minute), 60)
        assert counts[0] == counts[1], counts
        assert counts[0] <= 12, counts

    @pytest.mark.parametrize("query", [{}, {"source": "/test"}, {"meter": "output_tokens", "model": "m"}])
    def test_an_index_serves_it_whatever_the_size(self, world, query):
        """A plan for a table of a few rows would say nothing."""
        with connection.cursor() as cursor:
            cursor.execute(MANY, [world.account.pk, world.now])
        sought = Sought(
            start=world.now - timedelta(days=40),
            end=world.now,
            source=query.get("source", ""),
            meter=Meter.objects.filter(code=query.get("meter")).first(),
            matching={"model": ["m"]} if "model" in query else {},
        )
        first = events_page(world.account, sought, limit=5).events[-1].position
        statements = list[str]()

        def keep(execute, sql, params, many, context):
            if "usage_event" in sql:
                statements.append(sql)
                with connection.cursor().cursor as cursor:
                    cursor.execute(f"EXPLAIN {sql}", params)
                    plan = "\n".join(row[0] for row in cursor.fetchall())
                assert "Seq Scan on usage_event" not in plan, plan
                assert "Index Scan" in plan, plan
            return execute(sql, params, many, context)

        with connection.execute_wrapper(keep):
            events_page(world.account, sought, after=first)
            events_page(world.account, sought, before=first)
            events_by_id(world.account, "mine")
        assert len(statements) >= 3


class TestLine:
    @pytest.fixture
    def line(self, world):
        rows = InvoiceLine.objects.filter(account=world.account, kind="usage", charge="output_tokens")
        return rows.select_related("invoice", "period__account", "version__plan")[0]

    def get(self, world, line, **query):
        return sign_in(world.owner).get(
            reverse("portal:invoice_line", args=[line.invoice.number, line.pk]), query
        )

    def test_tiers_days_and_events_each_sum_to_the_line(self, world, line):
        page = self.get(world, line).context["page"]
        assert [Decimal(row["amount"]) for row in line.tiers]
        assert len(page.tiers) == len(line.tiers)
        with exact():
            assert sum(amount_of(one.cost) for one in page.days) == line.exact_amount
            pages_of = [page]
            while pages_of[-1].next:
                pages_of.append(self.get(world, line, after=pages_of[-1].next).context["page"])
            costs = [amount_of(one.cost) for each in pages_of for one in each.events]
            assert sum(costs) == line.exact_amount
        assert len(pages_of) == 2

    def test_a_days_events_sum_to_its_cost_and_lead_on(self, world, line):
        whole = self.get(world, line).context["page"]
        for one in (whole.days[0], whole.days[3], whole.days[-1]):
            answer = sign_in(world.owner).get(one.url)
            page = answer.context["page"]
            assert page.events
            with exact():
                assert sum(amount_of(event.cost) for event in page.events) == amount_of(one.cost)
            assert sign_in(world.owner).get(page.events[0].url).status_code == 200
        assert page.newer is None
        assert page.older.day == whole.days[-2].day

    def test_a_day_that_is_none_of_its_days_is_not_there(self, world, line):
        for day in ("2020-01-01", "soon", "\0"):
            assert self.get(world, line, day=day).status_code == 404

    def test_its_events_in_the_list(self, world, line):
        page = self.get(world, line).context["page"]
        listed = sign_in(world.owner).get(page.all_url).context["page"]
        assert {row.event.id for row in listed.rows} >= {one.id for one in page.events[-20:]}


def amount_of(text: str) -> Decimal:
    """The number that "€1,234.000 5" says."""
    return Decimal("".join(mark for mark in text.replace("−", "-") if mark in "-.0123456789"))


class TestCsv:
    def read(self, world, **query):
        answer = sign_in(world.owner).get("/billing/usage/events.csv", query)
        assert answer.status_code == 200
        text = b"".join(answer.streaming_content).decode()
        return list(csv.DictReader(io.StringIO(text)))

    def test_every_event_of_the_view_with_safe_cells(self, world):
        put(world.account, "=1+1", world.now, source="@here", data={"output_tokens": -3, "model": "+m"})
        rows = self.read(world, meter="output_tokens")
        shown = events_page(world.account, Sought(types=["llm.completion"]), limit=1000).events
        day = world.account.periods.latest("start").start
        assert len(rows) == len([one for one in shown if one.time >= day])
        assert (rows[0]["id"], rows[0]["source"]) == ("'=1+1", "'@here")
        assert rows[0]["dimension.model"] == "'+m"
        assert rows[0]["quantity.output_tokens"] == "-3"
        assert rows[0]["time"].endswith("Z")
        assert rows[0]["late"] == "no"

    def test_a_long_file_is_whole(self, world, monkeypatch):
        monkeypatch.setattr("portal.pages.events_csv.ROWS", 7)
        since = (world.now - timedelta(days=41)).date()
        rows = self.read(world, **{"from": since})
        assert len(rows) == Event.objects.filter(account=world.account).count()
        assert len({row["id"] for row in rows}) == len(rows)


class TestEvent:
    def page(self, world, event):
        return sign_in(world.owner).get(event_url(event))

    def test_its_cost_is_that_of_its_line(self, world):
        """On every usage line of the invoice, for every event."""
        lines = InvoiceLine.objects.filter(account=world.account, kind="usage", charge="output_tokens")
        line = lines.select_related("period__account", "version__plan", "invoice")[0]
        charge = next(c for c in charges_of(line) if c.code == "output_tokens")
        rows, _next = events_of_line(line.period, charge, line.start, line.end, None, 200)
        assert len(rows) > 3
        for row in (rows[0], rows[2], rows[-1]):
            answer = self.page(world, row.event)
            (path,) = [
                one for one in answer.context["page"].charges if one.url.endswith(f"/lines/{line.pk}/")
            ]
            assert path.cost == formats.money_exact(row.cost, "EUR", locale="en")
            assert f"invoice {line.invoice.number}" in answer.text
            assert path.url in answer.text

    def test_the_steps_it_fell_into_sum_to_its_cost(self, world):
        event = put(world.account, "big", world.now, data={"output_tokens": 40_000_000, "model": "m"})
        answer = self.page(world, event)
        (path,) = answer.context["page"].charges
        assert len(path.tiers) >= 2
        assert path.tiers[-1].name == "Above 20,000,000"
        with exact():
            assert sum(amount_of(one.cost) for one in path.tiers) == amount_of(path.cost)
        assert reverse("portal:upcoming") in answer.text
        assert "Your next invoice, as it stands" in answer.text

    def test_two_charges_have_a_path_each(self, world):
        data = {"output_tokens": 10, "input_tokens": 10, "model": HOSTILE}
        event = put(world.account, "both", world.now, data=data)
        page = self.page(world, event).context["page"]
        assert [one.name for one in page.charges] == ["Output tokens", "Input tokens"]

    def test_a_waived_one_names_the_receipt(self, world):
        from billing.limits.actions import raise_alerts, set_limit, time_stops

        set_limit(world.account, "1", "stop", by=world.owner)
        send(world.account, world.now, 3, tokens=4_000_000)
        raise_alerts(world.account, timezone.now())
        time_stops(world.account)
        event = put(world.account, "after", timezone.now())
        answer = self.page(world, event)
        assert "It came after your limit was reached, so what it cost is waived." in answer.text
        assert "/billing/limits/receipts/" in answer.text

    def test_a_late_one_says_where_it_stands(self, world):
        event = put(world.account, "tardy", world.now - timedelta(days=15))
        text = self.page(world, event).text
        assert "It came after its period was invoiced" in text
        assert "15 days after its time" in text

    def test_why_it_costs_nothing(self, world):
        at = world.now
        put(world.account, "taken", at)
        voided = put(world.account, "taken", at, revision=1, voided=True)
        assert "It was voided" in self.page(world, voided).text
        lacking = Event.objects.filter(account=world.account).first()
        Event.objects.filter(pk=lacking.pk).update(data={"model": "m"})
        (lacking,) = events_by_id(world.account, lacking.event_id)
        assert "it lacks the property" in self.page(world, lacking).text
        early = world.now - timedelta(days=200)
        put(world.account, "early", early)
        text = sign_in(world.owner).get("/billing/usage/events/early/").text
        assert "No billing period covers its time. It is kept" in text
        Meter.objects.create(
            code="pings", name={"und": "Pings"}, unit={"und": "ping"}, event_type="ping", aggregation="count"
        )
        ping = put(world.account, "ping", at, type="ping", data={})
        assert "No charge of your plan prices it." in self.page(world, ping).text

    def test_another_accounts_event_is_not_there(self, world):
        other = make_account("elsewhere")
        send_to = put(world.account, "secret", world.now)
        assert sign_in(make_member(other)).get(event_url(send_to)).status_code == 404
        assert sign_in(world.outsider).get("/billing/usage/events/secret/").status_code == 404
        assert sign_in(world.owner).get("/billing/usage/events/none/").status_code == 404

    @pytest.mark.parametrize(
        "id",
        ["plain", "a/b", "..", ".", "/", "//x", "a b", "é", "?x=1#y", "%2F", HOSTILE, "a" * 256, "-", "x/"],
    )
    def test_every_id_has_its_address(self, world, id):
        event = put(world.account, id, world.now)
        answer = self.page(world, event)
        assert answer.status_code == 200
        assert answer.context["page"].id == id
        assert "<script>alert" not in answer.text
        if id not in (".", ".."):
            plain = sign_in(world.owner).get(f"/billing/usage/events/{quote(id, safe='')}/")
            assert plain.context["page"].id == id

    def test_the_same_id_of_two_sources(self, world):
        one = put(world.account, "twin", world.now)
        put(world.account, "twin", world.now, source="/other")
        (other, _) = events_by_id(world.account, "twin")
        assert other.source == "/other"
        assert self.page(world, one).context["page"].source == "/test"
        answer = self.page(world, other)
        assert answer.context["page"].source == "/other"
        assert urlencode({"source": "/test"}) in answer.text

    def test_queries_stay_few(self, world):
        event = put(world.account, "one", world.now)
        owner = sign_in(world.owner)
        owner.get(event_url(event))
        counts = []
        for minute in (1, 2):
            with CaptureQueriesContext(connection) as found:
                assert owner.get(event_url(event)).status_code == 200
            counts.append(len(found))
            send(world.account, world.now - timedelta(minutes=minute), 60)
        assert counts[1] <= counts[0] <= 30, counts


def charges_of(line):
    from billing.plans.queries import plan_terms

    return plan_terms(line.version).charges
