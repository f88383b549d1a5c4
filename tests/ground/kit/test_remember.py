"""What is remembered is read once at a time, and never by everybody at once."""

import threading
import time

import pytest

from madoguchi.ground.kit.remember import Remembered


def test_a_value_is_read_once_until_its_time_is_over() -> None:
    kept: Remembered[str, int] = Remembered(0.05)
    read = iter(range(10))
    assert [kept.get("a", lambda: next(read)) for _ in range(3)] == [0, 0, 0]
    time.sleep(0.06)
    assert kept.get("a", lambda: next(read)) == 1
    kept.forget()
    assert kept.get("a", lambda: next(read)) == 2


def test_while_one_reads_anew_the_others_get_what_is_there() -> None:
    kept: Remembered[str, str] = Remembered(0.0)
    kept.get("a", lambda: "old")
    reading, go = threading.Event(), threading.Event()

    def slowly() -> str:
        reading.set()
        assert go.wait(10)
        return "new"

    first = threading.Thread(target=kept.get, args=("a", slowly))
    first.start()
    assert reading.wait(10)
    assert kept.get("a", lambda: pytest.fail("read twice at once")) == "old"
    go.set()
    first.join()
    assert kept.get("a", lambda: "newer") == "newer"


def test_a_failed_reading_leaves_the_old_value() -> None:
    kept: Remembered[str, str] = Remembered(0.0)
    kept.get("a", lambda: "old")

    def fail() -> str:
        raise ConnectionError

    with pytest.raises(ConnectionError):
        kept.get("a", fail)
    assert kept.get("a", lambda: "new") == "new"


def test_no_more_is_kept_than_the_limit() -> None:
    kept: Remembered[int, int] = Remembered(60, limit=3)
    for n in range(10):
        kept.get(n, lambda n=n: n)  # type: ignore[misc]
    assert len(kept._kept) <= 3
