"""The run as one self-contained HTML file: no script, style or picture from elsewhere, readable without scripts.

All texts from outside are escaped by the template engine; the only markup made here is Pygments' and the chart's.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import log10

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import XmlLexer

from contracts.codes import Bilingual
from contracts.rules import RULES
from testsuites.model import Check, ExchangeView, Language, Status
from testsuites.reports import FinishedRun
from testsuites.reports.words import (
    BADGE,
    STATUS,
    WORDS,
    local_time,
    pick,
    seconds_text,
    size_text,
    verdict_of,
)

_SHOWN_CHARS = 9_000
_CHART_WIDTH = 460.0
_FIRST_DECADE, _LAST_DECADE = -3, 2
_MAX_DOTS = 400


def render_html(run: FinishedRun, language: Language) -> bytes:
    """Write the report in one language."""
    environment = Environment(
        loader=PackageLoader("testsuites.reports"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    view = _View(language)
    verdict, verdict_words = verdict_of(run.totals)
    text = environment.get_template("report.html").render(
        run=run,
        view=view,
        language=language,
        verdict=verdict,
        verdict_words=view.pick(verdict_words),
        statuses=[status for status in Status if getattr(run.totals, status.value)],
        to_mend=run.to_mend(),
        not_run=run.of_status(Status.ERROR),
        chart=_chart(run.answer_times_s),
        Status=Status,
    )
    return text.encode()


@dataclass(frozen=True, slots=True)
class _View:
    """What the template calls."""

    language: Language

    def pick(self, text: Bilingual) -> str:
        return pick(text, self.language)

    def word(self, name: str) -> str:
        return pick(WORDS[name], self.language)

    def status(self, status: Status) -> str:
        return pick(STATUS[status], self.language)

    def badge(self, status: Status) -> str:
        return pick(BADGE[status], self.language)

    def seconds(self, seconds: float) -> str:
        return seconds_text(seconds, self.language)

    def size(self, view: ExchangeView) -> str:
        return size_text(view.answer_bytes, self.language)

    def time(self, run: FinishedRun) -> str:
        return local_time(run.started_at)

    def rule(self, check: Check) -> str:
        """The rule's own text, unless the check says it already or is no rule of the contract's."""
        rule = RULES.get(check.rule)
        text = "" if rule is None else pick(rule.explanation, self.language)
        is_told = check.mend is not None and pick(check.mend, self.language) == text
        return "" if is_told else text

    def xml(self, text: str) -> Markup:
        """Colour XML; whatever is no XML stays as it is, escaped."""
        shown = text[:_SHOWN_CHARS] + ("\n…" if len(text) > _SHOWN_CHARS else "")
        return Markup(highlight(shown, XmlLexer(), HtmlFormatter(nowrap=True)))  # noqa: S704 (Pygments escapes)


@dataclass(frozen=True, slots=True)
class _Chart:
    """Answer times as dots on a logarithmic axis, 1 ms to 100 s."""

    dots: tuple[tuple[float, float], ...]
    marks: tuple[tuple[float, str], ...]
    median_s: float
    p95_s: float
    slowest_s: float
    count: int
    sla_x: float


def _chart(times: tuple[float, ...]) -> _Chart | None:
    if not times:
        return None
    ordered = sorted(times)
    step = max(1, len(ordered) // _MAX_DOTS)
    dots = tuple((_x(seconds), 12.0 + 5.0 * (index % 5)) for index, seconds in enumerate(ordered[::step]))
    names = ("1 ms", "10 ms", "0.1 s", "1 s", "10 s", "100 s")
    marks = tuple(
        (_x(10.0**decade), name) for decade, name in zip(range(_FIRST_DECADE, _LAST_DECADE + 1), names, strict=True)
    )
    middle, late = ordered[len(ordered) // 2], ordered[min(len(ordered) - 1, int(0.95 * len(ordered)))]
    return _Chart(dots, marks, middle, late, ordered[-1], len(ordered), _x(10.0))


def _x(seconds: float) -> float:
    share = (log10(max(seconds, 1e-9)) - _FIRST_DECADE) / (_LAST_DECADE - _FIRST_DECADE)
    return round(10 + min(max(share, 0.0), 1.0) * (_CHART_WIDTH - 40), 1)
