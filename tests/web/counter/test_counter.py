"""The screens of the counter: from the tablet to the window, and who may see what."""

from __future__ import annotations

import datetime as dt
import re

import pytest
from django.test import Client

from madoguchi.domain.booking.models import Booking, WalkIn
from madoguchi.domain.booking.recipients import manage_path
from madoguchi.domain.booking.rules import show_code
from madoguchi.domain.cases.models import Case
from madoguchi.domain.reception import queries
from madoguchi.domain.reception.enums import Outcome, TerminalKind
from madoguchi.domain.reception.models import Terminal, Ticket
from madoguchi.domain.reception.services.terminals import terminal_path
from madoguchi.ground.accounts.models import Role
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.contracts.tenancy import contract_scope
from madoguchi.ground.kit import clock
from tests.web.staff_site import TUESDAY_10, SignIn, book

S = "/staff/hatsukaichi/counter/"
FAMILY = (("山田 太郎", "ヤマダ タロウ", "1980-01-02"), ("山田 花子", "ヤマダ ハナコ", "1982-03-04"))


@pytest.fixture
def tuesday(site: Contract, monkeypatch: pytest.MonkeyPatch) -> dt.datetime:
    """The screens live on Tuesday 10 November 2026, 9:52."""
    moment = TUESDAY_10 - dt.timedelta(minutes=8)
    monkeypatch.setattr(clock, "now", lambda: moment)
    queries.forget()
    return moment


def key_of(page: str) -> str:
    found = re.search(r'name="key" value="([0-9a-f]{32})', page)
    assert found, page
    return found[1]


def says(client: Client, path: str) -> str:
    answer = client.get(path, follow=True)
    assert answer.status_code == 200, f"{path}: {answer.status_code}"
    return str(answer.content.decode())


def person_ids(page: str) -> list[str]:
    return re.findall(r'name="person" value="(\d+)"', page)


@pytest.mark.req("DESK-01", "BOOK-15")
@pytest.mark.parametrize("by", ["link", "code", "digits", "kana", "name"])
def test_a_booked_party_is_found_and_gets_a_ticket(site: Contract, sign_in: SignIn, now: dt.datetime, tuesday: dt.datetime, by: str) -> None:
    booked = book(site, names=FAMILY, phone="090-1234-5678", now=now)
    client = sign_in(site, Role.COUNTER)
    with contract_scope(site):
        link = manage_path(site, booked.code)
    typed = {
        "link": f"http://127.0.0.1{link}", "code": show_code(booked.code), "digits": "５６７８", "kana": "やまだた", "name": "山田 花"
    }[by]  # fmt: skip
    found = client.post(f"{S}main/reception/", {"q": typed}, follow=True)
    if by not in ("link", "code"):
        assert f"/booked/{booked.code}/" in found.content.decode()
        found = client.get(f"{S}main/reception/booked/{booked.code}/")
    page = found.content.decode()
    assert "山田 花子" in page
    assert "交付通知書" in page
    ids = person_ids(page)
    assert len(ids) == 2
    answer = client.post(
        f"{S}main/reception/issue/", {"key": key_of(page), "booking": booked.code, "person": ids[:1], "need": "sign", "language": "en"}
    )
    slip = says(client, answer["Location"])
    assert "A001" in slip
    assert "山田" not in slip
    with contract_scope(site):
        ticket = Ticket.objects.get()
        assert (ticket.people, ticket.counts, ticket.needs, ticket.language) == (1, [1], ["sign"], "en")
        assert Booking.objects.get(code=booked.code).arrived_at == tuesday


@pytest.mark.req("DESK-01")
def test_a_search_without_a_match_says_what_to_do(site: Contract, sign_in: SignIn, tuesday: dt.datetime) -> None:
    client = sign_in(site, Role.COUNTER)
    for typed in ("9999", "ソンザイシナイ", "ABCDEFGH", "x"):
        page = client.post(f"{S}main/reception/", {"q": typed}).content.decode()
        assert "見つかりません" in page


