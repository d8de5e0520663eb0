"""French is whole, keeps every placeholder, and is set as French is."""

import re
from pathlib import Path

import pytest
from babel.messages.pofile import read_po

from portal.locale_build import FOLDERS, compile_stale, messages

# What operators, staff and programs read is English: the admin, commands, the API and what events are refused for.
ENGLISH = (
    "accounts/actions.py",
    "accounts/admin",
    "billing/plans/admin",
    "billing/plans/models.py",
    "billing/usage/",
    "billing/invoices/admin",
    "billing/invoices/management",
    "billing/invoices/verify",
    "billing/payments/admin",
    "billing/limits/admin",
    "billing/webhooks/admin",
    "portal/admin",
    "portal/api/",
    "portal/checks",
    "portal/management",
    "templates/admin/",
    "templates/api/",
    "templates/email/billing_summary",
)


def catalogs():
    for folder in FOLDERS:
        for path in Path(folder).glob("fr/LC_MESSAGES/*.po"):
            with path.open("rb") as stream:
                yield read_po(stream, locale="fr")


@pytest.fixture(scope="module")
def french():
    """(context, text) -> its translations."""
    return {
        (one.context or "", one.id if isinstance(one.id, str) else one.id[0]): (
            (one.string,) if isinstance(one.string, str) else one.string
        )
        for catalog in catalogs()
        for one in catalog
        if one.id
    }


def test_every_text_that_a_customer_reads_is_translated(french):
    wanted = {(one.context, one.text): one.place for one in messages() if not one.place.startswith(ENGLISH)}
    assert len(wanted) > 400
    assert {place: key for key, place in wanted.items() if not all(french.get(key, ("",)))} == {}


def test_placeholders_and_marks_are_kept(french):
    marks = re.compile(r"%\(\w+\)[sd]|</?(?:b|a)\b")
    # French says "le million" and leaves the unit to the line above it.
    shorter = {"%(price)s per million %(unit)s"}
    for (_context, text), translations in french.items():
        for one in translations:
            missing = set(marks.findall(text)) - set(marks.findall(one))
            added = set(marks.findall(one)) - set(marks.findall(text)) - {"%(counter)s"}
            assert not added, (text, one)
            assert not missing or text in shorter or missing == {"%(counter)s"}, (text, one)


# Imprimerie nationale, Lexique des règles typographiques: a narrow space before ; ? !, a full one before : » % € and
# after «, none of which breaks; the apostrophe is ’, quotes are « », and … is one sign.
NOT_FRENCH = {
    "no narrow space before it": re.compile(r"(?<!\u202f)[;?!](?!\w)"),
    "no space before a colon": re.compile(r"(?<![\u00a0\d]):(?!\d|//)"),
    "no space before it": re.compile(r"(?<!\u00a0)(?:»|€|%(?=[\s.,;]|%|$))"),
    "no space after it": re.compile(r"«(?!\u00a0)"),
    "a straight apostrophe or quote": re.compile(r"['\"“”]"),
    "dots": re.compile(r"\.\.\."),
    "two spaces": re.compile(r"[ \u00a0\u202f]{2}"),
}
TAG = re.compile(r"</?\w[^>]*>")


def test_french_has_its_spaces_apostrophes_and_quotes(french):
    wrong = [
        (why, one)
        for translations in french.values()
        for one in translations
        for why, rule in NOT_FRENCH.items()
        if rule.search(TAG.sub("", one).replace("%%", "%"))
    ]
    assert wrong == []


@pytest.mark.parametrize(
    "text",
    ["Oui ?", "Oui\u00a0?", "Oui?", "a:", "a :", "5 %", "5%", "«a\u00a0»", "« a »", "l'a", "“a”", "a..."],
)
def test_the_rules_see_what_is_wrong(text):
    assert any(rule.search(text) for rule in NOT_FRENCH.values())


def test_compiling_again_changes_nothing():
    compile_stale()
    assert compile_stale() == []
