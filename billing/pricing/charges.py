"""What is sold and what was used, as values: `Plan`, `Charge`, `Tier`, `Usage`.

Mappings are read-only by agreement (and by their type); they are left out of the hash.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final, Literal, get_args

from billing.pricing.money import ZERO

Aggregation = Literal["count", "sum", "max", "unique", "latest", "time_weighted"]
Model = Literal["per_unit", "package", "graduated", "volume", "percentage", "graduated_percentage"]
Interval = Literal["week", "month", "quarter", "year"]

AGGREGATIONS: Final[tuple[Aggregation, ...]] = get_args(Aggregation)
MODELS: Final[tuple[Model, ...]] = get_args(Model)
INTERVALS: Final[tuple[Interval, ...]] = get_args(Interval)

UNDETERMINED: Final = "und"
"""The language tag (BCP 47) of a text that was given as a plain string."""


def localized(texts: Mapping[str, str], locale: str) -> str:
    """The text for `locale` ("fr-FR"): its own, its language's, the plain one, English, else the first; "" if
    none.
    """
    for tag in (locale, locale.replace("_", "-").partition("-")[0], UNDETERMINED, "en"):
        if tag in texts:
            return texts[tag]
    return next(iter(texts.values()), "")


@dataclass(frozen=True, slots=True)
class Tier:
    """A step of a tiered price. `up_to` is inclusive, None in the last. `rate` (percent) replaces
    `unit_price` in `graduated_percentage`.
    """

    up_to: Decimal | None
    unit_price: Decimal = ZERO
    flat_price: Decimal = ZERO
    rate: Decimal = ZERO


@dataclass(frozen=True, slots=True, kw_only=True)
class Charge:
    """One price of a plan on one meter (contract, section 3). Keys that the model does not use keep their
    defaults.

    `aggregation`, `name` and `unit` are the meter's; prices are in the plan's currency, per unit of the
    meter; `rate` is in percent; `where` is dimension -> accepted values, sorted; limits that are None do not
    bind.
    """

    code: str
    meter: str
    aggregation: Aggregation
    name: Mapping[str, str] = field(hash=False)
    unit: Mapping[str, str] = field(hash=False)
    model: Model
    where: Mapping[str, tuple[str, ...]] = field(default_factory=dict, hash=False)
    included: Decimal = ZERO
    unit_price: Decimal = ZERO
    package_size: Decimal = Decimal(1)
    package_price: Decimal = ZERO
    tiers: tuple[Tier, ...] = ()
    rate: Decimal = ZERO
    fixed_fee: Decimal = ZERO
    included_events: int | None = None
    included_amount: Decimal | None = None
    minimum_per_event: Decimal | None = None
    maximum_per_event: Decimal | None = None
    minimum_amount: Decimal | None = None
    maximum_amount: Decimal | None = None
    tax: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A plan version. `version` is given by who publishes it: the catalogue file has none. Amounts are in
    `currency`.
    """

    code: str
    version: int = 1
    name: Mapping[str, str] = field(hash=False)
    currency: str
    interval: Interval
    base_price: Decimal = ZERO
    minimum_spend: Decimal = ZERO
    trial_days: int = 0
    public: bool = True
    tax: str | None = None
    charges: tuple[Charge, ...] = ()
    archived: bool = False


@dataclass(frozen=True, slots=True)
class Usage:
    """Usage of one charge: the aggregated quantity in the meter's unit (sums may be negative; they are billed
    as zero).

    `amounts` are the single events' values in time order. Only `percentage` looks at them, and it looks at
    nothing else: for a meter that counts, each event's amount is 1.
    """

    quantity: Decimal
    amounts: tuple[Decimal, ...] = ()


NO_USAGE: Final = Usage(ZERO)
