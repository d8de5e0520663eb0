"""`per_unit` and `package`: one price for all units."""

from decimal import Decimal

from billing.pricing.charges import Charge
from billing.pricing.models.parts import TierPart, part


def per_unit(charge: Charge, quantity: Decimal) -> tuple[TierPart, ...]:
    """quantity * unit_price."""
    return (part(quantity, charge.unit_price),)


def package(charge: Charge, quantity: Decimal) -> tuple[TierPart, ...]:
    """Every package that is begun, at the package price."""
    packages = quantity // charge.package_size
    if quantity % charge.package_size:
        packages += 1
    return (part(packages, charge.package_price, kind="package"),)
