"""The page of what callers hear: seen, edited, listened to and published."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client

from madoguchi.domain.callflow import speech, tasks
from madoguchi.domain.callflow.models import FlowVersion, Prompt, Reading
from madoguchi.domain.callflow.services import publish_flow
from madoguchi.ground.accounts.models import Role
from madoguchi.ground.contracts.models import CalendarOverride, Contract
from madoguchi.ground.contracts.tenancy import contract_scope
from madoguchi.ground.kit import clock
from madoguchi.ground.kit.actors import SYSTEM
from madoguchi.voice import flow as voice
from tests.domain.callflow.conftest import record
from tests.web.staff_site import SignIn

PAGE = "/staff/hatsukaichi/phone/flow/"


@pytest.fixture(autouse=True)
def at_now(settings: Any, tmp_path: Path, now: dt.datetime, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    settings.VOICE_DIR = tmp_path / "voice"
    monkeypatch.setattr(clock, "now", lambda: now)
    yield


@pytest.fixture
def manager(contracts: dict[str, Contract], sign_in: SignIn) -> Client:
    return sign_in(contracts["hatsukaichi"], Role.MANAGER)


def text_of(answer: Any) -> str:
    return str(answer.content.decode())


def ordered() -> int:
    """How often the worker is asked to publish."""
    with connection.cursor() as cursor:
        cursor.execute("select count(*) from procrastinate_jobs where task_name = 'madoguchi.call_flows' and status = 'todo'")
        return int(cursor.fetchone()[0])


def save(manager: Client, text: str, prompt: str = "hold/ja", starts_on: str = "2026-11-02", step: str = "save") -> Any:
    return manager.post(f"{PAGE}{prompt}/", {"text": text, "starts_on": starts_on, "step": step})


@pytest.mark.req("CALL-01", "CALL-02")
def test_the_whole_flow_is_on_one_page(
    manager: Client, contracts: dict[str, Contract], now: dt.datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = text_of(manager.get(PAGE))
    assert "月曜日から金曜日の、午前8時30分から午後5時まで" in shown
    assert "0120-000-000" in shown and "ご予約の変更や取消し" in shown
    assert "CC BY 3.0" in shown
    assert "まだ公開していません" in shown and "音声は公開すると作られます" in shown
    with monkeypatch.context() as patch:
        patch.setattr(speech, "speak", lambda wanted: pytest.fail("a page waits for the voice"))
        assert "音声を作っています" in text_of(manager.post(f"{PAGE}publish/", follow=True))
        assert "音声を作っています" in text_of(manager.post(f"{PAGE}publish/", follow=True))
    assert ordered() == 1
    tasks.follow_flows(now)
    shown = text_of(manager.get(PAGE))
    assert "第1版を公開中" in shown and shown.count("<audio") >= 24 and "公開する</button>" not in shown


@pytest.mark.req("CALL-02")
def test_a_wording_is_saved_heard_and_published(
    manager: Client, contracts: dict[str, Contract], now: dt.datetime, django_capture_on_commit_callbacks: Any, settings: Any
) -> None:
    publish_flow(contracts["hatsukaichi"], by=SYSTEM, now=now)
    preview = text_of(save(manager, "{city}です。お待ちください。", step="preview"))
    assert "廿日市市です。お待ちください。" in preview and "まだ保存していません" in preview
    assert save(manager, "{city}です。お待ちください。").status_code == 302
    shown = text_of(manager.get(f"{PAGE}hold/ja/"))
    assert "第1版" in shown and "未公開" in shown and "<ins>" in shown and "業務責任者 花子" in shown
    assert "公開していない変更があります" in text_of(manager.get(PAGE))
    with django_capture_on_commit_callbacks(execute=True):
        assert "第2版を公開しました" in text_of(manager.post(f"{PAGE}publish/", follow=True))
    assert voice.read(Path(settings.VOICE_DIR) / "hatsukaichi" / "flow.json").version == 2
    with contract_scope(contracts["hatsukaichi"]):
        name = FlowVersion.objects.get(number=2).content["said"]["hold"]["ja"]["audio"]
    sound = manager.get(f"/staff/hatsukaichi/phone/audio/{name}")
    assert sound["Content-Type"] == "audio/wav" and sound.content[:4] == b"RIFF"
    assert "保留中（日本語）" in text_of(manager.get(PAGE))


@pytest.mark.req("CALL-02")
def test_parts_of_a_sound_are_served_as_players_ask(manager: Client, contracts: dict[str, Contract]) -> None:
    contract = contracts["hatsukaichi"]
    save(manager, "はい。")
    with contract_scope(contract):
        from madoguchi.domain.callflow.models import Audio

        name, whole = Audio.objects.values_list("name", "content").get()
    url, size = f"/staff/hatsukaichi/phone/audio/{name}", len(bytes(whole))
    part = manager.get(url, headers={"Range": "bytes=0-99"})
    assert (part.status_code, part["Content-Range"], part.content) == (206, f"bytes 0-99/{size}", bytes(whole)[:100])
    rest = manager.get(url, headers={"Range": f"bytes={size - 10}-"})
    assert (rest.status_code, rest.content) == (206, bytes(whole)[-10:])
    assert manager.get(url, headers={"Range": f"bytes={size}-"}).status_code == 416
    assert manager.get("/staff/hatsukaichi/phone/audio/none.wav").status_code == 404
    assert "media-src 'self'" in manager.get(PAGE)["Content-Security-Policy"]


@pytest.mark.req("CALL-02")
def test_mistakes_are_told_and_what_was_typed_stays(manager: Client, contracts: dict[str, Contract]) -> None:
    for text, starts_on, says in (
        ("{hour}まで", "2026-11-02", "差し込み「{hour}」はありません"),
        ("はい。", "2026-11-01", "今日か、それより後"),
        ("はい。", "", "使い始める日を選んでください"),
        ("", "2026-11-02", "空にできません"),
    ):
        answer = save(manager, text, starts_on=starts_on)
        assert answer.status_code == 422 and says in text_of(answer) and text in text_of(answer)
    with contract_scope(contracts["hatsukaichi"]):
        assert not Prompt.objects.exists()
    for page in ("goodbye/ja/", "hold/ko/"):
        assert manager.get(PAGE + page).status_code == 404


@pytest.mark.req("CALL-02")
def test_a_recording_is_put_in_and_taken_out(manager: Client, contracts: dict[str, Contract]) -> None:
    def upload(name: str, data: bytes) -> Any:
        return manager.post(f"{PAGE}hold/ja/", {"file": SimpleUploadedFile(name, data), "step": "upload"})

    wrong = upload("hold.mp3", b"ID3" + b"\0" * 99)
    assert wrong.status_code == 422 and "WAVファイルではありません" in text_of(wrong)
    assert "ファイルを選んでください" in text_of(manager.post(f"{PAGE}hold/ja/", {"step": "upload"}))
    assert upload("保留.wav", record(2)).status_code == 302
    shown = text_of(manager.get(f"{PAGE}hold/ja/"))
    assert "いまの録音：保留.wav" in shown and "音声合成に戻す" in shown
    assert manager.post(f"{PAGE}hold/ja/", {"step": "drop"}).status_code == 302
    assert "音声合成に戻す" not in text_of(manager.get(f"{PAGE}hold/ja/"))
    assert manager.post(f"{PAGE}hold/ja/", {"step": "drop"}).status_code == 200
    with contract_scope(contracts["hatsukaichi"]):
        assert [bool(row.recording_id) for row in Prompt.objects.all()] == [True, False]


@pytest.mark.req("CALL-01", "CALL-02")
@pytest.mark.parametrize(
    ("when", "says"),
    [
        ("date=2026-11-02&time=10:00", ["受付時間内", "ご用件の番号を押してください"]),
        ("date=2026-11-02&time=17:00", ["受付時間外", "ただいまは、電話の受付を行っていません", "We cannot take your call"]),
        ("date=2026-11-03&time=10:00", ["祝日（文化の日）", "本日は祝日のため"]),
        ("date=2026-12-31&time=10:00", ["年末年始", "12月29日から1月3日までは"]),
        ("date=2026-11-05&time=10:00", ["受付時間外", "臨時閉庁：台風"]),
    ],
    ids=["open", "evening", "holiday", "year-end", "typhoon"],
)
def test_what_a_caller_hears_at_a_moment(
    manager: Client, contracts: dict[str, Contract], now: dt.datetime, when: str, says: list[str]
) -> None:
    contract = contracts["hatsukaichi"]
    with contract_scope(contract):
        CalendarOverride.objects.create(
            contract=contract, date=dt.date(2026, 11, 5), kind="closed", reason="台風", created_at=now, created_by="市"
        )
    shown = text_of(manager.get(f"{PAGE}?{when}"))
    shown = shown[shown.index('id="try"') : shown.index('id="way"')]
    assert [text for text in says if text not in shown] == []


@pytest.mark.req("CALL-02")
def test_a_wording_of_a_later_day_is_heard_on_that_day(manager: Client, contracts: dict[str, Contract]) -> None:
    save(manager, "年末です。", prompt="greeting/ja", starts_on="2026-12-01")
    listen = f"{PAGE}?time=10:00&date="
    assert "年末です。" not in text_of(manager.get(listen + "2026-11-30&saved=on"))
    assert "年末です。" in text_of(manager.get(listen + "2026-12-01&saved=on"))
    assert "年末です。" not in text_of(manager.get(listen + "2026-12-01"))
    manager.post(f"{PAGE}publish/")
    assert "年末です。" in text_of(manager.get(listen + "2026-12-01"))
    for bad, says in (("2026-11-01", "今日から400日先まで"), ("", "日にちを選んでください")):
        assert says in text_of(manager.get(listen + bad))


@pytest.mark.req("CALL-02")
def test_readings_are_registered_and_taken_away(manager: Client, contracts: dict[str, Contract]) -> None:
    wrong = manager.post(f"{PAGE}readings/", {"surface": "地御前", "kana": "じごぜん"})
    assert wrong.status_code == 422 and "全角カタカナ" in text_of(wrong) and "地御前" in text_of(wrong)
    assert manager.post(f"{PAGE}readings/", {"surface": "地御前", "kana": "ジゴゼン"}).status_code == 302
    assert "ジゴゼン" in text_of(manager.get(PAGE))
    manager.post(f"{PAGE}readings/", {"drop": "地御前"})
    with contract_scope(contracts["hatsukaichi"]):
        assert not Reading.objects.exists()


@pytest.mark.req("CALL-01", "SEC-01")
def test_operators_listen_and_change_nothing(contracts: dict[str, Contract], sign_in: SignIn) -> None:
    operator = sign_in(contracts["hatsukaichi"], Role.OPERATOR)
    shown = text_of(operator.get(PAGE))
    assert "流れ" in shown and "公開する</button>" not in shown and "読みを登録する" not in shown
    assert "保存して音声を作る" not in text_of(operator.get(f"{PAGE}hold/ja/"))
    assert save(operator, "はい。").status_code == 403
    for deed in ("publish/", "readings/"):
        assert operator.post(PAGE + deed).status_code == 403
        assert operator.get(PAGE + deed).status_code == 405


@pytest.mark.req("CALL-01", "CON-02")
def test_a_contract_without_a_telephone_says_so(contracts: dict[str, Contract], sign_in: SignIn, now: dt.datetime) -> None:
    manager = sign_in(contracts["urasoe"], Role.MANAGER)
    assert "この契約には電話対応がありません" in text_of(manager.get("/staff/urasoe/phone/flow/"))
    assert manager.get("/staff/urasoe/phone/flow/hold/ja/").status_code == 404
    assert "電話の流れと案内" not in text_of(manager.get("/staff/urasoe/calendar/"))
    manager.post("/staff/urasoe/phone/flow/publish/")
    manager.post("/staff/urasoe/phone/flow/readings/", {"surface": "市", "kana": "シ"})
    with contract_scope(contracts["urasoe"]):
        assert not FlowVersion.objects.exists()
