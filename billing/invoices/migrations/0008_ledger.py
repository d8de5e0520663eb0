"""The ledger: its tables, under row-level security, only ever added to and balanced (billing/invoices/sql/ledger.sql)."""

from pathlib import Path

import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models

from accounts.scope import policy

SQL = Path(__file__).resolve().parent.parent / "sql"
TABLES = ["invoices_ledgertransaction", "invoices_ledgerentry"]
BACKWARD = """
DROP TRIGGER posted_transaction_stays ON invoices_ledgertransaction;
DROP TRIGGER posted_transactions_stay ON invoices_ledgertransaction;
DROP TRIGGER posted_in_transaction ON invoices_ledgertransaction;
DROP TRIGGER transaction_balances ON invoices_ledgertransaction;
DROP TRIGGER posted_entry_stays ON invoices_ledgerentry;
DROP TRIGGER posted_entries_stay ON invoices_ledgerentry;
DROP TRIGGER entry_is_posted_with_its_transaction ON invoices_ledgerentry;
DROP FUNCTION ledger_refuse_change();
DROP FUNCTION ledger_refuse_late_entry();
DROP FUNCTION ledger_check_balance();
"""


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0002_billing_details'),
        ('invoices', '0007_credited_documents'),
    ]

    operations = [
        migrations.CreateModel(
            name='LedgerTransaction',
            fields=[
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('kind', models.CharField(choices=[('invoice', 'Invoice'), ('credit_note', 'Credit Note'), ('prepayment', 'Prepayment'), ('payment', 'Payment'), ('refund', 'Refund')], max_length=12)),
                ('reference', models.CharField(blank=True, max_length=300)),
                ('posted_by', models.CharField(blank=True, max_length=254)),
                ('at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('issued_in', models.BigIntegerField(default=0, editable=False)),
                ('account', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.account')),
                ('document', models.OneToOneField(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='posted', to='invoices.invoice')),
                ('payment', models.OneToOneField(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='posted', to='invoices.payment')),
            ],
            options={
                'ordering': ['id'],
            },
        ),
        migrations.CreateModel(
            name='LedgerEntry',
            fields=[
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('book', models.CharField(choices=[('receivable', 'Receivable'), ('credit', 'Credit'), ('revenue', 'Revenue'), ('tax', 'Tax'), ('prepaid_tax', 'Prepaid Tax'), ('bank', 'Bank')], max_length=12)),
                ('amount', models.DecimalField(decimal_places=12, max_digits=1000)),
                ('account', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.account')),
                ('invoice', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='invoices.invoice')),
                ('credit', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='uses', to='invoices.ledgertransaction')),
                ('transaction', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='entries', to='invoices.ledgertransaction')),
            ],
            options={
                'ordering': ['id'],
                'indexes': [models.Index(condition=models.Q(('book', 'credit')), fields=['account', 'credit'], include=('amount',), name='credit_of_account')],
                'constraints': [models.CheckConstraint(condition=models.Q(('amount', 0), _negated=True), name='entry_not_zero'), models.CheckConstraint(condition=models.Q(models.Q(('book', 'credit'), ('credit__isnull', False)), models.Q(models.Q(('book', 'credit'), _negated=True), ('credit', None)), _connector='OR'), name='credit_names_its_source'), models.CheckConstraint(condition=models.Q(models.Q(('book', 'receivable'), ('invoice__isnull', False)), models.Q(models.Q(('book', 'receivable'), _negated=True), ('invoice', None)), _connector='OR'), name='receivable_names_its_invoice')],
            },
        ),
        *(migrations.RunSQL(*policy(table)) for table in TABLES),
        migrations.RunSQL((SQL / "ledger.sql").read_text(), BACKWARD),
    ]
