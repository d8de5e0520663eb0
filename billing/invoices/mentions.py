"""What an invoice must say besides its figures, by the seller's country and the taxes on it. Not legal advice."""

from django.conf import settings
from django.utils.translation import gettext as _


def mentions(categories: set[str], seller_country: str) -> list[str]:
    """Sentences in the language in force. `categories` are those of EN 16931 that the lines bear."""
    texts = [_("Supply of services.")]
    if "AE" in categories:
        texts.append(
            _("Reverse charge: the customer owes the VAT (Directive 2006/112/EC, articles 44 and 196).")
        )
    if "E" in categories:
        texts.append(_("Exempt from VAT."))
    if "O" in categories:
        texts.append(_("Not subject to VAT."))
    if seller_country == "FR":
        # Code général des impôts, annexe II, art. 242 nonies A; Code de commerce, art. L441-9 and L441-10.
        texts += [
            _("VAT on debits.") if "S" in categories else "",
            _("No discount for early payment."),
            _(
                "Late payment: interest at the ECB rate plus 10 points, and a fixed recovery fee of €40 "
                "(French Commercial Code, art. L441-10)."
            ),
        ]
    texts.append(_("Questions about a line: %(email)s.") % {"email": settings.DEFAULT_FROM_EMAIL})
    return [text for text in texts if text]
