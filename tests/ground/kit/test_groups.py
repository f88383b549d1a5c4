"""The group writer by itself, with deeds that are texts: who waits too long, who is alone, and what a fault leaves behind."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import pytest

from madoguchi.ground.kit import groups
from madoguchi.ground.kit.groups import GroupWriter, Unsure


class Book:
    """Writes down what was done, group by group; ``gate`` holds the first group back."""

    def __init__(self) -> None:
        self.done: list[list[str]] = []
        self.gate, self.begun = threading.Event(), threading.Event()
        self.gate.set()

    def write(self, contract_id: int, deeds: list[str]) -> list[str]:
        self.begun.set()
        assert self.gate.wait(20)
        if "bad" in deeds:
            raise ValueError("bad")
        self.done.append(deeds)
        return [f"{contract_id}:{deed}" for deed in deeds if deed != "forgotten"]


def send(writer: GroupWriter[str, str], deed: str, answers: list[str | Exception]) -> threading.Thread:
    def act() -> None:
        try:
            answers.append(writer.submit(7, deed))
        except Exception as error:
            answers.append(error)

    thread = threading.Thread(target=act)
    thread.start()
    return thread


def until(true: Callable[[], bool]) -> None:
    end = time.monotonic() + 20
    while not true():
        assert time.monotonic() < end
        time.sleep(0.005)


def test_who_waits_meanwhile_is_written_together_and_one_bad_deed_harms_nobody() -> None:
    book = Book()
    writer = GroupWriter("tests", book.write, twin=lambda deed: deed)
    answers: list[str | Exception] = []
    book.gate.clear()
    threads = [send(writer, "first", answers)]
    assert book.begun.wait(20)
    threads += [send(writer, deed, answers) for deed in ("a", "b", "bad", "a")]
    until(lambda: writer._queue.qsize() == 4)
    book.gate.set()
    for thread in threads:
        thread.join(20)
    assert book.done == [["first"], ["a"], ["b"], ["a"]]
    assert sorted(str(answer) for answer in answers) == ["7:a", "7:a", "7:b", "7:first", "bad"]
    assert writer.submit(7, "later") == "7:later"


def test_what_was_given_up_is_not_done_later(monkeypatch: pytest.MonkeyPatch) -> None:
    book = Book()
    writer = GroupWriter("tests", book.write, twin=lambda deed: deed)
    answers: list[str | Exception] = []
    book.gate.clear()
    first = send(writer, "first", answers)
    assert book.begun.wait(20)
    monkeypatch.setattr(groups, "PATIENCE", 0.05)
    with pytest.raises(Unsure):
        writer.submit(7, "given up")
    monkeypatch.setattr(groups, "PATIENCE", 20.0)
    book.gate.set()
    first.join(20)
    assert writer.submit(7, "last") == "7:last"
    assert book.done == [["first"], ["last"]]


def test_a_fault_is_told_and_the_writer_lives_on() -> None:
    book = Book()

    def twin(deed: str) -> str:
        if deed == "no twin":
            raise TypeError("no twin")
        return deed

    writer = GroupWriter("tests", book.write, twin=twin)
    with pytest.raises(RuntimeError, match="0 answers to 1 deeds"):
        writer.submit(7, "forgotten")
    with pytest.raises(Unsure):
        writer.submit(7, "no twin")
    assert writer.submit(7, "after") == "7:after"
