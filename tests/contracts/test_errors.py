"""The error tree is the one drawn, and its classes say what gate, router and command line need (style reference 6)."""

from __future__ import annotations

import re

import pytest

from contracts import errors
from contracts.errors import (
    EXIT_DATA,
    EXIT_ENVIRONMENT,
    EXIT_REMOTE,
    EXIT_USAGE,
    BryggaError,
    CallerError,
    ConfigurationError,
    ContractViolation,
    DataError,
    FaultReceived,
    GatewayFailure,
    PlatformFault,
    RemoteError,
    SchemaViolation,
    TransportRefusal,
    UsageError,
)

ALL = [error for error in vars(errors).values() if isinstance(error, type) and issubclass(error, BryggaError)]
DRAWING = errors.__doc__ or ""


def drawn() -> dict[str, str | None]:
    """Read the drawing of the module docstring: class name to the name of its base."""
    tree: dict[str, str | None] = {"BryggaError": None}
    above = {-1: "BryggaError"}
    for line in DRAWING.splitlines():
        mark = re.match(r"(?P<bars>[│ ]*)[├└]── (?P<names>.*)", line)
        if mark:
            depth = len(mark["bars"])
            names = [part.split()[0] for part in mark["names"].split(" · ")]
            parent = above[max(level for level in above if level < depth)]
            tree |= dict.fromkeys(names, parent)
            above = {level: name for level, name in above.items() if level < depth} | {depth: names[0]}
    return tree


def test_drawing_and_classes_agree() -> None:
    assert drawn() == {error.__name__: None if error is BryggaError else error.__bases__[0].__name__ for error in ALL}


@pytest.mark.parametrize("error", ALL, ids=lambda error: error.__name__)
def test_class_attributes_are_in_their_ranges(error: type[BryggaError]) -> None:
    assert re.fullmatch(r"[a-z]+(-[a-z]+)*", error.code)
    assert error.fault_code in ("Client", "Server", "VersionMismatch", "MustUnderstand")
    assert 400 <= error.http_status <= 599
    assert error.exit_code in (EXIT_USAGE, EXIT_ENVIRONMENT, EXIT_DATA, EXIT_REMOTE)


def test_codes_are_unique() -> None:
    assert len({error.code for error in ALL}) == len(ALL)


def test_soap_faults_go_out_with_500_and_transport_refusals_with_their_status() -> None:
    """The platform lets a producer's fault through only with HTTP 500 (robustness reference 1)."""
    for error in ALL:
        if issubclass(error, CallerError) and not issubclass(error, TransportRefusal):
            assert error.http_status == 500, error
        if issubclass(error, TransportRefusal):
            assert 400 <= error.http_status < 500, error
    assert errors.RegisterUnavailable.http_status == errors.Overloaded.http_status == 503


def test_callers_errors_are_client_and_ours_are_server() -> None:
    for error in ALL:
        if issubclass(error, GatewayFailure):
            assert error.fault_code == "Server"
        if issubclass(error, CallerError):
            assert error.fault_code != "Server"


def test_branches_have_their_exit_codes() -> None:
    for branch, exit_code in ((UsageError, 2), (ConfigurationError, 3), (DataError, 4), (RemoteError, 5)):
        assert all(error.exit_code == exit_code for error in ALL if issubclass(error, branch))


def test_message_is_the_text_of_the_error_and_the_detail_is_not() -> None:
    error = BryggaError("public", log_detail="secret")
    assert str(error) == error.message == "public"
    assert error.log_detail == "secret"
    assert "secret" not in repr(error)


def test_errors_carry_their_particulars() -> None:
    assert ConfigurationError("x", problems=["a", "b"]).problems == ("a", "b")
    assert SchemaViolation("x", place="/a").place == "/a"
    violation = ContractViolation("x", path="a/b", rule="1.4")
    assert (violation.path, violation.rule) == ("a/b", "1.4")
    assert ContractViolation("x", path="a").rule == "schema"
    fault = FaultReceived("Client", "text", "detail")
    assert (fault.remote_fault_code, fault.fault_string, fault.detail) == ("Client", "text", "detail")
    assert "Client" in fault.message
    assert "text" in fault.message


@pytest.mark.parametrize("number", range(1, 16))
def test_only_vp008_and_vp009_may_be_tried_again(number: int) -> None:
    fault = PlatformFault(f"VP{number:03}", "Server", "text")
    assert fault.is_retryable is (number in (8, 9))
    assert fault.vp_code == f"VP{number:03}"
