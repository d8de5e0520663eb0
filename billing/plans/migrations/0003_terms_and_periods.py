"""Published terms as one frozen value, periods that know their zone and base price, quotes without a table."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("plans", "0002_row_security")]

    operations = [
        migrations.DeleteModel(name="Quote"),
        migrations.AlterModelOptions(name="taxrate", options={"ordering": ["code", "valid_from"]}),
        migrations.RemoveConstraint(model_name="period", name="period_start_once"),
        migrations.RemoveConstraint(model_name="period", name="period_span"),
        migrations.AddField(
            model_name="period",
            name="base_end_day",
            field=models.DateField(default=None),
            preserve_default=False,
        ),
        migrations.AddField(
            model_name="period",
            name="base_version",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="plans.planversion",
            ),
        ),
        migrations.AddField(
            model_name="period",
            name="timezone",
            field=models.CharField(default=None, max_length=64),
            preserve_default=False,
        ),
        migrations.AlterField(
            model_name="period",
            name="trial",
            field=models.BooleanField(default=False, help_text="Free, usage included"),
        ),
        migrations.AddConstraint(
            model_name="period",
            constraint=models.UniqueConstraint(
                condition=models.Q(("end__gt", models.F("start"))),
                fields=("subscription", "start"),
                name="period_start_once",
            ),
        ),
        migrations.AddConstraint(
            model_name="period",
            constraint=models.CheckConstraint(
                condition=models.Q(("end__gte", models.F("start"))), name="period_span"
            ),
        ),
        migrations.AddField(
            model_name="planversion",
            name="digest",
            field=models.CharField(blank=True, editable=False, max_length=64),
        ),
        migrations.AddField(
            model_name="planversion",
            name="revision",
            field=models.PositiveIntegerField(default=0, editable=False),
        ),
        migrations.AddField(
            model_name="planversion",
            name="terms",
            field=models.JSONField(blank=True, default=dict, editable=False),
        ),
        migrations.AlterField(
            model_name="taxrate",
            name="valid_to",
            field=models.DateField(
                blank=True, help_text="The first day on which it no longer holds", null=True
            ),
        ),
    ]
