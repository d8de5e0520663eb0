"""Who plays in the demo: three customers in two languages and two currencies, and one of the staff."""

from dataclasses import dataclass

from accounts.models import Role


@dataclass(frozen=True)
class Customer:
    """An account of the demo; `volume` scales its usage, `plan` is what it starts on."""

    code: str
    name: str
    currency: str
    timezone: str
    locale: str
    country: str
    plan: str
    anchor: str
    volume: float
    details: tuple[tuple[str, str], ...]
    members: tuple[tuple[str, str, Role], ...]


CUSTOMERS = (
    Customer(
        code="atelier-brume",
        name="Atelier Brume",
        currency="EUR",
        timezone="Europe/Paris",
        locale="fr",
        country="FR",
        plan="team",
        anchor="calendar",
        volume=1.0,
        details=(
            ("email", "compta@atelier-brume.example"),
            ("line1", "14 rue des Tanneurs"),
            ("postcode", "44000"),
            ("city", "Nantes"),
            ("tax_id", "FR65908172638"),
            ("legal_id", "908172638"),
            ("purchase_order", "PO-2026-1187"),
        ),
        members=(
            ("Naïma Brume", "naima", Role.OWNER),
            ("Moussa Diallo", "moussa", Role.BILLING),
            ("Léa Fournier", "lea", Role.DEVELOPER),
            ("Victor Lemaire", "victor", Role.VIEWER),
        ),
    ),
    Customer(
        code="kestrel-robotics",
        name="Kestrel Robotics, Inc.",
        currency="USD",
        timezone="America/New_York",
        locale="en",
        country="US",
        plan="solo-usd",
        anchor="start",
        volume=0.6,
        details=(
            ("email", "ap@kestrel.example"),
            ("line1", "210 Harbor Street"),
            ("line2", "Suite 4"),
            ("postcode", "02210"),
            ("city", "Boston, MA"),
        ),
        members=(("June Park", "june", Role.OWNER), ("Sam Ortiz", "sam", Role.VIEWER)),
    ),
    Customer(
        code="nordlicht-data",
        name="Nordlicht Data GmbH",
        currency="EUR",
        timezone="Europe/Berlin",
        locale="en",
        country="DE",
        plan="scale",
        anchor="calendar",
        volume=1.6,
        details=(
            ("email", "rechnung@nordlicht.example"),
            ("line1", "Speicherstraße 7"),
            ("postcode", "20457"),
            ("city", "Hamburg"),
            ("tax_id", "DE136695976"),
        ),
        members=(("Ida Petersen", "ida", Role.OWNER), ("Jonas Krüger", "jonas", Role.DEVELOPER)),
    ),
)
STAFF = ("Support", "support@plainbill.example")


def address(customer: Customer, name: str) -> str:
    """A member's mail address: `naima@atelier-brume.example`."""
    return f"{name}@{customer.code}.example"
