"""What an invoice must say besides its figures, by the seller's country and the taxes on it. Not legal advice."""

from django.conf import settings
from django.utils.translation import gettext as _

type Mention = tuple[str, str]
"""What it is about (UNTDID 4451, as French electronic invoices ask for; or ""), and the sentence."""


def mentions(categories: set[str], seller_country: str) -> list[Mention]:
    """Sentences in the language in force. `categories` are those of EN 16931 that the lines bear."""
    found = [("", _("Supply of services."))]
    if "AE" in categories:
        found.append(
            ("", _("Reverse charge: the customer owes the VAT (Directive 2006/112/EC, articles 44 and 196)."))
        )
    if "E" in categories:
        found.append(("", _("Exempt from VAT.")))
    if "O" in categories:
        found.append(("", _("Not subject to VAT.")))
    if seller_country == "FR":
        found += _french(categories)
    return [*found, ("", _("Questions about a line: %(email)s.") % {"email": settings.DEFAULT_FROM_EMAIL})]


def _french(categories: set[str]) -> list[Mention]:
    """Code général des impôts, annexe II, art. 242 nonies A; Code de commerce, art. L441-9, L441-10 and D441-5."""
    debits = [("", _("VAT on debits."))] if "S" in categories else []
    interest = _(
        "Late payment: interest at the ECB rate plus 10 points (French Commercial Code, art. L441-10)."
    )
    fee = _("Fixed recovery fee for late payment: €40 (French Commercial Code, art. D441-5).")
    return [*debits, ("AAB", _("No discount for early payment.")), ("PMD", interest), ("PMT", fee)]
