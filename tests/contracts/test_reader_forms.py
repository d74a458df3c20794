"""Reading by form gives what parsing gives, whatever an answer holds (robustness reference 1.1)."""

from __future__ import annotations

import re

import pytest
from golden.messages import CHAINS, CODEC, answer, measurement
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.errors import ContractViolation, RemoteError
from contracts.messages import forms, plain_text
from contracts.messages.forms import Forms, form_of
from contracts.messages.plain_text import NotPlain, PlainText
from contracts.messages.reader import ReportReader
from contracts.model import ConfidenceInterval, Measurement, MissingMeasure, ProportionMeasure, ReportHead
from contracts.registry import GET_QUALITY_INDICATORS_2

Outcome = tuple[list[Measurement], object]

SHARE = ProportionMeasure(0.25, 8.0, 2.0, ConfidenceInterval(0.1, 0.4))
ROWS = [
    measurement(measure, CHAINS[chain])
    for _ in range(5)
    for measure, chain in ((SHARE, "vardenhet-lan"), (SHARE, "land"), (MissingMeasure("MSK"), "vardenhet-lan"))
]
GOOD = answer(*ROWS).decode()
SPACED = GOOD.replace("><", ">\n  <")


@pytest.fixture(autouse=True)
def _forms_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forms, "WORTH_A_FORM", 1)


def read(data: bytes, *, chunk: int, is_by_form: bool) -> Outcome:
    """Read as far as it goes; the second part is the head, or what kind of error ended it and where."""
    reader = ReportReader(CODEC, contract=GET_QUALITY_INDICATORS_2)
    if not is_by_form:
        reader._plain = None
    found: list[Measurement] = []
    try:
        for start in range(0, len(data), chunk):
            found += reader.feed(data[start : start + chunk])
        return found, reader.close()
    except ContractViolation as error:
        return found, (type(error), error.path, error.rule)
    except RemoteError as error:
        return found, type(error)


def assert_same(data: bytes, chunk: int = 65_536) -> Outcome:
    """Both ways accept and give the same, or both refuse; which of several errors is met first may differ."""
    by_form, parsed = read(data, chunk=chunk, is_by_form=True), read(data, chunk=chunk, is_by_form=False)
    if isinstance(by_form[1], ReportHead) or isinstance(parsed[1], ReportHead):
        assert by_form == parsed
    for one, other in zip(by_form[0], parsed[0], strict=False):
        assert one == other
    return by_form


def test_forms_are_used(monkeypatch: pytest.MonkeyPatch) -> None:
    used: list[object] = []
    match = Forms.match
    monkeypatch.setattr(Forms, "match", lambda *arguments: used.append(match(*arguments)) or used[-1])
    for text in (GOOD, SPACED):
        used.clear()
        assert read(text.encode(), chunk=5_000, is_by_form=True)[0] == ROWS
        assert sum(each is not None for each in used) >= 6


_SNIPPETS = (
    "", " ", "\n", "\t", "\r\n", "\r", "x", "å", "€", "\U0001f600", "\uf000", "\ufffd", "\ufffe", "\uffff", "\x7f",
    "\x85", "\x00", "\x0b", "\x1f", "<", ">", "&", "&amp;", "&lt;", "&#65;", "&#x0;", "&nope;", "]]>", "<!-- c -->",
    "<!--",
    "-->", "<![CDATA[y]]>", "<![CDATA[</c:measurement><c:measurement>]]>", "<!DOCTYPE x>", "<?pi x?>", "<x/>",
    "<c:x/>", "<c:rate>1</c:rate>",
    '<o:x xmlns:o="urn:o"/>', '<o:x xmlns:o="urn:o"><c:measurement></c:measurement></o:x>',
    '<o:x xmlns:o="urn:o" xmlns:c="urn:o">', "</o:x>", "</c:measurement>", "<c:measurement>", "</c:measurement >",
    ' a="1"', " a='>'", ' xmlns:c="urn:other"', ' xmlns="urn:other"', "/", "</r:AggregatedQualityReport>",
    "<!-- </c:measurement>", "</c:measurement ><!--", " --><!-- ",
)  # fmt: skip


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """A good answer with up to three insertions, replacements or repetitions anywhere, often at a tag."""
    text = draw(st.sampled_from([GOOD, SPACED]))
    for _ in range(draw(st.integers(0, 3))):
        places = [match.start() for match in re.finditer(r"[<>]", text)]
        at = draw(st.integers(0, len(text)) | st.sampled_from(places) | st.sampled_from(places).map(lambda i: i + 1))
        until = min(at + draw(st.sampled_from([0, 0, 0, 1, 2, 5, 40])), len(text))
        text = text[:at] + draw(st.sampled_from(_SNIPPETS)) + text[until:]
    raw = text.encode()
    if draw(st.integers(0, 9)) == 0:
        at = draw(st.integers(0, len(raw)))
        raw = raw[:at] + draw(st.sampled_from([b"\xff", b"\xc3", b"\xed\xa0\x80", b"\xf5\x80\x80\x80"])) + raw[at:]
    return raw


