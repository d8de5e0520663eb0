"""What may be wrong with a limit that someone wants to set."""


class LimitError(ValueError):
    """A refused limit. `code` is for programs, `field` is amount, action or thresholds, `sentence` is for people."""

    def __init__(self, code: str, field: str, sentence: str) -> None:
        super().__init__(f"{field}: {sentence}")
        self.code = code
        self.field = field
        self.sentence = sentence
