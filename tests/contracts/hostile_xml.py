"""Messages that must be refused, and odd ones that must be read (robustness reference 2, rows A11, A12 and B).

Each hostile message carries MARKER where an attacker controls the text, so that a test can look for echoes.
"""

from __future__ import annotations

from collections.abc import Callable

MARKER = "MARKER-7f3a"
_DOCTYPE = "DOCTYPE"
_DEPTH = "nested too deeply"
_ATTRIBUTES = "too many attributes"
_DECLARATIONS = "too many namespace declarations"
_NAME = "name that is too long"
_NAMES = "too many different names"
_TEXT = "text that is too long"
_ATTRIBUTE_TEXT = "attribute that is too long"
_ELEMENTS = "too many elements"
_INSTRUCTION = "processing instruction"
_ENCODING = "declares an encoding"
_BYTES = "bytes that its charset does not allow"
_NOT_XML = "not well-formed"


def _dtd(subset: str, content: str = "&a;") -> bytes:
    return f"<!DOCTYPE r [{subset}]><r>{MARKER}{content}</r>".encode()


def _laughs() -> bytes:
    levels = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
    return _dtd(f'<!ENTITY l0 "{MARKER}">{levels}', "&l9;")


def _prolog(encoding: str, content: str = MARKER) -> str:
    return f'<?xml version="1.0" encoding="{encoding}"?><r>{content}</r>'


def _with_attributes(count: int, form: str) -> bytes:
    """Make an element with attributes of a form such as ``a{}="1"``."""
    return f"<r {' '.join(form.format(number) for number in range(count))}>abc</r>".encode()


