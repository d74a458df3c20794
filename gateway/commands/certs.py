"""``brygga certs``: a test authority like SITHS, and help with real certificates.

Implements design 4: authority, issue, csr, inspect, revoke, crl, bad-set; keys are never shown or overwritten.
"""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path

import click
import rich.console
from rich.markup import escape
from rich.padding import Padding
from rich.table import Table

from certs import IssuedCertificate, profile, revocation
from certs.authority import DEFAULT_NAME, Authority
from certs.bad_set import INDEX, LOCALITY, ORGANIZATION, make_bad_set
from certs.inspection import Inspection, inspect_file, needs_password
from certs.order import ORDER_KEY_SIZE, make_order
from certs.peer import hsa_id_of
from certs.reading import common_name, read_password
from contracts.errors import EXIT_FINDINGS, UsageError
from gateway.console import Console, common_options, is_interactive, pass_console

PASSWORD_VARIABLE = "BRYGGA_CERTS_PASSWORD"  # noqa: S105 (the variable's name)
LOOPBACK_DNS, LOOPBACK_IP = ("localhost",), ("127.0.0.1", "::1")

FOLDER = click.Path(file_okay=False, path_type=Path)
FILE = click.Path(dir_okay=False, path_type=Path)

authority_option = click.option(
    "--authority",
    "authority_folder",
    type=FOLDER,
    default=Path("certs/authority"),
    show_default=True,
    help="Folder of the test authority.",
)
out_option = click.option(
    "--out", type=FOLDER, default=Path("certs"), show_default=True, help="Folder for the files that are made."
)
name_option = click.option("--name", help="Name of the files without suffix [default: the DNS name].")
hsa_id_option = click.option("--hsa-id", required=True, help="HSA-id, such as SE9990001112-DEMO.")
dns_option = click.option("--dns-name", required=True, help="Host name; becomes CN and first SAN.")
more_dns_option = click.option("--dns", "extra_dns", multiple=True, help="Further host name; may be repeated.")
password_option = click.option(
    "--password-file",
    type=FILE,
    help=f"File with the password in its first line [or {PASSWORD_VARIABLE}, or asked for].",
)


@click.group()
def command() -> None:
    """Make test certificates like SITHS, order real ones, and find out what is wrong with one."""


@command.command("authority", short_help="Make a test authority: root, issuing CA, CRL.")
@click.argument("directory", type=FOLDER, default=Path("certs/authority"))
@click.option("--name", default=DEFAULT_NAME, show_default=True, help="Name of the authority; TEST is put before it.")
@click.option("--key-size", type=int, default=profile.DEFAULT_AUTHORITY_KEY_SIZE, show_default=True, help="Bits (RSA).")
@click.option(
    "--valid-days",
    type=int,
    default=profile.DEFAULT_AUTHORITY_VALID_DAYS,
    show_default=True,
    help="How long root and issuing CA are valid.",
)
@common_options
@pass_console
def make_authority(console: Console, directory: Path, name: str, key_size: int, valid_days: int) -> None:
    """Make a test authority in DIRECTORY [default: certs/authority]: root, issuing CA, revocation list."""
    with console.progress("Making the keys of root and issuing CA"):
        authority = Authority.create(directory, name=name, key_size=key_size, valid_days=valid_days)
    data = {
        "directory": str(directory),
        "trust": str(authority.trust_anchor_path),
        "crl": str(authority.crl_path),
        "valid_to": authority.root.not_valid_after_utc.isoformat(),
    }

    def render(out: rich.console.Console) -> None:
        _line(out, f"[ok]Ready:[/ok] a test authority in {escape(str(directory))}")
        _line(out, f"  CA file for every peer   {escape(data['trust'])}")
        _line(out, f"  revocation list          {escape(data['crl'])}")
        _line(out, "Next: brygga certs issue --hsa-id SE9990001112-DEMO --dns-name producer.test --loopback")

    console.emit(data, render)


