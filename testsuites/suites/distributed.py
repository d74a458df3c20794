"""GetDistributedQualityReport: what a question asks for is sent and nothing else, and the checksum is of just that.

Filters and options of domain reference 4.3. Every answer is compared with that to the same question without them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import islice
from typing import Any

from contracts.codes import Bilingual
from contracts.distributed_model import FEWEST_UNITS, OrganizationFilter
from testsuites.answer import Answer
from testsuites.model import CaseSkipped, Check, Judge
from testsuites.parts import NOT_SEEN, Seen
from testsuites.question import OPTIONS_OMITTED, Question
from testsuites.session import Session
from testsuites.suites.behaviour import distinct_checksums
from testsuites.suites.common import empty_report_checks, is_usable, no_measurement, report_checks, same_checksum
from testsuites.suites.wire_answers import same_as_plain
from testsuites.texts import remark, verdict

#: A care unit that is nowhere. Ids of this form are left as they are when a recording is masked.
UNKNOWN_UNIT = "SE9990001112-MISSING"
_FOR_COMPARISON = Bilingual("Every unit, sub-group and distribution", "Alla enheter, undergrupper och fördelningar")
_UNREADABLE = Bilingual(
    "The report without filters cannot be read; see protocol 2.2.",
    "Rapporten utan urval kan inte läsas; se protokoll 2.2.",
)
_NO_UNITS = Bilingual("No measurement is of a unit with HSA-id.", "Inget mätvärde är för en enhet med HSA-id.")

Compare = Callable[[Answer, Answer], Iterator[Check]]


def everything(session: Session) -> Question:
    """Ask for every unit, sub-group and distribution of all test data; reference values are asked for where meant."""
    return session.question().narrowed(include_reference_values=False)


def filter_judge(compare: Compare, **filters: Any) -> Judge:
    """Make the judge of a question with ``filters``; ``compare`` gets its answer and the one without them."""

    def judge(session: Session) -> Iterator[Check]:
        yield from _compared(session, everything(session).narrowed(**filters), compare)

    return judge


def judge_unit(session: Session) -> Iterator[Check]:
    """One care unit by HSA-id."""
    (unit,) = _some_units(session, 1)
    yield from _compared(session, _of_units(session, unit), _only_units(unit))


def judge_two_units(session: Session) -> Iterator[Check]:
    """Two care units."""
    units = _some_units(session, 2)
    if len(units) < 2:
        raise CaseSkipped(Bilingual("There is one unit only.", "Det finns bara en enhet."))
    yield from _compared(session, _of_units(session, *units), _only_units(*units))


def judge_unknown_unit(session: Session) -> Iterator[Check]:
    """A care unit that does not exist."""
    question = _of_units(session, UNKNOWN_UNIT)
    answer = session.ask(question)
    checks = list(report_checks(answer))
    yield from checks
    if is_usable(checks):
        yield from empty_report_checks(answer, question.content.reporting_period)


def judge_combined(session: Session) -> Iterator[Check]:
    """A unit, one stratification, no distribution and no reference values at once."""
    (unit,) = _some_units(session, 1)
    question = _of_units(session, unit).narrowed(stratifications=("SEX",), include_distribution=False)

    def compare(answer: Answer, complete: Answer) -> Iterator[Check]:
        yield from _only_units(unit)(answer, complete)
        yield _no_other_subgroups(answer, "SEX")
        yield _nothing("distribution", answer.parts.distributions, ("distributions", "fördelningar"))

    yield from _compared(session, question, compare)


def judge_defaults(session: Session) -> Iterator[Check]:
    """includeDistribution and includeReferenceValues left out."""
    yield from same_as_plain(session, everything(session), OPTIONS_OMITTED)


def judge_references(session: Session) -> Iterator[Check]:
    """Reference values are sent when they are asked for."""
    answer = session.ask(session.question())
    checks = list(report_checks(answer))
    yield from checks
    if not is_usable(checks):
        return
    references = answer.parts.references
    if not references.count and answer.parts.most_compared < FEWEST_UNITS:
        raise CaseSkipped(
            Bilingual(
                f"No indicator and period has values of {FEWEST_UNITS} care units, which reference values need.",
                f"Ingen indikator och period har värden för {FEWEST_UNITS} vårdenheter, som referensvärden kräver.",
            )
        )
    found = [check for check in answer.findings if check.rule == "D.8"]
    yield from found
    yield verdict(
        "reference-values",
        references.count > 0,
        (
            f"There are {references.count} reference values.",
            f"Det finns {references.count} referensvärden.",
        ),
        (
            f"There is none, though {answer.parts.most_compared} care units have a value of one indicator and period.",
            f"Det finns inget, fastän {answer.parts.most_compared} vårdenheter har värde för en indikator och period.",
        ),
        where=answer.place("referenceMeasurement"),
        mend=(
            f"Send referenceMeasurement when it is asked for and {FEWEST_UNITS} units have a value.",
            f"Skicka referenceMeasurement när det efterfrågas och {FEWEST_UNITS} enheter har värde.",
        ),
    )


def judge_checksum_only(session: Session) -> Iterator[Check]:
    """includeMeasurements false with each filter."""
    for question in questions(session):
        complete = session.ask(question, is_shown=False)
        if not complete.is_report:
            raise CaseSkipped(_UNREADABLE)
        alone = session.ask(question.checksum_only())
        checks = [check for check in report_checks(alone) if not check.rule.startswith("schema")]
        yield from checks
        if is_usable(checks):
            yield no_measurement(alone)
            yield same_checksum(alone, complete, "the same question with measurements / samma fråga med mätvärden")


def judge_checksums(session: Session) -> Iterator[Check]:
    """Another filter gives another checksum when it gives another answer."""
    yield from distinct_checksums([session.ask(question, is_shown=False) for question in questions(session)])


def questions(session: Session) -> tuple[Question, ...]:
    """Give the questions that this suite compares, the one for everything first."""
    plain = everything(session)
    narrowed = (
        plain.narrowed(stratifications=()),
        plain.narrowed(stratifications=("SEX",)),
        plain.narrowed(stratifications=("AGE",)),
        plain.narrowed(stratifications=("SEX_AGE",)),
        plain.narrowed(include_distribution=False),
    )
    with suppress(CaseSkipped):
        return session.question(), plain, *narrowed, _of_units(session, *_some_units(session, 1))
    return session.question(), plain, *narrowed


# -- what an answer must hold --------------------------------------------------------------------------------------


def only_subgroups(kind: str) -> Compare:
    """Sub-groups of one stratification (empty: none at all), as many as without the filter."""

    def compare(answer: Answer, complete: Answer) -> Iterator[Check]:
        yield _no_other_subgroups(answer, kind)
        if kind:
            own, expected = (one.parts.subgroups_by(kind) for one in (answer, complete))
            yield _as_many("stratification", answer, own, expected, (f"sub-groups by {kind}", f"undergrupper {kind}"))
        yield _as_many_measurements(answer, complete)

    return compare


def no_distribution(answer: Answer, complete: Answer) -> Iterator[Check]:
    """No distribution, neither of totals nor of sub-groups."""
    yield _nothing("distribution", answer.parts.distributions, ("distributions", "fördelningar"))
    if not complete.parts.distributions.count:
        yield remark(
            "distribution",
            "There is none in the report that asks for them either.",
            "Det finns ingen heller i rapporten där de efterfrågas.",
        )
    yield _as_many_measurements(answer, complete)


def no_references(answer: Answer, complete: Answer) -> Iterator[Check]:
    """No reference value when none is asked for."""
    yield _nothing("reference-values", answer.parts.references, ("reference values", "referensvärden"))
    yield _as_many_measurements(answer, complete)


def _only_units(*units: str) -> Compare:
    def compare(answer: Answer, complete: Answer) -> Iterator[Check]:
        known, other = answer.parts.units, complete.parts.units
        strange = next((seen for unit, seen in known.items() if unit not in units), NOT_SEEN)
        yield verdict(
            "unit-filter",
            not strange.count,
            ("There are measurements of no other unit.", "Det finns inga mätvärden för någon annan enhet."),
            ("There are measurements of a unit not asked for.", "Det finns mätvärden för en enhet utanför urvalet."),
            where=strange.where,
            mend=(
                "Send measurements of the units in performingOrganization only.",
                "Skicka enbart mätvärden för enheterna i performingOrganization.",
            ),
        )
        for unit in units:
            own, expected = known.get(unit, NOT_SEEN), other.get(unit, NOT_SEEN)
            yield _as_many("unit-filter", answer, own, expected, (f"measurements of {unit}", f"mätvärden för {unit}"))

    return compare


def _no_other_subgroups(answer: Answer, kind: str) -> Check:
    others = {name: seen for name, seen in answer.parts.subgroups.items() if name != kind}
    names = ", ".join(sorted(others))
    return verdict(
        "stratification",
        not others,
        ("There are no sub-groups beside those asked for.", "Det finns inga undergrupper utöver de efterfrågade."),
        (
            f"There are sub-groups by {names}, which were not asked for.",
            f"Det finns undergrupper efter {names}, som inte efterfrågades.",
        ),
        where=next(iter(others.values()), NOT_SEEN).where,
        mend=(
            "Send the sub-groups that stratification names; none is asked for without it.",
            "Skicka de undergrupper som stratification anger; utan det efterfrågas inga.",
        ),
    )


def _nothing(rule: str, seen: Seen, what: tuple[str, str]) -> Check:
    return verdict(
        rule,
        not seen.count,
        (f"There are no {what[0]}.", f"Det finns inga {what[1]}."),
        (
            f"There are {seen.count} {what[0]}, which were not asked for.",
            f"Det finns {seen.count} {what[1]}, som inte efterfrågades.",
        ),
        where=seen.where,
        mend=("Leave out what the question does not ask for.", "Utelämna det som frågan inte ber om."),
    )


def _as_many_measurements(answer: Answer, complete: Answer) -> Check:
    own, expected = (Seen(one.measurement_count) for one in (answer, complete))
    return _as_many("same-measurements", answer, own, expected, ("measurements", "mätvärden"))


def _as_many(rule: str, answer: Answer, own: Seen, expected: Seen, what: tuple[str, str]) -> Check:
    return verdict(
        rule,
        own.count == expected.count,
        (
            f"There are {own.count} {what[0]}, as without the filter.",
            f"Det finns {own.count} {what[1]}, som utan urval.",
        ),
        (
            f"There are {own.count} {what[0]}; without the filter there are {expected.count}.",
            f"Det finns {own.count} {what[1]}; utan urval finns det {expected.count}.",
        ),
        where=own.where or answer.place(),
    )


# -- questions -----------------------------------------------------------------------------------------------------


def _compared(session: Session, question: Question, compare: Compare) -> Iterator[Check]:
    complete = _complete(session)
    answer = session.ask(question)
    checks = list(report_checks(answer))
    yield from checks
    if is_usable(checks):
        session.ask(everything(session), _FOR_COMPARISON)
        yield from compare(answer, complete)


def _complete(session: Session) -> Answer:
    answer = session.ask(everything(session), is_shown=False)
    if not answer.is_report:
        raise CaseSkipped(_UNREADABLE)
    return answer


def _some_units(session: Session, count: int) -> tuple[str, ...]:
    """Give the first units with HSA-id of the report without filters. Raises CaseSkipped when there is none."""
    found = tuple(islice((unit for unit in _complete(session).parts.units if unit), count))
    if not found:
        raise CaseSkipped(_NO_UNITS)
    return found


def _of_units(session: Session, *units: str) -> Question:
    wanted = tuple(OrganizationFilter(unit) for unit in units)
    return everything(session).narrowed(performing_organizations=wanted)