# name: (bytes or a function that makes them, charset of the header, part of the message of the refusal)
REFUSED: dict[str, tuple[bytes | Callable[[], bytes], str | None, str]] = {
    # A11
    "an invalid UTF-8 byte": (f"<r>{MARKER}\xff</r>".encode("latin-1"), "utf-8", _NOT_XML),
    "an overlong UTF-8 form": (b"<r>" + MARKER.encode() + b"\xc0\xbc</r>", None, _NOT_XML),
    "a cut UTF-8 form": (b"<r>" + MARKER.encode() + b"\xc3</r>", None, _NOT_XML),
    "half a UTF-16 pair": (b"\xff\xfe" + f"<r>{MARKER}".encode("utf-16-le") + b"\x00\xd8", None, _BYTES),
    "an odd number of UTF-16 bytes": (f"<r>{MARKER}</r>".encode("utf-16") + b"\x00", None, _BYTES),
    # B01-B06
    "billion laughs": (_laughs(), None, _DOCTYPE),
    "billion laughs after a comment of 10 MB": (lambda: b"<!--" + b"x" * 10**7 + b"-->" + _laughs(), None, _DOCTYPE),
    "quadratic blow-up": (lambda: _dtd(f'<!ENTITY a "{"x" * 50_000}">', "&a;" * 5_000), None, _DOCTYPE),
    "an external entity, file": (_dtd('<!ENTITY a SYSTEM "file:///etc/hostname">'), None, _DOCTYPE),
    "an external entity, http": (_dtd('<!ENTITY a SYSTEM "http://127.0.0.1:9/canary">'), None, _DOCTYPE),
    "a parameter entity": (_dtd('<!ENTITY % a SYSTEM "file:///etc/hostname">%a;', ""), None, _DOCTYPE),
    "an external DTD": (f'<!DOCTYPE r SYSTEM "http://127.0.0.1:9/x.dtd"><r>{MARKER}</r>'.encode(), None, _DOCTYPE),
    "a public DTD": (f'<!DOCTYPE r PUBLIC "-//X//{MARKER}" "x.dtd"><r/>'.encode(), None, _DOCTYPE),
    "a bare DOCTYPE": (f"<!DOCTYPE r><r>{MARKER}</r>".encode(), None, _DOCTYPE),
    "a DOCTYPE after a comment": (f"<!-- c --><!DOCTYPE r><r>{MARKER}</r>".encode(), None, _DOCTYPE),
    "a DOCTYPE in UTF-16": (f"<!DOCTYPE r><r>{MARKER}</r>".encode("utf-16"), None, _DOCTYPE),
    "an attribute default": (_dtd(f'<!ATTLIST r a CDATA "{MARKER}">', ""), None, _DOCTYPE),
    "an entity that is not declared": (f"<r>&{MARKER};</r>".encode(), None, _NOT_XML),
    # B08
    "a style sheet instruction": (f'<?xml-stylesheet href="{MARKER}.xsl"?><r/>'.encode(), None, _INSTRUCTION),
    "an instruction inside": (f"<r><?{MARKER} x?></r>".encode(), None, _INSTRUCTION),
    "an instruction after the root": (f"<r>{MARKER}</r><?x y?>".encode(), None, _INSTRUCTION),
    # B10-B12
    "depth 100 000, never closed": (f"<{MARKER}>".encode() * 100_000, None, _DEPTH),
    "depth 5 000 000, never closed": (lambda: b"<a>" * 5_000_000, None, _DEPTH),
    "depth 65": (b"<a>" * 65 + MARKER.encode() + b"</a>" * 65, None, _DEPTH),
    "50 000 attributes": (
        lambda: _with_attributes(50_000, MARKER + '{}="1"'),
        None,
        _ATTRIBUTES,
    ),
    "65 attributes": (_with_attributes(65, f'a{{}}="{MARKER}"'), None, _ATTRIBUTES),
    "33 namespace declarations": (
        _with_attributes(33, f'xmlns:a{{}}="urn:{MARKER}"'),
        None,
        _DECLARATIONS,
    ),
    "20 000 namespace declarations": (
        lambda: _with_attributes(20_000, f'xmlns:a{{}}="urn:{MARKER}"'),
        None,
        _DECLARATIONS,
    ),
    "200 001 elements": (lambda: b"<r>" + b"<a/>" * 200_000 + b"</r>", None, _ELEMENTS),
    # B15
    "a text of 11 MB": (lambda: b"<r>" + b"x" * 11_000_000 + b"</r>", None, _TEXT),
    "a text of a million and one characters": (lambda: b"<r>" + b"x" * 1_000_001 + b"</r>", None, _TEXT),
    "a text in pieces around comments": (lambda: b"<r>" + (b"x" * 500_000 + b"<!---->") * 3 + b"</r>", None, _TEXT),
    "a text of character references": (lambda: b"<r>" + b"&#120;" * 1_000_001 + b"</r>", None, _TEXT),
    "an attribute of 11 MB": (lambda: b'<r a="' + b"x" * 11_000_000 + b'"/>', None, _ATTRIBUTE_TEXT),
    "an element name of 1 MB": (lambda: b"<" + b"x" * 1_000_000 + b"/>", None, _NAME),
    "an element name of 513 characters": (b"<" + b"x" * 513 + b"/>", None, _NAME),
    "an attribute name of 1 MB": (lambda: b"<r " + b"x" * 1_000_000 + b'="1"/>', None, _NAME),
    "a namespace of 1 MB": (lambda: b'<r xmlns="urn:' + b"x" * 900_000 + b'"/>', None, _NAME),
    "10 000 different names": (
        lambda: f"<r>{''.join(f'<{MARKER}{n}/>' for n in range(10_000))}</r>".encode(),
        None,
        _NAMES,
    ),
    # B16
    "a CDATA section of 9 MB": (lambda: b"<r><![CDATA[" + b"x" * 9_000_000 + b"]]></r>", None, _TEXT),
    # B17
    "a NUL": (f"<r>{MARKER}\0</r>".encode(), None, _NOT_XML),
    "a NUL after the root": (f"<r>{MARKER}</r>\0".encode(), None, _NOT_XML),
    "a vertical tab": (f"<r>{MARKER}\x0b</r>".encode(), None, _NOT_XML),
    "an escaped vertical tab": (f"<r>{MARKER}&#xB;</r>".encode(), None, _NOT_XML),
    "an escaped NUL": (f"<r>{MARKER}&#0;</r>".encode(), None, _NOT_XML),
    "an encoded surrogate": (b"<r>" + MARKER.encode() + b"\xed\xa0\x80</r>", None, _NOT_XML),
    "an escaped surrogate": (f"<r>{MARKER}&#xD800;</r>".encode(), None, _NOT_XML),
    "a non-character": (f"<r>{MARKER}\ufffe</r>".encode(), None, _NOT_XML),
    "an escaped non-character": (f"<r>{MARKER}&#xFFFE;</r>".encode(), None, _NOT_XML),
    # encodings
    "UTF-16 without a mark and without a charset": (_prolog("UTF-16").encode("utf-16-le"), None, _NOT_XML),
    "UTF-16 whose order is not the charset's": (f"<r>{MARKER}</r>".encode("utf-16-be"), "utf-16le", _NOT_XML),
    "UTF-32": (_prolog("UTF-32").encode("utf-32"), None, _NOT_XML),
    "UTF-7 declared": (_prolog("UTF-7", f"{MARKER}+ADw-").encode(), None, _ENCODING),
    "ISO-8859-1 declared and used": (_prolog("ISO-8859-1", f"{MARKER}å").encode("latin-1"), None, _ENCODING),
    "ISO-8859-1 declared over UTF-8": (_prolog("ISO-8859-1", f"{MARKER}å").encode(), None, _ENCODING),
    "UTF-16 declared over UTF-8 letters": (_prolog("UTF-16", f"{MARKER}å").encode(), None, _ENCODING),
    "EBCDIC declared": (_prolog("IBM037").encode(), None, _ENCODING),
    "an encoding that nobody knows": (_prolog(MARKER).encode(), None, _ENCODING),
    "ISO-8859-1 used under charset utf-8": (_prolog("ISO-8859-1", "å").encode("latin-1"), "utf-8", _NOT_XML),
    # where expat and libxml2 could read differently
    "an undeclared prefix": (f"<{MARKER}:r/>".encode(), None, _NOT_XML),
    "one attribute under two prefixes": (
        f'<r xmlns:a="urn:x" xmlns:b="urn:x" a:{MARKER}="1" b:{MARKER}="2"/>'.encode(),
        None,
        _NOT_XML,
    ),
    "the same attribute twice": (f'<r a="{MARKER}" a="2"/>'.encode(), None, _NOT_XML),
    "two colons in a name": (f'<a:{MARKER}:c xmlns:a="urn:x"/>'.encode(), None, _NOT_XML),
    "a prefix bound to nothing": (f'<a:r xmlns:a="">{MARKER}</a:r>'.encode(), None, _NOT_XML),
    "the prefix xml bound anew": (f'<r xmlns:xml="urn:{MARKER}"/>'.encode(), None, _NOT_XML),
    "a namespace that is no URI": (f'<r xmlns="{MARKER} %%"/>'.encode(), None, _NOT_XML),
    "another XML version": (f'<?xml version="2.0"?><r>{MARKER}</r>'.encode(), None, _NOT_XML),
    "the end of a CDATA section in a text": (f"<r>{MARKER}]]></r>".encode(), None, _NOT_XML),
    "a less-than sign in an attribute": (f'<r a="{MARKER}<"/>'.encode(), None, _NOT_XML),
    "two dashes in a comment": (f"<r><!-- {MARKER} -- --></r>".encode(), None, _NOT_XML),
    # not XML at all (A03, A04)
    "nothing": (b"", None, _NOT_XML),
    "only white space": (b" \n ", None, _NOT_XML),
    "plain text": (f"hello {MARKER}".encode(), None, _NOT_XML),
    "JSON": (f'{{"a": "{MARKER}"}}'.encode(), None, _NOT_XML),
    "an end tag of another name": (f"<r></{MARKER}>".encode(), None, _NOT_XML),
    "no end tag": (f"<r><{MARKER}/>".encode(), None, _NOT_XML),
    "two roots": (f"<r/><{MARKER}/>".encode(), None, _NOT_XML),
    "a text after the root": (f"<r/>{MARKER}".encode(), None, _NOT_XML),
    "a declaration that is not first": (f' <?xml version="1.0"?><r>{MARKER}</r>'.encode(), None, _NOT_XML),
}

