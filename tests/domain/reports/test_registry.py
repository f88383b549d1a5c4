"""The registry is whole: every kind of fact that the domain writes is read by a measure, and no measure waits for a kind nobody writes.

Kinds are found in the source: whoever calls the worklog with a kind as a value must write it as a literal, or take it as an argument, in
which case its callers are looked at.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path

import pytest

from madoguchi.domain.reports.measures import DIMENSIONS, GROUPS, MEASURES, SHOWN
from madoguchi.domain.reports.rules import Percentile, Term

DOMAIN = Path(__file__).resolve().parents[3] / "madoguchi" / "domain"
KIND = re.compile(r"^[a-z_]+\.[a-z_*]+$")
DOORS = {"note", "fact", "correct"}
"""The functions of the worklog that write a fact of a kind they are given; the kind is their second argument."""


def modules() -> dict[Path, ast.Module]:
    return {path: ast.parse(path.read_text()) for path in sorted(DOMAIN.rglob("*.py")) if "reports" not in path.parts and "migrations" not in path.parts}


def doors_of(tree: ast.Module) -> set[str]:
    """What a module calls the worklog's functions: ``note``, ``note_fact``, ``worklog.note``."""
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module == "madoguchi.ground.worklog.services":
            names |= {one.asname or one.name for one in node.names if one.name in DOORS}
        if isinstance(node, ast.ImportFrom) and node.module == "madoguchi.ground.worklog":
            names |= {f"{one.asname or one.name}.{door}" for one in node.names for door in DOORS}
    return names


def calls(tree: ast.Module, names: set[str]) -> Iterator[tuple[ast.Call, ast.FunctionDef]]:
    for function in ast.walk(tree):
        if isinstance(function, ast.FunctionDef):
            for node in ast.walk(function):
                if isinstance(node, ast.Call) and ast.unparse(node.func) in names:
                    yield node, function


def literals(node: ast.expr) -> list[str] | None:
    """The kinds an expression can be; None when it is neither a literal, a choice of them, nor a text with a hole."""
    if isinstance(node, ast.Constant):
        return [str(node.value)]
    if isinstance(node, ast.IfExp):
        parts = [literals(node.body), literals(node.orelse)]
        return None if None in parts else [kind for part in parts for kind in part or []]
    if isinstance(node, ast.JoinedStr):
        return ["".join(str(one.value) if isinstance(one, ast.Constant) else "*" for one in node.values)]
    return None


def kinds_of(tree: ast.Module, call: ast.Call, function: ast.FunctionDef) -> list[str] | int:
    """The kinds of a call, or the place of the parameter that the surrounding function hands on."""
    if call.keywords and not call.args:
        made = [
            found for node in ast.walk(tree) if isinstance(node, ast.Dict) for key, value in zip(node.keys, node.values, strict=True)
            if isinstance(key, ast.Constant) and key.value == "kind" and (found := literals(value))
        ]  # fmt: skip
        return [kind for one in made for kind in one]
    kind = call.args[1]
    found = literals(kind)
    if found is not None:
        return found
    assert isinstance(kind, ast.Name), f"{function.name}: write the kind of the fact as a literal, not as {ast.unparse(kind)}"
    places = [one.arg for one in function.args.args]
    if kind.id in places:
        return places.index(kind.id)
    tables = [
        [str(value.value) for value in node.value.values if isinstance(value, ast.Constant)]
        for node in tree.body if isinstance(node, ast.Assign) and isinstance(node.value, ast.Dict)
    ]  # fmt: skip
    named = [kind for one in tables for kind in one if KIND.match(kind)]
    assert named, f"{function.name}: where does {kind.id} come from?"
    return named


def written() -> set[str]:
    """Every kind of fact that the domain writes, with ``*`` for what is known only at work."""
    trees, found = modules(), set()
    wrappers: dict[str, int] = {}
    for tree in trees.values():
        for call, function in calls(tree, doors_of(tree)):
            kinds = kinds_of(tree, call, function)
            if isinstance(kinds, int):
                wrappers[function.name] = kinds
            else:
                found |= set(kinds)
    for tree in trees.values():
        for call, function in calls(tree, set(wrappers)):
            place = wrappers[ast.unparse(call.func)]
            kinds = literals(call.args[place])
            assert kinds is not None, f"{function.name}: write the kind of the fact as a literal"
            found |= set(kinds)
    for path in DOMAIN.rglob("*.sql"):
        for statement in re.findall(r"insert into worklog_fact.*?;", path.read_text(), re.S):
            found |= set(re.findall(r"'([a-z]+\.[a-z_]+)'", statement))
    assert all(KIND.match(kind) for kind in found), found
    return found


def read() -> set[str]:
    return {kind for one in MEASURES.values() for term in (one.top, one.bottom) if term for kind in term.facts.kinds}


@pytest.mark.req("REP-02")
def test_every_kind_of_fact_is_read_by_a_measure() -> None:
    kinds = written()
    assert {"booking.created", "call.ended", "callback.ended", "case.ended", "card.issued", "worklist.*", "booking.external_*"} <= kinds
    unread = {kind for kind in kinds if not any(fnmatchcase(one, kind) or fnmatchcase(kind, one) for one in read())}
    assert unread == set(), "add a measure to madoguchi/domain/reports/measures.py for these kinds of fact"


@pytest.mark.req("REP-02")
def test_every_measure_reads_kinds_that_somebody_writes() -> None:
    kinds = written()
    assert {one for one in read() if not any(fnmatchcase(one, kind) for kind in kinds)} == set(), "nobody writes these kinds of fact"


def test_measures_can_be_read_by_people() -> None:
    for code, one in MEASURES.items():
        assert code == one.code
        assert one.words.endswith(("。", "）"))
        assert one.unit in ("件", "人", "枚", "個", "点", "秒", "%")
        assert one.group in GROUPS
        assert set(one.dimensions) <= set(DIMENSIONS)
        assert len(one.dimensions) == len(set(one.dimensions))
        assert not ("outcome" in one.by and "booked" in one.by)
    assert len({one.title for one in MEASURES.values()}) == len(MEASURES)
    assert set(SHOWN) == set(GROUPS)
    assert all(MEASURES[code].group == group for group, codes in SHOWN.items() for code in codes)


OF_OTHERS = {"survey_rate"}
"""Rates of two kinds of facts: behind them stand both, and no outcome may be left out of either."""


def test_a_share_is_a_part_of_what_it_is_divided_by() -> None:
    """So a rate never passes 100 % and has a value wherever its facts are."""
    for one in MEASURES.values():
        if isinstance(one.top, Percentile) or one.bottom is None:
            continue
        if one.code in OF_OTHERS:
            assert set(one.facts.kinds) == {*one.top.facts.kinds, *one.bottom.facts.kinds}
            assert not any((facts.outcomes, facts.without) != (frozenset(), frozenset()) for facts in (one.top.facts, one.bottom.facts))
            continue
        assert set(one.top.facts.kinds) <= set(one.bottom.facts.kinds)
        for outcome in one.top.facts.outcomes:
            assert one.bottom.facts.hold(one.top.facts.kinds[0], outcome)
        assert isinstance(one.top, Term)
