"""Writes the ledger of what was issued and paid before there was one: documents in their order, the oldest credit first.

It stands by itself, as the code that writes the ledger goes on: the same postings, of the kinds that there were.
"""

from decimal import Decimal

from django.db import migrations

ZERO = Decimal(0)


def write(apps, schema_editor):
    """Every account; a transaction of the ledger for each document, then for each payment."""
    connection = schema_editor.connection
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('plainbill.account', '*', true)")
        accounts = apps.get_model("invoices", "Invoice").objects.using(connection.alias).order_by("account_id")
        for account_id in accounts.values_list("account_id", flat=True).distinct():
            Writer(apps, connection, account_id).write()
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("SELECT set_config('plainbill.account', '', true)")


class Writer:
    """The documents and payments of one account."""

    def __init__(self, apps, connection, account_id):
        self.model = {
            name: apps.get_model("invoices", name).objects.using(connection.alias)
            for name in ("Invoice", "Payment", "LedgerTransaction", "LedgerEntry")
        }
        self.entry = apps.get_model("invoices", "LedgerEntry")
        self.account_id = account_id
        self.left = {}  # of each credit, oldest first

    def write(self):
        of_account = {"account_id": self.account_id}
        for one in self.model["Invoice"].filter(**of_account).order_by("priced_at", "series", "sequence").defer("snapshot"):
            self.document(one)
        for one in self.model["Payment"].filter(**of_account).order_by("recorded_at", "received_at"):
            rows = [("bank", one.amount, None), ("receivable", -one.amount, None)]
            self.post("payment", rows, one.recorded_at, one.invoice_id, payment_id=one.pk, reference=one.reference)

    def document(self, one):
        net, known = one.total - one.tax_total, {"document_id": one.pk}
        if one.kind == "credit_note":
            given = one.total - one.settles
            rows = [("revenue", net, None), ("tax", one.tax_total, None), ("receivable", -one.settles, None)]
            rows.append(("credit", -given, None))
            made = self.post("credit_note", rows, one.issued_at, one.credited_id, **known)
            if made and given:
                self.left[made.pk] = given
            return
        rows = [("receivable", one.amount_due, None), *self.use(one.credits_applied)]
        rows += [("revenue", -net, None), ("tax", -one.tax_total, None)]
        self.post("invoice", rows, one.issued_at, one.pk, **known)

    def use(self, amount):
        for source, left in list(self.left.items()):
            used = min(left, amount)
            if used:
                self.left[source] -= used
                amount -= used
                yield "credit", used, source
        if amount:
            raise ValueError(f"account {self.account_id}: {amount} more credit was used than there was")

    def post(self, kind, rows, at, invoice_id, **known):
        rows = [row for row in rows if row[1]]
        if not rows:
            return None
        made = self.model["LedgerTransaction"].create(account_id=self.account_id, kind=kind, at=at, **known)
        self.model["LedgerEntry"].bulk_create(
            self.entry(
                transaction_id=made.pk,
                account_id=self.account_id,
                book=book,
                amount=amount,
                invoice_id=invoice_id if book == "receivable" else None,
                credit_id=(source or made.pk) if book == "credit" else None,
            )
            for book, amount, source in rows
        )
        return made


class Migration(migrations.Migration):
    dependencies = [("invoices", "0008_ledger")]
    operations = [migrations.RunPython(write, migrations.RunPython.noop)]
