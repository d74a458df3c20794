"""Reading and rewriting of messages: heads, charsets, profile conversion, header rules (platform reference 1.7-2.1)."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree
from router_lab import ANSWER, message

from certs.tls import TlsFiles
from contracts.errors import ConfigurationError
from router.behaviour import behaviour_of
from router.charset import Transcoder, charset_parameter, codec_in_data, codec_of, iana_name, transcode
from router.envelope import read_head, root_of
from router.envelope_rewriter import TO_20, TO_21, rewrite
from router.faults import VP_FAULTS, PlatformRefusal, write_refusal
from router.headers import passes_to_consumer, passes_to_producer, sendable
from router.settings import ContractTimeout, RouterSettings, TlsOverride

FILES = TlsFiles(Path("a.pem"), Path("a.key"), Path("ca.pem"))


def canonical(data: bytes) -> bytes:
    return etree.tostring(etree.fromstring(data), method="c14n")


# --- heads --------------------------------------------------------------------------------------


@pytest.mark.parametrize("check_all", [True, False])
@pytest.mark.parametrize(("profile", "expected"), [("21", "rivtabp21"), ("20", "rivtabp20")])
def test_head_of_a_good_message(check_all: bool, profile: str, expected: str) -> None:
    head = read_head(message("A", profile=profile).encode(), "UTF-8", check_all=check_all)
    assert (head.receiver, head.profile, head.codec) == ("A", expected, "utf-8")
    assert head.contract == "urn:riv:example:router:GetExampleResponder:1"


@pytest.mark.parametrize("check_all", [True, False])
@pytest.mark.parametrize(
    ("written", "declared", "named", "codec"),
    [
        ("utf-16", "UTF-16", "utf-16", "utf-16"),
        ("utf-16", "UTF-16", None, "utf-16"),
        ("utf-16-le", "UTF-16", "UTF-16LE", "utf-16-le"),
        ("iso-8859-1", "ISO-8859-1", None, "iso-8859-1"),
        ("iso-8859-1", "ISO-8859-1", "iso-8859-1", "iso-8859-1"),
        ("cp1252", "windows-1252", "windows-1252", "cp1252"),
        ("utf-8", "UTF-16", None, "utf-8"),
        ("utf-8", "UTF-16", "utf-16", "utf-8"),
        ("utf-8", "UTF-8", "no-such-charset", "utf-8"),
        ("utf-8", "US-ASCII", None, "utf-8"),
    ],
)
def test_charset_of_a_request(check_all: bool, written: str, declared: str, named: str | None, codec: str) -> None:
    data = message("A").replace("UTF-8", declared, 1).encode(written)
    head = read_head(data, named, check_all=check_all)
    assert (head.codec, head.receiver) == (codec, "A")


def test_declared_charset_that_is_not_read_is_refused() -> None:
    data = message("A").replace("UTF-8", "KOI8-R", 1).encode()
    with pytest.raises(PlatformRefusal) as caught:
        read_head(data, None, check_all=False)
    assert caught.value.vp_code == "VP015"


@pytest.mark.parametrize(
    ("address", "read"),
    [("A<!-- -->B", "A"), ("A<![CDATA[B]]>", "A"), ("&#65;B", "AB"), ("<x/>A", None), (" A ", " A ")],
)
def test_scan_reads_the_first_piece_of_text(address: str, read: str | None) -> None:
    assert read_head(message(address).encode(), None, check_all=False).receiver == read


@pytest.mark.parametrize("address", ["A<!-- -->B", "A<![CDATA[B]]>", "<x/>A"])
def test_check_refuses_a_divided_address(address: str) -> None:
    with pytest.raises(PlatformRefusal):
        read_head(message(address).encode(), None, check_all=True)


@given(st.binary(max_size=300) | st.text(max_size=100).map(lambda text: message(text).encode("utf-8", "replace")))
def test_any_bytes_give_a_head_or_vp015(data: bytes) -> None:
    codes = set()
    for check_all in (True, False):
        try:
            read_head(data, None, check_all=check_all)
        except PlatformRefusal as refusal:
            codes.add(refusal.vp_code)
    assert codes <= {"VP015"}


def test_root_of_an_answer() -> None:
    soap = "http://schemas.xmlsoap.org/soap/envelope/ Envelope"
    assert root_of(ANSWER) == soap
    assert root_of(ANSWER[:150]) == soap
    assert root_of(b"\xef\xbb\xbf" + ANSWER) == soap
    for other in (b"", b"hello", b"<html>", b"<!DOCTYPE html><html>"):
        assert root_of(other) in (None, "html")


# --- charsets -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content_type", "charset"),
    [
        ("text/xml", None),
        ("text/xml; charset=UTF-8", "UTF-8"),
        ('text/xml;action="x;y";CHARSET="utf-16"', "utf-16"),
        ("text/xml; charset=", None),
        ('multipart/related; type="application/xop+xml"', None),
    ],
)
def test_charset_parameter(content_type: str, charset: str | None) -> None:
    assert charset_parameter(content_type) == charset


@pytest.mark.parametrize("codec", ["utf-8", "utf-16", "utf-16-le", "iso-8859-1", "iso-8859-15", "cp1252"])
def test_codec_and_its_name_belong_together(codec: str) -> None:
    assert codec_of(iana_name(codec)) == codec


@given(
    text=st.text(alphabet=st.characters(codec="iso-8859-1", exclude_categories=["Cc"]), max_size=600),
    source=st.sampled_from(["utf-8", "utf-16", "iso-8859-1"]),
    target=st.sampled_from(["utf-8", "utf-16", "iso-8859-1"]),
    cut=st.integers(1, 50),
)
def test_transcoding_in_pieces_is_transcoding_at_once(text: str, source: str, target: str, cut: int) -> None:
    escaped = text.replace("&", "&amp;").replace("<", "&lt;")
    whole = f'<?xml version="1.0" encoding="{iana_name(source)}"?><a>{escaped}</a>'
    data = whole.encode(source)
    transcoder = Transcoder(source, target)
    pieces = [transcoder.feed(data[at : at + cut]) for at in range(0, len(data), cut)]
    result = b"".join([*pieces, transcoder.feed(b"", is_last=True)])
    assert result.decode(target) == whole.replace(iana_name(source), iana_name(target), 1)
    assert result == transcode(data, source, target)


def test_text_that_the_target_lacks_becomes_a_character_reference() -> None:
    assert transcode("<a>€</a>".encode(), "utf-8", "iso-8859-1") == b"<a>&#8364;</a>"


def test_bytes_that_the_source_does_not_allow_are_told() -> None:
    with pytest.raises(UnicodeDecodeError):
        transcode(b"<a>\xff</a>", "utf-8", "utf-16")


def test_charset_in_data() -> None:
    assert codec_in_data(b"<a/>") is None
    assert codec_in_data(b"<?xml version='1.0' encoding='iso-8859-1'?><a/>") == "iso-8859-1"
    assert codec_in_data("<a/>".encode("utf-16")) == "utf-16"
    with pytest.raises(LookupError):
        codec_in_data(b'<?xml version="1.0" encoding="EBCDIC-CP-SE"?><a/>')


# --- profile conversion -------------------------------------------------------------------------


@pytest.mark.parametrize("keep_body", [True, False])
@pytest.mark.parametrize("declared_on", ["element", "header", "envelope"])
def test_there_and_back_is_the_same_message(declared_on: str, keep_body: bool) -> None:
    original = message("SE-1", declared_on=declared_on, filler="å &amp; &#13;&#9;\n ä").encode()
    converted = rewrite(original, "utf-8", TO_20, keep_body=keep_body)
    assert b"LogicalAddress" not in converted
    address = etree.fromstring(converted)[0][-1]
    assert address.tag == "{http://www.w3.org/2005/08/addressing}To"
    assert "urn:riv:itintegration:registry:1" not in address.nsmap.values()
    assert canonical(rewrite(converted, "utf-8", TO_21, keep_body=keep_body)) == canonical(original)


_WITH_DATA = """<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" xmlns:w="http://www.w3.org/2005/08/addressing">
<s:Header><w:To a="1&quot;&#10;&lt;">X</w:To><w:MessageID>id</w:MessageID></s:Header>
<s:Body><q xmlns="urn:q"><w:To>data</w:To><w:Address/></q></s:Body></s:Envelope>"""


def test_platform_moves_addressing_elements_in_the_body_too() -> None:
    root = etree.fromstring(rewrite(_WITH_DATA.encode(), "utf-8", TO_21, keep_body=False))
    registry = "{urn:riv:itintegration:registry:1}"
    assert [element.tag for element in root[0]] == [f"{registry}LogicalAddress", f"{registry}MessageID"]
    assert [element.tag for element in root[1][0]] == [f"{registry}LogicalAddress", f"{registry}Address"]


def test_strict_leaves_the_body_as_it_is() -> None:
    before = etree.fromstring(_WITH_DATA.encode())
    after = etree.fromstring(rewrite(_WITH_DATA.encode(), "utf-8", TO_21, keep_body=True))
    assert after[0][0].tag == "{urn:riv:itintegration:registry:1}LogicalAddress"
    assert after[0][0].get("a") == before[0][0].get("a")
    assert etree.tostring(after[1][0], method="c14n", exclusive=True) == etree.tostring(
        before[1][0], method="c14n", exclusive=True
    )
    back = rewrite(etree.tostring(after), "utf-8", TO_20, keep_body=True)
    assert canonical(back) == canonical(_WITH_DATA.encode())


def test_instructions_and_doctype_are_dropped() -> None:
    text = message("A").replace("?>", "?><?x y?>", 1)
    assert b"<?x y" not in rewrite(text.encode(), "utf-8", TO_20, keep_body=True)


# --- headers, faults, settings ------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    ["X-VP-Anything", "PEER_CERTIFICATES", "x-forwarded-host", "MULE_A", "X-MULE_B", "Connection", "Accept-Encoding"],
)
def test_headers_that_producers_do_not_get(name: str) -> None:
    assert not passes_to_producer(name)


@pytest.mark.parametrize("name", ["x-vp-sender-id", "X-Vp-Instance-Id", "x-rivta-foo", "Cookie", "SOAPAction"])
def test_headers_that_producers_get(name: str) -> None:
    assert passes_to_producer(name)


@pytest.mark.parametrize("name", ["soapaction", "MULE_A", "x-mule_b", "LOCAL_CERTIFICATE", "http.method", "Date"])
def test_headers_that_consumers_do_not_get(name: str) -> None:
    assert not passes_to_consumer(name)


def test_header_bytes_that_are_no_utf8_can_be_sent_again() -> None:
    received = b"r\xe4v".decode("utf-8", "surrogateescape")
    assert sendable(received).encode() == "r\ufffdv".encode()
    assert sendable("räv") == "räv"


@pytest.mark.parametrize("vp_code", list(VP_FAULTS))
def test_fault_is_well_formed_whatever_the_call_holds(vp_code: str) -> None:
    refusal = PlatformRefusal(vp_code, "detail with <&\x00\x1b\ud800 and " + "x" * 5000)
    for charset in ("UTF-8", "UTF-16", "ISO-8859-1"):
        root = etree.fromstring(write_refusal(refusal, "Namn å", charset=charset))
        assert root.findtext(".//faultstring", "").startswith(f"{vp_code} [Namn å] ")
        assert root.find(".//detail/detailString") is not None


def test_settings_tell_every_problem_at_once() -> None:
    with pytest.raises(ConfigurationError) as caught:
        RouterSettings(
            catalogue=Path("c.toml"),
            https_port=70_000,
            instance_id="a#b",
            instance_name=" ",
            whitelist=("10.",),
            certificate_header="x y",
            retry_attempts=-1,
            tls_overrides=(TlsOverride("one"), TlsOverride("one")),
        )
    for part in (
        "nobody could call",
        "https_port must be",
        "whitelist entry 10.",
        "tls_overrides has one twice",
        "retry_attempts must be",
        "instance_id must be",
        "instance_name must be",
        "certificate_header must be",
    ):
        assert any(part in problem for problem in caught.value.problems), part


def test_beginnings_of_addresses_are_for_compat_only() -> None:
    assert RouterSettings(catalogue=Path("c"), tls=FILES, mode="compat", whitelist=("10.",)).whitelist == ("10.",)


def test_defaults_are_the_platforms() -> None:
    settings = RouterSettings(catalogue=Path("c.toml"), tls=FILES)
    assert (settings.retry_attempts, settings.retry_delay_s) == (1, 2.0)
    assert (settings.producer_timeout_s, settings.connect_timeout_s) == (29.0, 2.0)
    assert settings.max_message_bytes == 15 * 1024 * 1024
    assert settings.mode == "strict"
    assert settings.kept_copy == Path("c.kept.toml")
    assert timedelta(seconds=settings.producer_timeout_s) < timedelta(seconds=30)


def test_producer_time_limit_by_contract_letter_by_letter() -> None:
    settings = RouterSettings(catalogue=Path("c"), tls=FILES, timeouts=(ContractTimeout("urn:Slow", 60.0),))
    assert settings.producer_timeout_for("urn:Slow") == 60.0
    assert settings.producer_timeout_for("urn:slow") == 29.0


def test_switches_override_the_mode() -> None:
    strict = behaviour_of(RouterSettings(catalogue=Path("c"), tls=FILES, verify_hostname=False, allow_mtom=True))
    assert not strict.verify_hostname
    assert strict.allow_mtom
    compat = behaviour_of(RouterSettings(catalogue=Path("c"), tls=FILES, mode="compat", refuse_original_consumer=True))
    assert compat.refuse_original_consumer
    assert not compat.verify_hostname
