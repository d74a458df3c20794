"""measurementChecksum: changes exactly when what matches changes (contract reference 6)."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.checksum import EMPTY_CHECKSUM, SliceKey, content_digest, measurement_checksum
from contracts.model import DatePeriod

Slices = dict[SliceKey, str]
# Short texts of few letters, so that neighbouring fields can be confused if anything can confuse them.
words = st.text(alphabet="01:a", max_size=4)
keys = st.builds(SliceKey, words, st.integers(0, 120), st.builds(DatePeriod, words, words))
indexes = st.dictionaries(keys, words, max_size=6)
YEAR = DatePeriod("20250101", "20251231")
INDEX = {
    SliceKey("m1", 1, YEAR): content_digest(b"one"),
    SliceKey("m1", 2, YEAR): content_digest(b"two"),
    SliceKey("m2", 1, DatePeriod("20250101", "20250630")): content_digest(b"three"),
}
# Worked out once from the definition; a release that changes it makes every consumer fetch everything again.
KNOWN = "0b1e21ff2d00c2d30770b88f81744bb2f836210a3fca79c760633cacbfedada0"


def checksum(slices: Slices) -> str:
    return measurement_checksum(slices.items())


def test_nothing_matches_gives_the_checksum_of_the_empty_string() -> None:
    assert measurement_checksum([]) == EMPTY_CHECKSUM == hashlib.sha256(b"").hexdigest()


def test_checksum_of_known_slices_never_changes() -> None:
    assert checksum(INDEX) == KNOWN


def test_other_process_with_another_hash_seed_gives_the_same() -> None:
    script = (
        "from contracts.checksum import *; from contracts.model import DatePeriod\n"
        "Y = DatePeriod('20250101', '20251231')\n"
        "index = {SliceKey('m1', 2, Y): content_digest(b'two'), SliceKey('m1', 1, Y): content_digest(b'one'),"
        " SliceKey('m2', 1, DatePeriod('20250101', '20250630')): content_digest(b'three')}\n"
        "print(measurement_checksum(set(index.items())))"
    )
    root = Path(__file__).parents[2]
    for seed in ("1", "2"):
        run = subprocess.run(
            [sys.executable, "-c", script],
            cwd=root,
            env={"PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        )
        assert run.stdout.strip() == KNOWN


@given(indexes, st.randoms())
def test_order_does_not_matter(index: Slices, random: object) -> None:
    shuffled = list(index.items())
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert measurement_checksum(iter(shuffled)) == checksum(index)


@given(indexes, indexes)
def test_different_slices_give_different_checksums(one: Slices, other: Slices) -> None:
    assert (checksum(one) == checksum(other)) == (one == other)


@given(keys, words, words)
def test_any_change_of_content_changes_it(key: SliceKey, before: str, after: str) -> None:
    assert (checksum({key: before}) == checksum({key: after})) == (before == after)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (SliceKey("m", 11, DatePeriod("1", "2")), SliceKey("m1", 1, DatePeriod("1", "2"))),
        (SliceKey("m", 1, DatePeriod("12", "3")), SliceKey("m", 1, DatePeriod("1", "23"))),
        (SliceKey("1:m", 1, YEAR), SliceKey("m", 1, YEAR)),
    ],
)
def test_field_limits_cannot_be_confused(one: SliceKey, other: SliceKey) -> None:
    assert checksum({one: "d"}) != checksum({other: "d"})


def test_versions_are_ordered_as_numbers() -> None:
    assert sorted([SliceKey("m", 10, YEAR), SliceKey("m", 9, YEAR)])[0].version_number == 9


def test_content_digest_is_sha_256() -> None:
    assert content_digest(b"") == EMPTY_CHECKSUM
    assert content_digest(b"a") == hashlib.sha256(b"a").hexdigest()
