"""Every version of GetQualityIndicators says the same facts, but for what is written down (contract reference 3)."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from golden.messages import CHAINS, HEAD, LAN, LOGICAL_ADDRESS, MEASURE_ID, REGION, SOURCE, YEAR, canonical
from golden.versions import ANSWERED, VERSIONS_DIRECTORY, version_messages
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from contracts.comparison import compare_versions
from contracts.errors import ContractViolation, SchemaViolation
from contracts.messages.codec import MessageCodec
from contracts.messages.example import example_answer, example_request
from contracts.messages.quality_indicators_1 import version_dependent_id
from contracts.messages.reader import ReportReader
from contracts.model import (
    II,
    CohortMeasure,
    ConfidenceInterval,
    ContinuousVariableMeasure,
    DatePeriod,
    Measure,
    Measurement,
    MissingMeasure,
    PerformingOrganization,
    ProportionMeasure,
    QualityIndicatorsRequest,
    ReportHead,
    ReportingParty,
    SourceSystem,
)
from contracts.registry import (
    CONTRACTS,
    GET_QUALITY_INDICATORS_1,
    GET_QUALITY_INDICATORS_2,
    GET_QUALITY_INDICATORS_3,
    ServiceContract,
)
from contracts.safe_xml import parse_message
from contracts.soap import read_request_envelope
from contracts.validation import validate_body

V1, V2, V3 = GET_QUALITY_INDICATORS_1, GET_QUALITY_INDICATORS_2, GET_QUALITY_INDICATORS_3
WRITTEN = version_messages()
contracts_of_all = pytest.mark.parametrize("contract", [V1, V2, V3], ids=lambda contract: contract.id)

texts = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Cn")), max_size=20)
doubles = st.floats(allow_nan=False, allow_infinity=False)
some_double = st.none() | doubles
days = st.dates().map(lambda day: f"{2000 + day.year % 100}{day:%m%d}")
identifiers = st.builds(II, texts, st.none() | texts)
intervals = st.none() | st.builds(ConfidenceInterval, doubles, doubles)
methods = st.sampled_from(("AVERAGE", "COUNT", "MAX", "MEDIAN", "MIN", "MODE", "SUM"))
measures = st.one_of(
    st.builds(ProportionMeasure, doubles, doubles, doubles, intervals, *[some_double] * 4),
    st.builds(
        ContinuousVariableMeasure,
        doubles,
        some_double,
        intervals,
        *[some_double] * 4,
        st.none() | texts.filter(bool),
        st.none() | methods,
    ),
    st.builds(CohortMeasure, doubles, intervals, *[some_double] * 4),
    st.builds(MissingMeasure, st.sampled_from((None, "MSK", "INV", "UNK", "NI"))),
)
types = st.sampled_from(("Land", "Sjukvardsregion", "Lan", "Kommun", "Sjukhus", "Vardenhet"))
parts = texts, types, st.none() | texts, st.none() | identifiers
organizations = st.recursive(
    st.builds(PerformingOrganization, *parts),
    lambda parent: st.builds(PerformingOrganization, *parts, parent),
    max_leaves=4,
)
measurements = st.builds(
    Measurement,
    identifiers,
    st.integers(),
    st.builds(DatePeriod, days, days),
    measures,
    organizations,
    st.builds(SourceSystem, identifiers, texts),
    st.none() | days,
    st.none() | days,
    st.none() | st.builds(II, texts),
)
parties = st.builds(ReportingParty, texts, st.none() | texts)
heads = st.builds(ReportHead, texts, st.builds(DatePeriod, days, days), parties, parties)


def written(codec: MessageCodec, head: ReportHead, found: list[Measurement]) -> bytes:
    fragments = (
        codec.measurement_fragment(
            one,
            organization=codec.organization_fragment(one.performing_organization),
            source=codec.source_fragment(one.source_system),
        )
        for one in found
        if codec.expresses(one.performing_organization)
    )
    return codec.answer_prefix(head) + b"".join(fragments) + codec.answer_suffix()


def read(contract: ServiceContract, answer: bytes) -> tuple[ReportHead, list[Measurement]]:
    reader = ReportReader(contract.codec, contract=contract)
    found = list(reader.feed(answer))
    return reader.close(), found


# -- the losses of each version, as docs/contract-versions.md tells them -------------------------------------------


def left_of_2(one: Measurement) -> Measurement:
    """Give what version 2 keeps of a measurement."""
    measure = one.measure
    if isinstance(measure, ContinuousVariableMeasure):
        measure = replace(measure, unit=None, method=None)
    return replace(one, measure=measure, measure_id_version_dependent=None)


def left_of_1(one: Measurement) -> Measurement | None:
    """Give what version 1 keeps of a measurement; None: nothing."""
    organization = one.performing_organization
    if organization.organization_type == "Sjukvardsregion":
        return None
    known_id = one.measure_id_version_dependent
    if known_id == version_dependent_id(one.measure_id, one.measure_id_version_number):
        known_id = None
    return replace(
        one,
        measure=_measure_left_of_1(one.measure),
        performing_organization=_chain_left_of_1(organization),
        source_system=None,
        measure_id_version_dependent=known_id,
    )


def _measure_left_of_1(measure: Measure) -> Measure:
    if isinstance(measure, MissingMeasure) and measure.reason_code in ("INV", "NI"):
        return MissingMeasure("UNK")
    if not isinstance(measure, ContinuousVariableMeasure):
        return measure
    if measure.method == "COUNT" and measure.measure_population is None:
        return CohortMeasure(
            measure.value,
            measure.confidence_interval_95_percent,
            measure.standard_deviation,
            measure.coverage,
            measure.exclusions,
            measure.reference_interval_value,
        )
    unit = None if measure.unit == "{unknown}" else measure.unit
    return replace(measure, unit=unit, method=measure.method or "AVERAGE")


def _chain_left_of_1(organization: PerformingOrganization) -> PerformingOrganization:
    parent = organization.as_organization_part_of
    while parent is not None and parent.organization_type == "Sjukvardsregion":
        parent = parent.as_organization_part_of
    return replace(organization, as_organization_part_of=None if parent is None else _chain_left_of_1(parent))


# -- properties ----------------------------------------------------------------------------------------------------


@given(heads, st.lists(measurements, max_size=4))
def test_version_1_gives_back_all_but_its_losses(head: ReportHead, found: list[Measurement]) -> None:
    kept_head = replace(head, reporting_organization=ReportingParty(head.reporting_organization.hsa_id))
    kept = [left for one in found if (left := left_of_1(one)) is not None]
    assert read(V1, written(V1.codec, head, found)) == (kept_head, kept)


@pytest.mark.parametrize("contract", [V2, V3], ids=lambda contract: contract.id)
@given(heads, st.lists(measurements, max_size=4))
def test_versions_2_and_3_give_back_all_but_their_losses(
    contract: ServiceContract, head: ReportHead, found: list[Measurement]
) -> None:
    assert read(contract, written(contract.codec, head, found)) == (head, [left_of_2(one) for one in found])


@given(st.lists(measurements.map(left_of_2), max_size=4))
def test_a_consumer_of_every_version_gets_the_same_facts(found: list[Measurement]) -> None:
    of_1, of_2, of_3 = (read(contract, written(contract.codec, HEAD, found))[1] for contract in (V1, V2, V3))
    assert of_2 == of_3 == found
    assert of_1 == [left for one in of_2 if (left := left_of_1(one)) is not None]


@given(
    texts.filter(str.strip),
    st.builds(
        QualityIndicatorsRequest,
        st.lists(identifiers, max_size=4).map(tuple),
        st.builds(DatePeriod, days, days),
        st.booleans(),
    ),
)
@contracts_of_all
def test_any_request_reads_back_equal(
    contract: ServiceContract, logical_address: str, request: QualityIndicatorsRequest
) -> None:
    envelope = read_request_envelope(parse_message(contract.codec.write_request(logical_address, request)))
    assert (envelope.logical_address, contract.codec.read_request(envelope.body)) == (logical_address, request)


@given(measurements)
def test_versions_2_and_3_store_the_same_bytes(one: Measurement) -> None:
    assert V2.rendering == V3.rendering != V1.rendering
    codecs = V2.codec, V3.codec
    fragments = {
        codec.measurement_fragment(
            one,
            organization=codec.organization_fragment(one.performing_organization),
            source=codec.source_fragment(one.source_system),
        )
        for codec in codecs
    }
    assert len(fragments) == 1
    assert V2.codec.answer_suffix() == V3.codec.answer_suffix()
    prefixes = [codec.answer_prefix(HEAD).decode() for codec in codecs]
    for before, after in (
        (V2.responder_namespace, V3.responder_namespace),
        (f'"{V2.domain_namespace}"', f'"{V3.domain_namespace}"'),
    ):
        prefixes[0] = prefixes[0].replace(before, after)
    assert prefixes[0] == prefixes[1]


# -- messages ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", WRITTEN)
def test_message_is_the_golden_one(name: str) -> None:
    assert canonical(WRITTEN[name]) == canonical((VERSIONS_DIRECTORY / name).read_bytes()), "make golden shows it"


def test_every_golden_file_has_its_message() -> None:
    assert {path.name for path in VERSIONS_DIRECTORY.glob("*.xml")} == set(WRITTEN)


def test_golden_answer_of_version_1_reads_back_with_its_losses() -> None:
    _, found = read(V1, (VERSIONS_DIRECTORY / "answer-1.0.xml").read_bytes())
    assert found == [left_of_1(one) for one in ANSWERED]


@contracts_of_all
def test_examples_are_schema_valid_and_indented(contract: ServiceContract) -> None:
    for message in (example_request(contract.codec), example_answer(contract.codec)):
        body = parse_message(message.encode()).find("{*}Body")
        assert body is not None
        validate_body(contract, body[0])
        assert "\n  <e:Body>" in message


def test_a_count_is_a_continuous_value_with_method_count() -> None:
    one = Measurement(MEASURE_ID, 3, YEAR, CohortMeasure(57.0, reference_interval_value=60.0), LAN, SOURCE)
    element = parse_message(written(V1.codec, HEAD, [one])).find(
        f".//{{{V1.domain_namespace}}}continuousVariableMeasure"
    )
    assert element is not None
    assert [etree.QName(child).localname for child in element] == ["value", "method", "referenceIntervalValue"]
    assert ["".join(child.itertext()) for child in element] == ["571", "COUNT", "601"]


def test_the_versions_id_is_the_same_everywhere_and_differs_by_version() -> None:
    assert version_dependent_id(II("1.2", "A1"), 3) == II("091c2e92-39ea-51a0-9ce1-af02331307a6")
    assert version_dependent_id(II("1.2", "A1"), 4) != version_dependent_id(II("1.2", "A1"), 3)
    assert version_dependent_id(II("1.2", "A13"), 1) != version_dependent_id(II("1.2", "A1"), 31)


def test_version_1_cannot_name_a_region() -> None:
    assert not V1.codec.expresses(REGION)
    assert all(V1.codec.expresses(chain) for name, chain in CHAINS.items() if name != "sjukvardsregion")
    with pytest.raises(ValueError, match="Sjukvardsregion"):
        V1.codec.organization_fragment(REGION)


@pytest.mark.parametrize("contract", [V2, V3], ids=lambda contract: contract.id)
def test_what_was_read_from_version_1_lacks_the_source_that_later_versions_need(contract: ServiceContract) -> None:
    with pytest.raises(ValueError, match="source system"):
        contract.codec.source_fragment(None)
    assert V1.codec.source_fragment(None) == ""


# -- version 1 of others -------------------------------------------------------------------------------------------


def _foreign(edit: tuple[str, str], measure: Measure | None = None) -> Measurement:
    value = measure or ContinuousVariableMeasure(12.5, 40.0, reference_interval_value=10.0, unit="d", method="MEDIAN")
    text = written(V1.codec, HEAD, [Measurement(MEASURE_ID, 3, YEAR, value, LAN, SOURCE)]).decode()
    assert edit[0] in text
    return read(V1, text.replace(*edit).encode())[1][0]


def test_a_count_of_something_stays_a_value() -> None:
    measure = _foreign(("<c:method>MEDIAN", "<c:method>COUNT")).measure
    assert measure == ContinuousVariableMeasure(12.5, 40.0, reference_interval_value=10.0, unit="d", method="COUNT")


def test_the_unit_of_a_count_is_not_kept() -> None:
    assert _foreign(("<c:unit>1<", "<c:unit>{patients}<"), CohortMeasure(7.0)).measure == CohortMeasure(7.0)


def test_a_reference_in_another_unit_is_refused() -> None:
    with pytest.raises(ContractViolation, match="another unit") as refused:
        _foreign(("<c:value>10</c:value><c:unit>d", "<c:value>10</c:value><c:unit>h"))
    assert refused.value.path.endswith("measurement[1]/continuousVariableMeasure/referenceIntervalValue/unit")


def test_an_organisation_without_a_name_is_read_with_an_empty_one() -> None:
    name = f"<c:organizationName>{LAN.organization_name}</c:organizationName>"
    organization = _foreign((name, "")).performing_organization
    assert organization == replace(LAN, organization_name="")


@pytest.mark.parametrize(
    "edit",
    [
        ("<c:method>MEDIAN</c:method>", ""),
        ("<c:method>MEDIAN", "<c:method>Median"),
        ("<c:unit>d</c:unit>", ""),
        ("<c:organizationType>Lan", "<c:organizationType>Sjukvardsregion"),
        ("</c:measurePeriod>", "</c:measurePeriod><c:cohortMeasure><c:cohort>1</c:cohort></c:cohortMeasure>"),
        ("</c:performingOrganization>", "</c:performingOrganization><c:sourceSystem/>"),
    ],
)
def test_what_version_1_does_not_know_is_refused(edit: tuple[str, str]) -> None:
    with pytest.raises(ContractViolation):
        _foreign(edit)


@pytest.mark.parametrize("asked", [V1, V2, V3], ids=lambda contract: contract.id)
@contracts_of_all
def test_a_message_is_valid_in_its_own_version_alone(contract: ServiceContract, asked: ServiceContract) -> None:
    message = asked.codec.write_request(LOGICAL_ADDRESS, QualityIndicatorsRequest((MEASURE_ID,), YEAR))
    body = read_request_envelope(parse_message(message)).body
    if contract is asked:
        validate_body(contract, body)
        return
    with pytest.raises(SchemaViolation):
        validate_body(contract, body)
    with pytest.raises(ContractViolation):
        read(contract, written(asked.codec, HEAD, []))


@contracts_of_all
def test_a_question_for_every_indicator_is_valid_where_it_is_allowed(contract: ServiceContract) -> None:
    message = contract.codec.write_request(LOGICAL_ADDRESS, QualityIndicatorsRequest((), YEAR))
    body = read_request_envelope(parse_message(message)).body
    if contract.codec.allows_every_indicator:
        validate_body(contract, body)
    else:
        with pytest.raises(SchemaViolation):
            validate_body(contract, body)


# -- labels --------------------------------------------------------------------------------------------------------


def test_the_reconstruction_is_version_2_under_other_namespaces() -> None:
    assert compare_versions(V2, V3) == []
    assert (V2.codec.__class__, V2.losses) == (V3.codec.__class__, V3.losses)
    namespaces = {V2.responder_namespace: V3.responder_namespace, V2.domain_namespace: V3.domain_namespace}
    ours, theirs = (contract.schematron.read_text(encoding="utf-8") for contract in (V2, V3))
    for before, after in namespaces.items():
        ours = ours.replace(f'"{before}"', f'"{after}"')
    assert ours.replace("GetQualityIndicators 2.0", "GetQualityIndicators 3.0 (a reconstruction)") == theirs


def test_only_the_reconstruction_is_labelled_so_in_every_file() -> None:
    assert [contract.is_reconstruction for contract in (V1, V2, V3)] == [False, False, True]

    def labelled(files: tuple[Path, ...]) -> list[bool]:
        return ["reconstruction" in file.read_text(encoding="utf-8").lower() for file in files]

    own = [file for file in V3.core_components if "itintegration" not in file.name]
    assert all(labelled((V3.wsdl, V3.body_first_wsdl, V3.responder_xsd, V3.schematron, *own)))
    assert not any(labelled((V2.wsdl, V2.body_first_wsdl, *V2.schemas, V1.wsdl, *V1.schemas)))


def test_the_namespaces_of_version_3_are_the_ones_listed() -> None:
    assert V3.wsdl_namespace == ("urn:riv-skl:followup:groupoutcomes:qualityreporting:GetQualityIndicators:3:rivtabp21")


def test_every_loss_is_written_down_in_the_documentation() -> None:
    text = " ".join(
        (Path(__file__).parents[2] / "docs" / "contract-versions.md")
        .read_text(encoding="utf-8")
        .replace("`", "")
        .split()
    )
    for contract in CONTRACTS.values():
        for loss in contract.losses:
            row = f"| {loss.fact} | {loss.said_as} | {'yes' if loss.comes_back else 'no'} |"
            assert row in text, (contract.id, row)
