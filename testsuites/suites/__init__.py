"""Every suite of each contract, in the order they are run."""

from __future__ import annotations

from contracts.messages.distributed_report_3 import DistributedReport3
from contracts.registry import ServiceContract
from testsuites import question as forms
from testsuites.model import Suite
from testsuites.suites import (
    behaviour,
    distributed,
    documents,
    protocol_calls,
    wire_answers,
    wire_faults,
    wire_versions,
)
from testsuites.suites.distributed_rules import DISTRIBUTED_RULES, distributed_rule_judge
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
DISTRIBUTED = suite(
    "distributed",
    (
        *(case(f"distributed.{rule}", distributed_rule_judge(rule)) for rule in DISTRIBUTED_RULES),
        case("distributed.unit", distributed.judge_unit),
        case("distributed.two-units", distributed.judge_two_units),
        case("distributed.unknown-unit", distributed.judge_unknown_unit),
        case("distributed.sex", distributed.filter_judge(distributed.only_subgroups("SEX"), stratifications=("SEX",))),
        case("distributed.age", distributed.filter_judge(distributed.only_subgroups("AGE"), stratifications=("AGE",))),
        case(
            "distributed.sex-age",
            distributed.filter_judge(distributed.only_subgroups("SEX_AGE"), stratifications=("SEX_AGE",)),
        ),
        case(
            "distributed.no-subgroups",
            distributed.filter_judge(distributed.only_subgroups(""), stratifications=()),
        ),
        case(
            "distributed.no-distribution",
            distributed.filter_judge(distributed.no_distribution, include_distribution=False),
        ),
        case("distributed.references", distributed.judge_references),
        case("distributed.no-references", distributed.filter_judge(distributed.no_references)),
        case("distributed.defaults", distributed.judge_defaults),
        case("distributed.combined", distributed.judge_combined),
        case("distributed.checksum-only", distributed.judge_checksum_only),
        case("distributed.checksums", distributed.judge_checksums),
    ),
)
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
        case("wire.fault-version", wire_versions.judge_version),
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


def all_suites(contract: ServiceContract | None = None) -> tuple[Suite, ...]:
    """Give every suite of a contract in the order of a run, of all contracts without one.

    The hostile cases are read from their files.
    """
    has_parts = contract is None or isinstance(contract.codec, DistributedReport3)
    further = (DISTRIBUTED,) if has_parts else ()
    return CONNECTION, PUBLISHED, PROTOCOL, SCHEMA, SCHEMATRON, RULES, *further, CHECKSUM, WIRE, SLA, hostile_suite()
