"""Batches keep their device ids packed, too, whatever is taken out of them or cut from them."""

from hypothesis import given
from hypothesis import strategies as st
from simulator_api import imei

from fota_async.batch.device_ids import pack
from fota_async.batch.pieces import Batch

sizes = st.integers(1, 12)


@given(sizes, st.booleans(), st.data())
def test_what_is_taken_out_of_a_batch_is_not_among_its_numbers(
    size: int, packed_before: bool, data: st.DataObject
) -> None:
    ids = [imei(number) for number in range(size)]
    batch = Batch(0, ids, numbers=pack(ids) if packed_before else None)

    while batch.ids:
        batch.ids.remove(data.draw(st.sampled_from(batch.ids)))
        if data.draw(st.booleans()):
            assert batch.numbers == pack(batch.ids)

    assert not batch.numbers


@given(sizes, sizes, st.booleans())
def test_parts_of_a_batch_have_their_own_numbers(
    size: int, largest: int, packed_before: bool
) -> None:
    ids = [imei(number) for number in range(size)]
    batch = Batch(0, ids, numbers=pack(ids) if packed_before else None)

    parts = [*batch.cut(largest), *batch.halves(), batch.part(ids[::-1])]

    assert [part.numbers for part in parts] == [pack(part.ids) for part in parts]
