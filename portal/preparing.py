"""What must be there before the site is served."""

from django.conf import settings
from django.core.management import CommandError

from portal.system_libraries import missing_library


def prepare() -> None:
    """Raise CommandError with one clear sentence that says what is missing and how to get it."""
    missing = missing_library()
    if missing:
        raise CommandError(missing)
    settings.STATIC_ROOT.mkdir(parents=True, exist_ok=True)  # where an operator may collect static files
