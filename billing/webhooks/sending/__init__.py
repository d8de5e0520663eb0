"""How messages leave: spread to endpoints, taken for a try, sent, and what became of it recorded.

Each step is a transaction of its own over the installation's scope, and each may be lost: rows say what is due.
"""

from billing.webhooks.sending.posting import Outcome, post
from billing.webhooks.sending.queue import Lane, Try, next_due, settle, spread, take

__all__ = ["Lane", "Outcome", "Try", "next_due", "post", "settle", "spread", "take"]
