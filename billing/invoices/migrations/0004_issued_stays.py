"""Triggers that keep issued documents as they are, and that make them add up (billing/invoices/sql)."""

from pathlib import Path

from django.db import migrations

SQL = Path(__file__).resolve().parent.parent / "sql"
TABLES = {"invoice": ("invoice", "invoices"), "invoiceline": ("line", "lines"), "invoicedocument": ("document", "documents")}
OPEN = "".join(
    f"DROP TRIGGER issued_{one}_stays ON invoices_{table}; DROP TRIGGER issued_{many}_stay ON invoices_{table};"
    for table, (one, many) in TABLES.items()
)
BACKWARD = f"""
{OPEN}
DROP TRIGGER issued_in_transaction ON invoices_invoice;
DROP TRIGGER line_is_issued_with_its_invoice ON invoices_invoiceline;
DROP FUNCTION invoices_refuse_change();
DROP FUNCTION invoices_note_transaction();
DROP FUNCTION invoices_refuse_late_line();
"""
UNCHECKED = "DROP TRIGGER invoice_adds_up ON invoices_invoice; DROP FUNCTION invoices_check_sums();"


class Migration(migrations.Migration):
    dependencies = [("invoices", "0003_closing_and_payments")]
    operations = [
        migrations.RunSQL((SQL / "immutable.sql").read_text(), BACKWARD),
        migrations.RunSQL((SQL / "sums.sql").read_text(), UNCHECKED),
    ]
