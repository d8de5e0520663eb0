"""Which meters are of energy, gas or water, and their units in ESPI."""

from dataclasses import dataclass
from typing import Final

from billing.plans.models import Meter

ELECTRICITY: Final = "0"
NATURAL_GAS: Final = "1"
"""ServiceKind."""


@dataclass(frozen=True, slots=True)
class Unit:
    """`symbol` is the UnitSymbolKind; a quantity in the meter's unit is 10^`shift` of them. `service` "": not known."""

    symbol: str
    shift: int = 0
    service: str = ""

    @property
    def commodity(self) -> str:
        """CommodityKind: electricity metered at low voltage, natural gas."""
        return {ELECTRICITY: "1", NATURAL_GAS: "7"}.get(self.service, "")

    @property
    def kind(self) -> str:
        """MeasurementKind: energy."""
        return "12" if self.symbol in ("31", "72", "169") else ""


UNITS: Final = {
    "WHR": Unit("72", 0, ELECTRICITY),
    "KWH": Unit("72", 3, ELECTRICITY),
    "MWH": Unit("72", 6, ELECTRICITY),
    "GWH": Unit("72", 9, ELECTRICITY),
    "JOU": Unit("31"),
    "KJO": Unit("31", 3),
    "3B": Unit("31", 6),
    "GV": Unit("31", 9),
    "N72": Unit("169", 0, NATURAL_GAS),
    "MTQ": Unit("42"),
    "LTR": Unit("134"),
    "HLT": Unit("134", 2),
    "FTQ": Unit("119"),
    "GLL": Unit("128"),
    "GLI": Unit("130"),
}
"""UN/ECE Recommendation 20 -> ESPI. What is sold in watt-hours is told as electricity; a volume may be gas or water."""


def unit_of(meter: Meter) -> Unit | None:
    """The unit in which ESPI tells of `meter`; None if it does not sum energy, gas or water."""
    return UNITS.get(meter.unit_code) if meter.aggregation == "sum" else None
