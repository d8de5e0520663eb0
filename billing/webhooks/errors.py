"""What may be wrong with a webhook that someone wants to set, change or try."""


class WebhookError(ValueError):
    """A refused change. `code` is for programs, `field` the input at fault ("" if none), `sentence` for people."""

    def __init__(self, code: str, field: str, sentence: str) -> None:
        super().__init__(f"{field}: {sentence}" if field else sentence)
        self.code = code
        self.field = field
        self.sentence = sentence
