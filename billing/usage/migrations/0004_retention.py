"""What stays of events whose raw data is no longer kept: hashes of identity and content, and the time they covered."""

import django.db.models.deletion
from django.db import migrations, models

from accounts.scope import policy

# By account, as the events: a lookup stays in one small index.
PARTITIONS = 8
PURGED = """
CREATE TABLE usage_purgedevent (
    account_id bigint NOT NULL,
    identity uuid NOT NULL,
    content uuid NOT NULL,
    revision integer NOT NULL CHECK (revision >= 0),
    day date NOT NULL,
    PRIMARY KEY (account_id, identity)
) PARTITION BY HASH (account_id);
""" + "".join(
    f"CREATE TABLE usage_purgedevent_{n} PARTITION OF usage_purgedevent"
    f" FOR VALUES WITH (MODULUS {PARTITIONS}, REMAINDER {n});"
    for n in range(PARTITIONS)
)
TABLES = ["usage_purgedspan", "usage_purgedevent", *(f"usage_purgedevent_{n}" for n in range(PARTITIONS))]


class Migration(migrations.Migration):
    dependencies = [("usage", "0003_event_rows"), ("accounts", "0001_initial")]
    operations = [
        migrations.AlterField(
            model_name="quarantinedevent",
            name="reason",
            field=models.CharField(
                choices=[
                    ("unknown_account", "unknown account"),
                    ("unknown_type", "no meter listens to its type"),
                    ("no_period", "in no service period"),
                    ("too_late", "too late for an invoiced period"),
                    ("past_term", "corrects an event that is no longer kept"),
                ],
                max_length=20,
            ),
        ),
        migrations.CreateModel(
            name="PurgedSpan",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("start", models.DateTimeField()),
                ("end", models.DateTimeField()),
                (
                    "account",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="accounts.account"
                    ),
                ),
            ],
            options={"ordering": ["account", "start"]},
        ),
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.CreateModel(
                    name="PurgedEvent",
                    fields=[
                        (
                            "pk",
                            models.CompositePrimaryKey(
                                "account_id",
                                "identity",
                                blank=True,
                                editable=False,
                                primary_key=True,
                                serialize=False,
                            ),
                        ),
                        ("identity", models.UUIDField()),
                        ("content", models.UUIDField()),
                        ("revision", models.PositiveIntegerField()),
                        ("day", models.DateField()),
                        (
                            "account",
                            models.ForeignKey(
                                db_constraint=False,
                                db_index=False,
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="+",
                                to="accounts.account",
                            ),
                        ),
                    ],
                ),
            ],
            database_operations=[migrations.RunSQL(PURGED, "DROP TABLE usage_purgedevent")],
        ),
        *(migrations.RunSQL(*policy(table)) for table in TABLES),
    ]
