"""What visitors see without an account: the ticket machine, the display of calls, the page of a ticket."""

from __future__ import annotations

import datetime as dt
import io
import json
import re
import wave
from collections.abc import Iterable
from typing import Any

import pytest
from django.test import Client

from madoguchi.domain.callflow.speech import speakable
from madoguchi.domain.reception import queries, sound
from madoguchi.domain.reception.enums import Outcome, TerminalKind
from madoguchi.domain.reception.models import Summons, Ticket
from madoguchi.domain.reception.services import tickets, windows
from madoguchi.domain.reception.services.terminals import add_terminal, terminal_path
from madoguchi.ground.accounts.models import User
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.contracts.tenancy import contract_scope
from madoguchi.ground.kit import clock
from madoguchi.ground.kit.actors import SYSTEM
from madoguchi.web.counter import screens
from tests.web.staff_site import TUESDAY_10, book

pytestmark = pytest.mark.req("DESK-01")


@pytest.fixture
def tuesday(site: Contract, monkeypatch: pytest.MonkeyPatch) -> dt.datetime:
    """Visitors come on Tuesday 10 November 2026, 9:52."""
    moment = TUESDAY_10 - dt.timedelta(minutes=8)
    monkeypatch.setattr(clock, "now", lambda: moment)
    queries.forget()
    return moment


def screen(site: Contract, kind: TerminalKind, now: dt.datetime) -> str:
    with contract_scope(site):
        return terminal_path(site, add_terminal(site, site="main", kind=kind, name="入口", by=SYSTEM, now=now))


def call_one(site: Contract, now: dt.datetime) -> tuple[Ticket, dict[str, Any]]:
    """A ticket that window 1 calls; with what further deeds there need."""
    with contract_scope(site):
        ticket = tickets.issue(site, site="main", parts={"card_pickup": 1}, key="t", by=SYSTEM, now=now)
        user = User.objects.create_user("w@example.jp", None, name="窓口")
        own = {"site": "main", "number": 1, "user": user, "by": SYSTEM, "now": now}
        windows.open_window(site, groups=["card"], key="o", **own)
        windows.call_next(site, key="c", **own)
    return ticket, own


def test_the_machine_takes_a_booking_without_showing_a_name(site: Contract, now: dt.datetime, tuesday: dt.datetime) -> None:
    booked = book(site, names=(("山田 太郎", "ヤマダ タロウ", "1980-01-02"), ("山田 花子", "ヤマダ ハナコ", "1982-03-04")), now=now)
    home, client = screen(site, TerminalKind.MACHINE, now), Client()
    assert "予約がある" in client.get(home).content.decode()
    wrong = client.post(f"{home}booked/", {"code": "ABCDEFGH"})
    assert wrong.status_code == 422
    assert "この番号はありません" in wrong.content.decode()
    page = client.post(f"{home}booked/", {"code": booked.code.lower()}).content.decode()
    assert "10:00の予約です" in page
    assert "山田" not in page
    key = re.search(r'name="key" value="(\w+)"', page)[1]  # type: ignore[index]
    given = client.post(f"{home}issue/", {"key": key, "booking": booked.code, "people": "1"}, follow=True)
    assert "A001" in given.content.decode()
    with contract_scope(site):
        assert Ticket.objects.get().people == 1


def test_the_machine_leads_who_has_no_booking_by_questions_in_the_readers_language(site: Contract, now: dt.datetime, tuesday: dt.datetime) -> None:
    home, client = screen(site, TerminalKind.MACHINE, now), Client()
    page = client.get(f"{home}which/?lang=en").content.decode()
    assert "What did you come for?" in page
    page = client.get(f"{home}bring/?p=card_pickup").content.decode()
    assert "Issuance notice postcard" in page
    assert "QR code" in client.get(f"{home}bring/?p=card_pickup&lacks=1").content.decode()
    key = re.search(r'name="key" value="(\w+)"', page)[1]  # type: ignore[index]
    given = client.post(f"{home}issue/", {"key": key, "p": "card_pickup", "people": "2"}, follow=True).content.decode()
    assert "A001" in given
    assert "The waiting time is not known yet." in given
    with contract_scope(site):
        ticket = Ticket.objects.get()
    assert (ticket.language, ticket.counts) == ("en", [2])


