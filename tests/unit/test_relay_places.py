"""Where a fact goes and what its hash covers: rules without a stack."""

from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from kafka.partitioner.default import murmur2

from shared.sequencer import FIRST_HASH, chained, partition_of

texts = st.text(st.characters(exclude_characters="\0", codec="utf-8"), max_size=8)
places = st.fixed_dictionaries(
    {
        "position": st.integers(1, 200),
        "fact": st.integers(1, 200),
        "topic": texts,
        "partition": st.integers(0, 20),
        "previous": st.integers(0, 200),
        "stream": texts,
        "version": st.integers(1, 200),
        "key": texts,
        "event": st.binary(max_size=8),
    }
)


# Signed hashes that Apache Kafka's own tests of its Java client hold murmur2 to.
OF_THE_JAVA_CLIENT = {
    b"21": -973932308,
    b"foobar": -790332482,
    b"a-little-bit-long-string": -985981536,
    b"a-little-bit-longer-string": -1486304829,
    b"abc": 479470107,
}


@pytest.mark.parametrize("key", OF_THE_JAVA_CLIENT)
@pytest.mark.parametrize("count", [1, 3, 6, 50])
def test_a_key_goes_where_the_java_client_would_send_it(key: bytes, count: int) -> None:
    assert partition_of(key, count) == (OF_THE_JAVA_CLIENT[key] & 0x7FFFFFFF) % count


@given(st.binary(min_size=1, max_size=80), st.integers(1, 64))
def test_a_key_goes_where_kafka_python_would_send_it(key: bytes, count: int) -> None:
    assert partition_of(key, count) == (murmur2(key) & 0x7FFFFFFF) % count


@given(places, places)
def test_the_hash_tells_any_two_rows_apart(one: dict[str, Any], other: dict[str, Any]) -> None:
    assume(one != other)
    assert chained(FIRST_HASH, **one) != chained(FIRST_HASH, **other)


@given(places, st.binary(min_size=32, max_size=32))
def test_the_hash_depends_on_the_hash_before_it(row: dict[str, Any], before: bytes) -> None:
    assume(before != FIRST_HASH)
    assert chained(before, **row) != chained(FIRST_HASH, **row)
