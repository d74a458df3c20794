"""Code lists hold what their sources hold; HSA-id form (platform reference 9.2)."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts import codes
from contracts.model import OrganizationType, ReasonCode

KOMMUNER_PER_LAN = {
    "01": 26, "03": 8, "04": 9, "05": 13, "06": 13, "07": 8, "08": 12, "09": 1, "10": 5, "12": 33, "13": 6,
    "14": 49, "17": 16, "18": 12, "19": 10, "20": 15, "21": 10, "22": 7, "23": 8, "24": 15, "25": 14,
}  # fmt: skip


def test_kommun_codes_are_the_290_and_lie_in_the_21_lan() -> None:
    assert len(codes.KOMMUN) == 290
    assert Counter(kommun.lan_code for kommun in codes.KOMMUN.values()) == KOMMUNER_PER_LAN
    assert set(codes.LAN) == set(KOMMUNER_PER_LAN)
    assert len({kommun.name for kommun in codes.KOMMUN.values()}) == 290


@pytest.mark.parametrize(
    ("code", "name"),
    [("0184", "Solna"), ("1380", "Halmstad"), ("0331", "Heby"), ("0330", "Knivsta"), ("2584", "Kiruna")],
)
def test_known_kommun(code: str, name: str) -> None:
    assert codes.KOMMUN[code] == codes.Kommun(code, name)


def test_lan_have_region_names() -> None:
    assert codes.LAN["14"] == codes.Lan("14", "Västra Götaland", "Västra Götalandsregionen")
    assert len({lan.region_name for lan in codes.LAN.values()}) == 21


def test_sjukvardsregioner_cover_every_lan_once_and_halland_twice() -> None:
    regions = codes.SJUKVARDSREGION.values()
    whole = [code for region in regions for code in region.lan_codes]
    divided = [code for region in regions for code in region.divided_lan_codes]
    assert len(regions) == 6
    assert sorted(whole + divided[:1]) == sorted(codes.LAN)
    assert divided == ["13", "13"]


def test_lookups_cannot_be_changed() -> None:
    with pytest.raises(TypeError):
        codes.LAN["02"] = codes.LAN["01"]  # type: ignore[index]


def test_codes_equal_the_types_of_the_model() -> None:
    assert set(codes.ORGANIZATION_TYPES) == set(OrganizationType.__args__)  # type: ignore[attr-defined]
    assert set(codes.REASON_CODES) == set(ReasonCode.__args__)  # type: ignore[attr-defined]


def test_every_organization_type_reaches_the_nation() -> None:
    def depth(name: str) -> int:
        parents = codes.ORGANIZATION_TYPES[name].parents
        return 1 + max(map(depth, parents)) if parents else 0

    assert {name for name in codes.ORGANIZATION_TYPES if depth(name) == 0} == {"Land"}
    assert depth("Vardenhet") == 3


@pytest.mark.parametrize(
    "hsa_id",
    [
        "SE9990001112-E0001",
        "SE2321000016-7T67",
        "SE2321000131-F000000000207",
        "SE9990001112-a",
        "SE9990001112-" + "X" * 18,
    ],
)
def test_hsa_id_of_usual_form_is_accepted(hsa_id: str) -> None:
    assert codes.hsa_id_problem(hsa_id) is None
    assert codes.hsa_id_remark(hsa_id) is None


@pytest.mark.parametrize(
    ("hsa_id", "problem"),
    [
        ("", "is empty"),
        ("  ", "is empty"),
        (" SE9990001112-E1", "blanks"),
        ("SE9990001112-E1\n", "blanks"),
        ("SE9990001112-Å1", "'Å'"),
        ("SE9990001112-E@1", "'@'"),
        ("SE999000111２-E1", "'２'"),
        ("SE9990001112-" + "X" * 19, "32 characters"),
        ("SE9990001112", "is not SE"),
        ("SE9990001112-", "is not SE"),
        ("SE112233-CONSUMER", "is not SE"),
        ("NO9990001112-E1", "is not SE"),
        ("se9990001112-E1", "is not SE"),
        ("5565594230", "is not SE"),
    ],
)
def test_hsa_id_of_wrong_form_is_named(hsa_id: str, problem: str) -> None:
    assert problem in (codes.hsa_id_problem(hsa_id) or "")
    assert codes.hsa_id_remark(hsa_id) is None


@pytest.mark.parametrize(
    ("hsa_id", "remark"),
    [
        ("TSTNMT2321000156-B02", "test directory"),
        ("SE165565594230-1000", "twelve-digit"),
        ("SE9990001112-UNIT-7", "hyphen"),
    ],
)
def test_hsa_id_of_unusual_form_is_tolerated(hsa_id: str, remark: str) -> None:
    assert codes.hsa_id_problem(hsa_id) is None
    assert remark in (codes.hsa_id_remark(hsa_id) or "")


@given(st.text(max_size=40))
def test_hsa_id_check_never_fails_and_accepts_ascii_only(text: str) -> None:
    if codes.hsa_id_problem(text) is None:
        assert text.isascii()
        assert len(text) <= codes.HSA_ID_MAX_LENGTH
        assert text.startswith(("SE", "TSTNMT"))
