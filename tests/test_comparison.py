"""The comparison with other systems is honest: each mark of ours has its proof or its words, nothing they have is left out."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

DOCS = Path(__file__).resolve().parent.parent / "docs"
TEXT = (DOCS / "comparison.md").read_text(encoding="utf-8")
IDS = [f"{part}{n}" for part, last in zip("ABCDE", (24, 20, 14, 11, 7), strict=True) for n in range(1, last + 1)]
ROWS = [[cell.strip() for cell in line.strip("|").split("|")] for line in re.findall(r"^\| [A-E]\d.*$", TEXT, flags=re.M)]
OURS = {row[0]: row[2] for row in ROWS}
PEERS = ("ZMS", "RDV", "Q", "PTX", "e-TUMO")
WORTH = {"●": 2, "◐": 1, "○": 0}
LINK = re.compile(r"\[([^\]]+)\]\(([^)]+)\)")
TESTS = re.compile(r"\[(test_\w+)\]\((\.\./tests/[\w/]+\.py)\)")


def test_every_item_of_the_checklist_stands_there_once_and_in_order() -> None:
    assert [row[0] for row in ROWS] == IDS
    assert {len(row) for row in ROWS} == {3 + len(PEERS)}


def test_every_link_leads_to_a_file_and_every_test_is_in_its_file() -> None:
    wrong = []
    for name, target in LINK.findall(TEXT):
        path, _, _ = target.partition("#")
        if not path or "://" in target:
            continue
        file = (DOCS / path).resolve()
        if not file.is_file():
            wrong.append(target)
        elif file.suffix == ".py":
            defined = {node.name for node in ast.parse(file.read_text()).body if isinstance(node, ast.FunctionDef)}
            if not name.startswith("test_") or name not in defined:
                wrong.append(f"{target}: {name}")
    assert wrong == []


@pytest.mark.parametrize("item", IDS)
def test_what_we_have_is_proved_and_what_we_lack_is_said(item: str) -> None:
    mark, _, said = OURS[item].partition(" ")
    words = LINK.sub("", said).strip(" ,.")
    assert mark in WORTH
    if mark == "○":
        assert words
    else:
        assert TESTS.search(said)
    if mark == "◐":
        assert words, "say what is missing"


def test_marks_of_the_others_are_known() -> None:
    assert {cell[0] for row in ROWS for cell in row[3:]} <= {*WORTH, "?", "–"}


@pytest.mark.parametrize("peer", PEERS)
def test_all_in_which_another_is_ahead_is_named(peer: str) -> None:
    column = 3 + PEERS.index(peer)
    ahead = {row[0] for row in ROWS if WORTH.get(row[column][0], -1) > WORTH[row[2][0]]}
    part = TEXT.partition("## Where they are ahead of us")[2]
    section = re.search(rf"^### {re.escape(peer)}$(.*?)(?=^### |\Z)", part, flags=re.M | re.S)
    assert section is not None
    assert set(re.findall(r"\b[A-E]\d+\b", section[1])) == ahead
    assert ahead


def test_each_thing_that_nobody_else_has_is_proved() -> None:
    part = TEXT.partition("## What none of the others has and we show")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| \d+.*$", part, flags=re.M)
    assert len(rows) > 5
    assert [row for row in rows if not TESTS.search(row)] == []
    named = [int(n) for n in re.findall(r"^\| (\d+)", part, flags=re.M)]
    named += [int(n) for n in re.findall(r"\((\d+)\)", part.rpartition("Not ours yet")[2])]
    assert sorted(named) == list(range(1, 19)), "the survey's list is told whole"
