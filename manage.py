#!/usr/bin/env python
"""Django's command line for Plainbill."""

import os
import sys


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
    if sys.argv[1:2] == ["quote"]:  # needs no site, and would take longer to start one than to price
        from billing.plans.quoting import main as quote

        sys.exit(quote(sys.argv[2:]))
    from django.core.management import execute_from_command_line

    try:
        execute_from_command_line(sys.argv)
    except Exception as error:
        from portal.failures import sentence

        told = sentence(error)
        if told is None:
            raise
        sys.exit(told)


if __name__ == "__main__":
    main()
