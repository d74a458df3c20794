"""The router's WSDL pages: every contract version, official packages in the place of built-in ones, includes (6)."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from lxml import etree
from router_lab import Lab

from contracts.packages import add_package, with_added
from contracts.registry import CONTRACTS, GET_QUALITY_INDICATORS_2, ServiceContract
from gateway.cli import run
from gateway.commands import router as router_command
from router.embedded import RunningRouter, running_router
from schemas import PACKAGE_ROOT

CONTRACT = GET_QUALITY_INDICATORS_2
REMARK = "<!-- the official file -->"


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """A package of 2.0 whose files say that they are not the built-in ones."""
    folder = tmp_path / "package"
    shutil.copytree(PACKAGE_ROOT / CONTRACT.interaction / CONTRACT.version / "schemas", folder / "schemas")
    for file in folder.rglob("*.xsd"):
        text = file.read_text(encoding="utf-8")
        file.write_text(re.sub(r"\s*</xs:schema>", f"{REMARK}</xs:schema>", text), encoding="utf-8")
    return folder


def documents(lab: Lab, router: RunningRouter, path: str) -> list[str]:
    """Give the WSDL of a path and all schemas that it leads to, as a client fetches them."""
    texts, wanted = [], [f"/vp{path}?wsdl"]
    for one in wanted:
        reply = lab.call(router.https_url, method="GET", path=one)
        assert reply.status == 200
        texts.append(reply.text)
        for location in re.findall(r'schemaLocation="https?://[^/]+([^"]+)"', reply.text):
            if location not in wanted:
                wanted.append(location)
    return texts


@pytest.mark.parametrize("contract", CONTRACTS.values(), ids=lambda contract: contract.id)
def test_every_contract_version_has_its_page(lab: Lab, contract: ServiceContract) -> None:
    wsdl, *schemas = documents(lab, lab.router("strict"), contract.path)
    assert f'targetNamespace="{contract.wsdl_namespace}"' in wsdl
    served = {etree.fromstring(text.encode()).get("targetNamespace") for text in schemas}
    assert {contract.responder_namespace, contract.domain_namespace} <= served


def test_an_added_package_is_the_one_served(lab: Lab, package: Path, tmp_path: Path) -> None:
    add_package(package, tmp_path / "kept")
    files = [contract.wsdl for contract in with_added(tmp_path / "kept").values()]
    with running_router(lab.settings("strict"), wsdl_files=files) as router:
        _, *schemas = documents(lab, router, CONTRACT.path)
        assert schemas
        assert all(REMARK in text for text in schemas)
        assert not any(REMARK in text for text in documents(lab, router, CONTRACTS["GetQualityIndicators:1"].path))
    assert not any(REMARK in text for text in documents(lab, lab.router("strict"), CONTRACT.path))


def test_the_command_serves_the_packages_that_were_added(
    package: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: dict[str, list[Path]] = {}

    def keep(_settings: object, *, wsdl_files: list[Path], **_: Callable[..., None]) -> None:
        given["files"] = wsdl_files

    (tmp_path / "brygga.toml").write_text('[router]\ncatalogue = "routing.toml"\nhttp_port = 0\n', encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(router_command, "serve", keep)
    assert run(["contracts", "add", str(package)]) == 0
    assert run(["router", "serve"]) == 0
    added = [file for file in given["files"] if file.is_relative_to(tmp_path)]
    assert [file.name for file in added] == [CONTRACT.wsdl.name]
    assert len(given["files"]) == len(CONTRACTS)


@pytest.mark.parametrize("mode", ["strict", "compat"])
def test_includes_lead_back_here_in_strict(lab: Lab, tmp_path: Path, mode: str) -> None:
    schema = '<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema">{}</xs:schema>'
    (tmp_path / "one.wsdl").write_text(
        '<d targetNamespace="urn:riv:a:b:GetIt:1:rivtabp21">'
        + schema.format('<xs:include schemaLocation="parts/all.xsd"/>')
        + "</d>",
        encoding="utf-8",
    )
    (tmp_path / "parts").mkdir()
    (tmp_path / "parts" / "all.xsd").write_text(schema.format('<xs:element name="all"/>'), encoding="utf-8")
    with running_router(lab.settings(mode, wsdl_directory=tmp_path)) as router:
        texts = documents(lab, router, "/a/b/GetIt/1/rivtabp21")
    assert ('name="all"' in texts[-1]) is (mode == "strict")
    assert ('schemaLocation="parts/all.xsd"' in texts[0]) is (mode == "compat")
