"""The documentation is true: everything that must be described is, links lead somewhere, generated pages are fresh."""

from __future__ import annotations

import argparse
import re
import tomllib
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from config import env, env_docs
from madoguchi.cli import parser
from madoguchi.ground.contracts.profile import Profile
from madoguchi.ground.contracts.profile.booking import STANDARD_PROCEDURES

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"
PAGES = sorted([*ROOT.glob("*.md"), *DOCS.rglob("*.md")])
DECISIONS = sorted((DOCS / "decisions").glob("[0-9]*.md"))
NAMES = [str(page.relative_to(ROOT)) for page in PAGES]


def text_of(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def without_code(text: str) -> str:
    return re.sub(r"```.*?```", "", text, flags=re.S)


def headings(text: str) -> list[str]:
    return re.findall(r"^(#+) ", without_code(text), flags=re.M)


def anchors(text: str) -> set[str]:
    titles = re.findall(r"^#+ +(.+?) *$", without_code(text), flags=re.M)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_links_resolve(page: Path) -> None:
    dead = []
    for target in re.findall(r"\]\(([^)\s]+)\)", without_code(text_of(page))):
        if re.match(r"https?://|mailto:", target):
            continue
        path, _, anchor = target.partition("#")
        file = (page.parent / path).resolve() if path else page
        if not file.exists() or (anchor and file.suffix == ".md" and anchor not in anchors(text_of(file))):
            dead.append(target)
    assert dead == []


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_every_page_has_one_title_and_no_skipped_level(page: Path) -> None:
    levels = [len(mark) for mark in headings(text_of(page))]
    assert levels.count(1) == 1
    assert levels[0] == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))


def test_every_page_is_reached_from_the_readme() -> None:
    seen: set[Path] = set()
    waiting = [ROOT / "README.md"]
    while waiting:
        page = waiting.pop()
        if page in seen or page.suffix != ".md" or not page.exists():
            continue
        seen.add(page)
        targets = re.findall(r"\]\(([^)\s#]+)", without_code(text_of(page)))
        waiting += [(page.parent / target).resolve() for target in targets if "://" not in target]
    missing = sorted(str(page.relative_to(ROOT)) for page in DOCS.rglob("*.md") if page not in seen)
    assert missing == [], "link these from README.md and README.ja.md, or from the README.md of their folder"


def test_the_readmes_are_a_pair() -> None:
    english, japanese = text_of(ROOT / "README.md"), text_of(ROOT / "README.ja.md")
    assert headings(english) == headings(japanese)
    assert re.findall(r"\]\(([^)]+)\)", english) == re.findall(r"\]\(([^)]+)\)", japanese)
    commands = re.compile(r"`((?:make|\.venv/bin/madoguchi) [\w-]+)")
    assert commands.findall(english) == commands.findall(japanese)


def test_the_page_of_environment_variables_is_fresh() -> None:
    assert text_of(DOCS / "operations" / "environment.md") == env_docs.render()


def test_every_variable_the_program_reads_is_listed() -> None:
    read = re.compile(
        r"""\b(?:env\.(?:get|path)\(|os\.environ(?:\.get\(|\.setdefault\(|\[)|os\.getenv\()["']([A-Z_]+)["']"""
    )
    sources = [*(ROOT / "madoguchi").rglob("*.py"), *(ROOT / "config").rglob("*.py")]
    found = {name for source in sources for name in read.findall(text_of(source))}
    ours = {name for name in found if name not in ("DJANGO_SETTINGS_MODULE", "PATH", "HOME")}
    assert ours - set(env.VARIABLES) == set()


def verbs(top: argparse.ArgumentParser, path: str = "madoguchi") -> Iterator[tuple[str, argparse.ArgumentParser]]:
    """Every verb of the command line that does something, by its full name."""
    nested = [action for action in top._actions if isinstance(action, argparse._SubParsersAction)]
    if not nested:
        yield path, top
    for action in nested:
        for name, below in action.choices.items():
            yield from verbs(below, f"{path} {name}")


