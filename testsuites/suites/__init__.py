"""Every suite of GetQualityIndicators 2.0, in the order they are run."""

from __future__ import annotations

from testsuites import question as forms
from testsuites.model import Suite
from testsuites.suites import behaviour, documents, protocol_calls, wire_answers, wire_faults
from testsuites.suites.hostile import hostile_suite
from testsuites.suites.protocol_content import rule_judge
from testsuites.texts import case, suite

_CONTENT = tuple(f"1.{number}" for number in range(1, 8))
_FURTHER = tuple(f"1.{number}" for number in range(8, 15))
_FORMS = {
    "platform-style": (forms.PLATFORM_STYLE, False),
    "empty-action": (forms.EMPTY_ACTION, False),
    "include-omitted": (forms.INCLUDE_OMITTED, True),
    "extension": (forms.EXTENSION, False),
    "comments": (forms.COMMENTS, False),
    "must-understand": (forms.MUST_UNDERSTAND, False),
    "foreign-prefixes": (forms.FOREIGN_PREFIXES, False),
    "byte-order-mark": (forms.BYTE_ORDER_MARK, False),
    "gzip": (forms.GZIP_ACCEPTED, True),
}

CONNECTION = suite("connection", (case("connection.reached", behaviour.judge_reached, is_gate=True),))
PUBLISHED = suite(
    "published",
    (
        case("published.testcase1", documents.judge_testcase1),
        case("published.testcase2", documents.judge_testcase2),
    ),
)
PROTOCOL = suite(
    "protocol",
    (
        *(case(f"protocol.{rule}", rule_judge(rule)) for rule in _CONTENT),
        case("protocol.2.1", protocol_calls.judge_2_1),
        case("protocol.2.2", protocol_calls.judge_2_2),
        case("protocol.2.3", protocol_calls.judge_2_3),
        case("protocol.2.4", protocol_calls.judge_2_4),
        case("protocol.2.5", protocol_calls.judge_2_5),
        case("protocol.2.6", protocol_calls.judge_2_6),
        case("protocol.2.7", protocol_calls.judge_2_7),
        case("protocol.3.1", protocol_calls.judge_3_1),
    ),
)
SCHEMA = suite(
    "schema",
    (
        case("schema.complete", documents.judge_complete),
        case("schema.checksum-only", documents.judge_checksum_only),
        case("schema.nothing-matches", documents.judge_nothing_matches),
    ),
)
SCHEMATRON = suite(
    "schematron",
    (
        case("schematron.own", documents.judge_own_schematron),
        case("schematron.tester", documents.judge_tester_schematron),
    ),
)
RULES = suite("rules", tuple(case(f"rules.{rule}", rule_judge(rule)) for rule in _FURTHER))
CHECKSUM = suite(
    "checksum",
    (
        case("checksum.repeatable", behaviour.judge_repeatable),
        case("checksum.distinguishes", behaviour.judge_distinguishes),
        case("checksum.since", behaviour.judge_since),
    ),
)
WIRE = suite(
    "wire",
    (
        case("wire.status", wire_answers.judge_status),
        case("wire.content-type", wire_answers.judge_content_type),
        case("wire.envelope", wire_answers.judge_envelope),
        *(
            case(f"wire.{name}", wire_answers.form_judge(variant, with_measurements=full))
            for name, (variant, full) in _FORMS.items()
        ),
        case("wire.fault-schema", wire_faults.fault_judge(forms.NO_PERIOD)),
        case("wire.fault-operation", wire_faults.fault_judge(forms.UNKNOWN_OPERATION)),
        case("wire.fault-not-xml", wire_faults.judge_not_xml),
        case("wire.no-logical-address", wire_faults.judge_no_logical_address),
        case("wire.mutual-tls", wire_faults.judge_mutual_tls),
        case("wire.tls-version", wire_faults.judge_tls_version),
    ),
)
SLA = suite(
    "sla",
    (
        case("sla.answer-time", behaviour.judge_answer_time),
        case("sla.platform-limit", behaviour.judge_platform_limit),
    ),
)


def all_suites() -> tuple[Suite, ...]:
    """Give every suite in the order of a run; the hostile cases are read from their files."""
    return CONNECTION, PUBLISHED, PROTOCOL, SCHEMA, SCHEMATRON, RULES, CHECKSUM, WIRE, SLA, hostile_suite()
