"""What is told before a publishing: a table of flows and of what is said about them."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from madoguchi.domain.callflow import building, speech, texts
from madoguchi.ground.contracts.profile import Profile, load_profile

HATSUKAICHI = load_profile(Path(__file__).parents[3] / "profiles" / "hatsukaichi.toml")
TODAY = dt.date(2026, 11, 2)


def telephone(**changes: Any) -> Profile:
    return HATSUKAICHI.model_copy(update={"telephone": HATSUKAICHI.telephone.model_copy(update=changes)})  # type: ignore[union-attr]


def row(prompt: str, language: str, text: str, recording: str = "") -> Any:
    sound = SimpleNamespace(name=recording) if recording else None
    return SimpleNamespace(prompt=prompt, language=language, number=1, text=text, recording=sound, file_name="", starts_on=TODAY)


def told(profile: Profile = HATSUKAICHI, *rows: Any, **facts: Any) -> list[tuple[bool, str, str]]:
    """(error, key, beginning of the reason) of all remarks."""
    said = building.sayings(profile, building.in_force(rows, TODAY), {})
    facts = {"open_days": 200, "taken": {}, "lengths": {}, **facts}
    return [(remark.error, remark.key, remark.reason) for remark in building.remarks(profile, said, **facts)]


@pytest.fixture(autouse=True)
def with_flite(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(speech.shutil, "which", lambda name: f"/usr/bin/{name}")


def test_the_shipped_flow_is_clean() -> None:
    assert told() == []


QUEUES = HATSUKAICHI.telephone.queues if HATSUKAICHI.telephone else ()
OTHER = QUEUES[0].model_copy(update={"code": "other", "callback_key": "2"})
CASES: list[tuple[str, tuple[Any, ...], dict[str, Any], bool, str, str]] = [
    ("number of two", (HATSUKAICHI,), {"taken": {"0120-000-000": "和泉市"}}, True, "telephone.numbers", "和泉市の番号でもあります"),
    ("never open", (HATSUKAICHI,), {"open_days": 0}, True, "hours", "受付時間が1日もありません"),
    ("too few channels", (telephone(channels=9),), {}, False, "telephone.channels", "オペレーター2人＋待ち8人より少ない"),
    ("language without a voice", (telephone(languages=("ja", "vi"), menu=()),), {}, True, "telephone.languages", "録音を登録"),
    ("one recording of many", (telephone(languages=("ja", "vi"), menu=()), row("hold", "vi", "", "a.wav")), {}, False, "full.vi", "最初の言語の案内"),
    ("two keys", (telephone(queues=(QUEUES[0], OTHER)),), {}, False, "telephone.queues", "待ち列によって違います"),
    ("hours typed", (HATSUKAICHI, row("greeting", "ja", "受付は8時30分からです。")), {}, False, "greeting.ja", "時刻が直接書かれています"),
    ("hours left out", (HATSUKAICHI, row("closed", "ja", "ただいま時間外です。")), {}, False, "closed.ja", "{hours}（"),
    ("hours in a recording", (HATSUKAICHI, row("closed", "ja", "{hours}", "a.wav")), {}, False, "closed.ja", "録音し直してください"),
    ("nothing in the first", (telephone(languages=("vi", "ja"), menu=()), row("hold", "vi", "", "a.wav")), {}, True, "greeting.vi", "最初に流れる"),
]  # fmt: skip


@pytest.mark.req("CALL-01", "CALL-02")
@pytest.mark.parametrize("case", CASES, ids=[case[0] for case in CASES])
def test_what_is_wrong_is_told_with_its_key_and_reason(case: Any) -> None:
    _, given, facts, error, key, says = case
    found = told(*given, **facts)
    assert any((error, key) == remark[:2] and says in remark[2] for remark in found), found
    assert found == sorted(found, key=lambda remark: not remark[0]), "errors first"


def test_a_long_announcement_is_told() -> None:
    name = building.sayings(HATSUKAICHI, {}, {})["closed"]["ja"].audio
    assert [key for _, key, reason in told(lengths={name: 46_000}) if "46秒" in reason] == ["closed.ja"]


@pytest.mark.parametrize(
    ("text", "typed"),
    [
        ("午前8時30分から", True), ("８時から", True), ("八時半から", True), ("8:30〜17:15", True), ("from 8 AM", True), ("open 9 a.m. daily", True),
        ("{hours}です", False), ("24時間受け付けます", False), ("二十四時間いつでも", False), ("1を押してください", False), ("その時にお話しします", False),
    ],
)  # fmt: skip
def test_hours_typed_by_hand_are_noticed(text: str, typed: bool) -> None:
    assert texts.types_hours(text) is typed


def test_every_shipped_text_is_whole() -> None:
    for language in ("ja", "en"):
        for prompt in texts.PROMPTS:
            text = texts.shipped(prompt, language)
            assert text and not texts.mistakes(text) and not texts.types_hours(text), (prompt, language)
    assert set(texts.LABELS) == set(texts.WHEN) == set(texts.PROMPTS)


@pytest.mark.parametrize("state", ["open", "closed", "holiday", "year_end"])
def test_in_every_state_something_is_heard(state: Any) -> None:
    said = building.sayings(HATSUKAICHI, {}, {})
    heard = [name for stage in building.heard(state, said) for name in stage.prompts]
    assert heard[0] == ("greeting" if state == "open" else state)
    assert set(heard) <= set(said)
