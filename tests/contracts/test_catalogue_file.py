"""The working folder's catalogue: a file that is missing, damaged or of another form is told, the old one stays."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from contracts.catalogue import Catalogue, CatalogueMeasure, load_catalogue, read_document, save_catalogue
from contracts.errors import ConfigurationError, DataError

FORMAT = "indikatorbryggan-catalogue/1"


def test_a_missing_catalogue_says_how_to_get_one(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="brygga catalogue import"):
        load_catalogue(tmp_path / "catalogue.json")


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"", "cannot be read"),
        (b"\xff\xfe", "cannot be read"),
        (b"[]", "cannot be read"),
        (b"{}", "cannot be read"),
        (b"[" * 100_000, "cannot be read"),
        (json.dumps({"format": "another/2", "measures": []}).encode(), "of another form"),
        (json.dumps({"format": FORMAT, "measures": None}).encode(), "cannot be read"),
        (json.dumps({"format": FORMAT, "measures": [{"unknown": 1}]}).encode(), "cannot be read"),
        (json.dumps({"format": FORMAT, "measures": [{"valid_from": "soon"}]}).encode(), "cannot be read"),
    ],
)
def test_a_catalogue_that_cannot_be_used_says_what_to_do(tmp_path: Path, content: bytes, text: str) -> None:
    file = tmp_path / "catalogue.json"
    file.write_bytes(content)
    with pytest.raises(ConfigurationError, match=rf"{text}.*[Ii]mport") as caught:
        load_catalogue(file)
    assert str(file) in caught.value.message


def test_a_folder_in_its_place_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="cannot be read"):
        load_catalogue(tmp_path)


def test_a_document_that_is_not_there_or_no_json_is_told(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no file"):
        read_document(tmp_path / "none.json")
    for content in ("{", "[" * 100_000):
        (tmp_path / "answer.json").write_text(content)
        with pytest.raises(DataError, match="no valid JSON"):
            read_document(tmp_path / "answer.json")


def test_a_catalogue_that_cannot_be_written_leaves_the_old_one(tmp_path: Path) -> None:
    file = tmp_path / "catalogue.json"
    old = Catalogue((CatalogueMeasure("m1", 1, "Demo", "Andel"),))
    save_catalogue(file, old)
    (tmp_path / "catalogue.json.part").mkdir()
    with pytest.raises(OSError):
        save_catalogue(file, Catalogue(()))
    assert load_catalogue(file) == old
