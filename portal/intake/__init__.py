"""POST /events as the server answers it: straight from ASGI, with one transaction for all who wait.

A framework around each request would cost more than storing its events. `app.respond` reads the request, `keys` knows
who sends, `writers` store: what waits while a transaction commits goes together into the next one (group commit).
Nothing is answered before it is durable, and nothing waits that has no sender waiting for its answer.
"""

from portal.intake.app import PATH, broken_off, refuse, respond

__all__ = ["PATH", "broken_off", "refuse", "respond"]
