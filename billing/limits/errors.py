"""What may be wrong with a limit that someone wants to set, or with usage that someone wants to reserve or commit."""


class LimitError(ValueError):
    """A refusal. `code` is for programs, `sentence` for people; `field` is what to mend in what was sent, "" if it is
    not that. `kind`: conflict where the state of things is in the way.
    """

    def __init__(self, code: str, field: str, sentence: str, kind: str = "") -> None:
        super().__init__(f"{field}: {sentence}" if field else sentence)
        self.code = code
        self.field = field
        self.sentence = sentence
        self.kind = kind
