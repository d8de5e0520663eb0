"""Triggers that keep published plan versions as they are (billing/plans/sql/published.sql)."""

from pathlib import Path

from django.db import migrations

FORWARD = (Path(__file__).parent.parent / "sql" / "published.sql").read_text()
BACKWARD = """
DROP TRIGGER all_published_charges_stay ON plans_charge;
DROP TRIGGER published_versions_stay ON plans_planversion;
DROP TRIGGER published_charges_stay ON plans_charge;
DROP TRIGGER published_version_stays ON plans_planversion;
DROP FUNCTION plans_refuse_change();
DROP FUNCTION plans_version_is_published(bigint);
"""


class Migration(migrations.Migration):
    dependencies = [("plans", "0003_terms_and_periods")]
    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
