"""`verify`: prices every issued invoice again from raw events, and checks all that must hold of what was issued.

Nothing here trusts the day totals, the stored sums or the triggers: it reads events, plan versions and rows.
"""

from billing.invoices.verify.run import Difference, Step, steps, unpriceable, verify

__all__ = ["Difference", "Step", "steps", "unpriceable", "verify"]
