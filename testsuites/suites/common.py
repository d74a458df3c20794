"""Checks that several suites share: that an answer is a report at all, and what its head says.

Expectations of the test protocol (contract reference 7).
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Iterator

from contracts.checksum import EMPTY_CHECKSUM
from contracts.model import DatePeriod
from testsuites.answer import Answer
from testsuites.model import Check, Status
from testsuites.texts import failed, passed, remark, verdict

_NIL_WITHOUT_NAMESPACE = "Namespace prefix xsi for nil"
_HASHES = ("sha256", "sha1", "md5", "sha512", "sha384", "sha224")


def report_checks(answer: Answer) -> Iterator[Check]:
    """Check that the answer is a whole SOAP report that follows the schema; stops at the first step that fails."""
    status = answer.exchange.status
    fault = answer.envelope.fault if answer.envelope is not None else None
    if fault is not None:
        yield failed(
            "soap",
            f"The answer is a SOAP fault, {fault.said}",
            f"Svaret är ett SOAP-fel, {fault.said}",
            where="/Envelope/Body/Fault",
            mend=("See the producer's log for the reason.", "Se orsaken i producentens logg."),
        )
    elif _NIL_WITHOUT_NAMESPACE in answer.problem:
        yield failed(
            "schema.nil",
            f"An element is sent with xsi:nil, and its prefix is not even declared. {answer.problem}",
            f"Ett element skickas med xsi:nil, och prefixet är inte ens deklarerat. {answer.problem}",
            where="/Envelope",
            mend=(
                "Leave out what has no value. node-soap writes null as xsi:nil; give it undefined instead.",
                "Utelämna det som saknar värde. node-soap skriver null som xsi:nil; ge det undefined i stället.",
            ),
        )
        yield failed("soap", "There is no whole answer.", "Helt svar saknas.", where="/Envelope")
    elif answer.problem:
        yield failed(
            "soap",
            f"There is no whole answer. {answer.problem}",
            f"Helt svar saknas. {answer.problem}",
            where="/Envelope",
        )
    elif status != 200:
        yield failed("http", f"The HTTP status is {status}.", f"HTTP-status är {status}.", where="HTTP status")
    elif answer.head is None:
        if not answer.schema:
            yield from answer.findings
        yield from _schema_summary(answer)
        yield failed("soap", "The answer holds no report that can be read.", "Svaret innehåller ingen läsbar rapport.")
    else:
        yield passed("soap", "The answer is a SOAP report.", "Svaret är en SOAP-rapport.")
        yield from _schema_summary(answer)


def _schema_summary(answer: Answer) -> Iterator[Check]:
    """Yield one of each kind of the schema's problems; the schema suite has them all."""
    yield from {check.rule: check for check in reversed(answer.schema)}.values()
    if not answer.schema:
        yield passed("schema", "It follows the schema.", "Det följer schemat.")


def is_usable(checks: Iterable[Check]) -> bool:
    """Whether later checks make sense: no failure of soap or http."""
    return not any(check.status is Status.FAILED and check.rule in ("soap", "http") for check in checks)


def head_checks(answer: Answer, logical_address: str, *, has_values: bool) -> Iterator[Check]:
    """Check checksum and identities of a readable report (protocol 2.1)."""
    head = answer.head
    assert head is not None
    checksum = head.measurement_checksum.strip()
    if has_values:
        yield verdict(
            "checksum",
            bool(checksum) and not is_empty_checksum(checksum),
            (f"The checksum is {checksum}.", f"Kontrollsumman är {checksum}."),
            ("The checksum is missing or that of nothing.", "Kontrollsumman saknas eller är den för ingenting."),
            where=answer.place("measurementChecksum"),
            mend=(
                "Compute it over the measurements that match the question.",
                "Beräkna den över de mätvärden som matchar frågan.",
            ),
        )
    system = head.reporting_system.hsa_id.strip()
    yield verdict(
        "reporting-system",
        system.casefold() == logical_address.casefold(),
        (f"reportingSystem is {system}, as addressed.", f"reportingSystem är {system}, som adresserats."),
        (
            f"reportingSystem is {system!r}; addressed was {logical_address}.",
            f"reportingSystem är {system!r}; adresserat var {logical_address}.",
        ),
        where=answer.place("reportingSystem", "hsaId"),
        mend=("Send the HSA-id of the system that was addressed.", "Skicka HSA-id för det system som adresserades."),
    )
    organization = head.reporting_organization.hsa_id.strip()
    yield verdict(
        "reporting-organization",
        bool(organization),
        (f"reportingOrganization is {organization}.", f"reportingOrganization är {organization}."),
        ("reportingOrganization has no hsaId.", "reportingOrganization saknar hsaId."),
        where=answer.place("reportingOrganization", "hsaId"),
    )


