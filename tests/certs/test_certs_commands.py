"""``brygga certs``: each command by text and JSON, its files, its exit code, and the passwords it never shows."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import pkcs12
from tls_handshake import DNS_NAME, HSA_ID, handshake

from certs import Authority
from certs.bad_set import BadCertificate, read_index
from certs.tls import TlsFiles, client_context, server_context
from contracts.errors import EXIT_ENVIRONMENT, EXIT_FINDINGS, EXIT_OK, EXIT_USAGE
from gateway.cli import run


@dataclass(frozen=True)
class Result:
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def words(self) -> str:
        """Both outputs without line breaks."""
        return " ".join((self.out + self.err).split())


Brygga = Callable[..., Result]


@pytest.fixture
def brygga(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Brygga:
    """Runs ``brygga certs`` in an empty folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("BRYGGA_CERTS_PASSWORD", raising=False)

    def call(*arguments: str | Path) -> Result:
        capsys.readouterr()
        code = run(["certs", *map(str, arguments)])
        captured = capsys.readouterr()
        return Result(code, captured.out, captured.err)

    return call


def make_small_authority(folder: str = "certs/authority") -> Authority:
    return Authority.create(Path(folder), key_size=2048)


ISSUE = ("issue", "--hsa-id", HSA_ID, "--dns-name", DNS_NAME, "--key-size", "2048")


def test_from_nothing_to_a_working_connection(brygga: Brygga) -> None:
    assert brygga("authority", "--key-size", "2048").code == EXIT_OK
    assert brygga(*ISSUE, "--loopback", "--name", "producer").code == EXIT_OK
    assert brygga(*ISSUE, "--name", "consumer").code == EXIT_OK
    folder = Path("certs")
    server, client = (
        TlsFiles(
            folder / f"{name}.pem", folder / f"{name}.key", folder / "authority/trust.pem", folder / "authority/crl.pem"
        )
        for name in ("producer", "consumer")
    )
    for name in ("localhost", "127.0.0.1", "::1", DNS_NAME):
        assert handshake(server_context(server), client_context(client), server_name=name).is_accepted
    assert brygga("revoke", "certs/consumer.pem", "--reason", "keyCompromise").code == EXIT_OK
    assert not handshake(server_context(server), client_context(client)).is_accepted


def test_authority_is_made_once(brygga: Brygga) -> None:
    first = brygga("authority", "pki", "--key-size", "2048", "--name", "Desk", "--valid-days", "30", "--json")
    assert first.json["trust"] == "pki/trust.pem"
    root = x509.load_pem_x509_certificate(Path("pki/root.pem").read_bytes())
    assert "TEST Desk Root CA v1" in root.subject.rfc4514_string()
    assert first.json["valid_to"] == root.not_valid_after_utc.isoformat()
    again = brygga("authority", "pki", "--key-size", "2048")
    assert again.code == EXIT_ENVIRONMENT
    assert "never overwritten" in again.words