@pytest.mark.req("DESK-01", "DESK-09")
def test_a_visit_by_keyboard_pages_from_triage_to_the_end(site: Contract, sign_in: SignIn, tuesday: dt.datetime) -> None:
    client = sign_in(site, Role.COUNTER)
    page = says(client, f"{S}main/reception/which/")
    assert "?at=" in page
    page = says(client, f"{S}main/reception/party/?n_card_pickup=1&n_pin_reset=1&who=proxy&language=vi")
    form = {"key": key_of(page), "n_card_pickup": "1", "n_pin_reset": "1", "language": "vi", "need": ["writing", "interpretation"]}
    first = client.post(f"{S}main/reception/issue/", form)
    assert client.post(f"{S}main/reception/issue/", form)["Location"] == first["Location"], "sent twice, one ticket"
    at = f"{S}main/windows/1/"
    assert client.get(at).status_code == 404
    client.post(f"{at}open/", {"key": "o1", "group": "card"})
    page = says(client, at)
    assert "次の方を呼び出す" in page
    assert 'data-key="n"' in page
    page = client.post(f"{at}next/", {"key": key_of(page)}, follow=True).content.decode()
    for text in ("A001", "筆談", "通訳", "Tiếng Việt", 'data-key="b"', 'data-key="r"', 'data-key="m"'):
        assert text in page
    client.post(f"{at}recall/", {"key": "r1"})
    page = client.post(f"{at}begin/", {"key": "b1"}, follow=True).content.decode()
    assert 'data-key="f"' in page
    page = client.post(f"{at}finish/", {"key": "f0"}, follow=True).content.decode()
    assert "1つ以上選んでください" in page
    page = client.post(f"{at}finish/", {"key": "f1", "done": "card_pickup"}, follow=True).content.decode()
    assert "終わっていません" in page, "the case is still in hand"
    with contract_scope(site):
        first, second = Case.objects.select_related("procedure").order_by("id")
    assert (first.procedure.code, second.procedure.code, second.owner) == ("card_pickup", "pin_reset", None)
    assert f'href="/staff/hatsukaichi/cases/{first.pk}/"' in page
    page = says(client, f"/staff/hatsukaichi/cases/{first.pk}/")
    assert "1番窓口へ戻る" in page
    assert "次の案件" not in page
    given_up = {"deed": "end", "outcome": "given_up", "version": first.moves, "key": "e1"}
    page = client.post(f"/staff/hatsukaichi/cases/{first.pk}/do/", given_up, follow=True).content.decode()
    assert "次の案件を始める" in page
    taken = client.post(f"/staff/hatsukaichi/cases/{second.pk}/do/", {"deed": "take", "version": second.moves, "key": "t2"}, follow=True)
    assert "担当：<b>自分</b>" in taken.content.decode()
    page = says(client, at)
    assert 'name="done" value="card_pickup" checked' in page
    assert 'name="done" value="pin_reset">' in page
    client.post(f"{at}finish/", {"key": "f1b", "done": "card_pickup"})
    client.post(f"/staff/hatsukaichi/cases/{second.pk}/do/", {"deed": "end", "outcome": "moved", "version": second.moves + 1, "key": "e2"})
    page = client.post(f"{at}finish/", {"key": "f2", "done": "pin_reset"}, follow=True).content.decode()
    assert "来庁を終えました" in page
    day = says(client, f"{S}main/day/")
    assert "ほかの窓口・日を案内した 1" in day, "nobody got anything done"
    assert "一日を締める" not in day, "counter staff do not close the day"
    with contract_scope(site):
        assert Ticket.objects.get().outcome == Outcome.REFERRED


@pytest.mark.req("DESK-01")
def test_who_lacks_documents_gets_the_list_of_those_and_is_counted(site: Contract, sign_in: SignIn, tuesday: dt.datetime) -> None:
    client = sign_in(site, Role.COUNTER)
    page = says(client, f"{S}main/reception/party/?p=card_pickup&language=en")
    docs = re.findall(r'name="doc" value="(card_pickup\.[^"]+)"', page)
    assert len(docs) > 1
    form = {"key": key_of(page), "n_card_pickup": "1", "language": "en"}
    page = client.post(f"{S}main/reception/missing/", {**form, "doc": docs[1:]}).content.decode()
    assert "交付通知書（はがき）" in page
    assert "Issuance notice postcard" in page
    assert "住民基本台帳カード" not in page
    assert "/hatsukaichi/book/?p=card_pickup" in page
    assert "足りない書類はありません" in client.post(f"{S}main/reception/missing/", {**form, "doc": docs}).content.decode()
    away = {"key": key_of(page), "n_card_pickup": "1", "language": "en", "outcome": "booked"}
    assert "案内を記録しました" in client.post(f"{S}main/reception/turn-away/", away, follow=True).content.decode()
    with contract_scope(site):
        assert WalkIn.objects.get().outcome == "booked"
        assert not Ticket.objects.exists()


