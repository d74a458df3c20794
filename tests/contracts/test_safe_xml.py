"""Hostile and odd XML against the one function that parses messages (robustness reference 1.1 and 2: A11, A12, B)."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hostile_xml import MARKER, READ, REFUSED, content_of
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from contracts.errors import BryggaError, MalformedMessage, UnsupportedMediaType
from contracts.safe_xml import XmlLimits, charset_of, incremental_parser, parse_message

# Seconds of processor time for one message; the reference allows 0.1 s for most, 0.5 s for the largest.
_MOST_SECONDS = 0.5


@pytest.mark.parametrize("name", REFUSED)
def test_hostile_message_is_refused_fast_without_echo(name: str) -> None:
    source, charset, reason = REFUSED[name]
    data = content_of(source)
    started = time.process_time()
    with pytest.raises(MalformedMessage) as refused:
        parse_message(data, charset=charset)
    assert time.process_time() - started < _MOST_SECONDS
    assert reason in refused.value.message
    assert MARKER not in refused.value.message + refused.value.log_detail


@pytest.mark.parametrize("name", READ)
def test_odd_message_is_read(name: str) -> None:
    source, charset, text = READ[name]
    data = content_of(source)
    started = time.process_time()
    root = parse_message(data, charset=charset)
    assert time.process_time() - started < _MOST_SECONDS
    assert root.tag == "r"
    assert root.text == text


@pytest.mark.parametrize("charset", ["iso-8859-1", "us-ascii", "utf-7", "utf-32", "bogus", "", "utf-8; q=1"])
def test_other_charset_in_the_header_is_refused(charset: str) -> None:
    with pytest.raises(UnsupportedMediaType) as refused:
        parse_message(b"<r/>", charset=charset)
    assert refused.value.http_status == 415
    assert charset == "" or charset not in refused.value.message


def test_byte_order_mark_beats_any_charset_of_the_header() -> None:
    assert charset_of("bogus", b"\xef\xbb\xbf<r/>") == "utf-8-sig"
    assert charset_of("utf-8", b"\xff\xfe<\0") == "utf-16"


def test_comments_are_not_in_the_tree() -> None:
    root = parse_message(b"<r><!-- a --><b/><!-- c --></r>")
    assert [child.tag for child in root] == ["b"]


def test_limits_are_the_callers() -> None:
    tight = XmlLimits(max_depth=2, max_elements=3, max_attributes=1, max_text_chars=4, max_name_chars=3)
    parse_message(b'<r><a b="1"/><a>abcd</a></r>', limits=tight)
    for message in (b"<r><a><b/></a></r>", b"<r><a/><a/><a/></r>", b'<r a="1" b="2"/>', b"<r>abcde</r>", b"<abcd/>"):
        with pytest.raises(MalformedMessage):
            parse_message(message, limits=tight)


def test_names_are_counted_once() -> None:
    message = b"<r>" + b'<a b="1"/>' * 1_000 + b"</r>"
    assert len(parse_message(message, limits=XmlLimits(max_distinct_name_chars=3))) == 1_000
    with pytest.raises(MalformedMessage, match="different names"):
        parse_message(message, limits=XmlLimits(max_distinct_name_chars=2))


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads the peak of memory from /proc")
def test_memory_stays_flat_over_all_hostile_messages() -> None:
    """In a process of its own: no row moves the peak of memory by more than 64 MiB."""
    script = (
        "import json, re, sys; from pathlib import Path; sys.path[:0] = sys.argv[1:]\n"
        "from hostile_xml import READ, REFUSED, content_of\n"
        "from contracts.errors import BryggaError\n"
        "from contracts.safe_xml import parse_message\n"
        "peak = lambda: int(re.search(r'VmHWM:\\s*(\\d+)', Path('/proc/self/status').read_text())[1])\n"
        "growth = {}\n"
        "for name, (source, charset, _) in (REFUSED | READ).items():\n"
        "    data = content_of(source); before = peak()\n"
        "    try: parse_message(data, charset=charset)\n"
        "    except BryggaError: pass\n"
        "    growth[name] = (peak() - before) // 1024\n"
        "print(json.dumps(growth))\n"
    )
    here = Path(__file__).parent
    run = subprocess.run(
        [sys.executable, "-c", script, str(here), str(here.parents[1])],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    growth = json.loads(run.stdout)
    assert growth.keys() == (REFUSED | READ).keys()
    assert {name: mib for name, mib in growth.items() if mib > 64} == {}


@given(st.binary(max_size=200), st.sampled_from([None, "utf-8", "utf-16", "utf-16le", "bogus"]))
def test_any_bytes_give_a_tree_or_an_error_of_the_tree(data: bytes, charset: str | None) -> None:
    try:
        result: object = parse_message(data, charset=charset)
    except BryggaError as error:
        result = error
    assert isinstance(result, (etree._Element, MalformedMessage, UnsupportedMediaType))


@given(st.text(alphabet="<>/!?-[]&;#xa \"'=\0\u00e5\ufffe", max_size=60))
def test_two_parsers_never_read_a_message_in_two_ways(text: str) -> None:
    """What the message function reads, plain libxml2 reads equally, entities and DTD switched on."""
    data = f"<r>{text}</r>".encode()
    try:
        root = parse_message(data)
    except BryggaError:
        return
    plain = etree.fromstring(data, etree.XMLParser(remove_comments=True, remove_pis=True))
    assert etree.tostring(root, method="c14n") == etree.tostring(plain, method="c14n")


def test_incremental_parser_expands_nothing() -> None:
    parser = incremental_parser(["a", "r"])
    parser.feed(b'<!DOCTYPE r [<!ENTITY e SYSTEM "file:///etc/hostname">]><r><a>x&e;y</a></r>')
    ended = [element for action, element in parser.read_events() if action == "end" and element.tag == "a"]
    assert ended[0].text == "x"
    assert len(ended[0]) == 1
    assert ended[0].getroottree().docinfo.internalDTD is not None
