"""From wordings, profile and calendar to what the exchange plays. Pure: rows and values in, values out.

What is said before the caller could choose a language (closed, holiday, New Year) is said in every language, one after the other; the menu
ends with each other language's own invitation.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from madoguchi.ground.contracts.calendar import BusinessCalendar
from madoguchi.ground.contracts.calendar import Day as CalendarDay
from madoguchi.ground.contracts.profile import Profile, clock_text
from madoguchi.voice import flow as voice

from . import speech, texts
from .texts import Kind, Remark

DAYS_AHEAD = 400
BEFORE_CHOICE = ("closed", "holiday", "year_end")
OF_NUMBER = ("number", "number_confirm", "number_wrong")
"""Said to callers without a number who want to be called back."""
NEEDED = ("greeting", "closed", "holiday", "year_end", "full", "callback", "callback_done", "connect", "hold")
LONG_MILLISECONDS = 45_000


class Row(Protocol):
    """A saved prompt (:class:`.models.Prompt`)."""

    prompt: str
    language: str
    number: int
    text: str
    file_name: str
    starts_on: dt.date

    @property
    def recording(self) -> Any: ...


@dataclass(frozen=True, slots=True)
class Said:
    """One prompt in one language: its text, the words made from it, its version (0: as shipped), and the file that is heard."""

    text: str
    words: str
    number: int
    kind: Kind
    audio: str | None
    spoken: speech.Words | None
    file_name: str = ""


Sayings = dict[str, dict[str, Said]]
"""Prompt → language → what is said."""


@dataclass(frozen=True, slots=True)
class Joined:
    """A file made of others, in this order."""

    name: str
    parts: tuple[str, ...]


def in_force(rows: Iterable[Row], on: dt.date) -> dict[tuple[str, str], Row]:
    """(prompt, language) → the row that counts on a day: the one that starts last, of those the one saved last."""
    found: dict[tuple[str, str], Row] = {}
    for row in sorted(rows, key=lambda row: (row.starts_on, row.number)):
        if row.starts_on <= on:
            found[row.prompt, row.language] = row
    return found


def readings(profile: Profile, own: Mapping[str, str]) -> dict[str, str]:
    """How words are pronounced: the city's name from the profile, and what staff registered (which wins)."""
    name, kana = profile.city.name, profile.city.kana
    for ending, said in (("市", "シ"), ("区", "ク")):
        if len(name) > 2 and name.endswith(ending) and kana.endswith(said):
            name, kana = name[:-1], kana[: -len(said)]
            break
    return {name: kana, **own}


def used(profile: Profile) -> list[str]:
    """Prompts that callers of the contract can hear; none without a telephone."""
    telephone = profile.telephone
    if telephone is None:
        return []
    asks = any(queue.callback_key for queue in telephone.queues)
    silent = {"menu": not telephone.menu, "web_hint": profile.channels.web is None, **dict.fromkeys(OF_NUMBER, not asks)}
    return [prompt for prompt in texts.PROMPTS if not silent.get(prompt)]


def sayings(profile: Profile, rows: Mapping[tuple[str, str], Row], own_readings: Mapping[str, str]) -> Sayings:
    """Every prompt that the contract uses, in every language of its telephone. Raises ``ValueError`` without a telephone."""
    telephone = profile.telephone
    if telephone is None:
        raise ValueError(f"{profile.code} has no telephone")
    said_as = readings(profile, own_readings)
    return {
        prompt: {
            language: _said(rows.get((prompt, language)), texts.shipped(prompt, language), profile, language, said_as)
            for language in telephone.languages
        }
        for prompt in used(profile)
    }


def _said(row: Row | None, shipped: str, profile: Profile, language: str, said_as: Mapping[str, str]) -> Said:
    text = row.text if row else shipped
    number = row.number if row else 0
    words = texts.fill(text, texts.values(profile, language))
    if row and row.recording:
        return Said(text, words, number, "recording", row.recording.name, None, row.file_name)
    if not words or language not in speech.VOICES:
        return Said(text, words, number, "none", None, None)
    spoken = pronounced(language, words, said_as)
    return Said(text, words, number, "speech", speech.name_of(spoken), spoken)


def pronounced(language: str, words: str, said_as: Mapping[str, str]) -> speech.Words:
    """What the voice is given for words."""
    return language, speech.pronounced(words, said_as) if language.startswith("ja") else words


def invitations(profile: Profile) -> list[speech.Words]:
    """What offers each key that changes the language, in that language where a voice speaks it, else in the first one."""
    assert profile.telephone is not None
    first = profile.telephone.languages[0]
    found: list[speech.Words] = []
    for item in profile.telephone.menu:
        if item.language not in (None, first):
            language = item.language if item.language and speech.speakable(item.language) else first
            found.append((language, texts.invitation(item.said(language), item.key, language)))
    return found