def test_issue_tells_what_to_write_into_the_settings(brygga: Brygga) -> None:
    make_small_authority()
    result = brygga(*ISSUE, "--dns", "b.example", "--ip", "10.0.0.1")
    assert f'certificate = "certs/{DNS_NAME}.pem"' in result.out
    leaf = x509.load_pem_x509_certificate(Path(f"certs/{DNS_NAME}.pem").read_bytes())
    names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == [DNS_NAME, "b.example"]
    refused = brygga(*ISSUE)
    assert refused.code == EXIT_ENVIRONMENT
    assert "not overwritten" in refused.words
    replaced = brygga(*ISSUE, "--replace", "--valid-days", "5", "--json")
    assert replaced.code == EXIT_OK
    leaf = x509.load_pem_x509_certificate(Path(f"certs/{DNS_NAME}.pem").read_bytes())
    assert replaced.json["serial_number"] == f"{leaf.serial_number:x}"
    assert (leaf.not_valid_after_utc - leaf.not_valid_before_utc).days == 5


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (ISSUE, EXIT_ENVIRONMENT, "brygga certs authority"),
        (("issue", "--hsa-id", HSA_ID), EXIT_USAGE, "--dns-name"),
        (("csr", "--hsa-id", "å", "--dns-name", "a", "--organization", "O", "--locality", "L"), EXIT_USAGE, "HSA-id"),
        (("inspect", "missing.pem"), EXIT_ENVIRONMENT, "Cannot read"),
        (("revoke", "missing.pem"), EXIT_ENVIRONMENT, "brygga certs authority"),
        (("crl",), EXIT_ENVIRONMENT, "brygga certs authority"),
        (("bad-set", "--hsa-id", HSA_ID, "--dns-name", DNS_NAME), EXIT_ENVIRONMENT, "brygga certs authority"),
        (("authority", "--name", "SITHS"), EXIT_USAGE, "look like the real one"),
    ],
)
def test_errors_say_what_to_do_and_leave_nothing(
    brygga: Brygga, tmp_path: Path, arguments: tuple[str, ...], code: int, says: str
) -> None:
    result = brygga(*arguments)
    assert result.code == code
    assert says in result.words
    assert "Traceback" not in result.words
    assert list(tmp_path.iterdir()) == []


def test_revoke_takes_a_serial_number_too(brygga: Brygga) -> None:
    make_small_authority()
    serial = brygga(*ISSUE, "--json").json["serial_number"]
    result = brygga("revoke", serial, "--json")
    assert (result.code, result.json["crl"]) == (EXIT_OK, "certs/authority/crl.pem")
    assert brygga("revoke", serial).code == EXIT_ENVIRONMENT
    wrong = brygga("revoke", "no-such.pem")
    assert wrong.code == EXIT_USAGE
    assert "no file no-such.pem" in wrong.words


def test_crl_is_signed_anew(brygga: Brygga) -> None:
    make_small_authority()
    result = brygga("crl", "--valid-days", "2", "--out", "list.pem", "--json")
    assert result.json["revoked"] == 0
    crl = x509.load_pem_x509_crl(Path("list.pem").read_bytes())
    assert abs((crl.next_update_utc - crl.last_update_utc).total_seconds() - 2 * 86400 - 3600) < 60
    text = brygga("crl")
    assert "to be renewed before" in text.words


def test_csr_says_what_to_do_next(brygga: Brygga) -> None:
    order = ("csr", "--hsa-id", HSA_ID, "--dns-name", DNS_NAME, "--organization", "Region Ö", "--locality", "Ystad")
    result = brygga(*order, "--key-size", "2048", "--name", "order", "--out", "orders")
    assert result.code == EXIT_OK
    for part in ("Send orders/order.csr", "Keep orders/order.key", "brygga certs inspect orders/order.pem"):
        assert part in result.words
    assert Path("orders/order.key").stat().st_mode & 0o777 == 0o600
    again = brygga(*order, "--name", "order", "--out", "orders", "--key-size", "2048")
    assert again.code == EXIT_ENVIRONMENT
    assert brygga("inspect", "orders/order.csr", "--key", "orders/order.key").code == EXIT_OK
    other = brygga(*order, "--name", "other", "--key-size", "2048", "--json")
    assert len(other.json["next_steps"]) == 5


def test_inspect_explains_and_exits_by_what_it_finds(
    brygga: Brygga, bad_set: dict[str, BadCertificate], bad_authority: Authority
) -> None:
    good, expired = bad_set["good"], bad_set["expired"]
    trust = ("--ca", bad_authority.trust_anchor_path)
    fine = brygga("inspect", good.certificate, "--key", good.private_key, *trust)
    assert fine.code == EXIT_OK
    assert f"Certificate of HSA-id {HSA_ID}" in fine.words
    assert "Nothing wrong was found" in fine.words
    bad = brygga("inspect", good.certificate, expired.certificate, *trust)
    assert bad.code == EXIT_FINDINGS
    assert "It ran out" in bad.words
    assert "Mend: Order a new one" in bad.words