# name: (bytes, charset of the header, text of the root)
READ: dict[str, tuple[bytes | Callable[[], bytes], str | None, str]] = {
    "UTF-8": ("<r>åäö</r>".encode(), None, "åäö"),
    "charset in quotes and capitals": ("<r>åäö</r>".encode(), '"UTF-8"', "åäö"),
    "charset utf8": ("<r>åäö</r>".encode(), "utf8", "åäö"),
    # A12
    "UTF-8 with a mark": ("<r>åäö</r>".encode("utf-8-sig"), None, "åäö"),
    "UTF-8 with a mark, which beats the charset": ("<r>åäö</r>".encode("utf-8-sig"), "utf-16", "åäö"),
    "UTF-16 with a mark": (_prolog("UTF-16", "åäö").encode("utf-16"), None, "åäö"),
    "UTF-16 with a mark, which beats the charset": (_prolog("UTF-16", "åäö").encode("utf-16"), "utf-8", "åäö"),
    "UTF-16 with a mark, big end first": (b"\xfe\xff" + "<r>åäö</r>".encode("utf-16-be"), "utf-16", "åäö"),
    "UTF-16 without a mark, big end first": ("<r>åäö</r>".encode("utf-16-be"), "utf-16", "åäö"),
    "UTF-16 without a mark, little end first": ("<r>åäö</r>".encode("utf-16-le"), "UTF-16", "åäö"),
    "UTF-16LE by charset": ("<r>åäö</r>".encode("utf-16-le"), "utf-16le", "åäö"),
    "UTF-16BE by charset": ("<r>åäö</r>".encode("utf-16-be"), "UTF-16BE", "åäö"),
    # a declaration that another word overrules, or that changes nothing
    "ISO-8859-1 declared, charset utf-8": (_prolog("ISO-8859-1", "åäö").encode(), "utf-8", "åäö"),
    "UTF-16 declared, charset utf-8": (_prolog("utf-16", "åäö").encode(), "utf-8", "åäö"),
    "ISO-8859-1 declared over ASCII": (_prolog("ISO-8859-1", "abc").encode(), None, "abc"),
    "windows-1252 declared over ASCII": (_prolog("Windows-1252", "abc").encode(), None, "abc"),
    "UTF-16 declared over ASCII": (_prolog("utf-16", "abc").encode(), None, "abc"),
    "US-ASCII declared": (_prolog("US-ASCII", "abc").encode(), None, "abc"),
    "no encoding declared": (b'<?xml version="1.0" standalone="yes"?><r>abc</r>', None, "abc"),
    # just inside the limits
    "depth 64": (b"<r>abc" + b"<a>" * 63 + b"</a>" * 63 + b"</r>", None, "abc"),
    "64 attributes": (_with_attributes(64, 'a{}="1"'), None, "abc"),
    "32 namespaces": (_with_attributes(32, 'xmlns:a{}="urn:x"'), None, "abc"),
    "200 000 elements": (lambda: b"<r>abc" + b"<a/>" * 199_999 + b"</r>", None, "abc"),
    "a text of a million characters": (lambda: b"<r>" + b"x" * 1_000_000 + b"</r>", None, "x" * 1_000_000),
    # B09, B16, B18 and what is legal but rare
    "a comment of 9 MB": (lambda: b"<r>abc<!--" + b"x" * 9_000_000 + b"--></r>", None, "abc"),
    "a comment splits the text": (b"<r>ab<!-- x -->cd</r>", None, "abcd"),
    "CDATA in the text": (b"<r>ab<![CDATA[<&]]>cd</r>", None, "ab<&cd"),
    "DOCTYPE in a comment": (b"<r><!-- <!DOCTYPE x> -->abc</r>", None, "abc"),
    "schemaLocation": (
        b'<r xmlns:i="http://www.w3.org/2001/XMLSchema-instance" i:schemaLocation="urn:x http://127.0.0.1:9/x">abc</r>',
        None,
        "abc",
    ),
    "turned, invisible and composed letters": ("<r>&#x202E;\u200ba\u030a</r>".encode(), None, "\u202e\u200ba\u030a"),
    "a predefined entity": (b"<r>&lt;&amp;&gt;&quot;&apos;</r>", None, "<&>\"'"),
    "XML 1.1": (b'<?xml version="1.1"?><r>abc</r>', None, "abc"),
}


def content_of(source: bytes | Callable[[], bytes]) -> bytes:
    """Give the bytes of an entry of the tables above."""
    return source if isinstance(source, bytes) else source()
