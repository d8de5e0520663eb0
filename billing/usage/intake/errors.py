"""Why a whole request was refused, and why the store did not answer."""

from typing import Final

from django.utils.translation import gettext_lazy as _


class IntakeError(Exception):
    """A request of which no event was read. `status` is HTTP's, `code` and the message tell how to mend it."""

    status: Final[int]
    code: Final[str]

    def __init__(self, status: int, code: str, message: object) -> None:
        super().__init__(str(message))
        self.status, self.code = status, code


class StoreUnavailable(IntakeError):  # noqa: N818  (a state, not a fault)
    """The database cannot write now. Nothing was promised: send the same events again."""

    def __init__(self) -> None:
        message = _("The events could not be stored now. Send the same events again, with the same ids.")
        super().__init__(503, "store_unavailable", message)
