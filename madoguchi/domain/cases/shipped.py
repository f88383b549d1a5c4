"""The shipped flows: one file per kind of procedure in ``flows/``, checked when they are first read."""

from __future__ import annotations

import tomllib
from functools import lru_cache
from pathlib import Path
from typing import Any, get_args

from pydantic import ValidationError

from .rules import Decision, Flow, lint

FOLDER = Path(__file__).parent / "flows"
CITY_DECIDES: tuple[Decision, ...] = get_args(Decision)


class FlowError(ValueError):
    """A flow file is wrong; ``lines`` says file, step and reason, one line each."""

    def __init__(self, lines: list[str]) -> None:
        super().__init__("\n".join(lines))
        self.lines = tuple(lines)


def read(text: str, name: str) -> Flow:
    """A flow from TOML. ``name`` is the file's, and its stem the flow's code. Raises :class:`FlowError`."""
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as wrong:
        raise FlowError([f"{name}: {wrong}"]) from None
    try:
        flow = Flow.model_validate(data)
    except ValidationError as wrong:
        raise FlowError([f"{name}: {_place(data, one['loc'])}{one['msg']}" for one in wrong.errors()]) from None
    lines = [f"{name}: {fault}" for fault in lint(flow, CITY_DECIDES)]
    if flow.code != Path(name).stem:
        lines.insert(0, f'{name}: code must be "{Path(name).stem}" like the file')
    if lines:
        raise FlowError(lines)
    return flow


def _place(data: dict[str, Any], loc: tuple[int | str, ...]) -> str:
    """``step "x": ways[0].to: `` of a place in the file."""
    rest, step = list(loc), ""
    if len(rest) > 1 and rest[0] == "steps" and isinstance(rest[1], int):
        found = data["steps"][rest[1]]
        step = f'step "{found.get("code", rest[1]) if isinstance(found, dict) else rest[1]}": '
        rest = rest[2:]
    path = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in rest).lstrip(".")
    return f"{step}{path}: " if path else step


@lru_cache(maxsize=1)
def shipped_flows() -> dict[str, Flow]:
    """All shipped flows by code, in the order of their files' names. Raises :class:`FlowError` for all that are wrong at once."""
    flows: dict[str, Flow] = {}
    lines: list[str] = []
    for path in sorted(FOLDER.glob("*.toml")):
        try:
            flows[path.stem] = read(path.read_text(encoding="utf-8"), path.name)
        except FlowError as wrong:
            lines += wrong.lines
    if lines:
        raise FlowError(lines)
    return flows