def measurement_checks(answer: Answer, wanted: Iterable[str], unwanted: Iterable[str] = ()) -> Iterator[Check]:
    """Check that there are measurements of every wanted indicator and of none other."""
    for extension in wanted:
        count = answer.counts.get(extension, 0)
        cannot = (" that can be read", " som kan läsas") if answer.unreadable_count else ("", "")
        yield verdict(
            "measurements",
            count > 0,
            (f"{count} measurements of {extension}.", f"{count} mätvärden för {extension}."),
            (
                f"There is no measurement of {extension}{cannot[0]}.",
                f"Det finns inget mätvärde för {extension}{cannot[1]}.",
            ),
            where=answer.place(),
            mend=(
                "Check that the test data name an indicator and a period with values.",
                "Kontrollera att testdata anger en indikator och en period med värden.",
            ),
        )
    for extension in unwanted:
        if answer.counts.get(extension, 0):
            yield failed(
                "measurements",
                f"There are measurements of {extension}, which was not asked for.",
                f"Det finns mätvärden för {extension}, som inte efterfrågades.",
                where=answer.place(),
            )


def question_findings(answer: Answer) -> Iterator[Check]:
    """Yield the findings of rule 1.11 and 1.14 (the answer keeps to the question), or that there is none."""
    found = [check for check in answer.findings if check.rule in ("1.11", "1.14")]
    yield from found
    if not found:
        yield passed(
            "1.11",
            "Measurements and reportingPeriod keep to the question.",
            "Mätvärden och reportingPeriod håller sig till frågan.",
        )


def empty_report_checks(answer: Answer, asked: DatePeriod) -> Iterator[Check]:
    """Check an answer about nothing: no measurement, the period as sent, the checksum of the empty string."""
    head = answer.head
    assert head is not None
    yield no_measurement(answer)
    period = head.reporting_period
    yield verdict(
        "1.11",
        period == asked,
        ("reportingPeriod is the one asked for.", "reportingPeriod är den efterfrågade."),
        (
            f"reportingPeriod is {period.start} to {period.end}; asked was {asked.start} to {asked.end}.",
            f"reportingPeriod är {period.start} till {period.end}; frågan gällde {asked.start} till {asked.end}.",
        ),
        where=answer.place("reportingPeriod"),
        mend=("Send the requested period when nothing matches.", "Skicka den begärda perioden när inget matchar."),
    )
    checksum = head.measurement_checksum.strip()
    if is_empty_checksum(checksum):
        yield passed("checksum", "The checksum is that of the empty string.", "Kontrollsumman är den tomma strängens.")
    else:
        yield remark(
            "checksum",
            f"The checksum {checksum!r} is not that of the empty string in any usual algorithm.",
            f"Kontrollsumman {checksum!r} är inte den tomma strängens enligt någon vanlig algoritm.",
            where=answer.place("measurementChecksum"),
            mend=(f"The empty string's SHA-256 is {EMPTY_CHECKSUM}.", f"Tomma strängens SHA-256 är {EMPTY_CHECKSUM}."),
        )


def no_measurement(answer: Answer) -> Check:
    """Check that the answer holds no measurement, and no reference value."""
    count, references = answer.measurement_count, answer.parts.references
    more = (f" and {references.count} reference values", f" och {references.count} referensvärden")
    en, sv = more if references.count else ("", "")
    return verdict(
        "no-measurements",
        not (count or references.count),
        ("There is no measurement.", "Det finns inga mätvärden."),
        (f"There are {count} measurements{en}.", f"Det finns {count} mätvärden{sv}."),
        where=f"{answer.place()}[1]" if count else answer.place(references.where),
    )


def same_checksum(answer: Answer, other: Answer, name: str) -> Check:
    """Check that two readable reports have the same checksum; ``name`` is the other's case."""
    own, expected = (a.head.measurement_checksum.strip() if a.head else "" for a in (answer, other))
    return verdict(
        "checksum",
        own == expected and bool(own),
        (f"The checksum is that of {name}.", f"Kontrollsumman är densamma som i {name}."),
        (
            f"The checksum is {own!r}; that of {name} is {expected!r}.",
            f"Kontrollsumman är {own!r}; i {name} är den {expected!r}.",
        ),
        where=answer.place("measurementChecksum"),
        mend=(
            "Compute it over all measurements that match the question, whether they are sent or not.",
            "Beräkna den över alla mätvärden som matchar frågan, oavsett om de skickas.",
        ),
    )


def is_empty_checksum(checksum: str) -> bool:
    """Whether this is the digest of the empty string in a usual algorithm and writing, or empty itself."""
    if checksum.lower() in {"", *(hashlib.new(name).hexdigest() for name in _HASHES), "00000000", "0"}:
        return True
    return checksum in {base64.b64encode(hashlib.new(name).digest()).decode() for name in _HASHES}