@command.command("issue", short_help="Issue a certificate of the test authority.")
@authority_option
@hsa_id_option
@dns_option
@click.option("--organization", default=ORGANIZATION, show_default=True, help="Organisation (O).")
@click.option("--locality", default=LOCALITY, show_default=True, help="Locality (L).")
@more_dns_option
@click.option("--ip", "ip_addresses", multiple=True, help="IP address for the SAN; may be repeated.")
@click.option("--loopback", is_flag=True, help="Valid for localhost, 127.0.0.1 and ::1 too.")
@click.option("--valid-days", type=int, help="[default: two years, or to the end of the authority]")
@click.option("--key-size", type=int, default=profile.DEFAULT_KEY_SIZE, show_default=True, help="Bits (RSA).")
@out_option
@name_option
@click.option("--pkcs12", is_flag=True, help="Write one PKCS#12 file instead, for SoapUI and browsers.")
@password_option
@click.option("--replace", is_flag=True, help="Replace files of the same name.")
@common_options
@pass_console
def issue(
    console: Console,
    authority_folder: Path,
    hsa_id: str,
    dns_name: str,
    organization: str,
    locality: str,
    extra_dns: tuple[str, ...],
    ip_addresses: tuple[str, ...],
    loopback: bool,
    valid_days: int | None,
    key_size: int,
    out: Path,
    name: str | None,
    pkcs12: bool,
    password_file: Path | None,
    replace: bool,
) -> None:
    """Issue a function certificate of the test authority, with a new key."""
    authority = Authority.open(authority_folder)
    password = _new_password(password_file) if pkcs12 else ""
    issued = authority.issue(
        hsa_id,
        dns_name,
        organization=organization,
        locality=locality,
        extra_dns=extra_dns + (LOOPBACK_DNS if loopback else ()),
        ip_addresses=ip_addresses + (LOOPBACK_IP if loopback else ()),
        valid_to=None if valid_days is None else profile.now_utc() + timedelta(days=valid_days),
        key_size=key_size,
    )
    if pkcs12:
        store = issued.write_pkcs12(out / f"{name or dns_name}.p12", password, replace=replace)
        files = {"pkcs12": str(store)}
    else:
        written = issued.write(out, name or dns_name, replace=replace)
        files = {"certificate": str(written.certificate), "private_key": str(written.private_key)}
    _tell_issued(console, issued, files | {"ca": str(authority.trust_anchor_path)})


def _tell_issued(console: Console, issued: IssuedCertificate, files: dict[str, str]) -> None:
    hsa_id, dns_name = hsa_id_of(issued.certificate), common_name(issued.certificate.subject)
    ends_at = issued.certificate.not_valid_after_utc
    data = {
        "hsa_id": hsa_id,
        "serial_number": f"{issued.certificate.serial_number:x}",
        "valid_to": ends_at.isoformat(),
        **files,
    }

    def render(out: rich.console.Console) -> None:
        _line(out, f"[ok]Issued:[/ok] {escape(hsa_id)} for {escape(dns_name)}, valid to {ends_at:%Y-%m-%d}.")
        for key, path in files.items():
            _line(out, f'  {key} = "{escape(path)}"')

    console.emit(data, render)


@command.command("csr", short_help="Make a request for a real certificate.")
@hsa_id_option
@dns_option
@click.option("--organization", required=True, help="Organisation (O), as the HSA catalogue writes it.")
@click.option("--locality", required=True, help="Locality (L), such as the town of the head office.")
@more_dns_option
@click.option("--key-size", type=int, default=ORDER_KEY_SIZE, show_default=True, help="Bits (RSA).")
@out_option
@name_option
@common_options
@pass_console
def csr(
    console: Console,
    hsa_id: str,
    dns_name: str,
    organization: str,
    locality: str,
    extra_dns: tuple[str, ...],
    key_size: int,
    out: Path,
    name: str | None,
) -> None:
    """Make a key and a certificate request (CSR) for ordering a real function certificate."""
    order = make_order(
        hsa_id, dns_name, organization=organization, locality=locality, extra_dns=extra_dns, key_size=key_size
    )
    written = order.write(out, name or dns_name)
    certificate = written.private_key.with_suffix(".pem")
    steps = (
        f"Send {written.request} to whoever orders SITHS function certificates in your organisation. "
        "Say whether it is for test or production: SITHS has separate certificates, and chains, for the two.",
        f"Keep {written.private_key} where it is. It is never sent, and without it the certificate is of no use.",
        f"When the certificate comes, write it and the issuing CA's to {certificate}, in that order.",
        f"Check it: brygga certs inspect {certificate} --key {written.private_key} --ca SITHS-ROOT-AND-CA.pem",
        "Name the files in brygga.toml, under [producer.tls] or [consumer.tls], and run brygga doctor.",
    )
    data = {"request": str(written.request), "private_key": str(written.private_key), "next_steps": steps}

    def render(out: rich.console.Console) -> None:
        _line(
            out, f"[ok]Ready:[/ok] {escape(str(written.request))} (request), {escape(str(written.private_key))} (key)"
        )
        for number, step in enumerate(steps, 1):
            _line(out, f"  {number}. {escape(step)}")

    console.emit(data, render)


