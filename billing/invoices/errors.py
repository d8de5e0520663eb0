"""What staff enter and cannot be recorded."""


class EntryError(ValueError):
    """A refused entry; `field` names what to mend ("" where it is none of them)."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field
