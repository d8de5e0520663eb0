from pathlib import Path

from django.db import migrations

SQL = Path(__file__).resolve().parent.parent / "sql"
BACKWARD = "DROP TRIGGER recorded_payment_stays ON invoices_payment; DROP TRIGGER recorded_payments_stay ON invoices_payment;"


class Migration(migrations.Migration):
    dependencies = [("invoices", "0010_indexes")]

    operations = [migrations.RunSQL((SQL / "payments.sql").read_text(), BACKWARD)]
