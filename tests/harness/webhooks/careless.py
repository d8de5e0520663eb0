"""The worker with its defence off: a delivery is marked as delivered before it is sent. The harness must see losses."""

import os
import sys


async def send_after_marking(tried: object) -> None:
    from billing.webhooks.sending import Outcome, settle
    from portal.worker import webhooks

    await webhooks._in_thread(settle, tried, Outcome(None, 204))
    await webhooks._outcome(tried)


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
    import django

    django.setup()
    from django.core.management import execute_from_command_line

    from portal.worker import webhooks

    webhooks._send = send_after_marking
    execute_from_command_line(["manage.py", "worker", *sys.argv[1:]])
