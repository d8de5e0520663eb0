"""Reservations say to which period they belong and what they were granted by."""

import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models


def _key(to: str, **fields: object) -> models.ForeignKey:
    return models.ForeignKey(
        db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="+", to=to, **fields
    )


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0002_billing_details"),
        ("limits", "0005_receipts"),
        ("plans", "0006_wide_amounts"),
    ]

    operations = [
        migrations.AlterField("reservation", "account", _key("accounts.account")),
        migrations.AlterField("reservation", "meter", _key("plans.meter")),
        # Nothing could make a row before, so there is none to give a period to.
        migrations.AddField("reservation", "period", _key("plans.period", default=None), preserve_default=False),
        migrations.AddField("reservation", "version", _key("plans.planversion", null=True)),
        migrations.AddField("reservation", "limits", models.JSONField(default=list)),
        migrations.AddField("reservation", "charges", models.JSONField(default=dict)),
        migrations.AddField("reservation", "source", models.CharField(blank=True, max_length=256)),
        migrations.AddField("reservation", "event_id", models.CharField(blank=True, max_length=256)),
        migrations.AddField(
            "reservation",
            "created_at",
            models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False),
        ),
        migrations.AddIndex(
            "reservation",
            models.Index(
                fields=["account", "period"], condition=models.Q(ended_at=None), name="reservation_open"
            ),
        ),
        migrations.AddIndex("reservation", models.Index(fields=["expires_at"], name="reservation_by_end")),
    ]
