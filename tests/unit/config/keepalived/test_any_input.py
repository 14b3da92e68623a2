"""Any bytes are a document or faults, with places in the file, in a time that grows linearly."""

from __future__ import annotations

import time
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.soak.keepalived_files import read_with_places
from tests.soak.mutation import Mutator

CORPUS = sorted((Path(__file__).parents[4] / "tests/corpus/keepalived").glob("*.conf"))
WORDS = st.sampled_from(
    [
        *("{", "}", '"', "'", "#", "!", "\\", "$", "${", "$A=", "$A", "@", "@^", "(", ")", ","),
        *("~SEQ(", "~LST(", "include", "includea", "virtual_server", "real_server"),
        *("vrrp_instance", "track_script", "TCP_CHECK", "1", "-1", "1.5", "192.0.2.1", "eth0"),
        *("\n", "\t", "\0", "é"),
    ]
)


@given(st.binary(max_size=300))
@settings(max_examples=300, deadline=None)
def test_any_bytes(data: bytes) -> None:
    read_with_places(data)


@given(st.lists(WORDS, max_size=60))
@settings(max_examples=500, deadline=None)
def test_any_words_of_the_grammar(words: list[str]) -> None:
    read_with_places(" ".join(words).encode())


@given(st.sampled_from(CORPUS), st.integers(0, 2**32))
@settings(max_examples=300, deadline=None)
def test_any_mutation_of_a_real_file(path: Path, seed: int) -> None:
    read_with_places(Mutator(str(seed), [path.read_bytes()]).next())


def test_the_time_grows_linearly() -> None:
    """Ten times as many lines take less than thirty times as long."""
    server = CORPUS[0].read_bytes() + b"\n"

    def seconds(count: int) -> float:
        began = time.process_time()
        read_with_places(server * count)
        return time.process_time() - began

    seconds(1)
    assert seconds(300) < 30 * max(seconds(30), 0.01)
