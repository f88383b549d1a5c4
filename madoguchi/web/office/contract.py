"""What was agreed with the city, readable: every key of the profile with its meaning; what the city has not confirmed is marked."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from pydantic import BaseModel

from madoguchi.domain.booking.queries.desk import FIELD_LABELS
from madoguchi.ground.accounts.access import EVERYONE, roles
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.contracts.profile import STANDARD_PROCEDURES, clock_text
from madoguchi.ground.kit import dates
from madoguchi.ground.kit.actors import CHANNEL_LABELS, Channel

_HEAD = re.compile(r"\s*(\[\[?)([a-z0-9_.]+)\]\]?\s*(#.*)?")
_KEY = re.compile(r"\s*([a-z0-9_]+)\s*=.*?(#[^\"]*)$")
WORDS = {
    **{str(key): label for key, label in CHANNEL_LABELS.items()},
    "mon": "月", "tue": "火", "wed": "水", "thu": "木", "fri": "金", "sat": "土", "sun": "日",
    "open": "開ける", "closed": "閉じる", "own": "本システム", "external": "市の予約サイト", "degraded": "一部停止",
    "warn": "警告", "block": "拒否", "allow": "許可", "agreed": "協議による", "monthly_fixed": "月額固定",
    "day_of_next_month": "翌月の指定日", "daily": "毎日", "yearly": "毎年", "at_once": "直ちに", "on_change": "その都度",
    "city": "市", "contractor": "受託者", "floor": "切り捨て", "round": "四捨五入", "ceil": "切り上げ", "month": "月",
    "contract": "契約", "sunday_after_third_saturday": "第3土曜日の翌日（日曜日）", "night": "夜間", "booking": "予約", "calls": "電話",
    "online": "オンライン窓口", "desk": "受付・案件", "cards": "カード管理", "knowledge": "FAQ・マニュアル",
    "workforce": "シフト・研修", "reports": "報告書", "billing": "請求", "equipment": "設備", "surveys": "アンケート",
    "before_service": "業務開始前", "before_change": "変更前", "end_of_term": "契約終了時", "return": "返還", "erase": "消去",
}  # fmt: skip


@lru_cache(maxsize=32)
def assumed(path: Path, stamp: float) -> frozenset[tuple[str, ...]]:
    """Keys of a profile file whose line says ``assumption``: the specification leaves them open, the city has not said.

    A path names tables and, for lists of tables, the position from 0: ``("hours", "1", "weekly", "0", "open")``. ``stamp`` is
    the time of the file's last change, so that an edited file is read again.
    """
    found: set[tuple[str, ...]] = set()
    counts: dict[tuple[str, ...], int] = {}
    table: tuple[str, ...] = ()
    for line in path.read_text(encoding="utf-8").splitlines():
        head = _HEAD.fullmatch(line)
        if head:
            table = _table(tuple(head[2].split(".")), head[1] == "[[", counts)
            if "assumption" in (head[3] or ""):
                found.add(table)
            continue
        key = _KEY.match(line)
        if key and "assumption" in key[2]:
            found.add((*table, key[1]))
    return frozenset(found)


def _table(parts: tuple[str, ...], many: bool, counts: dict[tuple[str, ...], int]) -> tuple[str, ...]:
    path: tuple[str, ...] = ()
    for depth, part in enumerate(parts):
        path = (*path, part)
        if many and depth == len(parts) - 1:
            counts[path] = counts.get(path, -1) + 1
            return (*path, str(counts[path]))
        if path in counts:
            path = (*path, str(counts[path]))
    return path


def tree(value: BaseModel, marked: frozenset[tuple[str, ...]], path: tuple[str, ...] = ()) -> list[dict[str, Any]]:
    """Rows of a model: ``label``, ``text`` or ``rows`` (a table inside) or ``entries`` (a list of tables), ``open`` for 要確認."""
    rows: list[dict[str, Any]] = []
    unconfirmed = {
        name.removesuffix("_confirmed")
        for name in type(value).model_fields
        if name.endswith("_confirmed") and not getattr(value, name)
    }
    for name, field in type(value).model_fields.items():
        if name.endswith("_confirmed"):
            continue
        inner, here = getattr(value, name), (*path, name)
        label = heading(field.description or name)
        row: dict[str, Any] = {"label": label, "key": ".".join(here), "open": here in marked or name in unconfirmed}
        if inner is None or inner == "" or inner == ():
            if not row["open"]:
                continue
            row["text"] = "（未定）"
        elif isinstance(inner, BaseModel):
            row["rows"] = tree(inner, marked, here)
        elif isinstance(inner, tuple) and inner and isinstance(inner[0], BaseModel):
            row["entries"] = [
                {
                    "title": title_of(item, n),
                    "open": (*here, str(n)) in marked,
                    "rows": tree(item, marked, (*here, str(n))),
                }
                for n, item in enumerate(inner)
            ]
        else:
            row["text"] = show(inner)
        rows.append(row)
    return rows


def heading(text: str) -> str:
    """The first sentence of a description; a bracket cut in two goes."""
    first = text.split("。")[0]
    return first if first.count("（") == first.count("）") else first[: first.rindex("（")]


def title_of(item: BaseModel, number: int) -> str:
    """A heading for one of a list: its title, name, label or code, else its channels or its number."""
    for name in ("title", "name", "label", "code"):
        value = getattr(item, name, None)
        if isinstance(value, str) and value:
            return FIELD_LABELS.get(value, WORDS.get(value, value))
    channels = getattr(item, "channels", None)
    return "・".join(WORDS.get(str(c), str(c)) for c in channels) if channels else f"{number + 1}"


def show(value: Any) -> str:
    """A value for people: dates in the era, times, はい／いいえ, lists with ・."""
    if isinstance(value, bool):
        return "はい" if value else "いいえ"
    if isinstance(value, dt.date):
        return dates.show(value)
    if isinstance(value, dt.time):
        return clock_text(value)
    if isinstance(value, tuple) and len(value) == 2 and all(isinstance(v, dt.time) for v in value):
        return f"{show(value[0])}〜{show(value[1])}"
    if isinstance(value, tuple | list | frozenset):
        return "・".join(show(v) for v in value) or "なし"
    if isinstance(value, Mapping):
        return "、".join(f"{show(k)}：{show(v)}" for k, v in value.items())
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, Channel):
        return CHANNEL_LABELS[value]
    names = {**dict(settings.LANGUAGES), **STANDARD_PROCEDURES, **WORDS}
    return names.get(str(value), str(value))


def count_open(rows: list[dict[str, Any]]) -> int:
    """How many values the city has not confirmed yet."""
    total = 0
    for row in rows:
        total += bool(row["open"]) + count_open(row.get("rows", []))
        total += sum(bool(item["open"]) + count_open(item["rows"]) for item in row.get("entries", []))
    return total


@roles(EVERYONE)
def contract(request: HttpRequest, contract: Contract) -> HttpResponse:
    """The whole profile as sections."""
    path = Path(settings.PROFILES_DIR) / f"{contract.code}.toml"
    marked = assumed(path, path.stat().st_mtime) if path.exists() else frozenset()
    rows = tree(contract.profile, marked)
    plain = [row for row in rows if "text" in row]
    sections = [row | {"count": count_open([row])} for row in rows if "text" not in row]
    context = {"plain": plain, "sections": sections, "open_count": count_open(rows)}
    return render(request, "office/contract/contract.html", context)