@command.command("inspect", short_help="Explain a file, and what is wrong with it.")
@click.argument("files", metavar="FILE...", nargs=-1, required=True, type=FILE)
@click.option("--key", type=FILE, help="Private key that should belong to the certificate.")
@click.option("--ca", type=FILE, help="CA file (root and issuing CA) the chain has to end in.")
@click.option("--crl", type=FILE, help="Revocation list to look in.")
@password_option
@common_options
@pass_console
def inspect(
    console: Console,
    files: tuple[Path, ...],
    key: Path | None,
    ca: Path | None,
    crl: Path | None,
    password_file: Path | None,
) -> None:
    """Explain certificate, key, CSR, CRL and PKCS#12 files, and what is wrong with them. Exit 1 if something is."""
    found = []
    for path in files:
        is_locked = needs_password(path) or (key is not None and needs_password(key))
        password = _password_for(path, password_file) if is_locked else None
        found.append(inspect_file(path, password, ca, crl, key=key))

    def render(out: rich.console.Console) -> None:
        for inspection in found:
            _render_inspection(out, inspection, is_verbose=console.is_verbose)

    console.emit([inspection.as_dict() for inspection in found], render)
    if ca is None and any(item.role == "leaf" for inspection in found for item in inspection.items):
        console.note("Names were read, but no root was compared with: name the CA file you trust with --ca.")
    if any(inspection.has_errors for inspection in found):
        raise SystemExit(EXIT_FINDINGS)


@command.command("revoke", short_help="Revoke a certificate, renew the CRL.")
@click.argument("certificate", metavar="CERTIFICATE|SERIAL")
@authority_option
@click.option(
    "--reason",
    type=click.Choice(tuple(revocation.REASONS)),
    default="unspecified",
    show_default=True,
    help="Why, as the list will say.",
)
@common_options
@pass_console
def revoke(console: Console, certificate: str, authority_folder: Path, reason: str) -> None:
    """Revoke a certificate of the test authority, by its file or serial number, and renew the revocation list."""
    authority = Authority.open(authority_folder)
    crl = authority.revoke(_file_or_serial(certificate), reason)

    def render(out: rich.console.Console) -> None:
        _line(
            out, f"[ok]Revoked.[/ok] The renewed list is {escape(str(crl))}; servers that use it notice by themselves."
        )

    console.emit({"revoked": certificate, "reason": reason, "crl": str(crl)}, render)


@command.command("crl")
@authority_option
@click.option("--out", type=FILE, help="File for the list [default: crl.pem of the authority].")
@click.option(
    "--valid-days",
    type=float,
    default=revocation.DEFAULT_CRL_VALID_DAYS,
    show_default=True,
    help="Days until the next list must be there.",
)
@common_options
@pass_console
def crl(console: Console, authority_folder: Path, out: Path | None, valid_days: float) -> None:
    """Sign the revocation list anew. Renew it in time: once it is out of date, everyone is refused."""
    authority = Authority.open(authority_folder)
    path = authority.write_crl(out, valid_days=valid_days)
    revoked = len(authority.revocations())
    until = profile.now_utc() + timedelta(days=valid_days)

    def render(out: rich.console.Console) -> None:
        _line(
            out,
            f"[ok]Signed:[/ok] {escape(str(path))}, {revoked} revoked, to be renewed before {until:%Y-%m-%d %H:%M}Z",
        )

    console.emit({"crl": str(path), "revoked": revoked, "next_update_at": until.isoformat()}, render)