COMMANDS = dict(verbs(parser()))


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_is_in_the_operations_page(command: str) -> None:
    assert re.search(rf"`{re.escape(command)}[` ]", text_of(DOCS / "operations" / "README.md"))


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_pages_name_only_commands_that_exist(page: Path) -> None:
    known = {tuple(command.split()[1:]) for command in COMMANDS}
    starts = {verb[:1] for verb in known} | known
    wrong = []
    for line in re.findall(
        r"(?:^|[`/ ])madoguchi ((?:[a-z][a-z-]*)(?: [a-z][a-z-]*)?)(?=[`\s]|$)", text_of(page), flags=re.M
    ):
        said = tuple(line.split())
        if said[0] in ("madoguchi", "owner", "set", "login"):
            continue
        if said[:1] not in starts:
            wrong.append(line)
    assert wrong == []


def test_make_targets_that_pages_name_exist() -> None:
    targets = set(re.findall(r"^([a-z][a-z-]*):", text_of(ROOT / "Makefile"), flags=re.M))
    named = {name for page in PAGES for name in re.findall(r"`(?:PORT=\d+ )?make ([a-z-]+)`", text_of(page))}
    assert named - targets == set()


@pytest.mark.parametrize("section", Profile.model_fields)
def test_every_section_of_a_profile_is_described(section: str) -> None:
    assert re.search(rf"^\| `{section}` \|", text_of(DOCS / "profiles.md"), flags=re.M)


def test_decisions_are_numbered_listed_and_half_a_page() -> None:
    index = text_of(DOCS / "decisions" / "README.md")
    assert [int(page.name[:4]) for page in DECISIONS] == list(range(1, len(DECISIONS) + 1))
    assert re.findall(r"\((\d{4}-[a-z-]+\.md)\)", index) == [page.name for page in DECISIONS]
    for page in DECISIONS:
        text = text_of(page)
        assert text.startswith(f"# {page.name[:4]} ")
        assert text.splitlines()[0][len("# 0000 ") :] in index
        for part in ("**Context.**", "**Decision.**", "**Figures.**", "**Turned down.**"):
            assert part in text, f"{page.name}: {part}"
        assert len(text.split()) <= 420, page.name


def test_the_glossary_speaks_of_what_the_code_knows() -> None:
    sources = [
        *(ROOT / "madoguchi").rglob("*.py"),
        *(ROOT / "madoguchi").rglob("*.sql"),
        *(ROOT / "config").rglob("*.py"),
        *(ROOT / "profiles").glob("*.toml"),
    ]
    words = {word for source in sources for word in re.findall(r"\w+", text_of(source))}
    rows = re.findall(r"^\| ([^|]+) \| ([^|]+) \| ([^|]+) \|$", text_of(DOCS / "glossary.md"), flags=re.M)
    terms = [row for row in rows if row[0] not in ("日本語", "---")]
    named = [name for _, cell, text in terms for name in re.findall(r"`(\w+)`", f"{cell} {text}")]
    assert len(terms) > 60
    assert sorted(set(named) - words) == []
    assert set(STANDARD_PROCEDURES) - {"other"} <= set(named)
    japanese = [term for term, _, _ in terms]
    assert len(set(japanese)) == len(japanese)
    assert all(text.endswith(".") for _, _, text in terms)


def test_the_readme_names_the_contracts_that_exist() -> None:
    codes = {path.stem for path in (ROOT / "profiles").glob("*.toml")}
    named = set(re.findall(r"`(izunokuni|hatsukaichi|izumi|nagaoka|urasoe)`", text_of(ROOT / "README.md")))
    assert named == codes


def test_licence_and_version_are_said_once() -> None:
    project = tomllib.loads(text_of(ROOT / "pyproject.toml"))["project"]
    assert project["license"] == "Apache-2.0"
    assert "Apache License" in text_of(ROOT / "LICENSE")[:200]
    assert f"## {project['version']} " in text_of(ROOT / "CHANGELOG.md")


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_pages_leave_nothing_open(page: Path) -> None:
    assert not re.search(r"\b(TODO|FIXME|TBD|XXX)\b", text_of(page))


def test_no_trace_of_an_unfinished_merge_is_left() -> None:
    pages = [*ROOT.glob("*.md"), *DOCS.rglob("*.md"), *(ROOT / "profiles").glob("*.toml")]
    assert [page.name for page in pages if re.search(r"^(<<<<<<<|>>>>>>>) ", text_of(page), flags=re.M)] == []
