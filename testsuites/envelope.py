"""What can be seen of an answer's SOAP envelope and fault (WS-I Basic Profile 1.1; platform reference 8.5).

Facts only; the wire suite judges them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from lxml import etree

from contracts import soap
from contracts.errors import FaultReceived
from contracts.messages.reader import fault_of

_FAULT_CHARS = 1024
_ENCODING_STYLE = f"{{{soap.SOAP_NAMESPACE}}}encodingStyle"


@dataclass(frozen=True, slots=True)
class FaultFacts:
    """A SOAP fault; ``children`` are the qualified names of its parts in order, ``error`` its cleaned-up texts.

    ``is_soap_12``: the parts are those of SOAP 1.2, which node-soap sends in an envelope of SOAP 1.1.
    """

    children: tuple[str, ...]
    error: FaultReceived

    @property
    def is_soap_12(self) -> bool:
        """Whether the fault has the form of SOAP 1.2."""
        return any(etree.QName(child).localname in ("Code", "Reason") for child in self.children)

    @property
    def said(self) -> str:
        """Code and text of the fault for people."""
        return f"{self.error.remote_fault_code or 'no code'}: {self.error.fault_string or 'no text'}"


@dataclass(frozen=True, slots=True)
class EnvelopeFacts:
    """Shape of an envelope: names as sent, counts, what does not belong. ``encoding`` is the XML declaration's."""

    root: str
    parts: tuple[str, ...]
    body_children: tuple[str, ...]
    has_stray_text: bool
    has_encoding_style: bool
    has_instruction: bool
    encoding: str
    fault: FaultFacts | None


def read_envelope(root: etree._Element, *, has_instruction: bool) -> EnvelopeFacts:
    """Describe the envelope whose (untrusted) tree is complete but for removed measurements."""
    bodies = [child for child in root.iterchildren("*") if etree.QName(child).localname == "Body"]
    children = [child for body in bodies for child in body.iterchildren("*")]
    fault = next((child for child in children if child.tag == soap.FAULT), None)
    siblings = [*root.itersiblings(preceding=True), *root.itersiblings()]
    return EnvelopeFacts(
        root=str(root.tag),
        parts=tuple(str(child.tag) for child in root.iterchildren("*")),
        body_children=tuple(str(child.tag) for child in children),
        has_stray_text=any(_has_text(element) for element in (root, *bodies)),
        has_encoding_style=any(element.get(_ENCODING_STYLE) is not None for element in (root, *bodies, *children)),
        has_instruction=has_instruction or any(isinstance(s, etree._ProcessingInstruction) for s in siblings),
        encoding=(root.getroottree().docinfo.encoding or "UTF-8").upper(),
        fault=None if fault is None else _read_fault(fault),
    )


def _read_fault(fault: etree._Element) -> FaultFacts:
    facts = FaultFacts(tuple(str(child.tag) for child in fault.iterchildren("*")), fault_of(fault))
    if not facts.is_soap_12:
        return facts
    texts = {name: fault.findtext(f".//{{{soap.SOAP_NAMESPACE}}}{name}") or "" for name in ("Value", "Text")}
    code, text = texts["Value"].rpartition(":")[2][:_FAULT_CHARS], texts["Text"][:_FAULT_CHARS]
    return replace(facts, error=FaultReceived(code, text))


def _has_text(element: etree._Element) -> bool:
    texts = [element.text, *(child.tail for child in element)]
    return any(text and not text.isspace() for text in texts)
