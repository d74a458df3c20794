"""Test protocol 2.1-2.7 and 3.1: calls and what they must answer (contract reference 7)."""

from __future__ import annotations

from collections.abc import Iterator

from contracts.codes import Bilingual
from testsuites.answer import Answer
from testsuites.model import CaseSkipped, Check
from testsuites.question import Question
from testsuites.session import Session
from testsuites.suites.common import (
    empty_report_checks,
    head_checks,
    is_usable,
    measurement_checks,
    no_measurement,
    question_findings,
    report_checks,
    same_checksum,
)
from testsuites.texts import passed, remark, verdict

_FOR_COMPARISON = Bilingual("Request to compare with", "Fråga att jämföra med")


def judge_2_1(session: Session) -> Iterator[Check]:
    """One indicator, period with values."""
    answer = session.ask(session.question(ids=session.target.ids[:1]))
    yield from _with_values(session, answer, session.target.measure_ids[:1])


def judge_2_2(session: Session) -> Iterator[Check]:
    """Several indicators, period with values."""
    yield from _several(session)
    answer = session.ask(session.question())
    yield from _with_values(session, answer, session.target.measure_ids)
    if answer.is_report:
        yield from _compared(session, answer, session.question(include=False), "2.5")


def judge_2_3(session: Session) -> Iterator[Check]:
    """Several indicators, period without values."""
    question = session.question(period=session.target.empty_period)
    yield from _without_values(session, question)
    answer = session.ask(question)
    if answer.is_report:
        yield from _compared(session, answer, question.checksum_only(), "2.4")


def judge_2_4(session: Session) -> Iterator[Check]:
    """Several indicators, period without values, checksum alone."""
    question = session.question(period=session.target.empty_period)
    yield from _without_values(session, question.checksum_only())
    answer = session.ask(question.checksum_only())
    if answer.is_report:
        yield from _compared(session, answer, question, "2.3")


def judge_2_5(session: Session) -> Iterator[Check]:
    """Several indicators, period with values, checksum alone."""
    yield from _several(session)
    answer = session.ask(session.question(include=False))
    checks = list(report_checks(answer))
    yield from checks
    if not is_usable(checks):
        return
    yield no_measurement(answer)
    yield from head_checks(answer, session.target.logical_address, has_values=True)
    complete = session.ask(session.question(), _FOR_COMPARISON)
    if complete.is_report:
        yield same_checksum(answer, complete, "2.2")
        yield _same_period(answer, complete)


def judge_2_6(session: Session) -> Iterator[Check]:
    """An unknown indicator."""
    question = session.question(ids=(session.unknown_id,))
    yield from _without_values(session, question)
    answer = session.ask(question)
    if answer.is_report:
        yield from _compared(session, answer, session.question(period=session.target.empty_period), "2.3")


def judge_2_7(session: Session) -> Iterator[Check]:
    """Known indicators and an unknown one."""
    question = session.question(ids=(*session.target.ids, session.unknown_id))
    answer = session.ask(question)
    checks = list(_with_values(session, answer, session.target.measure_ids))
    yield from checks
    if not is_usable(checks):
        return
    expected = session.ask(session.question(), _FOR_COMPARISON)
    if expected.is_report:
        yield same_checksum(answer, expected, "2.2")
        yield verdict(
            "same-measurements",
            answer.digest == expected.digest,
            ("The measurements are those of 2.2.", "Mätvärdena är desamma som i 2.2."),
            (
                f"{answer.measurement_count} measurements that are not the {expected.measurement_count} of 2.2.",
                f"{answer.measurement_count} mätvärden som inte är de {expected.measurement_count} i 2.2.",
            ),
            where=answer.place(),
        )


def judge_3_1(session: Session) -> Iterator[Check]:
    """Through the national platform."""
    if not session.target.is_through_platform:
        raise CaseSkipped(
            Bilingual(
                "The address is the producer's own. Run once more with the platform's address and --through-platform.",
                "Adressen är producentens egen. Kör en gång till med plattformens adress och --through-platform.",
            )
        )
    answer = session.ask(session.question(include=False))
    checks = list(report_checks(answer))
    yield from checks
    if is_usable(checks):
        yield from head_checks(answer, session.target.logical_address, has_values=False)
        yield passed("platform", "The producer answered through the platform.", "Producenten svarade via plattformen.")


def _with_values(session: Session, answer: Answer, wanted: tuple[str, ...]) -> Iterator[Check]:
    checks = list(report_checks(answer))
    yield from checks
    if not is_usable(checks):
        return
    yield from head_checks(answer, session.target.logical_address, has_values=True)
    others = [extension for extension in answer.counts if extension and extension not in wanted]
    yield from measurement_checks(answer, wanted, others)
    yield from question_findings(answer)


def _without_values(session: Session, question: Question) -> Iterator[Check]:
    answer = session.ask(question)
    checks = list(report_checks(answer))
    yield from checks
    if is_usable(checks):
        yield from empty_report_checks(answer, question.content.reporting_period)
        yield from head_checks(answer, session.target.logical_address, has_values=False)


def _compared(session: Session, answer: Answer, other: Question, name: str) -> Iterator[Check]:
    compared = session.ask(other, _FOR_COMPARISON)
    if compared.is_report:
        yield same_checksum(answer, compared, name)


def _same_period(answer: Answer, other: Answer) -> Check:
    assert answer.head is not None
    assert other.head is not None
    own, expected = answer.head.reporting_period, other.head.reporting_period
    return verdict(
        "1.11",
        own == expected,
        ("reportingPeriod is that of 2.2.", "reportingPeriod är densamma som i 2.2."),
        (
            f"reportingPeriod is {own.start} to {own.end}; in 2.2 it is {expected.start} to {expected.end}.",
            f"reportingPeriod är {own.start} till {own.end}; i 2.2 är den {expected.start} till {expected.end}.",
        ),
        where=answer.place("reportingPeriod"),
    )


def _several(session: Session) -> Iterator[Check]:
    if len(session.target.measure_ids) < 2:
        yield remark(
            "several",
            "Only one indicator was given, where the protocol wants several.",
            "Endast en indikator angavs, där protokollet vill ha flera.",
            mend=("Give --measure-id more than once.", "Ange --measure-id flera gånger."),
        )
