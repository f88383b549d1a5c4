"""Wording of notices: what is shipped, which placeholders exist, how a text is checked and filled.

A text is a subject and a body with placeholders such as ``{code}``. The shipped texts are ``texts/<language>.toml``. A
language without a shipped text is told in English and Japanese, one under the other.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

PLACEHOLDERS: dict[str, str] = {
    "city": "市の名前",
    "code": "予約番号",
    "when": "日時",
    "site": "場所",
    "people": "人数",
    "procedures": "手続き（日本語の正式名称つき、1行に1つ）",
    "bring": "持ち物（1行に1つ）",
    "link": "予約の確認・変更ページのURL",
    "phone": "問い合わせの電話番号",
    "hours": "電話の受付時間",
    "offer": "空いた早い日時（早い日時の案内だけ）",
    "until": "返事の期限（早い日時の案内だけ）",
    "reason": "受けられなくなった理由（臨時閉庁等のお知らせだけ）",
}
REQUIRED = ("code", "when")
FALLBACK = ("en", "ja")
SUBJECT_MAX = 120
BODY_MAX = 5000

_FOLDER = Path(__file__).parent / "texts"
_BRACES = re.compile(r"\{([^{}\n]*)\}|[{}]")


@dataclass(frozen=True, slots=True)
class Text:
    """A wording in one language."""

    language: str
    subject: str
    body: str
    edited: bool = False


@dataclass(frozen=True, slots=True)
class Problem:
    """Something wrong in a text: ``part`` is ``subject`` or ``body``, ``line`` counts from 1 (0: the whole part);
    ``message`` says what to do.
    """

    part: str
    line: int
    message: str


@cache
def _shipped(language: str) -> Mapping[str, Text]:
    path = _FOLDER / f"{language}.toml"
    if not path.exists():
        return {}
    found = tomllib.loads(path.read_text(encoding="utf-8"))
    return {kind: Text(language, text["subject"], text["body"].strip("\n") + "\n") for kind, text in found.items()}


def shipped(kind: str, language: str) -> Text | None:
    """The shipped wording, or None where the language has none yet."""
    return _shipped(language).get(kind)


def fallback(kind: str) -> list[Text]:
    """The wordings used together for a language without one."""
    return [text for language in FALLBACK if (text := shipped(kind, language))]


def check(subject: str, body: str) -> list[Problem]:
    """Everything wrong with a wording, in order: unknown placeholders, stray braces, missing reservation number or
    time.
    """
    problems = []
    for part, text in (("subject", subject), ("body", body)):
        for number, line in enumerate(text.splitlines() or [""], 1):
            for match in _BRACES.finditer(line):
                name = match[1]
                if name is None:
                    message = f"「{match[0]}」が片方だけあります。差し込みは {{code}} のように書きます。"
                    problems.append(Problem(part, number, message))
                elif name not in PLACEHOLDERS:
                    message = f"差し込み「{{{name}}}」はありません。使えるのは下の一覧にあるものだけです。"
                    problems.append(Problem(part, number, message))
    if not subject.strip():
        problems.append(Problem("subject", 1, "件名を入力してください。"))
    elif len(subject.splitlines()) > 1:
        problems.append(Problem("subject", 2, "件名は1行で入力してください。"))
    elif len(subject) > SUBJECT_MAX:
        problems.append(Problem("subject", 1, f"件名は{SUBJECT_MAX}文字までです。いまは{len(subject)}文字です。"))
    if len(body) > BODY_MAX:
        problems.append(Problem("body", 0, f"本文は{BODY_MAX}文字までです。いまは{len(body)}文字です。"))
    for name in REQUIRED:
        if f"{{{name}}}" not in body:
            message = f"本文に {{{name}}}（{PLACEHOLDERS[name]}）を入れてください。ないと予約を確かめられません。"
            problems.append(Problem("body", 0, message))
    return problems


def fill(text: Text, context: Mapping[str, str]) -> tuple[str, str]:
    """Subject (one line) and body with every placeholder filled; a line that holds only an empty placeholder is left
    out.

    Raises ``KeyError`` for a placeholder that ``context`` lacks: that is a mistake of the program, not of the city.
    """
    subject = " ".join(_fill(text.subject, context).split())
    lines = []
    for line in text.body.splitlines():
        filled = _fill(line, context)
        if filled or not line:
            lines.append(filled)
    return subject, re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip("\n") + "\n"


def _fill(text: str, context: Mapping[str, str]) -> str:
    return _BRACES.sub(lambda match: context[match[1]] if match[1] else match[0], text)


_SAMPLE_BRING = {
    "ja": "・交付通知書（はがき）\n・運転免許証などの本人確認書類",
    "ja-easy": "・はがき（交付通知書）\n・在留カードなど",
    "en": "- The notice postcard (交付通知書)\n- An identity document such as your residence card (在留カード)",
}
_SAMPLE_REASON = {"ja": "理由：台風のため", "ja-easy": "理由（りゆう）： 台風のため", "en": "Reason: 台風のため"}
_SAMPLE = {
    "ja": {
        "when": "令和8年7月1日(水) 10:00〜10:30",
        "people": "1人",
        "procedures": "・マイナンバーカードの受取り（交付）",
        "hours": "月曜日から金曜日 8:30〜17:00",
        "offer": "令和8年6月24日(水) 14:00",
        "until": "令和8年6月20日(土) 12:00",
    },
    "ja-easy": {
        "when": "2026年7月1日(水) 10:00〜10:30",
        "people": "1人",
        "procedures": "・マイナンバーカードを もらう［マイナンバーカードの受取り（交付）］",
        "hours": "月曜日から金曜日 8:30〜17:00",
        "offer": "2026年6月24日(水) 14:00",
        "until": "2026年6月20日(土) 12:00",
    },
    "en": {
        "when": "Wednesday, 1 July 2026, 10:00–10:30",
        "people": "1",
        "procedures": "- Pick up your card (マイナンバーカードの受取り（交付）)",
        "hours": "Monday to Friday 8:30–17:00",
        "offer": "Wednesday, 24 June 2026, 14:00",
        "until": "Saturday, 20 June 2026, 12:00",
    },
}


def sample(language: str, *, city: str, city_en: str, site: str, phone: str, link: str) -> dict[str, str]:
    """Made-up values for a preview in a language; nobody's data."""
    values = _SAMPLE.get(language, _SAMPLE["en"])
    return {
        **values,
        "city": city if language.startswith("ja") else f"{city_en} ({city})",
        "code": "K7M29QXT",
        "site": site,
        "bring": _SAMPLE_BRING.get(language, _SAMPLE_BRING["en"]),
        "link": link,
        "phone": phone,
        "reason": _SAMPLE_REASON.get(language, _SAMPLE_REASON["en"]),
    }
