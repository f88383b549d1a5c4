"""What is handed over holds the picture and nothing else."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from madoguchi.domain.photos.errors import PhotoRefused
from madoguchi.domain.photos.jpeg import MOST_BYTES, clean

from .jpegs import HEIGHT, WIDTH, jpeg, scan, segment, tables

pytestmark = pytest.mark.req("DESK-06")
SECRET = b"35.1234N 135.9876E Taro Yamada"
droppable = st.tuples(st.sampled_from([*range(0xE0, 0xF0), 0xFE]), st.binary(max_size=60))


def cleaned(data: bytes) -> bytes:
    return clean(data, width=WIDTH, height=HEIGHT)


@given(st.lists(droppable, max_size=8), st.binary(max_size=200))
def test_whatever_is_hidden_around_the_picture_is_gone_and_the_picture_stays(hidden: list[tuple[int, bytes]], behind: bytes) -> None:
    extra = b"".join(segment(marker, SECRET + body) for marker, body in hidden)
    found = cleaned(jpeg(extra=extra, behind=SECRET + behind))
    assert found == cleaned(jpeg())
    assert SECRET not in found
    assert found == cleaned(found)
    assert found.endswith(tables() + scan() + b"\xff\xd9")


@given(st.binary(max_size=400))
def test_no_bytes_break_the_reader(data: bytes) -> None:
    for sent in (data, b"\xff\xd8" + data, b"\xff\xd8" + tables() + data, b"\xff\xd8" + tables() + scan() + data):
        try:
            found = cleaned(sent)
        except PhotoRefused:
            continue
        assert found == cleaned(found)


@given(st.data())
def test_a_flipped_byte_is_refused_or_stays_a_picture_of_the_same_size(data: st.DataObject) -> None:
    sent = bytearray(jpeg(extra=segment(0xE1, SECRET)))
    sent[data.draw(st.integers(0, len(sent) - 1))] ^= data.draw(st.integers(1, 255))
    try:
        found = cleaned(bytes(sent))
    except PhotoRefused:
        return
    assert SECRET not in found
    assert found == cleaned(found)


def test_it_is_marked_as_35_millimetres_wide() -> None:
    found = cleaned(jpeg())
    assert found[:20] == b"\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01\x02\x01\x02\x62\x02\x62\x00\x00"
    assert round(840 / 35 * 25.4) == 0x262


def test_restarts_fill_bytes_and_progressive_scans_are_read() -> None:
    restarts = b"\xff\xd8" + tables(frame=0xC2) + segment(0xDD, b"\x00\x04") + b"\xff\xff" + scan()[1:-1] + b"\xff\xd0\x11" + scan() + b"\xff\xd9"
    found = cleaned(restarts)
    assert found.count(scan()) == 1
    assert b"\xff\xd0" in found


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "読めません"),
        (b"\x89PNG\r\n\x1a\n" + b"0" * 100, "読めません"),
        (jpeg(width=600), "大きさ"),
        (jpeg(height=1081), "大きさ"),
        (jpeg()[:-2], "途中で切れて"),
        (jpeg()[:400], "読めません|途中で切れて"),
        (jpeg(frame=0xC9), "読めません"),
        (b"\xff\xd8" + scan() + b"\xff\xd9", "読めません"),
        (b"\xff\xd8" + tables() + b"\xff\xd9", "読めません"),
        (b"\xff\xd8" + segment(0xDB, b"\x00" + bytes(64) + SECRET) + tables() + scan() + b"\xff\xd9", "読めません"),
        (b"\xff\xd8" + segment(0xC4, b"\x00" + bytes([1] * 16) + bytes(15)) + tables() + scan() + b"\xff\xd9", "読めません"),
        (jpeg() + b"0" * MOST_BYTES, "大きすぎます"),
    ],
)
def test_what_is_no_such_picture_is_refused_with_what_to_do(data: bytes, says: str) -> None:
    with pytest.raises(PhotoRefused, match=says) as refused:
        cleaned(data)
    assert "撮影してください" in refused.value.message
