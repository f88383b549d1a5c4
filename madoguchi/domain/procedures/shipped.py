"""The shipped tables as values: what to bring, and which procedure. Files: ``tables/*.toml``."""

from __future__ import annotations

import tomllib
from functools import lru_cache
from pathlib import Path
from typing import Any

from .enums import Kind, Situation, Who
from .rules.bring import OLDEST, Row
from .rules.triage import Outcome, Question, Tree

FOLDER = Path(__file__).parent / "tables"
LANGUAGES = ("ja", "ja-easy", "en", "zh-hans", "ko", "vi", "pt", "fil", "ne", "es")
_KEYS = {"code", "procedure", "who", "age", "kind", "when", "unless", "becomes", "text", "source"}


class TableError(ValueError):
    """A shipped table is wrong: file, row and reason."""


@lru_cache(maxsize=1)
def shipped_rows() -> tuple[Row, ...]:
    """The table of what to bring, in order, with texts in every language there is. Raises ``TableError``."""
    texts = {language: _read(f"bring.{language}.toml") for language in LANGUAGES}
    rows = []
    for position, raw in enumerate(_read("bring.toml")["rule"]):
        code = raw.get("code", f"rule {position + 1}")
        if unknown := set(raw) - _KEYS:
            raise TableError(f"bring.toml: {code}: unknown key {', '.join(sorted(unknown))}")
        wording = raw.get("text", code)
        if wording not in texts["ja"]:
            raise TableError(f"bring.ja.toml: {wording}: missing, {code} needs it")
        try:
            low, high = raw.get("age", [0, OLDEST])
            rows.append(
                Row(
                    code=code,
                    kind=Kind(raw["kind"]),
                    procedure=raw.get("procedure", ""),
                    who=frozenset(Who(one) for one in raw.get("who", [])),
                    ages=(low, high),
                    when=frozenset(Situation(one) for one in raw.get("when", [])),
                    unless=frozenset(Situation(one) for one in raw.get("unless", [])),
                    becomes=Who(raw["becomes"]) if "becomes" in raw else None,
                    position=position,
                    texts=tuple((language, texts[language][wording]) for language in sorted(LANGUAGES) if wording in texts[language]),
                    source=raw["source"],
                )
            )
        except (KeyError, ValueError) as wrong:
            raise TableError(f"bring.toml: {code}: {wrong}") from wrong
    return tuple(rows)


@lru_cache(maxsize=1)
def triage_tree() -> Tree:
    """The questions. Raises ``TableError``."""
    raw = _read("triage.toml")
    try:
        return Tree(
            start=raw["start"],
            questions={
                code: Question(code, tuple((option, to) for option, to in one["options"]))
                for code, one in raw["question"].items()
            },
            outcomes={
                code: Outcome(
                    code,
                    procedures=tuple(one.get("procedures", ())),
                    situations=tuple(Situation(s) for s in one.get("situations", ())),
                    who=Who(one["who"]) if "who" in one else None,
                    first=tuple(one.get("first", ())),
                    elsewhere=one.get("elsewhere", ""),
                )
                for code, one in raw["outcome"].items()
            },
        )
    except (KeyError, ValueError) as wrong:
        raise TableError(f"triage.toml: {wrong}") from wrong


def triage_text(section: str, key: str, language: str) -> str:
    """Wording of a question, option or text of the triage; Japanese where the language has none."""
    return _triage(language).get(section, {}).get(key) or _triage("ja")[section][key]


@lru_cache(maxsize=16)
def _triage(language: str) -> dict[str, dict[str, str]]:
    return _read(f"triage.{language}.toml")


def _read(name: str) -> dict[str, Any]:
    path = FOLDER / name
    if not path.exists():
        return {}
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as wrong:
        raise TableError(f"{name}: {wrong}") from wrong