def to_speak(said: Sayings, profile: Profile) -> list[speech.Words]:
    """All words that the voices of this machine must have spoken before the flow is whole."""
    words = [one.spoken for by_language in said.values() for one in by_language.values() if one.spoken]
    digits = [one for by_digit in digits_of(said).values() for one in by_digit]
    return [one for one in [*words, *invitations(profile), *digits] if speech.speakable(one[0])]


def digits_of(said: Sayings) -> dict[str, list[speech.Words]]:
    """Language → the words of 0 to 9, in the contract's languages that have some and where a number is asked for at all."""
    asked = said.get(OF_NUMBER[0], {})
    return {language: [(language, word) for word in texts.DIGITS[language]] for language in asked if language in texts.DIGITS}


def files(said: Sayings, profile: Profile) -> tuple[dict[str, dict[str, str]], list[Joined]]:
    """Prompt → language → file as the exchange plays it, and the files to be joined for it."""
    assert profile.telephone is not None
    first = profile.telephone.languages[0]
    prompts: dict[str, dict[str, str]] = {}
    joined: list[Joined] = []
    for prompt, by_language in said.items():
        heard = {language: one.audio for language, one in by_language.items() if one.audio and playable(one)}
        if prompt in BEFORE_CHOICE or prompt == "menu":
            parts = list(heard.values()) if prompt in BEFORE_CHOICE else [heard[first]] if first in heard else []
            if prompt == "menu" and parts:
                parts += [speech.name_of(words) for words in invitations(profile) if speech.speakable(words[0])]
            if len(parts) > 1:
                joined.append(Joined(hashlib.sha256("\n".join(parts).encode()).hexdigest()[:32] + ".wav", tuple(parts)))
            heard = {first: joined[-1].name if len(parts) > 1 else parts[0]} if parts else {}
        if heard:
            prompts[prompt] = {language: name for language, name in heard.items() if name}
    return prompts, joined


def playable(one: Said) -> bool:
    """True when its audio exists or can be made on this machine."""
    return one.kind == "recording" or (one.spoken is not None and speech.speakable(one.spoken[0]))


def content(profile: Profile, said: Sayings, prompts: Mapping[str, Mapping[str, str]]) -> dict[str, Any]:
    """What a version keeps: everything of the flow file but its days, with the words beside the files."""
    telephone = profile.telephone
    assert telephone is not None
    queues = [
        {**queue.model_dump(include=set(voice.Queue.model_fields)), "callback_key": queue.callback_key or None}
        for queue in telephone.queues
    ]
    menu = {
        "keys": {
            item.key: {"code": item.code, "label": item.label, "queue": item.queue, "language": item.language}
            for item in telephone.menu
        },
        "otherwise": telephone.otherwise or telephone.queues[0].code,
    }
    return {
        "name": profile.city.name,
        "numbers": list(telephone.numbers),
        "languages": list(telephone.languages),
        "menu": menu,
        "queues": queues,
        "prompts": {prompt: dict(by_language) for prompt, by_language in prompts.items()},
        "digits": {
            language: [speech.name_of(words) for words in by_digit]
            for language, by_digit in digits_of(said).items()
            if speech.speakable(language)
        },
        "said": {
            prompt: {
                language: {"words": one.words, "number": one.number, "kind": one.kind, "audio": one.audio}
                for language, one in by_language.items()
            }
            for prompt, by_language in said.items()
        },
    }


