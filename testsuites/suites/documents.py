"""Schema, Schematron and the published test cases (contract reference 5 and 8)."""

from __future__ import annotations

from collections.abc import Iterator

from contracts.codes import Bilingual
from contracts.model import II, DatePeriod
from testsuites.answer import Answer
from testsuites.data_xml import TestCaseData
from testsuites.model import CaseSkipped, Check, Status
from testsuites.question import Question
from testsuites.session import Session
from testsuites.suites.common import is_usable, no_measurement, report_checks
from testsuites.texts import failed, passed, verdict

_NOT_PUBLISHED = Bilingual(
    "No test suite of this contract is published; the published test cases are of GetQualityIndicators.",
    "Ingen testsvit för detta kontrakt är publicerad; de publicerade testfallen gäller GetQualityIndicators.",
)


def judge_complete(session: Session) -> Iterator[Check]:
    """Schema of the complete report."""
    yield from _schema(session.ask(session.question()))


def judge_checksum_only(session: Session) -> Iterator[Check]:
    """Schema of an answer without measurements."""
    yield from _schema(session.ask(session.question(include=False)))


def judge_nothing_matches(session: Session) -> Iterator[Check]:
    """Schema of an answer about a period without values."""
    yield from _schema(session.ask(session.question(period=session.target.empty_period)))


def judge_own_schematron(session: Session) -> Iterator[Check]:
    """The project's own Schematron."""
    yield from _schematron(session, session.ask(session.question()), own=True)


def judge_tester_schematron(session: Session) -> Iterator[Check]:
    """Every constraints.sch that the tester brings."""
    if not session.target.schematrons:
        raise CaseSkipped(
            Bilingual("No Schematron of the tester's own was given.", "Ingen egen Schematron-fil angavs.")
        )
    yield from _schematron(session, session.ask(session.question()), own=False)


def judge_testcase1(session: Session) -> Iterator[Check]:
    """TestCase1 with the data of data.xml, else of the run."""
    answer = session.ask(_question(session, "TestCase1", include=True))
    checks = list(report_checks(answer))
    yield from checks
    if not is_usable(checks):
        return
    count = answer.measurement_count
    yield verdict(
        "measurements",
        count > 0,
        (f"The report holds {count} measurements.", f"Rapporten har {count} mätvärden."),
        ("The report holds no measurement.", "Rapporten har inga mätvärden."),
        where=answer.place(),
        mend=(
            "Set measureId and reportingPeriod to what has values.",
            "Sätt measureId och reportingPeriod till något som har värden.",
        ),
    )
    yield from _schematron(session, answer, own=True)
    if session.target.schematrons:
        yield from _schematron(session, answer, own=False)


def judge_testcase2(session: Session) -> Iterator[Check]:
    """TestCase2 with the data of data.xml, else of the run."""
    answer = session.ask(_question(session, "TestCase2", include=False))
    checks = list(report_checks(answer))
    yield from checks
    if not is_usable(checks) or answer.head is None:
        return
    yield no_measurement(answer)
    yield verdict(
        "checksum",
        bool(answer.head.measurement_checksum.strip()),
        ("The checksum is set.", "Kontrollsumman är satt."),
        ("measurementChecksum is empty.", "measurementChecksum är tomt."),
        where=answer.place("measurementChecksum"),
    )


def _schema(answer: Answer) -> Iterator[Check]:
    if answer.schema:
        yield from answer.schema
        return
    checks = list(report_checks(answer))
    yield from checks
    if is_usable(checks) and not answer.is_report:
        yield failed("schema", "The answer could not be read whole.", "Svaret kunde inte läsas helt.")


def _schematron(session: Session, answer: Answer, *, own: bool) -> Iterator[Check]:
    checks = [check for check in report_checks(answer) if not check.rule.startswith("schema")]
    if not is_usable(checks):
        yield from checks
        return
    contract = session.target.contract
    for path in (contract.schematron,) if own else session.target.schematrons:
        found = session.schematron(answer, path)
        yield from found
        if not any(check.status is not Status.PASSED for check in found):
            yield passed("schematron", f"Every rule of {path.name} holds.", f"Varje regel i {path.name} är uppfylld.")


def _question(session: Session, name: str, *, include: bool) -> Question:
    """Make the question of a published test case; data.xml decides what it names."""
    if session.target.is_distributed:
        raise CaseSkipped(_NOT_PUBLISHED)
    case = session.target.data.case(name) if session.target.data is not None else None
    if case is None:
        if session.target.data is not None:
            raise CaseSkipped(Bilingual(f"data.xml has no test case {name}.", f"data.xml saknar testfallet {name}."))
        return session.question(ids=session.target.ids[:1], include=include)
    return _question_of(session, case, include=include)


def _question_of(session: Session, case: TestCaseData, *, include: bool) -> Question:
    target = session.target
    values = {name: value for name, value in case.values.items() if value and name not in target.overridden}
    measure_id = II(values.get("measureIdOid", target.measure_root), values.get("measureId", target.measure_ids[0]))
    period = DatePeriod(
        values.get("reportingPeriodStart", target.period.start), values.get("reportingPeriodEnd", target.period.end)
    )
    return Question(
        target.request((measure_id,), period, include=include),
        values.get("logicalAddress", target.logical_address),
        url=values.get("webServiceUrl", ""),
        sender=values.get("httpHeaderHsaId", ""),
    )
