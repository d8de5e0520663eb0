"""The migrations make the tables that the models want."""

from django.core.management import call_command


def test_no_model_waits_for_a_migration(db: None) -> None:
    call_command("makemigrations", check_changes=True, dry_run=True, verbosity=0)
