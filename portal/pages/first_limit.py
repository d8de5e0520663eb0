"""The first paid plan asks for a limit: an amount and what happens there, or none; nothing is preselected."""

from accounts.models import Account
from billing.limits.models import LimitVersion
from billing.plans.models import PlanVersion
from portal.pages.limits import LimitForm


def first_limit(
    account: Account,
    version: PlanVersion | None,
    form: LimitForm | None = None,
    *,
    before: PlanVersion | None = None,
) -> LimitForm | None:
    """The form to show, `form` if one was typed; None where the plan costs nothing or the limit is decided.

    `before`: the plan that the account leaves. From one that costs something the next is not the first.
    """
    if version is None or not _costs(version) or (before is not None and _costs(before)):
        return None
    if LimitVersion.objects.filter(account=account, meter=None).exists():
        return None
    return form or LimitForm()


def _costs(version: PlanVersion) -> bool:
    return bool(version.base_price) or version.charges.exists()
