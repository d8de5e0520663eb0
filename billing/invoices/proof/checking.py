"""A document recomputed from the stored events, by the very code that reads a proof."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from billing.invoices.evidence import events_behind
from billing.invoices.models import Invoice, InvoiceLine
from billing.invoices.proof.rules import Data, Rules
from billing.invoices.queries import invoice_data
from billing.proof.check import Check, check
from billing.proof.documents import read_proof
from billing.proof.facts import PeriodFacts, Proof
from billing.proof.tally import Stretch


@dataclass(frozen=True, slots=True)
class Parts:
    """The parts of a proof besides its events; `rows` are the document's lines in order."""

    invoice: Data
    terms: Data
    rules: Data
    rows: Sequence[InvoiceLine]

    def proof(self) -> Proof:
        return read_proof(self.invoice, self.terms, self.rules)


def parts_of(invoice: Invoice) -> Parts:
    """Read it inside the account's scope."""
    facts = Rules(invoice)
    rules = facts.rules()
    return Parts(invoice_data(invoice, facts.rows), facts.terms(), rules, facts.rows)


def priced_periods(proof: Proof) -> Iterator[tuple[PeriodFacts, Sequence[Stretch]]]:
    """The periods whose events are kept, with their stretches."""
    return ((each, each.stretches) for each in proof.periods.values() if each.events == "all")


def check_invoice(invoice: Invoice) -> Check:
    """The document recomputed now; inside the account's scope."""
    return check_parts(invoice, parts_of(invoice))


def check_parts(invoice: Invoice, parts: Parts) -> Check:
    """The same of parts that were read."""
    proof = parts.proof()
    stored = events_behind(invoice.account_id, priced_periods(proof), invoice.priced_at)
    return check(proof, (event.as_event() for event in stored))
