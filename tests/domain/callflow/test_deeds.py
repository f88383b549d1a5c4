"""Wordings, recordings, publishing and delivery on the database, with real voices."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pytest

from madoguchi.domain.booking.services.days import change_day, withdraw_change
from madoguchi.domain.booking.services.slots import CalendarChange, preview
from madoguchi.domain.callflow import audio, building, queries, services, speech, tasks
from madoguchi.domain.callflow.models import Audio, FlowVersion, Prompt
from madoguchi.domain.callflow.services import FlowRefused
from madoguchi.ground.audit.models import Entry
from madoguchi.ground.contracts import registry
from madoguchi.ground.contracts.calendar import BusinessCalendar
from madoguchi.ground.contracts.models import CalendarOverride, Contract
from madoguchi.ground.contracts.profile import parse_profile
from madoguchi.ground.contracts.queries import calendar_of
from madoguchi.ground.contracts.tenancy import contract_scope
from madoguchi.ground.kit.clock import JST
from madoguchi.voice import flow as voice

from .conftest import CITY, record

Commit = Any


def published(voice_dir: Path, code: str = "hatsukaichi") -> voice.Flow:
    return voice.read(voice_dir / code / "flow.json")


def seconds(voice_dir: Path, name: str | None, code: str = "hatsukaichi") -> float:
    assert name
    return audio.milliseconds((voice_dir / code / "audio" / name).read_bytes()) / 1000


@pytest.mark.req("CALL-01", "CALL-02")
def test_every_contract_with_a_telephone_is_published_by_itself(
    contracts: dict[str, Contract], now: dt.datetime, voice_dir: Path, django_capture_on_commit_callbacks: Commit
) -> None:
    assert tasks.follow_flows(now) == 4
    assert sorted(path.name for path in voice_dir.iterdir()) == ["hatsukaichi", "izumi", "izunokuni", "nagaoka"]
    for code in ("hatsukaichi", "izumi", "izunokuni", "nagaoka"):
        flow = published(voice_dir, code)
        assert flow.version == 1 and flow.numbers == contracts[code].profile.telephone.numbers  # type: ignore[union-attr]
        assert len(flow.days) > 400 and min(flow.days) < now.date()
        assert 4 < seconds(voice_dir, flow.audio("greeting", "ja"), code) < 10
        with contract_scope(contracts[code]):
            assert FlowVersion.objects.get().published_by == services.BY_ITSELF
    english = published(voice_dir)
    assert english.menu.keys["9"].language == "en"
    written = {path: path.stat().st_mtime_ns for path in voice_dir.rglob("*")}
    assert tasks.follow_flows(now + dt.timedelta(minutes=5)) == 4
    assert {path: path.stat().st_mtime_ns for path in voice_dir.rglob("*")} == written, "nothing is written twice"


@pytest.mark.req("CALL-01")
def test_the_line_is_open_exactly_when_the_calendar_says_so_for_two_years(contracts: dict[str, Contract]) -> None:
    first = dt.date(2026, 6, 1)
    clocks = [dt.time(number // 2, number % 2 * 30) for number in range(48)]
    for contract in contracts.values():
        site = contract.profile.phone_site()
        if contract.profile.telephone is None or site is None:
            continue
        calendar = BusinessCalendar(contract.profile)
        flow = voice.Flow.model_construct(days=building.days(calendar, first, 731))
        for number, day in enumerate(calendar.days(site, "phone", first, first + dt.timedelta(days=730), respect_term=True)):
            for clock in clocks:
                moment = dt.datetime.combine(day.date, clock, JST)
                assert (flow.state_at(moment) == "open") is any(a <= clock < b for a, b in day.intervals), moment
            moment = dt.datetime.combine(day.date, clocks[number % 48], JST)
            assert (flow.state_at(moment) == "open") is calendar.at(site, "phone", moment, respect_term=True).open, moment


@pytest.mark.req("CALL-01")
def test_how_the_line_is_closed(contract: Contract, now: dt.datetime) -> None:
    CalendarOverride.objects.create(
        contract=contract, date=dt.date(2026, 12, 30), kind="open", channel="phone", intervals=[["09:00", "12:00"]], reason="年末の臨時受付",
        created_at=now, created_by="市",
    )  # fmt: skip
    CalendarOverride.objects.create(
        contract=contract, date=dt.date(2026, 11, 5), kind="closed", channel="phone", reason="台風", created_at=now, created_by="市"
    )
    calendar = calendar_of(contract, now.date(), dt.date(2027, 1, 10))
    states = {
        (2026, 11, 2, 12): "open",
        (2026, 11, 2, 17): "closed",
        (2026, 11, 3, 10): "holiday",
        (2026, 11, 5, 10): "closed",
        (2026, 11, 7, 10): "closed",
        (2026, 12, 29, 10): "year_end",
        (2026, 12, 30, 10): "open",
        (2026, 12, 30, 13): "closed",
        (2027, 1, 1, 10): "year_end",
        (2027, 1, 4, 9): "open",
    }
    for (year, month, day, hour), state in states.items():
        assert building.day_of(calendar, dt.date(year, month, day)).state_at(f"{hour:02}:00") == state, (month, day, hour)


@pytest.mark.req("CALL-02")
def test_a_wording_is_heard_after_publishing_and_from_its_day(
    contract: Contract, now: dt.datetime, voice_dir: Path, django_capture_on_commit_callbacks: Commit
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        first = services.publish_flow(contract, by=CITY, now=now)
    greeting = published(voice_dir).audio("greeting", "ja")
    text, december = "{city}、予約センターです。", now.date() + dt.timedelta(days=29)
    row = services.save_text(contract, prompt="greeting", language="ja", text=text, starts_on=december, by=CITY, now=now)
    assert (row.number, row.released_at, row.saved_by) == (1, None, "市職員 花子")
    assert services.republish(contract, now=now + dt.timedelta(days=30)).pk == first.pk, "saved is not published"
    assert services.publish_flow(contract, by=CITY, now=now).pk == first.pk, "its day has not come"
    later = now + dt.timedelta(days=29)
    with django_capture_on_commit_callbacks(execute=True):
        second = services.republish(contract, now=later)
    assert (second.number, second.published_by) == (2, services.BY_ITSELF)
    assert services.changed_prompts(first, second) == ["greeting.ja"]
    assert second.content["said"]["greeting"]["ja"]["words"] == "廿日市市、予約センターです。"
    flow = published(voice_dir)
    assert flow.version == 2 and flow.audio("greeting", "ja") != greeting
    entries = list(Entry.objects.filter(action__startswith="callflow.").order_by("pk").values_list("action", flat=True))
    assert entries == ["callflow.published", "callflow.text_saved", "callflow.published"]


@pytest.mark.req("CALL-02")
def test_of_several_wordings_the_one_that_starts_last_wins(contract: Contract, now: dt.datetime) -> None:
    today = now.date()
    for text, starts in (("一。", 0), ("二。", 10), ("三。", 5), ("四。", 0)):
        services.save_text(
            contract, prompt="hold", language="ja", text=text, starts_on=today + dt.timedelta(days=starts), by=CITY, now=now
        )
    found = [queries.prompts_on(today + dt.timedelta(days=n), released=False)["hold", "ja"].text for n in (0, 4, 5, 9, 10, 99)]
    assert found == ["四。", "四。", "三。", "三。", "二。", "二。"]
    assert ("hold", "ja") not in queries.prompts_on(today, released=True)


@pytest.mark.req("CALL-02")
def test_a_recording_replaces_the_voice_and_can_be_taken_back(
    contract: Contract, now: dt.datetime, voice_dir: Path, django_capture_on_commit_callbacks: Commit
) -> None:
    row = services.upload_recording(
        contract, prompt="greeting", language="ja", file_name="名乗り.wav", data=record(3), by=CITY, now=now
    )
    assert row.recording and row.recording.milliseconds == 3000 and "{name}" in row.text
    with django_capture_on_commit_callbacks(execute=True):
        services.publish_flow(contract, by=CITY, now=now)
    assert seconds(voice_dir, published(voice_dir).audio("greeting", "ja")) == 3.0
    services.drop_recording(contract, prompt="greeting", language="ja", by=CITY, now=now)
    with pytest.raises(FlowRefused, match="録音がありません"):
        services.drop_recording(contract, prompt="greeting", language="ja", by=CITY, now=now)
    with django_capture_on_commit_callbacks(execute=True):
        version = services.publish_flow(contract, by=CITY, now=now)
    assert version.content["said"]["greeting"]["ja"]["kind"] == "speech"
    assert seconds(voice_dir, published(voice_dir).audio("greeting", "ja")) > 4
    assert [row.number for row in Prompt.objects.filter(prompt="greeting")] == [1, 2]
    with pytest.raises(audio.AudioError):
        services.upload_recording(contract, prompt="greeting", language="ja", file_name="x", data=b"x", by=CITY, now=now)


@pytest.mark.req("CALL-02")
@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"text": "{hour}です"}, "差し込み「{hour}」はありません"),
        ({"text": "受付は{hours"}, "片方だけ"),
        ({"text": "  "}, "空にできません"),
        ({"text": "あ" * 601}, "600文字まで"),
        ({"starts_on": dt.date(2026, 11, 1)}, "今日か、それより後"),
        ({"prompt": "goodbye"}, "この案内はありません"),
        ({"language": "ko"}, "この案内はありません"),
    ],
    ids=["placeholder", "brace", "empty", "long", "past", "prompt", "language"],
)
def test_what_cannot_be_spoken_is_refused(contract: Contract, now: dt.datetime, change: dict[str, Any], says: str) -> None:
    given = {"prompt": "greeting", "language": "ja", "text": "はい。", "starts_on": now.date(), **change}
    with pytest.raises(FlowRefused, match=says):
        services.save_text(contract, **given, by=CITY, now=now)
    assert not Prompt.objects.exists()


@pytest.mark.req("CALL-02")
@pytest.mark.parametrize("text", ["😀👨‍👩‍👧‍👦", "。", "\u202e", "{callback}"], ids=["emoji", "stop", "mark", "empty placeholder"])
def test_words_without_a_sound_are_refused(contract: Contract, now: dt.datetime, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    queue = contract.profile.telephone.queues[0].model_copy(update={"callback_key": ""})  # type: ignore[union-attr]
    telephone = contract.profile.telephone.model_copy(update={"queues": (queue,)})  # type: ignore[union-attr]
    monkeypatch.setitem(registry._cache, contract.code, contract.profile.model_copy(update={"telephone": telephone}))
    with pytest.raises((speech.SpeechError, FlowRefused), match="読み上げ"):
        services.save_text(contract, prompt="hold", language="ja", text=text, starts_on=now.date(), by=CITY, now=now)
    assert not Prompt.objects.exists() and not Audio.objects.exists()


@pytest.mark.req("CALL-01")
def test_what_a_contract_does_not_use_is_refused(contracts: dict[str, Contract], now: dt.datetime) -> None:
    given = {"prompt": "menu", "language": "ja", "text": "はい。", "starts_on": now.date(), "by": CITY, "now": now}
    with contract_scope(contracts["nagaoka"]), pytest.raises(FlowRefused, match="この案内はありません"):
        services.save_text(contracts["nagaoka"], **given)
    with contract_scope(contracts["urasoe"]):
        for deed in (
            lambda: services.save_text(contracts["urasoe"], **given),
            lambda: services.publish_flow(contracts["urasoe"], by=CITY, now=now),
            lambda: services.save_reading(contracts["urasoe"], surface="市", kana="シ", by=CITY, now=now),
        ):
            with pytest.raises(FlowRefused, match="電話対応がありません"):
                deed()
        assert services.deliver(contracts["urasoe"], now=now) is False


@pytest.mark.req("CALL-01")
def test_a_change_of_the_calendar_is_heard_once_it_is_committed(
    contract: Contract, now: dt.datetime, voice_dir: Path, django_capture_on_commit_callbacks: Commit
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        services.publish_flow(contract, by=CITY, now=now)
    tomorrow = dt.datetime(2026, 11, 4, 10, 0, tzinfo=JST)
    assert published(voice_dir).state_at(tomorrow) == "open"
    change = CalendarChange(tomorrow.date(), "closed", "", "", (), None, "台風")
    with django_capture_on_commit_callbacks(execute=True):
        preview(contract, lambda: change_day(contract, change, places={}, by=CITY, now=now))
    assert published(voice_dir).state_at(tomorrow) == "open", "a preview changes nothing"
    with django_capture_on_commit_callbacks(execute=True):
        change_day(contract, change, places={}, by=CITY, now=now)
    assert published(voice_dir).state_at(tomorrow) == "closed"
    assert published(voice_dir).version == 1
    with django_capture_on_commit_callbacks(execute=True):
        withdraw_change(contract, CalendarOverride.objects.get().pk, by=CITY, now=now)
    assert published(voice_dir).state_at(tomorrow) == "open"


@pytest.mark.req("CALL-01")
def test_lost_and_broken_files_come_back_from_the_database(
    contract: Contract, now: dt.datetime, voice_dir: Path, django_capture_on_commit_callbacks: Commit
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        services.publish_flow(contract, by=CITY, now=now)
    home = voice_dir / contract.code
    whole = published(voice_dir)
    (home / "audio" / str(whole.audio("hold", "ja"))).unlink()
    assert services.deliver(contract, now=now) is False and published(voice_dir) == whole
    (home / "flow.json").write_text('{"contract": "hats')
    assert services.deliver(contract, now=now) is True and published(voice_dir) == whole
    tomorrow = now + dt.timedelta(days=1)
    assert services.deliver(contract, now=tomorrow) is True
    assert max(published(voice_dir).days) == max(whole.days) + dt.timedelta(days=1)


@pytest.mark.req("CALL-01")
def test_an_error_keeps_the_last_version_and_says_why(
    contracts: dict[str, Contract], now: dt.datetime, voice_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    contract = contracts["nagaoka"]
    tasks.follow_flows(now)
    shared = registry.profile("hatsukaichi").telephone.numbers  # type: ignore[union-attr]
    telephone = contract.profile.telephone.model_copy(update={"numbers": shared})  # type: ignore[union-attr]
    changed = contract.profile.model_copy(update={"telephone": telephone})
    monkeypatch.setitem(registry._cache, "nagaoka", changed)
    with contract_scope(contract):
        with pytest.raises(FlowRefused, match=r"telephone.numbers.*廿日市市の番号でもあります"):
            services.publish_flow(contract, by=CITY, now=now)
        assert queries.draft(contract, on=now.date()).errors
    assert tasks.follow_flows(now) == 4
    assert published(voice_dir, "nagaoka").numbers != shared


@pytest.mark.req("CALL-01")
def test_changed_hours_of_the_profile_are_spoken_by_themselves(
    contract: Contract, now: dt.datetime, voice_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = services.republish(contract, now=now)
    text = registry.path_of("hatsukaichi").read_text()
    assert text.count('"08:30-17:00"') == 1
    changed = parse_profile(text.replace('"08:30-17:00"', '"09:00-16:00"'), name="hatsukaichi.toml")
    monkeypatch.setitem(registry._cache, "hatsukaichi", changed)
    after = services.republish(contract, now=now)
    assert services.changed_prompts(before, after) == [
        "closed.ja", "closed.en", "holiday.ja", "holiday.en", "year_end.ja", "year_end.en",
    ]  # fmt: skip
    assert "午前9時から午後4時まで" in after.content["said"]["closed"]["ja"]["words"]


@pytest.mark.req("CALL-02")
def test_a_reading_changes_how_it_is_spoken(contract: Contract, now: dt.datetime) -> None:
    before = services.republish(contract, now=now)
    services.save_reading(contract, surface="予約コールセンター", kana="ヨヤクセンター", by=CITY, now=now)
    after = services.republish(contract, now=now)
    assert "greeting.ja" in services.changed_prompts(before, after)
    assert after.content["said"]["greeting"]["ja"]["words"] == before.content["said"]["greeting"]["ja"]["words"]
    services.drop_reading(contract, surface="予約コールセンター", by=CITY, now=now)
    assert services.republish(contract, now=now).fingerprint == before.fingerprint
    for surface, kana, says in (("", "ヨミ", "両方"), ("市", "よみ", "全角カタカナ"), ("市" * 41, "シ", "40文字")):
        with pytest.raises(FlowRefused, match=says):
            services.save_reading(contract, surface=surface, kana=kana, by=CITY, now=now)
    with pytest.raises(FlowRefused, match="すでに削除"):
        services.drop_reading(contract, surface="無", by=CITY, now=now)


@pytest.mark.req("CALL-02")
def test_before_the_choice_every_language_is_said_and_other_keys_are_offered_in_their_own(
    contract: Contract, now: dt.datetime, voice_dir: Path, django_capture_on_commit_callbacks: Commit
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        version = services.publish_flow(contract, by=CITY, now=now)
    lengths = dict(Audio.objects.values_list("name", "milliseconds"))
    said = version.content["said"]["closed"]
    joined = lengths[published(voice_dir).audio("closed", "ja") or ""]
    assert joined == lengths[said["ja"]["audio"]] + 600 + lengths[said["en"]["audio"]]
    assert list(version.content["prompts"]["closed"]) == ["ja"]
    menu = version.content["said"]["menu"]["ja"]
    assert "英語" not in menu["words"] and lengths[version.content["prompts"]["menu"]["ja"]] > lengths[menu["audio"]] + 1500


@pytest.mark.req("CALL-02")
def test_without_flite_the_japanese_is_heard_and_the_page_is_told(
    contract: Contract, now: dt.datetime, voice_dir: Path, monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks: Commit
) -> None:
    monkeypatch.setattr(speech.shutil, "which", lambda name: None)
    found = queries.draft(contract, on=now.date())
    assert not found.errors and [remark.reason for remark in found.remarks] == [speech.NO_FLITE]
    with django_capture_on_commit_callbacks(execute=True):
        version = services.publish_flow(contract, by=CITY, now=now)
    flow = published(voice_dir)
    assert flow.audio("hold", "en") == flow.audio("hold", "ja")
    assert version.content["prompts"]["closed"]["ja"] == version.content["said"]["closed"]["ja"]["audio"]


@pytest.mark.req("CALL-02")
def test_sound_that_nothing_uses_is_swept_a_day_later(contract: Contract, now: dt.datetime) -> None:
    save = {"prompt": "hold", "language": "ja", "starts_on": now.date(), "by": CITY, "now": now}
    services.save_text(contract, text="地御前です。お待ちください。", **save)
    services.upload_recording(contract, prompt="connect", language="ja", file_name="a.wav", data=record(), by=CITY, now=now)
    with contract_scope(contract):
        before = speech.name_of(queries.draft(contract, on=now.date()).said["hold"]["ja"].spoken)
    services.save_reading(contract, surface="地御前", kana="ジゴゼン", by=CITY, now=now)
    services.drop_recording(contract, prompt="connect", language="ja", by=CITY, now=now)
    services.publish_flow(contract, by=CITY, now=now)
    with contract_scope(contract):
        kept = set(Audio.objects.values_list("name", flat=True))
    assert before in kept
    assert tasks.sweep_audio(now) == 0, "what was just made may be on somebody's page"
    later = now + dt.timedelta(days=2)
    assert tasks.sweep_audio(later) == 1
    assert tasks.sweep_audio(later) == 0
    with contract_scope(contract):
        assert set(Audio.objects.values_list("name", flat=True)) == kept - {before}