def fingerprint(wanted: Mapping[str, Any]) -> str:
    """The same content has the same fingerprint."""
    return hashlib.sha256(json.dumps(wanted, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def days(calendar: BusinessCalendar, first: dt.date, count: int = DAYS_AHEAD) -> dict[dt.date, voice.Day]:
    """The telephone's days from ``first`` on, as the exchange reads them: hours, and how it is closed for the rest."""
    return {on: day_of(calendar, on) for on in (first + dt.timedelta(days=n) for n in range(count))}


def day_of(calendar: BusinessCalendar, on: dt.date) -> voice.Day:
    """One such day."""
    found = calendar_day(calendar, on)
    spans = tuple((clock_text(begin), clock_text(end)) for begin, end in found.intervals)
    layer = found.layer
    return voice.Day(state=layer if layer in ("holiday", "year_end") else "closed", hours=spans)  # type: ignore[arg-type]


def calendar_day(calendar: BusinessCalendar, on: dt.date) -> CalendarDay:
    """The day of the telephone in the business calendar. Raises ``ValueError`` where no hours are agreed."""
    site = calendar.profile.phone_site()
    if site is None:
        raise ValueError(f"{calendar.profile.code} has no hours for the telephone")
    return calendar.day(site, "phone", on, respect_term=True)


def flow(
    code: str, version: int, kept: Mapping[str, Any], on_days: Mapping[dt.date, voice.Day], phones: Sequence[voice.Phone] = ()
) -> voice.Flow:
    """The flow file of a version with its days and the telephones of the moment."""
    parts = {key: kept[key] for key in ("name", "numbers", "languages", "menu", "queues", "prompts")}
    parts["digits"] = kept.get("digits", {})
    return voice.Flow.model_validate({"contract": code, "version": version, "days": dict(on_days), "phones": tuple(phones), **parts})


@dataclass(frozen=True, slots=True)
class Stage:
    """A moment of a call, and the prompts heard in it, in order."""

    title: str
    prompts: tuple[str, ...]


def heard(state: voice.State, prompts: Collection[str]) -> list[Stage]:
    """What a caller hears in a state of the line, of the prompts that there are."""
    stages = [Stage("電話がつながると", (state, "web_hint"))]
    if state == "open":
        stages = [
            Stage("電話がつながると", ("greeting", "menu")),
            Stage("オペレーターが出るとき", ("connect",)),
            Stage("オペレーターがみな通話中のとき", ("full", "position")),
            Stage("待ち時間の上限を過ぎたとき", ("callback", "web_hint")),
            Stage("番号の通知がない方が折り返しを希望したとき", OF_NUMBER),
        ]
    return [Stage(stage.title, names) for stage in stages if (names := tuple(name for name in stage.prompts if name in prompts))]


def remarks(
    profile: Profile,
    said: Sayings,
    *,
    open_days: int,
    taken: Mapping[str, str],
    lengths: Mapping[str, int],
) -> list[Remark]:
    """All that is wrong (errors first) or doubtful with a flow about to be published.

    ``open_days`` of the coming :data:`DAYS_AHEAD`; ``taken`` numbers of other contracts with their names; ``lengths`` in milliseconds of the files
    that exist.
    """
    telephone = profile.telephone
    assert telephone is not None
    file, first = f"profiles/{profile.code}.toml", telephone.languages[0]
    found = [
        Remark(True, file, "telephone.numbers", f"{number} は{taken[number]}の番号でもあります。着信をどちらが受けるか決められません。")
        for number in telephone.numbers
        if number in taken
    ]
    if not open_days:
        found.append(Remark(True, file, "hours", f"これから{DAYS_AHEAD}日の間に、電話の受付時間が1日もありません。"))
    for spoken in telephone.languages:
        if spoken not in speech.VOICES and not any(by_language[spoken].audio for by_language in said.values()):
            reason = f"「{spoken}」の案内が1つもありません。音声合成がない言語なので、録音を登録してください。"
            found.append(Remark(True, file, "telephone.languages", reason))
        elif spoken in speech.VOICES and not speech.speakable(spoken):
            found.append(Remark(False, file, "telephone.languages", speech.NO_FLITE))
    found += [
        Remark(True, texts.LABELS[prompt], f"{prompt}.{first}", "最初に流れる言語の案内がありません。文面か録音を登録してください。")
        for prompt in (*NEEDED, *OF_NUMBER)
        if prompt in said and not said[prompt][first].audio
    ]
    seats = sum(rule.minimum for rule in profile.staffing if rule.channel == "phone") or 1
    waiting = max(queue.max_waiting for queue in telephone.queues)
    if telephone.channels < seats + waiting:
        reason = (
            f"同時通話数{telephone.channels}が、オペレーター{seats}人＋待ち{waiting}人より少ないため、"
            "その先の電話は通信事業者で話し中になり、案内も流れません。"
        )
        found.append(Remark(False, file, "telephone.channels", reason))
    if len({queue.callback_key for queue in telephone.queues}) > 1:
        reason = "折り返しのキーが待ち列によって違います。案内では先頭の待ち列のキーを読み上げます。"
        found.append(Remark(False, file, "telephone.queues", reason))
    for prompt, by_language in said.items():
        for language, one in by_language.items():
            found += _doubts(prompt, language, one, lengths.get(one.audio or "", 0), first)
    return sorted(found, key=lambda remark: not remark.error)


def _doubts(prompt: str, language: str, one: Said, length: int, first: str) -> list[Remark]:
    place, key = texts.LABELS[prompt], f"{prompt}.{language}"
    found = []
    if one.kind == "recording" and "{hours}" in one.text:
        found.append(Remark(False, place, key, "録音の中の受付時間は、開設時間が変わっても変わりません。変わったら録音し直してください。"))
    if texts.types_hours(one.text):
        found.append(Remark(False, place, key, "時刻が直接書かれています。{hours} を使うと、開設時間が変わっても正しく読み上げます。"))
    needed = texts.NEEDED.get(prompt)
    if one.kind == "speech" and needed and f"{{{needed}}}" not in one.text:
        found.append(Remark(False, place, key, f"{{{needed}}}（{texts.PLACEHOLDERS[needed]}）が入っていません。"))
    silent = not one.audio and language != first and prompt not in BEFORE_CHOICE and prompt != "menu"
    if silent and language not in speech.VOICES:
        found.append(Remark(False, place, key, "録音がないため、最初の言語の案内が流れます。"))
    if length > LONG_MILLISECONDS:
        found.append(Remark(False, place, key, f"{length // 1000}秒あります。長い案内は途中で切られやすいので、短くしてください。"))
    return found


def errors(found: Sequence[Remark]) -> list[Remark]:
    """Those that stop the publishing."""
    return [remark for remark in found if remark.error]
