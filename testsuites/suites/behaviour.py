"""Connection, checksum over several answers, and answer times (contract reference 1 and 6, platform reference 5)."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from itertools import combinations

from contracts.codes import Bilingual
from contracts.model import DatePeriod
from testsuites.answer import Answer
from testsuites.model import CaseSkipped, Check
from testsuites.session import Session
from testsuites.suites.common import is_usable, report_checks, same_checksum
from testsuites.texts import failed, passed, remark, verdict

SLA_SECONDS = 10.0
SLA_SHARE = 0.95
PLATFORM_WAIT_SECONDS = 29.0
PLATFORM_BYTES = 15 * 1000**2
PLATFORM_CAP_BYTES = 50 * 1000**2
_MEASURING_BUDGET_S = 120.0


def judge_reached(session: Session) -> Iterator[Check]:
    """Any HTTP answer will do; ConnectionFailed stops the run."""
    answer = session.ask(session.question(include=False))
    exchange = answer.exchange
    tls = f" ({exchange.tls_version})" if exchange.tls_version else ""
    if exchange.status is None:
        yield failed("connection", exchange.problem, exchange.problem)
    else:
        yield passed(
            "connection",
            f"Answered with HTTP status {exchange.status} after {exchange.seconds:.2f} s{tls}.",
            f"Svarade med HTTP-status {exchange.status} efter {exchange.seconds:.2f} s{tls}.",
        )


def judge_repeatable(session: Session) -> Iterator[Check]:
    """The same question again, with and without measurements."""
    question = session.question(ids=session.target.ids[:1])
    first = session.ask(question)
    checks = [check for check in report_checks(first) if not check.rule.startswith("schema")]
    yield from checks
    if not is_usable(checks):
        return
    again = session.ask(question.again())
    if again.is_report:
        yield same_checksum(again, first, "the first time / första gången")
        yield verdict(
            "same-measurements",
            again.digest == first.digest,
            ("The measurements are the same.", "Mätvärdena är desamma."),
            ("The measurements differ from one call to the next.", "Mätvärdena skiljer sig mellan två anrop."),
            where=first.place(),
        )
    alone = session.ask(question.checksum_only())
    if alone.is_report:
        yield same_checksum(alone, first, "the complete answer / det fullständiga svaret")


def judge_distinguishes(session: Session) -> Iterator[Check]:
    """Answers with other measurements have other checksums, over everything asked in the run."""
    questions = (
        session.question(),
        session.question(ids=session.target.ids[:1]),
        session.question(ids=session.target.ids[-1:]),
        session.question(period=session.target.empty_period),
        session.question(period=_first_half(session.target.period)),
    )
    yield from distinct_checksums([session.ask(question) for question in questions])


def distinct_checksums(answers: Iterable[Answer]) -> Iterator[Check]:
    """Check that reports with different measurements have different checksums; passes over what is no report."""
    by_digest = {answer.digest: answer for answer in answers if answer.is_report}
    if len(by_digest) < 2:
        raise CaseSkipped(
            Bilingual("No two answers hold different measurements.", "Inga två svar har olika mätvärden.")
        )
    confused = [pair for pair in combinations(by_digest.values(), 2) if _checksum(pair[0]) == _checksum(pair[1])]
    for one, other in confused[:1]:
        yield failed(
            "checksum",
            f"{one.measurement_count} and {other.measurement_count} different measurements have the same checksum "
            f"{_checksum(one)!r}.",
            f"{one.measurement_count} och {other.measurement_count} olika mätvärden har samma kontrollsumma "
            f"{_checksum(one)!r}.",
            where=one.place("measurementChecksum"),
            mend=("Compute it over the values themselves.", "Beräkna den över själva värdena."),
        )
    if not confused:
        yield passed(
            "checksum",
            f"{len(by_digest)} different answers have {len(by_digest)} checksums.",
            f"{len(by_digest)} olika svar har {len(by_digest)} kontrollsummor.",
        )


def judge_since(session: Session) -> Iterator[Check]:
    """Compare with an earlier recording."""
    if session.target.since is None:
        raise CaseSkipped(
            Bilingual("No earlier recording was given (--since).", "Ingen tidigare inspelning angavs (--since).")
        )
    compared = 0
    for earlier, now in session.pairs_since():
        if not (earlier.is_report and now.is_report):
            continue
        compared += 1
        yield _changed_together(earlier, now)
    if not compared:
        raise CaseSkipped(
            Bilingual(
                "The recording holds no answer to a question of this run.",
                "Inspelningen har inget svar på någon fråga i denna körning.",
            )
        )


def _changed_together(earlier: Answer, now: Answer) -> Check:
    is_other_content = earlier.digest != now.digest
    is_other_checksum = _checksum(earlier) != _checksum(now)
    asked = ", ".join(i.extension or "" for i in now.asked.measure_ids) if now.asked else ""
    if is_other_content and not is_other_checksum:
        return failed(
            "checksum",
            f"The measurements of {asked} have changed, the checksum has not.",
            f"Mätvärdena för {asked} har ändrats, men inte kontrollsumman.",
            where=now.place("measurementChecksum"),
            mend=(
                "Compute it over every value of every matching measurement.",
                "Beräkna den över varje värde i varje matchande mätvärde.",
            ),
        )
    if is_other_checksum and not is_other_content:
        return failed(
            "checksum",
            f"The checksum of {asked} has changed, the measurements have not.",
            f"Kontrollsumman för {asked} har ändrats, men inte mätvärdena.",
            where=now.place("measurementChecksum"),
            mend=("Leave times, order of rows and process out of it.", "Låt tid, radordning och process stå utanför."),
        )
    what = ("changed", "ändrade") if is_other_content else ("unchanged", "oförändrade")
    return passed("checksum", f"{asked}: both {what[0]}.", f"{asked}: båda {what[1]}.")


def judge_answer_time(session: Session) -> Iterator[Check]:
    """95 % of the calls under ten seconds."""
    if session.is_recorded:
        raise CaseSkipped(Bilingual("A recording is not timed.", "En inspelning tidmäts inte."))
    question = session.question(ids=session.target.ids[:1])
    begun = time.monotonic()
    for _ in range(session.target.sla_calls):
        session.time(question)
        if time.monotonic() - begun > _MEASURING_BUDGET_S:
            break
    times = sorted(session.answer_times())
    slow = [seconds for seconds in times if seconds >= SLA_SECONDS]
    figures = f"{len(times)}, {_percentile(times, 0.5):.3f} s, {_percentile(times, 0.95):.3f} s, {times[-1]:.3f} s"
    yield verdict(
        "sla",
        len(slow) <= (1 - SLA_SHARE) * len(times),
        (
            f"Calls, median, 95th percentile, slowest: {figures}.",
            f"Anrop, median, 95:e percentilen, långsammast: {figures}.",
        ),
        (
            f"{len(slow)} of {len(times)} calls took 10 s or more (median, 95th percentile, slowest: {figures}).",
            f"{len(slow)} av {len(times)} anrop tog 10 s eller mer (median, 95:e percentilen, långsammast: {figures}).",
        ),
        mend=(
            "Compute results when they are published, not when they are asked for.",
            "Beräkna resultaten vid publicering, inte vid fråga.",
        ),
    )


def judge_platform_limit(session: Session) -> Iterator[Check]:
    """No answer longer than the platform waits or larger than it lets through."""
    if session.is_recorded:
        raise CaseSkipped(Bilingual("A recording is not timed.", "En inspelning tidmäts inte."))
    answers = session.answers()
    slowest = max(answer.exchange.seconds for answer in answers)
    largest = max(answer.exchange.body.size for answer in answers)
    yield verdict(
        "platform-wait",
        slowest < PLATFORM_WAIT_SECONDS,
        (f"The slowest answer took {slowest:.2f} s.", f"Det långsammaste svaret tog {slowest:.2f} s."),
        (
            f"An answer took {slowest:.1f} s; the platform gives up after {PLATFORM_WAIT_SECONDS:g} s (VP009).",
            f"Ett svar tog {slowest:.1f} s; plattformen ger upp efter {PLATFORM_WAIT_SECONDS:g} s (VP009).",
        ),
    )
    size = f"{largest / 1000**2:.1f} MB"
    if largest >= PLATFORM_CAP_BYTES:
        yield failed(
            "platform-size",
            f"An answer has {size}; the platform lets 50 MB through.",
            f"Ett svar är {size}; plattformen släpper igenom 50 MB.",
        )
    elif largest >= PLATFORM_BYTES:
        yield remark(
            "platform-size",
            f"An answer has {size}; above 15 MB it depends on the platform's settings.",
            f"Ett svar är {size}; över 15 MB beror det på plattformens inställningar.",
            mend=("Consumers have to ask for shorter periods.", "Konsumenter får fråga om kortare perioder."),
        )
    else:
        yield passed("platform-size", f"The largest answer has {size}.", f"Det största svaret är {size}.")


def _checksum(answer: Answer) -> str:
    return answer.head.measurement_checksum.strip() if answer.head is not None else ""


def _percentile(ordered: list[float], share: float) -> float:
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def _first_half(period: DatePeriod) -> DatePeriod:
    """Give the first half of a period; the whole when its dates do not exist."""
    try:
        start, end = (date.fromisoformat(text) for text in (period.start, period.end))
    except ValueError:
        return period
    return DatePeriod(period.start, (start + timedelta(days=(end - start).days // 2)).strftime("%Y%m%d"))
