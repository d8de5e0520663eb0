"""XML as calls: what has neither text nor children is left out, so that optional terms need no branches."""

import re
from typing import Final
from xml.etree.ElementTree import Element, indent, tostring

type Part = Element | str | None

_FORBIDDEN: Final = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML 1.0 has no way to write."""


def node(name: str, *parts: Part, **attributes: str) -> Element | None:
    """An element `name` ("ram:ID") of text or of children in their order; None if there is nothing in it."""
    found = [part for part in parts if part is not None and part != ""]
    return kept(name, *found, **attributes) if found else None


def kept(name: str, *parts: Part, **attributes: str) -> Element:
    """The same, though it may be empty. Attributes without a value are left out."""
    element = Element(name, {key: value for key, value in attributes.items() if value})
    for part in parts:
        if isinstance(part, str):
            element.text = _FORBIDDEN.sub("", part)
        elif part is not None:
            element.append(part)
    return element


def document(root: Element, namespaces: dict[str, str]) -> bytes:
    """The bytes of a document whose prefixes are `namespaces` ("" for names without one)."""
    for prefix, uri in namespaces.items():
        root.set(f"xmlns:{prefix}" if prefix else "xmlns", uri)
    indent(root, " ")
    text: bytes = tostring(root, encoding="utf-8")
    return b'<?xml version="1.0" encoding="UTF-8"?>\n' + text + b"\n"
