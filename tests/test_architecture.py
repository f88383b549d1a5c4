"""The house holds by itself: layers, direction of foreign keys, guarded staff views, no writes in views, no forgotten base."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.apps import apps
from django.db import models
from django.urls import NoReverseMatch, URLPattern, URLResolver, get_resolver, reverse

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "madoguchi"
WEB = PACKAGE / "web"
ORDER = {
    "kit": 0,
    "contracts": 1,
    "privacy": 2,
    "audit": 3,
    "worklog": 4,
    "accounts": 5,
    "procedures": 10,
    "notices": 10,
    "callflow": 10,
    "staffing": 10,
    "worklists": 10,
    "booking": 20,
    "premises": 20,
    "photos": 20,
    "calls": 30,
    "reception": 30,
    "cards": 30,
    "survey": 30,
    "cases": 40,
    "incidents": 45,
    "reports": 50,
    "billing": 60,
    "obligations": 60,
    "papers": 70,
    "forecast": 60,
    "handover": 80,
}
"""Height of an app: a foreign key points to a lower one or stays inside its app; apps of one height are strangers."""
SERVES_BOTH = {"booking.Pool.procedures"}
WRITES = {
    "save", "create", "update", "delete", "bulk_create", "bulk_update", "get_or_create", "update_or_create", "aupdate", "acreate", "asave",
}  # fmt: skip
PARTIAL = re.compile(r"(^|/)(_|components/|forms/|partials/|snippets/|email/|messages/|fields/)")


def own_models() -> list[type[models.Model]]:
    return [m for m in apps.get_models(include_auto_created=True) if m.__module__.startswith("madoguchi.")]


def python_files(folder: Path) -> list[Path]:
    return sorted(p for p in folder.rglob("*.py") if "migrations" not in p.parts)


def test_import_contracts_hold() -> None:
    script = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([str(script), "--no-cache"], cwd=ROOT, text=True, capture_output=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_foreign_keys_point_down_and_have_no_way_back() -> None:
    wrong = []
    for model in own_models():
        for field in [*model._meta.local_fields, *model._meta.local_many_to_many]:
            if not field.is_relation:
                continue
            name = f"{model._meta.app_label}.{model.__name__}.{field.name}"
            here = model._meta.app_label
            there = field.related_model._meta.app_label  # type: ignore[union-attr]
            if there not in ORDER or here not in ORDER:
                wrong.append(f"{name}: the app {there if here in ORDER else here} has no place in ORDER")
            elif here != there and ORDER[there] >= ORDER[here]:
                wrong.append(f"{name}: points up or sideways to {there}")
            if field.remote_field.related_name != "+" and name not in SERVES_BOTH:  # type: ignore[union-attr]
                wrong.append(f'{name}: related_name="+" is missing')
    assert wrong == []


def calls(path: Path) -> Iterator[tuple[int, str, str]]:
    """Line, method and receiver's source of every method call in a file."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            yield node.lineno, node.func.attr, ast.unparse(node.func.value)


def test_views_never_write() -> None:
    harmless = re.compile(
        r"^(context|found|values|headers|response\.headers|data|initial|attrs|query|kwargs|self\.\w*attrs|flows|storage)$|dict|session|digest|segno"
    )
    wrong = [
        f"{path.relative_to(ROOT)}:{line} {receiver}.{method}()"
        for path in python_files(WEB)
        for line, method, receiver in calls(path)
        if method in WRITES and not harmless.search(receiver)
    ]
    assert wrong == []


def test_nobody_listens_to_post_save() -> None:
    pattern = re.compile(r"\b(post_save|pre_save|post_delete|pre_delete|m2m_changed)\b")
    wrong = [str(p.relative_to(ROOT)) for p in python_files(PACKAGE) if pattern.search(p.read_text())]
    assert wrong == []


def test_only_the_clock_reads_the_time() -> None:
    pattern = re.compile(r"\b(datetime\.now\(|dt\.datetime\.now\(|date\.today\(|timezone\.now\(|datetime\.utcnow\()")
    wrong = [
        f"{p.relative_to(ROOT)}: {m.group(0)}"
        for p in python_files(PACKAGE)
        if p != PACKAGE / "ground/kit/clock.py"
        for m in pattern.finditer(p.read_text())
    ]
    assert wrong == []


def staff_patterns(resolver: URLResolver | None = None, prefix: str = "") -> Iterator[tuple[str, URLPattern]]:
    for part in (resolver or get_resolver()).url_patterns:
        route = prefix + str(part.pattern)
        if isinstance(part, URLResolver):
            yield from staff_patterns(part, route)
        elif route.startswith("staff/<slug:contract>/"):
            yield route, part


@pytest.mark.req("SEC-01")
def test_every_staff_view_says_which_roles_may_enter() -> None:
    found = list(staff_patterns())
    assert found
    assert [route for route, pattern in found if not getattr(pattern.callback, "allowed_roles", None)] == []


def test_every_place_of_the_navigation_exists() -> None:
    from madoguchi.web.ui.navigation import NAVIGATION

    missing = []
    for _, places in NAVIGATION:
        for place in places:
            try:
                if place.route:
                    reverse(place.route, args=["hatsukaichi"])
            except NoReverseMatch:
                missing.append(place.route)
    assert missing == []


def templates() -> list[Path]:
    return sorted(p for p in WEB.rglob("templates/**/*") if p.suffix == ".html")


def test_every_page_extends_a_base() -> None:
    wrong = []
    for path in templates():
        name = path.relative_to(next(p for p in path.parents if p.name == "templates")).as_posix()
        first = path.read_text().lstrip()[:40]
        alone = name in ("ui/base.html", "ui/error.html", "counter/failure/pack.html")  # the pack also opens from a folder
        if not (alone or first.startswith("{% extends") or PARTIAL.search(name)):
            wrong.append(name)
    assert wrong == []


@pytest.mark.req("SEC-05")
def test_no_template_needs_more_than_the_strict_policy() -> None:
    wrong = []
    for path in templates():
        text = path.read_text()
        for what, pattern in (
            ("inline style", r"<[a-zA-Z][^>]*\sstyle\s*="),
            ("style element", r"<style\b"),
            ("inline handler", r"<[a-zA-Z][^>]*\son[a-z]+\s*="),
            ("inline script", r"<script(?![^>]*\b(?:src=|type=\"application/json\"))[^>]*>"),
            ("address of another host", r"(?:src|href|action)=\"(?:https?:)?//"),
        ):
            found = re.search(pattern, text)
            if found:
                wrong.append(f"{path.relative_to(ROOT)}: {what}: {found.group(0)[:60]}")
    assert wrong == []


@pytest.mark.req("CON-01")
def test_no_code_names_a_city() -> None:
    cities = re.compile(r"hatsukaichi|izunokuni|nagaoka|urasoe|\bizumi\b|廿日市|伊豆の国|長岡京|浦添|泉市|泉大津|和泉")
    demo = {"demo.py", "schema.py"}
    wrong = [
        f"{p.relative_to(ROOT)}: {m.group(0)}"
        for p in python_files(PACKAGE)
        if p.name not in demo and "demo" not in p.relative_to(PACKAGE).parts
        for m in cities.finditer(strip_comments(p.read_text()))
    ]
    assert wrong == []


def strip_comments(source: str) -> str:
    """The source without docstrings and comments: examples there may name a contract."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            node.value.value = ""
    return ast.unparse(tree)
