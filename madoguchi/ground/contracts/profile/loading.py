"""Reading profiles from TOML; every problem is one line ``file: key.path: expected … (got …)``."""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from .checks import Problem, check
from .root import Profile


class ProfileError(Exception):
    """One or more profiles cannot be used; ``lines`` has one line per problem and ``str()`` joins them."""

    def __init__(self, lines: list[str]) -> None:
        super().__init__("\n".join(lines))
        self.lines = tuple(lines)


def load_profile(path: Path) -> Profile:
    """Read and check one profile. The file name without ``.toml`` must be its ``code``.

    Raises :class:`ProfileError` with one line per problem.
    """
    path = Path(path)
    try:
        text = path.read_bytes().decode("utf-8")
    except FileNotFoundError:
        raise ProfileError([f"{path.name}: file: expected a profile at {path} (got nothing)"]) from None
    except UnicodeDecodeError as error:
        raise ProfileError([f"{path.name}: byte {error.start}: expected UTF-8 text (got other bytes)"]) from None
    return parse_profile(text, name=path.name, code=path.stem)


def load_all(folder: Path) -> dict[str, Profile]:
    """All ``*.toml`` of a folder by code, in the order of their names. Raises :class:`ProfileError` for all at once."""
    profiles: dict[str, Profile] = {}
    lines: list[str] = []
    for path in sorted(Path(folder).glob("*.toml")):
        try:
            profiles[path.stem] = load_profile(path)
        except ProfileError as error:
            lines.extend(error.lines)
    if not profiles and not lines:
        lines.append(f"{folder}: expected at least one profile *.toml (got none)")
    if lines:
        raise ProfileError(lines)
    return profiles


@lru_cache(maxsize=32)
def parse_profile(text: str, *, name: str, code: str | None = None) -> Profile:
    """A profile from TOML ``text``; ``name`` stands in messages. Raises :class:`ProfileError`.

    The same text gives the same (immutable) profile, read once.
    """
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ProfileError([_syntax_line(name, text, str(error))]) from None
    try:
        profile = Profile.model_validate(data)
    except ValidationError as error:
        raise ProfileError([_line(name, _problem(details)) for details in _own_errors(error.errors())]) from None
    problems = check(profile)
    if code is not None and profile.code != code:
        problems.insert(0, Problem("code", f'"{code}" like the file name', f'"{profile.code}"'))
    if problems:
        raise ProfileError([_line(name, problem) for problem in problems])
    return profile


def _line(name: str, problem: Problem) -> str:
    return f"{name}: {problem.path}: expected {problem.expected} (got {problem.got})"


def _syntax_line(name: str, text: str, message: str) -> str:
    reason, _, place = message.partition(" (at ")
    line = place.removeprefix("line ").split(",")[0]
    if not line.isdigit():
        line = str(text.count("\n") + 1)
    got = text.splitlines()[int(line) - 1].strip() if 0 < int(line) <= len(text.splitlines()) else "the end of the file"
    return f"{name}:{line}: expected valid TOML, {reason} (got {_short(got)})"


def _short(text: str) -> str:
    return text if len(text) <= 60 else text[:57] + "…"


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return f'"{_short(value)}"'
    if isinstance(value, Mapping):
        return "a table"
    if isinstance(value, list | tuple):
        return "a list" if value else "an empty list"
    return _short(str(value))


def _path(location: tuple[int | str, ...]) -> str:
    path = ""
    for step in location:
        if step == "[key]":
            continue
        path += f"[{step}]" if isinstance(step, int) else f".{step}" if path else str(step)
    return path


_PLAIN = {
    "string_type": "text in quotes",
    "int_type": "a whole number without quotes",
    "int_from_float": "a whole number",
    "int_parsing": "a whole number",
    "float_type": "a number",
    "float_parsing": "a number",
    "bool_type": "true or false without quotes",
    "date_type": "a date without quotes such as 2026-04-01",
    "date_parsing": "a date without quotes such as 2026-04-01",
    "tuple_type": "a list [ … ]",
    "model_type": "a table",
    "model_attributes_type": "a table",
    "decimal_type": 'a decimal such as "0.10"',
    "decimal_parsing": 'a decimal such as "0.10"',
}


_PATTERNS = {
    r"^[a-z][a-z0-9_]*$": "a code of small letters, digits and _ that starts with a letter",
    r"^[ァ-ヴー]+$": "full-width katakana",
    r"^[0-9][0-9-]{8,14}[0-9]$": 'a phone number such as "0120-000-000"',
    r"^\d{3}-\d{4}$": 'a postal code such as "100-0001"',
    r"^https?://\S+$": "a URL that starts with https:// or http://",
    r"^[^@\s]+@[^@\s]+\.[^@\s]+$": "a mail address",
    r"^T\d{13}$": "T and 13 digits",
    r"^[0-9]?$": 'one key of a telephone, "0" to "9", or nothing',
    r"^[0-9]$": 'one key of a telephone, "0" to "9"',
    r"^\d{4}-(0[1-9]|1[0-2])$": 'a month such as "2027-03"',
}


def _own_errors(errors: list[ErrorDetails]) -> list[ErrorDetails]:
    """Without "list too short" of lists that are short only because an item in them is wrong."""
    places = [details["loc"] for details in errors]

    def echoes(details: ErrorDetails) -> bool:
        here = details["loc"]
        return details["type"] == "too_short" and any(len(p) > len(here) and p[: len(here)] == here for p in places)

    return [details for details in errors if not echoes(details)]


def _problem(details: ErrorDetails) -> Problem:
    kind, location, context = details["type"], details["loc"], details.get("ctx", {})
    path = _path(location)
    if kind == "missing":
        return Problem(path, "a value", "nothing")
    if kind == "extra_forbidden":
        known = _known_keys(location[:-1])
        close = difflib.get_close_matches(str(location[-1]), known, n=1)
        hint = f'; did you mean "{close[0]}"?' if close else ""
        return Problem(path, "a known key, one of " + ", ".join(known), f'"{location[-1]}"{hint}')
    return Problem(path, _expected(kind, context, details["msg"]), _shown(details["input"]))


def _expected(kind: str, context: Mapping[str, Any], message: str) -> str:
    if kind in _PLAIN:
        return _PLAIN[kind]
    if kind == "expected":
        return str(context["what"])
    if kind == "literal_error":
        return str(context["expected"]).replace("'", '"')
    if kind in ("greater_than_equal", "less_than_equal"):
        word, bound = ("at least", context["ge"]) if kind == "greater_than_equal" else ("at most", context["le"])
        return f"a number of {word} {bound:g}"
    if kind == "string_pattern_mismatch":
        pattern = str(context["pattern"])
        return _PATTERNS.get(pattern, f"text that matches {pattern}")
    if kind == "string_too_short":
        return "text that is not empty"
    if kind == "string_too_long":
        return f"text of at most {context['max_length']} characters"
    if kind == "too_short":
        return "a list that is not empty"
    return message[0].lower() + message[1:]


def _known_keys(location: tuple[int | str, ...]) -> list[str]:
    model: Any = Profile
    for step in location:
        if isinstance(step, str):
            model = _model_in(model.model_fields[step].annotation)
    return list(model.model_fields)


def _model_in(annotation: Any) -> Any:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for argument in get_args(annotation):
        found = _model_in(argument)
        if found is not None:
            return found
    return None