@command.command("bad-set", short_help="Make certificates that have to be refused.")
@authority_option
@hsa_id_option
@dns_option
@click.option("--out", type=FOLDER, default=Path("certs/bad"), show_default=True, help="New or empty folder.")
@common_options
@pass_console
def bad_set(console: Console, authority_folder: Path, hsa_id: str, dns_name: str, out: Path) -> None:
    """Make certificates that are bad on purpose, to see that they are refused."""
    found = make_bad_set(Authority.open(authority_folder), out, hsa_id, dns_name)
    rows = [
        {
            "name": entry.name,
            "description": entry.description,
            "case": entry.case,
            "role": entry.role,
            "refused_by": entry.refused_by,
            "certificate": str(entry.certificate),
            "private_key": str(entry.private_key),
            "crl": str(entry.crl) if entry.crl else None,
        }
        for entry in found.values()
    ]

    def render(console_out: rich.console.Console) -> None:
        table = Table("Name", "What is wrong", "Case", "Shown by", "Refused by", box=None, header_style="head")
        for entry in found.values():
            table.add_row(entry.name, entry.description, entry.case, entry.role, entry.refused_by)
        console_out.print(table)
        _line(console_out, f"[ok]Ready:[/ok] {len(found)} certificates; machine-readable: {escape(str(out / INDEX))}")

    console.emit(rows, render)


def _render_inspection(out: rich.console.Console, inspection: Inspection, *, is_verbose: bool) -> None:
    _line(out, f"[head]{escape(str(inspection.path))}[/head] [dim]({inspection.form})[/dim]")
    for item in inspection.items:
        out.print(Padding(escape(item.summary), (0, 0, 0, 2)))
        shown = item.facts if is_verbose else {name: item.facts.get(name) for name in ("key", "signature", "usages")}
        if is_verbose or item.role == "leaf":
            grid = Table.grid(padding=(0, 2))
            for name, value in shown.items():
                text = ", ".join(value) if isinstance(value, tuple) else str(value)
                grid.add_row(f"[dim]{name.replace('_', ' ')}[/dim]", escape(text) if value not in (None, ()) else "-")
            out.print(Padding(grid, (0, 0, 0, 4)))
    styles = {"error": "bad", "warning": "warn", "note": "dim"}
    for problem in inspection.problems:
        style = styles[problem.severity]
        text = f"[{style}]{problem.severity}:[/{style}] {escape(problem.where)}: {escape(problem.message)}"
        out.print(Padding(text, (0, 0, 0, 2)))
        out.print(Padding(f"Mend: {escape(problem.mend)}", (0, 0, 0, 4)))
    if not inspection.problems:
        out.print("  [ok]Nothing wrong was found.[/ok]")


def _line(out: rich.console.Console, text: str) -> None:
    """Print one line that is not broken, so that paths and commands can be copied."""
    out.print(text, soft_wrap=True)


def _file_or_serial(text: str) -> int | Path:
    path = Path(text)
    if path.exists():
        return path
    try:
        return int(text.replace(":", ""), 16)
    except ValueError:
        raise UsageError(f"There is no file {text}, and it is no serial number (hexadecimal).") from None


def _password_for(path: Path, password_file: Path | None) -> str | None:
    """Give the password of a locked file from file, variable or prompt; None when there is nobody to ask."""
    if password_file is not None:
        return read_password(password_file)
    if PASSWORD_VARIABLE in os.environ:
        return os.environ[PASSWORD_VARIABLE]
    if not is_interactive():
        return None
    return str(click.prompt(f"Password of {path}", hide_input=True, err=True))


def _new_password(password_file: Path | None) -> str:
    """Give the password for a file to be made; it is asked for twice."""
    if password_file is not None:
        return read_password(password_file)
    if PASSWORD_VARIABLE in os.environ:
        return os.environ[PASSWORD_VARIABLE]
    if not is_interactive():
        raise UsageError(f"A PKCS#12 file needs a password: name one with --password-file or {PASSWORD_VARIABLE}.")
    return str(click.prompt("Password for the PKCS#12 file", hide_input=True, confirmation_prompt=True, err=True))
