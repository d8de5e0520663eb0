"""Row-level security, and the functions by which SQL reads an event's data as billing/usage/values.py does."""

from pathlib import Path

from django.db import migrations

from accounts.scope import policy

SQL = Path(__file__).resolve().parent.parent / "sql"
TABLES = [
    "usage_event",
    # A policy of the parent does not hold for a query that names a partition.
    *(f"usage_event_{n}" for n in range(8)),
    "usage_daytotal",
    "usage_rollupzone",
    "usage_quarantinedevent",
]
DROP = """
DROP FUNCTION usage_number(jsonb); DROP FUNCTION usage_text(jsonb);
DROP FUNCTION usage_key(jsonb); DROP FUNCTION usage_matches(jsonb, jsonb);
"""
# Day totals are updated all day long: leave room on the page, and clean up before bloat slows the reads.
ROOM = "ALTER TABLE usage_daytotal SET (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02)"


class Migration(migrations.Migration):
    dependencies = [("usage", "0001_initial")]
    operations = [
        *(migrations.RunSQL(*policy(table)) for table in TABLES),
        migrations.RunSQL((SQL / "functions.sql").read_text(), DROP),
        migrations.RunSQL(ROOM, migrations.RunSQL.noop),
    ]
