"""Factur-X: the CII file inside the PDF/A-3, and the metadata by which readers find it.

Done on WeasyPrint's own objects before they are written. It would add a second rdf:RDF to the metadata, which XMP does
not allow and validators refuse, and name the file twice among the associated files.
"""

import hashlib
from datetime import datetime
from typing import Any, Final

FILE_NAME: Final = "factur-x.xml"
"""By which readers of Factur-X find it."""

RELATIONSHIP: Final = "Alternative"
"""Paper and file say the same; some countries allow no other word for it."""

_END: Final = b"</rdf:RDF>"
_FX: Final = "urn:factur-x:pdfa:CrossIndustryDocument:invoice:1p0#"
_PROPERTIES: Final = {
    "DocumentFileName": (FILE_NAME, "Name of the embedded file"),
    "DocumentType": ("INVOICE", "Kind of the document"),
    "Version": ("1.0", "Version of the standard of the embedded file"),
    "ConformanceLevel": ("EN 16931", "Profile of the embedded file"),
}


def options(weasyprint: Any, cii: bytes, at: datetime) -> dict[str, Any]:
    """Of WeasyPrint's `write_pdf`: the file `cii`, dated `at`, and a document id that follows from its content."""
    attachment = weasyprint.Attachment(
        string=cii,
        name=FILE_NAME,
        description="Factur-X",
        created=at,
        modified=at,
        relationship=RELATIONSHIP,
    )
    identifier = hashlib.sha256(cii).digest()[:16]
    return {"attachments": [attachment], "pdf_identifier": identifier, "finisher": _finish}


def _finish(_document: Any, pdf: Any) -> None:
    """Each associated file once; the Factur-X metadata inside the one rdf:RDF."""
    files = pdf.catalog["AF"]
    files[:] = list(dict.fromkeys(files))
    metadata = pdf.objects[int(pdf.catalog["Metadata"].split()[0])]
    [packet] = metadata.stream
    head, tail = packet.rsplit(_END, 1)
    metadata.stream = [head + _metadata().encode() + _END + tail]


def _metadata() -> str:
    """The values, and the extension schema without which PDF/A knows no such names."""
    values = "".join(f"<fx:{name}>{value}</fx:{name}>" for name, (value, _what) in _PROPERTIES.items())
    schema = "".join(_property(name, what) for name, (_value, what) in _PROPERTIES.items())
    return (
        f'<rdf:Description xmlns:fx="{_FX}" rdf:about="">{values}</rdf:Description>'
        '<rdf:Description xmlns:pdfaExtension="http://www.aiim.org/pdfa/ns/extension/"'
        ' xmlns:pdfaSchema="http://www.aiim.org/pdfa/ns/schema#"'
        ' xmlns:pdfaProperty="http://www.aiim.org/pdfa/ns/property#" rdf:about="">'
        '<pdfaExtension:schemas><rdf:Bag><rdf:li rdf:parseType="Resource">'
        "<pdfaSchema:schema>Factur-X PDFA Extension Schema</pdfaSchema:schema>"
        f"<pdfaSchema:namespaceURI>{_FX}</pdfaSchema:namespaceURI><pdfaSchema:prefix>fx</pdfaSchema:prefix>"
        f"<pdfaSchema:property><rdf:Seq>{schema}</rdf:Seq></pdfaSchema:property>"
        "</rdf:li></rdf:Bag></pdfaExtension:schemas></rdf:Description>"
    )


def _property(name: str, what: str) -> str:
    return (
        f'<rdf:li rdf:parseType="Resource"><pdfaProperty:name>{name}</pdfaProperty:name>'
        "<pdfaProperty:valueType>Text</pdfaProperty:valueType><pdfaProperty:category>external</pdfaProperty:category>"
        f"<pdfaProperty:description>{what}</pdfaProperty:description></rdf:li>"
    )
