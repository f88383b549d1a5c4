"""Wording of announcements: what is shipped, which placeholders exist, how a text is checked and filled. Pure."""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Literal, NamedTuple, get_args

from madoguchi.ground.contracts.profile import Profile
from madoguchi.voice.flow import PromptName

from . import spoken

PROMPTS: tuple[str, ...] = get_args(PromptName)
LABELS = {
    "greeting": "名乗り",
    "menu": "メニュー",
    "closed": "時間外",
    "holiday": "祝日",
    "year_end": "年末年始",
    "full": "混み合っているとき",
    "position": "待っている間",
    "callback": "つなげないとき",
    "number": "番号をうかがうとき",
    "number_confirm": "番号を確かめるとき",
    "number_wrong": "番号を受けられないとき",
    "callback_done": "折り返しを受けたとき",
    "web_hint": "Web予約の案内",
    "connect": "つなぐとき",
    "hold": "保留中",
}
WHEN = {
    "greeting": "受付時間に電話がつながってすぐ",
    "menu": "名乗りの次（メニューのある契約だけ）",
    "closed": "受付時間のほか",
    "holiday": "祝日",
    "year_end": "年末年始",
    "full": "オペレーターがみな通話中で、待ち始めたとき",
    "position": "待っている間、ときどき",
    "callback": "待ち時間の上限を過ぎたとき、待ちの人数が上限のとき",
    "number": "番号の通知がない方が、折り返しのキーを押した後",
    "number_confirm": "押された番号を一桁ずつ読み上げた後（1で決まり、ほかのキーで入れ直し）",
    "number_wrong": "押された番号が、かけられる電話番号でないとき",
    "callback_done": "折り返しのキーが押された後",
    "web_hint": "つなげないとき、時間外の案内の後",
    "connect": "オペレーターが電話に出る直前",
    "hold": "オペレーターが保留にしている間、繰り返し",
}
PLACEHOLDERS = {
    "city": "市の名称",
    "name": "名乗る名称",
    "hours": "電話の受付時間（開設時間から自動で作る）",
    "closures": "祝日・年末年始の休みの一文（自動）",
    "year_end": "年末年始の休みの期間（自動）",
    "menu": "メニューのキーの読み上げ（自動）",
    "callback": "折り返しのキーの案内の一文（折り返しを受けない契約では空）",
    "web": "Web予約のページの言い方",
}
DIGITS = {
    "ja": ("ゼロ", "イチ", "ニー", "サン", "ヨン", "ゴー", "ロク", "ナナ", "ハチ", "キュウ"),
    "en": ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"),
}
"""How 0 to 9 are read back, by language."""
NEEDED = {"closed": "hours", "menu": "menu"}
"""Placeholders that a prompt should have, else its words can differ from what is so."""

_BRACES = re.compile(r"\{([^{}\n]*)\}|[{}]")
_TYPED_HOURS = re.compile(
    r"(?:[0-9０-９]{1,2}|[一二三四五六七八九十]{1,3})\s*時(?!間)|[0-9０-９]{1,2}[:：][0-9０-９]{2}|\b\d{1,2}\s*[ap]\.?m\b", re.I
)
_FOLDER = Path(__file__).parent / "texts"


class Remark(NamedTuple):
    """Something a reader should know: ``error`` stops the publishing, a warning does not. ``place`` is a file or page, with its key."""

    error: bool
    place: str
    key: str
    reason: str


@cache
def _shipped(language: str) -> Mapping[str, str]:
    path = _FOLDER / f"{language}.toml"
    return tomllib.loads(path.read_text(encoding="utf-8")) if path.exists() else {}


def shipped(prompt: str, language: str) -> str:
    """The wording that comes with the program; empty where the language has none."""
    return _shipped(language).get(prompt, "")


def mistakes(text: str) -> list[str]:
    """Why a text cannot be spoken: unknown placeholders, stray braces. One Japanese sentence each."""
    found = []
    for match in _BRACES.finditer(text):
        if match[1] is None:
            found.append(f"「{match[0]}」が片方だけあります。差し込みは {{hours}} のように書きます。")
        elif match[1] not in PLACEHOLDERS:
            found.append(f"差し込み「{{{match[1]}}}」はありません。使えるのは一覧にあるものだけです。")
    return found


def types_hours(text: str) -> bool:
    """True when a clock time is written by hand: it would stay when the hours change."""
    return bool(_TYPED_HOURS.search(_BRACES.sub("", text)))


def fill(text: str, values: Mapping[str, str]) -> str:
    """The words that are spoken. Raises ``KeyError`` for a placeholder that ``values`` lacks."""
    return " ".join(_BRACES.sub(lambda match: values[match[1]] if match[1] else match[0], text).split())


def values(profile: Profile, language: str) -> dict[str, str]:
    """What stands for each placeholder in a language. Raises ``ValueError`` where the contract has no telephone."""
    telephone = profile.telephone
    if telephone is None:
        raise ValueError(f"{profile.code} has no telephone")
    english = language == "en"
    city = profile.city.name_en if english else profile.city.name
    line = profile.channels.phone.label if profile.channels.phone else ""
    name = f"the My Number Card desk of {city}" if english else f"{city}、{line}"
    web = f"the website of {city}" if english else f"{city}のホームページ"
    key = telephone.queues[0].callback_key
    callback = f"If you would like us to call you back, press {key}." if english else f"折り返しの電話をご希望の方は、{key}を押してください。"
    return {
        "city": city,
        "name": telephone.names.get(language, name),  # type: ignore[call-overload]
        "hours": spoken.hours(profile, language),
        "closures": spoken.closures(profile, language),
        "year_end": spoken.year_end(profile, language),
        "menu": keys(profile, language),
        "callback": callback if key else "",
        "web": telephone.web.get(language, web),  # type: ignore[call-overload]
    }


def keys(profile: Profile, language: str) -> str:
    """The keys of the menu in a language, without those that change the language: these are said in their own (:func:`invitation`)."""
    assert profile.telephone is not None
    chosen = [(item.said(language), item.key) for item in profile.telephone.menu if item.language in (None, language)]
    if not chosen:
        return ""
    if language == "en":
        return " ".join(f"For {label}, press {key}." for label, key in chosen)
    return "、".join(f"{label}は{key}を" for label, key in chosen) + "、押してください。"


def invitation(label: str, key: str, language: str) -> str:
    """What offers a key that changes the language, said in that language."""
    return f"For {label}, press {key}." if language == "en" else f"{label}は{key}を押してください。"


Kind = Literal["speech", "recording", "none"]


def difference(before: str, after: str) -> list[tuple[Literal["same", "gone", "new"], str]]:
    """What became of a text, piece by piece."""
    found: list[tuple[Literal["same", "gone", "new"], str]] = []
    for kind, a, b, c, d in difflib.SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if kind == "equal":
            found.append(("same", before[a:b]))
            continue
        if a < b:
            found.append(("gone", before[a:b]))
        if c < d:
            found.append(("new", after[c:d]))
    return found
