"""The reference of profile keys, ``docs/profiles.md``, written from the models' JSON schema.

``python -m madoguchi.ground.contracts.profile_docs`` prints it.
"""

from __future__ import annotations

import json
import sys
from typing import Any

from .profile import CHANNELS, LANGUAGES, STANDARD_FIELDS, STANDARD_PROCEDURES, Profile

_HEAD = """# Contract profiles: all keys

This page is written by `python -m madoguchi.ground.contracts.profile_docs > docs/profiles.md`; a test keeps it fresh.
How to add a contract: [howto/add-a-contract.md](howto/add-a-contract.md).

A profile is `profiles/<code>.toml`. Dates are TOML dates without quotes (`2026-04-01`); times are `"HH:MM"`, spans
`"HH:MM-HH:MM"`, and the end of a day is `24:00`. A list of tables is written as `[[name]]`. Unknown keys are errors.
Check a file with `madoguchi profile check profiles/<code>.toml`.
"""


def render_profile_docs() -> str:
    """The whole page as Markdown: one table of keys per model, in the order of the profile, each model once."""
    schema = Profile.model_json_schema()
    models = schema["$defs"]
    places: dict[str, list[str]] = {}

    def visit(place: str, properties: dict[str, Any]) -> None:
        for key, value in properties.items():
            name, many = _model_of(value)
            if name is None:
                continue
            here = f"{place}.{key}" if place else key
            places.setdefault(name, []).append(f"`[[{here}]]`" if many else f"`[{here}]`")
            visit(here, models[name]["properties"])

    visit("", schema["properties"])
    tables = [_table(name, models[name], where) for name, where in places.items()]
    return "\n".join([_HEAD, _lists(), _table("Profile", schema, []), *tables])


def _lists() -> str:
    procedures = "\n".join(f"| `{code}` | {name} |" for code, name in STANDARD_PROCEDURES.items())
    return (
        f"Channels: {_codes(CHANNELS)}. Languages: {_codes(LANGUAGES)}. Input fields: {_codes(STANDARD_FIELDS)}; "
        f"a field of the city's own starts with `x_`.\n\n| Standard procedure | 名称 |\n| --- | --- |\n{procedures}\n"
    )


def _codes(values: tuple[str, ...]) -> str:
    return ", ".join(f"`{value}`" for value in values)


def _table(name: str, schema: dict[str, Any], places: list[str]) -> str:
    required = schema.get("required", [])
    rows = []
    for key, value in schema["properties"].items():
        default = "**必須**" if key in required else _default(value)
        rows.append(f"| `{key}` | {_type(value)} | {default} | {_cell(value['description'])} |")
    title = f"## {name}\n\n{', '.join(places)}" if places else f"## {name}"
    return f"{title}\n\n| Key | Type | Default | 説明 |\n| --- | --- | --- | --- |\n" + "\n".join(rows) + "\n"


def _model_of(value: dict[str, Any]) -> tuple[str | None, bool]:
    if "$ref" in value:
        return value["$ref"].rsplit("/", 1)[1], False
    if value.get("type") == "array":
        return _model_of(value["items"])[0], True
    for option in (*value.get("anyOf", ()), *value.get("allOf", ())):
        found = _model_of(option)
        if found[0]:
            return found
    return None, False


def _type(value: dict[str, Any]) -> str:
    name, many = _model_of(value)
    if name:
        return f"list of [{name}](#{_anchor(name)})" if many else f"[{name}](#{_anchor(name)})"
    options = [option for option in value.get("anyOf", ()) if option.get("type") != "null"]
    if options:
        return _type(options[0])
    if "enum" in value:
        return " \\| ".join(f"`{item}`" for item in value["enum"])
    if "const" in value:
        return f"`{value['const']}`"
    if value.get("type") == "array":
        return f"list of {_type(value['items'])}"
    kind = str(value["type"])
    if kind == "object":
        codes = value.get("patternProperties")
        of, held = ("code", next(iter(codes.values()))) if codes else ("language", value["additionalProperties"])
        return f"table of {of} → {_type(held)}"
    word = value.get("format") or {"integer": "whole number", "boolean": "true / false"}.get(kind, kind)
    return f"{word}{_bounds(value)}"


def _bounds(value: dict[str, Any]) -> str:
    low, high = value.get("minimum"), value.get("maximum")
    if low is not None and high is not None:
        return f" {low:g}–{high:g}"
    if low is not None:
        return f" ≥ {low:g}"
    return ""


def _anchor(name: str) -> str:
    return name.lower()


def _default(value: dict[str, Any]) -> str:
    default = value.get("default")
    if default is None or default in ([], {}):
        return "—"
    if _model_of(value)[0]:
        return "その表の既定値"
    return f"`{json.dumps(default, ensure_ascii=False)}`"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    sys.stdout.write(render_profile_docs())
