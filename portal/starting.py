"""Sets Django up in a process that serves, which ends with what is to be mended instead of a trace."""

import os
import sys

import django

from portal.checks.refusing import refuse_unsafe_database, refuse_unsafe_settings
from portal.failures import sentence


def set_up() -> None:
    """Exit with code 1 where Plainbill does not start."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
    try:
        django.setup(set_prefix=False)
        _refuse_unsafe()
    except Exception as error:
        told = sentence(error)
        if told is None:
            raise
        sys.stderr.write(f"{told}\n")
        sys.stderr.flush()
        sys.exit(1)


def _refuse_unsafe() -> None:
    """Outside production a server may start before its database, and nobody waits for it here."""
    from django.conf import settings

    if settings.PRODUCTION:
        refuse_unsafe_settings()
        refuse_unsafe_database()
