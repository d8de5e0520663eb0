"""What is asked of whoever charges cards. Cards' numbers never come to us: the customer's browser tells them to him."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Protocol


class State(StrEnum):
    """What became of a payment, or of a card that is being added."""

    WAITING = "waiting"  # for the customer: his bank asks him to confirm
    PROCESSING = "processing"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


class Unavailable(Exception):  # noqa: N818  # a state, not a fault
    """No answer, or none that says what became of it: ask again later, with the same key."""


@dataclass(frozen=True, slots=True)
class CardFacts:
    """A card as customers know it. `reference` is the provider's name of it."""

    reference: str
    brand: str
    last4: str
    exp_month: int
    exp_year: int


@dataclass(frozen=True, slots=True)
class Setup:
    """A card that is being added; `client_secret` lets the customer's browser do it, `card` is there once it has."""

    reference: str
    client_secret: str
    customer: str
    state: State
    card: CardFacts | None


@dataclass(frozen=True, slots=True)
class Order:
    """A payment to make: whatever happens, once for each `key`. `present`: the customer waits for the answer."""

    key: str
    customer: str
    card: str
    amount: Decimal
    currency: str
    description: str
    present: bool


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of an order. `amount` is what was received; `again`: another try with this card may succeed.

    `code` and `words` say why not, the words to the customer.
    """

    state: State
    reference: str = ""
    order: str = ""
    amount: Decimal = Decimal(0)
    client_secret: str = ""
    code: str = ""
    words: str = ""
    again: bool = False


@dataclass(frozen=True, slots=True)
class News:
    """What the provider tells us by itself: the references of a payment, a setup or a card that is gone; "" else."""

    payment: str = ""
    setup: str = ""
    removed: str = ""


class Untrusted(Exception):  # noqa: N818  # the sender's fault
    """A message that the provider did not sign, or signed long ago."""


class Provider(Protocol):
    """Every method may raise `Unavailable`."""

    name: str

    def add_customer(self, key: str, name: str, email: str, account: str) -> str:
        """The reference of a new customer; once for each `key`."""

    def begin_setup(self, customer: str) -> Setup:
        """Begin to add a card."""

    def setup(self, reference: str) -> Setup | None:
        """A setup as it stands; None if there is none of that name."""

    def charge(self, order: Order) -> Outcome:
        """Make the payment, or say what became of it before."""

    def find(self, order: Order) -> Outcome | None:
        """What became of an order whose answer we missed; None if it never arrived."""

    def outcome(self, reference: str) -> Outcome:
        """A payment as it stands."""

    def cancel(self, reference: str) -> Outcome:
        """End a payment that waits; it may have succeeded meanwhile."""

    def refund(self, reference: str, amount: Decimal, currency: str, key: str) -> None:
        """Give back a part of a payment; once for each `key`."""

    def remove_card(self, reference: str) -> None:
        """Forget a card; one that is gone already is no error."""

    def news(self, body: bytes, headers: Mapping[str, str]) -> News:
        """What a message of the provider is about. Raises `Untrusted`."""