@pytest.mark.req("DESK-01", "BOOK-15")
def test_the_leader_sees_the_groups_closes_the_day_and_keeps_the_screens(
    site: Contract, sign_in: SignIn, tuesday: dt.datetime, now: dt.datetime
) -> None:
    client = sign_in(site, Role.SUPERVISOR)
    client.post(f"{S}main/reception/issue/", {"key": "k1", "n_card_pickup": "2"})
    page = says(client, S)
    assert "受取り・更新・暗証番号" in page
    assert "不明（開いている窓口がありません）" in page
    page = says(client, f"{S}main/day/")
    page = client.post(f"{S}main/day/close/", {"key": key_of(page), "no_shows": "on"}, follow=True).content.decode()
    assert "残っていた番号 1件" in page
    assert client.post(f"{S}terminals/", {"name": "", "kind": "display", "site": "main"}).status_code == 422
    page = client.post(f"{S}terminals/", {"name": "待合", "kind": "display", "site": "main"}, follow=True).content.decode()
    with contract_scope(site):
        terminal = Terminal.objects.get()
        path = terminal_path(site, terminal)
    assert path in page
    assert Client().get(path).status_code == 200
    client.post(f"{S}terminals/{terminal.pk}/revoke/")
    assert Client().get(path).status_code == 404
    assert Client().get(f"{path}state.json").status_code == 404
    assert terminal.kind == TerminalKind.DISPLAY


@pytest.mark.req("SEC-01")
@pytest.mark.parametrize(
    ("role", "sees", "closed"),
    [
        (Role.OPERATOR, ("", "main/day/", "main/windows/"), ("main/reception/", "terminals/", "main/windows/1/")),
        (Role.AUDITOR, ("", "main/day/"), ("main/reception/", "terminals/")),
        (Role.COUNTER, ("", "main/reception/", "main/windows/"), ("terminals/",)),
    ],
)
def test_rights(site: Contract, sign_in: SignIn, role: Role, sees: tuple[str, ...], closed: tuple[str, ...]) -> None:
    client = sign_in(site, role)
    for page in sees:
        assert client.get(f"{S}{page}").status_code == 200, page
    for page in closed:
        assert client.get(f"{S}{page}").status_code == 403, page
    if role != Role.COUNTER:
        assert client.post(f"{S}main/windows/1/open/", {"key": "x", "group": "card"}).status_code == 403
    assert client.post(f"{S}main/day/close/", {"key": "x"}).status_code == 403


@pytest.mark.req("CON-02")
@pytest.mark.parametrize(
    ("code", "site_code"), [("izumi", "honkan"), ("izumi", "plaza"), ("nagaoka", "main"), ("urasoe", "main"), ("izunokuni", "")]
)
def test_every_contract_has_the_counter_that_was_agreed(
    contracts: dict[str, Contract], sign_in: SignIn, now: dt.datetime, code: str, site_code: str
) -> None:
    from madoguchi.domain.booking.services.setup import set_up

    set_up(contracts[code], now=now)
    client = sign_in(contracts[code], Role.MANAGER)
    if not site_code:
        assert client.get(f"/staff/{code}/counter/").status_code == 404
        assert "窓口の状況" not in client.get(f"/staff/{code}/").content.decode()
        return
    for page in ("", "terminals/", f"{site_code}/day/", f"{site_code}/windows/", f"{site_code}/reception/", f"{site_code}/reception/which/"):
        assert client.get(f"/staff/{code}/counter/{page}").status_code == 200, page