def test_inspect_as_json_and_verbose(brygga: Brygga, bad_set: dict[str, BadCertificate]) -> None:
    result = brygga("inspect", bad_set["eku-none"].certificate, "--json")
    assert result.code == EXIT_FINDINGS
    (found,) = result.json
    assert [problem["code"] for problem in found["problems"]] == ["no-usages"]
    verbose = brygga("inspect", bad_set["good"].certificate, "--verbose")
    assert "fingerprint sha256" in verbose.words
    assert "name the CA file you trust with --ca" in verbose.words
    quiet = brygga("inspect", bad_set["expired"].certificate, "--quiet")
    assert (quiet.code, quiet.out) == (EXIT_FINDINGS, "")


def test_markup_in_a_subject_is_shown_as_it_is(brygga: Brygga) -> None:
    make_small_authority()
    assert brygga(*ISSUE, "--organization", "[red]Region[/red]", "--name", "odd").code == EXIT_OK
    assert "[red]Region[/red]" in brygga("inspect", "certs/odd.pem").words


def test_pkcs12_password_comes_from_file_or_variable_and_is_never_shown(
    brygga: Brygga, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_small_authority()
    Path("password").write_text("hemligt\n")
    made = brygga(*ISSUE, "--pkcs12", "--name", "store", "--password-file", "password")
    assert made.code == EXIT_OK
    store = Path("certs/store.p12")
    assert pkcs12.load_pkcs12(store.read_bytes(), b"hemligt").key is not None
    assert not Path("certs/store.key").exists()
    locked = brygga("inspect", store)
    assert locked.code == EXIT_ENVIRONMENT
    assert "opens with its password only" in locked.words
    monkeypatch.setenv("BRYGGA_CERTS_PASSWORD", "hemligt")
    by_variable = brygga("inspect", store)
    by_file = brygga("inspect", store, "--password-file", "password")
    assert by_variable.code == by_file.code == EXIT_OK
    assert brygga(*ISSUE, "--pkcs12", "--name", "second").code == EXIT_OK
    for result in (made, locked, by_variable, by_file):
        assert "hemligt" not in result.words


def test_pkcs12_without_a_password_is_a_usage_error(brygga: Brygga) -> None:
    make_small_authority()
    result = brygga(*ISSUE, "--pkcs12")
    assert result.code == EXIT_USAGE
    assert "--password-file" in result.words
    assert not list(Path("certs").glob("*.p12"))


def test_password_is_asked_for_where_there_is_somebody(brygga: Brygga, monkeypatch: pytest.MonkeyPatch) -> None:
    make_small_authority()
    asked: list[dict[str, Any]] = []

    def prompt(text: str, **options: Any) -> str:
        asked.append({"text": text, **options})
        return "hemligt"

    monkeypatch.setattr("gateway.commands.certs.is_interactive", lambda: True)
    monkeypatch.setattr("gateway.commands.certs.click.prompt", prompt)
    assert brygga(*ISSUE, "--pkcs12", "--name", "store").code == EXIT_OK
    assert brygga("inspect", "certs/store.p12").code == EXIT_OK
    assert all(question["hide_input"] for question in asked)
    assert asked[0]["confirmation_prompt"]
    assert len(asked) == 2


def test_bad_set_is_listed_and_indexed(brygga: Brygga) -> None:
    make_small_authority()
    result = brygga("bad-set", "--hsa-id", HSA_ID, "--dns-name", DNS_NAME, "--out", "bad", "--json")
    assert {entry["name"] for entry in result.json} == set(read_index(Path("bad")))
    again = brygga("bad-set", "--hsa-id", HSA_ID, "--dns-name", DNS_NAME, "--out", "bad")
    assert again.code == EXIT_ENVIRONMENT
    text = brygga("bad-set", "--hsa-id", HSA_ID, "--dns-name", DNS_NAME, "--out", "bad2")
    assert "ran out yesterday" in text.words
    assert "bad2/index.json" in text.words
