"""`uv run python -m tests.harness.webhooks [--seconds 600] [--careless]`: both runs on an installation of their own.

With `--careless` deliveries are marked before they are sent: then this must report losses.
"""

import argparse
import os
import sys
import tempfile
from pathlib import Path


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=120, help="of misbehaviour and kills (default: 120)")
    parser.add_argument("--rate", type=float, default=20, help="messages a second (default: 20)")
    parser.add_argument("--kill-every", type=float, default=6, help="seconds between two kills (default: 6)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--careless", action="store_true", help="mark deliveries before they are sent")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="webhooks ") as folder:
        data = Path(folder)
        os.environ |= {"DATA_DIR": str(data / "data"), "WEBHOOK_ALLOWED_HOSTS": "127.0.0.1"}
        os.environ |= {"DJANGO_SETTINGS_MODULE": "portal.settings", "EMAIL_URL": "memorymail://"}
        import django

        django.setup()
        from django.core.management import call_command

        from portal.postgres import embedded
        from tests.harness.webhooks import run

        try:
            call_command("migrate", verbosity=0)
            worker = run.Worker(os.environ, data / "worker.log", careless=asked.careless)
            loss = run.loss(worker, asked.seconds, asked.rate, asked.kill_every, asked.seed)
            print("\n".join(["Loss", *loss.lines()]))
            if asked.careless:
                return 0 if loss.lost else 1
            delay = run.delay(worker, turns=3, messages=200, rate=20, hanging=19)
            print("\n".join(["", "Delay", *delay.lines()]))
            return 0 if loss.good and delay.ratio < 2 and not delay.missing else 1
        finally:
            embedded.release(data / "data")


if __name__ == "__main__":
    sys.exit(main())
