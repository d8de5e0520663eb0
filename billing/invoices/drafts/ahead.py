"""What the drafts of many accounts ask, read for all at once. What is not read ahead they ask for themselves."""

from collections.abc import Sequence

from accounts.models import Account
from billing.invoices.drafts.late import candidates, invoiced_lines, lately_closed
from billing.invoices.drafts.plan import following, uninvoiced
from billing.invoices.ledger.credit import credit_left
from billing.limits.queries import cut_periods, limit_versions
from billing.plans.models import Period
from billing.plans.queries import phases, redemptions_of
from billing.usage.queries import kept_zone
from billing.usage.rating import Asked, usage_ahead
from billing.usage.retention import purged_spans


def read_ahead(accounts: Sequence[Account], closing: Sequence[Period]) -> None:
    """In a reading: what documents of these accounts ask, `closing` being the periods that some of them close."""
    for of_account in (redemptions_of, credit_left):
        of_account.ahead(account.pk for account in accounts)
    if not closing:
        return
    ids = [period.account_id for period in closing]
    for question in (kept_zone, uninvoiced, lately_closed, purged_spans, limit_versions, cut_periods):
        question.ahead(ids)
    following.ahead(closing)
    late = [each for period in closing for each in candidates(period)]
    phases.ahead(period.subscription_id for period in [*closing, *late])
    invoiced_lines.ahead(late)
    usage_ahead([*(Asked(period, period.end) for period in closing), *map(Asked, late)])