@settings(max_examples=4 * settings.default.max_examples)
@given(damaged(), st.sampled_from([1, 7, 333, 1_500, 65_536]))
def test_reading_by_form_is_reading_by_parser(data: bytes, chunk: int) -> None:
    assert_same(data, max(chunk, len(data) // 400))


_END = "</c:measurement>"
_LATE = GOOD.rindex("<c:measurement>")
_MISPLACED = GOOD[_LATE : GOOD.rindex(_END)] + _END


@pytest.mark.parametrize(
    "inserted",
    [
        f"<!-- {_MISPLACED} -->",
        f"<![CDATA[{_MISPLACED}]]>",
        f'<o:x xmlns:o="urn:o">{_MISPLACED}</o:x>',
        f'<o:x xmlns:o="urn:o" xmlns:c="urn:o">{_MISPLACED}</o:x>',
        f'<o:x xmlns:o="urn:o" xmlns:c="urn:o"><c:measurement></c:measurement>{_MISPLACED}</o:x>',
        f"<c:other>{_MISPLACED}</c:other>",
        f"<?pi {_MISPLACED} ?>",
        f"<!-- {_END}{_MISPLACED} -->",
        f"<!-- {_END} --{_MISPLACED}",
    ],
)
@pytest.mark.parametrize(
    "place", [GOOD.index("<c:measurement>"), _LATE, _LATE - len(_END), GOOD.rindex(_END) + len(_END)]
)
def test_what_only_looks_like_a_measurement_is_not_read_as_one(inserted: str, place: int) -> None:
    data = GOOD[:place] + inserted + GOOD[place:]
    found, _ = assert_same(data.encode(), 900)
    assert len(found) <= len(ROWS)


@pytest.mark.parametrize(
    "opened",
    [
        # Each ends in the end tag that a form may follow, but not where the report's next measurement stands.
        '<o:x xmlns:o="urn:o" xmlns:c="urn:o"><c:measurement></c:measurement>',
        '<o:x xmlns:o="urn:o"><c:z xmlns:c="urn:o"><c:measurement></c:measurement>',
        '</r:AggregatedQualityReport><o:x xmlns:o="urn:o" xmlns:c="urn:o"><c:measurement></c:measurement>',
        "</r:AggregatedQualityReport><r:AggregatedQualityReport><c:measurement></c:measurement>",
    ],
)
def test_forms_are_used_only_right_behind_a_measurement_of_the_report(opened: str) -> None:
    before, end = GOOD[: _LATE - len(_END)], "</c:measurement >"
    data = before + end + opened + _MISPLACED + _MISPLACED + GOOD[_LATE + len(_MISPLACED) :]
    found, _ = assert_same(data.encode(), 900)
    assert len(found) <= len(ROWS)


def test_two_prefixes_of_one_namespace_are_read() -> None:
    start, end = GOOD.index("<c:measurement>"), GOOD.rindex(_END) + len(_END)
    elements = GOOD[start:end].split(_END)[:-1]
    mixed = "".join(
        f"{element.replace('c:', 'd:')}</d:measurement>{element}{_END}" if number % 2 else f"{element}{_END}"
        for number, element in enumerate(elements)
    )
    data = (
        GOOD[:start].replace("xmlns:c=", 'xmlns:d="urn:riv:followup:groupoutcomes:qualityreporting:2" xmlns:c=') + mixed
    )
    found, _ = assert_same((data + GOOD[end:]).encode(), 900)
    assert len(found) == len(ROWS) + len(ROWS) // 2


def test_a_prefix_that_stands_for_no_uri_is_told() -> None:
    assert_same(GOOD.replace('xmlns:c="', 'xmlns:c=" ').encode(), 900)
    assert assert_same(GOOD.replace("xmlns:c=", 'xmlns:o="not a uri" xmlns:c=').encode(), 900)[0] == ROWS


def test_an_end_tag_with_a_blank_does_not_hide_what_follows() -> None:
    for text in (GOOD.replace(_END, "</c:measurement >"), GOOD.replace(_END, "</c:measurement >", 3), GOOD[::1]):
        assert assert_same(text.encode(), 900)[0] == ROWS
    last = GOOD.rindex(_END)
    assert assert_same((GOOD[:last] + "</c:measurement\n>" + GOOD[last + len(_END) :]).encode(), 900)[0] == ROWS


@pytest.mark.parametrize(
    ("prefix", "encoding"),
    [
        ("", "utf-8"),
        ('<?xml version="1.0"?>', "utf-8"),
        ("<?xml version='1.0' encoding='utf-8' standalone='yes'?>\n", "utf-8"),
        ('<?xml version="1.0" encoding="UTF-8"?>', "utf-8-sig"),
        ('<?xml version="1.0" encoding="ISO-8859-1"?>', "latin-1"),
        ('<?xml version="1.0" encoding="UTF-16"?>', "utf-16"),
        ('<?xml version="1.0" encoding="us-ascii"?>', "latin-1"),
        ("<!-- before -->", "utf-8"),
    ],
)
def test_every_beginning_gives_what_the_parser_gives(prefix: str, encoding: str) -> None:
    body = GOOD.partition("?>\n")[2]
    assert_same((prefix + body).encode(encoding))


@pytest.mark.parametrize(
    ("element", "is_plain"),
    [
        ("<a><b>x</b></a>", True),
        ("\n <a> <b>x</b>\n<p:c></p:c> </a>", True),
        ("<a></a>", True),
        ('<a><b i="1">x</b></a>', False),
        ("<a><b/></a>", False),
        ("<a ><b>x</b></a>", False),
        ("<a>stray<b>x</b></a>", False),
        ("<a><b>x</b>stray</a>", False),
        ("<a><b>x</b></a>behind", False),
        ("before<a></a>", False),
        ("<a><!-- c --></a>", False),
        ("<a><b>x", False),
    ],
)
def test_only_plain_elements_have_a_form(element: str, is_plain: bool) -> None:
    assert (form_of(element) is not None) is is_plain


def test_forms_are_few_and_the_latest_is_tried_first() -> None:
    known: Forms[int] = Forms()
    for number in range(40):
        known.learn(f"<a><b{number}>x</b{number}></a>", number)
    assert known.match("<a><b0>x</b0></a>", 0) is None
    found = known.match("<a><b39>text</b39></a>", 0)
    assert found is not None
    assert (found[0], found[1].groups()) == (39, ("text",))
    assert len(known._forms) == 16


@pytest.mark.parametrize("text", ["a<b", "a&amp;b", "a>b", "a\rb", "a\x00b", "a\ufffeb"])
def test_a_hole_takes_nothing_that_a_parser_would_see_otherwise(text: str) -> None:
    known: Forms[int] = Forms()
    known.learn("<a><b>x</b></a>", 1)
    assert known.match("<a><b>y</b></a>", 0) is not None
    assert known.match(f"<a><b>{text}</b></a>", 0) is None


def test_plain_text_gives_back_every_byte_when_it_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plain_text, "_MOST_WAITING", 50)
    raw = f"<r>{'å' * 40}<e>1</e><e>2</e>".encode()
    plain = PlainText()
    plain.add(raw[:30])
    assert plain.next_piece("") == raw[:29].decode()
    plain.add(raw[30:])
    assert plain.next_piece("</e>").endswith("<e>1</e>")
    for data in (b"<e>3", b"\xc3", b"\xff"):
        try:
            plain.add(data)
            plain.next_piece("</e>")
        except NotPlain:
            assert plain.rest() == b"<e>3\xc3\xff"
            break
    else:
        pytest.fail("bytes that are no UTF-8 were taken")
