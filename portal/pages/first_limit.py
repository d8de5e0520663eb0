"""The first paid plan asks for a limit: an amount and what happens there, or none; nothing is preselected."""

from accounts.models import Account
from billing.limits.models import LimitVersion
from billing.plans.models import PlanVersion
from portal.pages.limits import LimitForm


def first_limit(
    account: Account, version: PlanVersion | None, form: LimitForm | None = None
) -> LimitForm | None:
    """The form to show, `form` if one was typed; None where the plan costs nothing or the limit is decided."""
    if version is None or not (version.base_price or version.charges.exists()):
        return None
    if LimitVersion.objects.filter(account=account, meter=None).exists():
        return None
    return form or LimitForm()
