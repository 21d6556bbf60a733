"""A sample of `make fuzz`: every word of the corpus, and the same changed in a hundred ways, always the same ones."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fuzz.targets import TARGETS, loopback_requests

if TYPE_CHECKING:
    from collections.abc import Callable

EXAMPLES = 100
SEEDS = {name: sorted(Path(__file__).with_name("corpus").joinpath(name).iterdir()) for name in TARGETS}
# What readers have stumbled over, here or elsewhere.
PIECES = [
    *(b"", b"\0", b"\n", b"\r\n", b"\x1b[2J", b"\xff", b"\xef\xbb\xbf", "\u202e".encode(), b"%00", b"%s", b"$(id)"),
    *(b"null", b"true", b"0", b"-1", b"1e999", b"NaN", b"9" * 5000, b"[]", b"{}", b'""', b'"\\ud800"', b"[" * 60_000),
    *(
        b'{"":' * 2000,
        b"A" * 3000,
        b'"',
        b"\\",
        b"'",
        b"]",
        b"}",
        b",",
        b":",
        b"@",
        b"//",
        b"..",
        b"[::1]",
        b"http://h",
    ),
]


@st.composite
def changed(draw: st.DrawFn, seeds: list[bytes]) -> bytes:
    """A word with some of its stretches replaced by a piece, by another word's stretch or by anything."""
    data = draw(st.sampled_from(seeds))
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(data)))
        end = draw(st.integers(start, min(len(data), start + 40)))
        other = draw(st.sampled_from(seeds))
        at = draw(st.integers(0, len(other)))
        new = draw(st.sampled_from(PIECES) | st.binary(max_size=8) | st.just(other[at : at + 30]))
        data = data[:start] + new + data[end:]
    return data


@pytest.mark.parametrize("name", TARGETS)
def test_the_corpus(name: str) -> None:
    for seed in SEEDS[name]:
        TARGETS[name](seed.read_bytes())


@pytest.mark.parametrize("name", TARGETS)
def test_a_sample(name: str) -> None:
    run_changed(TARGETS[name], [seed.read_bytes() for seed in SEEDS[name]])


def run_changed(target: Callable[[bytes], object], seeds: list[bytes]) -> None:
    @settings(
        max_examples=EXAMPLES,
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(changed(seeds))
    def runs(data: bytes) -> None:
        target(data)

    runs()


@pytest.mark.parametrize(
    ("seed", "said"),
    [("callback", b"too-long"), ("error", b"too-long"), ("other-state", b"other-sign-in"), ("post", b" 405 ")],
)
def test_the_loopback_corpus_reaches_what_looks_at_it(seed: str, said: bytes) -> None:
    """Too long: it was taken, and nobody answers it here."""
    data = Path(__file__).with_name("corpus").joinpath("loopback_requests", seed).read_bytes()
    assert said in loopback_requests(data)
