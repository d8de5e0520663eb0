"""What may be wrong with a change of a subscription or of the catalogue: one class per case."""

# ruff: noqa: N818  (the names say what is the case)

from typing import TYPE_CHECKING, ClassVar, Literal

if TYPE_CHECKING:
    from billing.plans.previews import Preview


class PlanError(Exception):
    """A refused change. `code` is for programs, `field` is the input at fault ("" if none is), `sentence` for people.

    `kind` says what went wrong: `invalid` input, `forbidden` for this actor, or a `conflict` with how things are.
    """

    code: ClassVar[str]
    kind: ClassVar[Literal["invalid", "forbidden", "conflict"]]

    def __init__(self, sentence: str, field: str = "") -> None:
        super().__init__(f"{field}: {sentence}" if field else sentence)
        self.sentence = sentence
        self.field = field


class PlanNotForSale(PlanError):
    """Archived, or never published."""

    code, kind = "plan_not_for_sale", "invalid"


class PlanNotPublic(PlanError):
    """Only the installation may put an account on it."""

    code, kind = "plan_not_public", "forbidden"


class CurrencyMismatch(PlanError):
    """Plan and account currency are equal."""

    code, kind = "currency_mismatch", "invalid"


class UnknownCoupon(PlanError):
    """No coupon has this code, or it is no longer given."""

    code, kind = "unknown_coupon", "invalid"


class AlreadyRedeemed(PlanError):
    """An account redeems a coupon once."""

    code, kind = "already_redeemed", "conflict"


class InvalidInstant(PlanError):
    """A start, or an instant of a change, that cannot be."""

    code, kind = "invalid_instant", "invalid"


class InvalidChoice(PlanError):
    """A word that is none of those allowed."""

    code, kind = "invalid_choice", "invalid"


class PeriodInvoiced(PlanError):
    """The instant lies inside a period whose usage has been invoiced."""

    code, kind = "period_invoiced", "conflict"


class AlreadySubscribed(PlanError):
    """One running subscription per account."""

    code, kind = "already_subscribed", "conflict"


class SubscriptionEnded(PlanError):
    """It has been cancelled."""

    code, kind = "subscription_ended", "conflict"


class SubscriptionNotStarted(PlanError):
    """It starts later: cancel it and subscribe anew."""

    code, kind = "subscription_not_started", "conflict"


class SubscriptionRunning(PlanError):
    """It goes on: nothing has to be reactivated."""

    code, kind = "subscription_running", "conflict"


class SameVersion(PlanError):
    """The subscription is on that version already."""

    code, kind = "same_version", "conflict"


class ChangeNotAllowed(PlanError):
    """Staff and installation keys may do it, customers may not."""

    code, kind = "change_not_allowed", "forbidden"


class NothingScheduled(PlanError):
    """There is no change or cancellation to take back."""

    code, kind = "nothing_scheduled", "conflict"


class QuoteChanged(PlanError):
    """The quote does not hold any more; `preview` is the new one."""

    code, kind = "quote_changed", "conflict"

    def __init__(self, sentence: str, preview: "Preview") -> None:
        super().__init__(sentence, "quote")
        self.preview = preview


class AlreadyPublished(PlanError):
    """A published version never changes."""

    code, kind = "already_published", "conflict"


class DraftChanged(PlanError):
    """Somebody else has saved the draft since it was read."""

    code, kind = "draft_changed", "conflict"
