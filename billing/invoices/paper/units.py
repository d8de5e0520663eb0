"""Units of the catalogue, which are in the singular, for an amount."""

from decimal import Decimal


def plural(unit: str, amount: Decimal, language: str) -> str:
    """ "tokens", "jetons"; symbols (kWh, GB) and what ends in s, x or z stay. Of "GB-month" the last part changes."""
    many = abs(amount) >= 2 if language == "fr" else abs(amount) != 1
    last = unit.rpartition("-")[2].rpartition(" ")[2]
    if not many or len(last) < 4 or not (last.isalpha() and last.islower()) or last[-1] in "sxz":
        return unit
    if language == "fr":
        return (
            f"{unit[:-2]}aux"
            if last.endswith("al")
            else f"{unit}{'x' if last.endswith(('au', 'eu')) else 's'}"
        )
    if language != "en":
        return unit
    return f"{unit[:-1]}ies" if last[-1] == "y" and last[-2] not in "aeiou" else f"{unit}s"
