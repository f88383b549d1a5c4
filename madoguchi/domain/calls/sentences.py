"""A call in plain Japanese: what happened step by step, and what a caller whom nobody answered heard. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from madoguchi.ground.contracts.profile import Profile

from .enums import Outcome, Topic

STATES = {"open": "受付時間内", "closed": "受付時間外", "holiday": "休日", "year_end": "年末年始"}
_NOT_ANSWERED = {"timeout": "時間内に出なかった", "declined": "取らなかった", "gone": "接続が切れていた"}
_OVERFLOWED = {"queue_full": "待っている方が多すぎたため", "max_wait": "待ち時間が上限に達したため", "no_operator": "受けられるオペレーターがいなかったため",
               "capacity": "回線がいっぱいだったため", "no_number": "電話番号を確かめられなかったため",
               "no_flow": "電話の案内のファイルがなかったため"}  # fmt: skip
_ENDED_BY = {"caller": "相手が電話を切った。", "operator": "オペレーターが電話を切った。", "system": "案内を終えて、システムが電話を切った。"}
_HEARD = {
    Outcome.ABANDONED: "待っている間に切れた",
    Outcome.ABANDONED_MENU: "案内の途中で切れた",
    Outcome.CALLBACK: "折り返しを希望した",
    Outcome.LOST: "システム障害で記録が途切れた",
}


def menu_labels(profile: Profile) -> dict[str, str]:
    """Names of the menu's choices by code, as callers hear them in Japanese; empty without telephone work."""
    return {key.code: key.label for key in profile.telephone.menu} if profile.telephone else {}


def choice_label(code: str, labels: Mapping[str, str]) -> str:
    """A choice in words: as the menu of today says it, or as a topic of that name; other codes, of a menu long gone, stay as they are."""
    return labels.get(code) or (str(Topic(code).label) if code in Topic.values else code)


def event_sentence(kind: str, data: Mapping[str, Any], agent: str, queue: str, names: Mapping[str, str], labels: Mapping[str, str]) -> str:
    """One event as a sentence. ``names`` gives people for agents (``user:12``), ``labels`` the menu's choices; others are shown as they are called."""
    who = names.get(agent, agent) or "オペレーター"
    why = str(data.get("why") or "")
    match kind:
        case "offered" if data.get("callback"):
            return "オペレーターが折り返しの電話をかけた。"
        case "offered":
            return f"電話がかかってきた（{STATES.get(str(data.get('state') or 'open'), '受付時間内')}）。"
        case "announced":
            return "案内を流した。"
        case "menu":
            return _menu(data, labels)
        case "queued":
            return f"待ち始めた（{queue}）。" if queue and queue != "main" else "待ち始めた。"
        case "ringing":
            return f"{who}を呼び出した。"
        case "not_answered":
            return f"{who}は{_NOT_ANSWERED.get(why, '出なかった')}。"
        case "answered":
            return f"{who}が応答した。"
        case "held":
            return f"{who}が保留にした。"
        case "resumed":
            return f"{who}が通話に戻った。"
        case "abandoned":
            return "人が応答する前に、相手が電話を切った。"
        case "overflowed":
            return f"{_OVERFLOWED.get(why, '応答できなかったため')}、自動応答を流した。"
        case "callback_requested":
            return "相手が折り返しを希望した。"
        case "transferred":
            to = str(data.get("to") or "")
            return f"{who}が{names.get(to, to) or '別の担当者'}に電話を回した。"
        case _:
            return "終わりの知らせが届かなかったため、システムが通話を閉じた。" if why == "lost" else _ENDED_BY.get(str(data.get("by")), "通話が終わった。")


def heard(outcome: str, why: str) -> str:
    """What became of a caller whom nobody answered."""
    if outcome == Outcome.OVERFLOWED:
        return f"{_OVERFLOWED.get(why, '応答できず')}、自動応答を聞いた"
    return _HEARD.get(Outcome(outcome), str(Outcome(outcome).label))


def _menu(data: Mapping[str, Any], labels: Mapping[str, str]) -> str:
    key, choice = str(data.get("key") or ""), choice_label(str(data.get("choice") or ""), labels)
    pressed = f"{key}を押した" if key else "番号を選んだ"
    return f"{pressed}（{choice}）。" if choice else f"{pressed}。"