def test_the_machine_gives_nothing_outside_hours_and_nothing_for_nonsense(
    site: Contract, now: dt.datetime, tuesday: dt.datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    home, client = screen(site, TerminalKind.MACHINE, now), Client()
    for form in ({}, {"p": "nonsense", "key": "k"}, {"p": "card_pickup"}, {"booking": "ABCDEFGH", "key": "k"}):
        assert client.post(f"{home}issue/", form).status_code == 422
    monkeypatch.setattr(clock, "now", lambda: tuesday.replace(hour=20))
    assert "ただいま受付時間外です" in client.get(home).content.decode()
    assert client.post(f"{home}issue/", {"p": "card_pickup", "key": "k"}).status_code == 409
    with contract_scope(site):
        assert not Ticket.objects.exists()


def test_the_page_of_a_ticket_follows_the_visit(site: Contract, now: dt.datetime, tuesday: dt.datetime) -> None:
    with contract_scope(site):
        first = tickets.issue(site, site="main", parts={"card_pickup": 1}, key="t0", by=SYSTEM, now=tuesday)
    client, address = Client(), f"/hatsukaichi/ticket/{first.token}/"
    page = client.get(f"{address}?lang=ja").content.decode()
    assert "A001" in page
    assert "次の順番です" in page
    bad = client.post(address, {"email": "nobody"})
    assert bad.status_code == 422
    assert 'value="nobody"' in bad.content.decode()
    assert "お知らせを送ります" in client.post(address, {"email": "a@example.jp"}, follow=True).content.decode()
    assert "お知らせを受け取る" in client.post(address, {"stop": "1"}, follow=True).content.decode()
    second, own = call_one(site, tuesday)
    assert "1番窓口へお越しください" in client.get(address).content.decode()
    assert "前に" not in client.get(f"/hatsukaichi/ticket/{second.token}/").content.decode()
    with contract_scope(site):
        windows.begin(site, key="b", **own)
        windows.end_visit(site, outcome=Outcome.REFERRED, key="f", **own)
    page = client.get(address).content.decode()
    assert "受付は終わりました" in page
    assert "data-follow" not in page
    assert client.get(f"/hatsukaichi/ticket/{'0' * 32}/").status_code == 404


def ask(path: str, etag: str = "") -> tuple[str, dict[str, str], bytes]:
    """The answer of a web process before Django."""
    told: list[Any] = []

    def django(environ: Any, start: Any) -> Iterable[bytes]:
        start("200 Django", [])
        return [b""]

    environ = {"PATH_INFO": path, "REQUEST_METHOD": "GET", **({"HTTP_IF_NONE_MATCH": etag} if etag else {})}
    body = b"".join(screens.wrap(django)(environ, lambda status, headers: told.extend((status, dict(headers)))))
    return told[0], told[1], body


def test_the_display_is_answered_before_django_and_knows_what_it_said(site: Contract, now: dt.datetime, tuesday: dt.datetime) -> None:
    home = screen(site, TerminalKind.DISPLAY, now)
    screens._ready.clear()
    call_one(site, tuesday)
    status, headers, body = ask(f"{home}state.json")
    assert status == "200 OK"
    state = json.loads(body)
    assert [(one["number"], one["window"], one["spoken"], one["waiting"]) for one in state["calls"]] == [("A001", 1, True, True)]
    assert state["now"] == "09:52"
    assert ask(f"{home}state.json", headers["etag"])[0] == "304 Not Modified"
    assert ask("/hatsukaichi/display/1/" + "0" * 32 + "/state.json")[0] == "404 Not Found"
    assert ask("/nowhere/display/1/" + "0" * 32 + "/state.json")[0] == "404 Not Found"
    assert ask("/hatsukaichi/")[0] == "200 Django"
    same = Client().get(f"{home}state.json")
    assert (same.content, same["ETag"]) == (body, headers["etag"])
    assert Client().get(f"{home}state.json", headers={"if-none-match": same["ETag"]}).status_code == 304
    page = Client().get(home).content.decode()
    assert "A001" in page
    assert "Pick up, renew, PIN" in page


def test_a_call_is_spoken_and_who_cannot_be_spoken_is_not_there(site: Contract, now: dt.datetime, tuesday: dt.datetime) -> None:
    assert speakable("ja")
    assert sound.words("B", 12, 3, "ja") == "番号札、ビーの12番のかた、3番窓口へお越しください。"
    home = screen(site, TerminalKind.DISPLAY, now)
    call_one(site, tuesday)
    with contract_scope(site):
        pk = Summons.objects.get().pk
    answer = Client().get(f"{home}sound/{pk}/ja.wav")
    with wave.open(io.BytesIO(answer.content)) as file:
        assert file.getnframes() / file.getframerate() > 2
    assert Client().get(f"{home}sound/{pk}/vi.wav").status_code == 404
    assert Client().get(f"{home}sound/{pk + 1}/ja.wav").status_code == 404
