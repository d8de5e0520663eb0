"""What must be true before the site is served: system libraries, compiled translations, collected static files."""

from django.core.management import CommandError

from portal.system_libraries import missing_library


def prepare() -> None:
    """Raise CommandError with one clear sentence for what is missing."""
    missing = missing_library()
    if missing:
        raise CommandError(missing)
