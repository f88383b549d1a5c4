"""Cases at the screen: what counter staff, leaders, the city and auditors see and do."""

from __future__ import annotations

import datetime as dt
import re

import pytest
from django.test import Client

from madoguchi.domain.cases.enums import End, State
from madoguchi.domain.cases.models import Case, FlowVersion, Move
from madoguchi.domain.cases.services import work
from madoguchi.ground.accounts.models import Role
from madoguchi.ground.audit.models import Entry
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.contracts.tenancy import contract_scope
from tests.domain.cases.counter import MINUTE, hand, key, opened, step
from tests.web.citizen.resident import text_of
from tests.web.staff_site import SignIn, book

BASE = "/staff/hatsukaichi/cases/"
OPEN = {"work": "pin_reset.pin_reset", "place": "main", "booking": "", "position": "1", "language": "en", "key": "k1"}


def state_of(contract: Contract, pk: int) -> Case:
    with contract_scope(contract):
        return Case.objects.get(pk=pk)


def send(client: Client, pk: int, **values: object) -> object:
    """Press a button of the case's page, with the version and key that the page gave."""
    page = client.get(f"{BASE}{pk}/").content.decode()
    version = re.search(r'name="version" value="(\d+)"', page)
    assert version, page
    return client.post(f"{BASE}{pk}/do/", {"version": version[1], "key": key(), **values})


@pytest.mark.req("DESK-02")
def test_a_walk_in_from_opening_to_the_city_and_back(site: Contract, sign_in: SignIn) -> None:
    clerk, city = sign_in(site, Role.COUNTER), sign_in(site, Role.CITY)
    form = clerk.get(f"{BASE}new/")
    assert "暗証番号の再設定" in text_of(form)
    wrong = clerk.post(f"{BASE}new/", OPEN | {"work": "", "position": "x"})
    assert wrong.status_code == 422 and "「手続き」を選んで" in text_of(wrong) and 'value="k1"' in wrong.content.decode()
    gone = clerk.post(f"{BASE}new/", OPEN | {"booking": "ABCD-2345"})
    assert gone.status_code == 409 and "予約はありません" in text_of(gone) and "ABCD-2345" in gone.content.decode()
    went = clerk.post(f"{BASE}new/", OPEN)
    assert clerk.post(f"{BASE}new/", OPEN).url == went.url, "pressed twice, opened once"
    pk = int(went.url.rstrip("/").rpartition("/")[2])
    page = text_of(clerk.get(went.url))
    assert "来庁の目的を確かめる" in page and "English" in page and "次：カードと本人確認書類を見る" in page
    part = send(clerk, pk, way="next", ticked=["purpose"], text="書いたこと")
    html = part.content.decode()  # type: ignore[attr-defined]
    assert part.status_code == 409 and "まだ確認していない項目" in html and "書いたこと" in html  # type: ignore[attr-defined]
    assert re.search(r'value="purpose" checked', html)
    send(clerk, pk, way="next", ticked=["purpose", "which", "face"])
    assert "足りない" in text_of(clerk.get(went.url))
    send(clerk, pk, way="next", ticked=["card", "form", "identity"])
    send(clerk, pk, way="send", ticked=["file"])
    assert "市の回答を待っています" in text_of(clerk.get(went.url))
    listed = text_of(city.get(f"{BASE}city/"))
    assert "審査を待つ案件 1件" in listed.replace("　", " ")
    assert send(city, pk, way="refuse", ticked=["seen"]).status_code == 409  # type: ignore[attr-defined]
    send(city, pk, way="more", ticked=["seen"], reason="documents")
    assert "書類に不備がある" in text_of(clerk.get(went.url))
    assert "自分の担当 1件" in text_of(clerk.get(BASE)).replace("　", " ")
    home = send(clerk, pk, way="missing", missing=["form"])
    assert home.status_code == 302  # type: ignore[attr-defined]
    ended = text_of(clerk.get(went.url))
    assert "足りなかったもの" in ended and "再設定の申請書" in ended and state_of(site, pk).outcome == End.SENT_HOME
    assert "今日終わった案件 1件" in text_of(clerk.get(BASE)).replace("　", " ")


@pytest.mark.req("DESK-02")
def test_interrupt_note_undo_and_an_old_screen(site: Contract, sign_in: SignIn) -> None:
    clerk = sign_in(site, Role.COUNTER)
    pk = int(clerk.post(f"{BASE}new/", OPEN).url.rstrip("/").rpartition("/")[2])
    assert send(clerk, pk, deed="interrupt", text="あとで").status_code == 409  # type: ignore[attr-defined]
    send(clerk, pk, deed="interrupt", pause="person")
    assert "本人の都合" in text_of(clerk.get(BASE)) and state_of(site, pk).state == State.INTERRUPTED
    send(clerk, pk, deed="resume")
    send(clerk, pk, deed="note", text="窓口2で待つ")
    page = clerk.get(f"{BASE}{pk}/")
    assert "窓口2で待つ" in text_of(page)
    with contract_scope(site):
        assert Entry.objects.filter(action="case.viewed").exists()
    refused = send(clerk, pk, deed="note", text="1234 5678 9018")
    assert refused.status_code == 422  # type: ignore[attr-defined]
    send(clerk, pk, way="next", ticked=["purpose", "which", "face"])
    assert send(clerk, pk, deed="undo", text="").status_code == 409  # type: ignore[attr-defined]
    send(clerk, pk, deed="undo", text="順番を間違えた")
    assert state_of(site, pk).step == "welcome"
    old = clerk.post(f"{BASE}{pk}/do/", {"version": "1", "key": key(), "way": "next"})
    assert old.status_code == 409 and "先に進んで" in text_of(old)
    assert send(clerk, pk, deed="end", text="x").status_code == 409  # type: ignore[attr-defined]
    assert send(clerk, pk, deed="dance").status_code == 409  # type: ignore[attr-defined]
    send(clerk, pk, deed="end", outcome="given_up")
    assert state_of(site, pk).outcome == End.GIVEN_UP


@pytest.mark.req("DESK-02")
def test_another_takes_it_over_knowingly(site: Contract, sign_in: SignIn, now: dt.datetime) -> None:
    case = opened(site, hand(site), now)
    other = sign_in(site, Role.SUPERVISOR)
    page = other.get(f"{BASE}{case.pk}/").content.decode()
    assert "担当を代わる" in page and 'name="way"' not in page
    owner = re.search(r'name="instead_of" value="(\d+)"', page)
    assert owner
    assert send(other, case.pk, deed="take", instead_of="999999").status_code == 409  # type: ignore[attr-defined]
    send(other, case.pk, deed="take", instead_of=owner[1])
    assert 'name="way"' in other.get(f"{BASE}{case.pk}/").content.decode()


@pytest.mark.req("DESK-02")
def test_from_the_booking_to_the_case(site: Contract, sign_in: SignIn, now: dt.datetime) -> None:
    made = book(site, procedure="card_pickup", now=now)
    clerk, operator = sign_in(site, Role.COUNTER), sign_in(site, Role.OPERATOR)
    link = f"{BASE}new/?booking={made.code}&amp;position=1"
    assert link in clerk.get(f"/staff/hatsukaichi/desk/b/{made.code}/").content.decode()
    assert link not in operator.get(f"/staff/hatsukaichi/desk/b/{made.code}/").content.decode()
    form = clerk.get(link.replace("&amp;", "&")).content.decode()
    assert made.code in form and re.search(r'value="issuance_at_delivery.card_pickup"[^>]*checked', form)
    went = clerk.post(f"{BASE}new/", OPEN | {"work": "issuance_at_delivery.card_pickup", "booking": made.code})
    page = clerk.get(went.url)
    assert f"/desk/b/{made.code}/" in page.content.decode() and "山田" not in page.content.decode()
    again = clerk.post(f"{BASE}new/", OPEN | {"work": "issuance_at_delivery.card_pickup", "booking": made.code, "key": "k2"})
    assert again.status_code == 409 and "すでに開いて" in text_of(again)


@pytest.mark.req("DESK-02")
def test_a_flow_is_changed_by_a_manager_and_approved_by_the_city(site: Contract, sign_in: SignIn, now: dt.datetime) -> None:
    manager, city, clerk = (sign_in(site, role) for role in (Role.MANAGER, Role.CITY, Role.COUNTER))
    flow = f"{BASE}flows/issuance_at_delivery/"
    assert "交付の決定" in text_of(clerk.get(flow)) and "変更を提案する" not in text_of(clerk.get(flow))
    assert clerk.get(f"{flow}edit/").status_code == 403
    page = manager.get(f"{flow}edit/").content.decode()
    typed = dict(re.findall(r'<(?:input)[^>]*name="([^"]+)"[^>]*value="([^"]*)"', page))
    typed = {name: value for name, value in typed.items() if name != "csrfmiddlewaretoken"}
    for name in re.findall(r'type="checkbox" name="([^"]+)"', page):
        if re.search(rf'name="{name}"[^>]*checked', page):
            typed[name] = "on"
    typed |= dict(re.findall(r'<textarea[^>]*name="([^"]+)"[^>]*>\s*([^<]*)</textarea>', page))
    empty = manager.post(f"{flow}edit/", typed | {"documents-title": "", "note": "書類を足す"})
    assert empty.status_code == 422 and "書類を足す" in empty.content.decode()
    typed |= {"note": "書類を足す", "documents-label5": "市の独自の書類", "documents-order5": "1", "documents-label2": "", "valid_from": "2026-11-02"}
    typed.pop("use-on", None)
    assert manager.post(f"{flow}edit/", typed).status_code == 302
    twice = manager.post(f"{flow}edit/", typed)
    assert twice.status_code == 409 and "承認を待っている" in text_of(twice) and "市の独自の書類" in twice.content.decode()
    with contract_scope(site):
        version = FlowVersion.objects.get()
    shown = text_of(city.get(flow))
    assert "書類を足す" in shown and "市の独自の書類" in shown and "（なし）" in shown
    deed = f"{flow}{version.pk}/decide/"
    assert manager.post(deed, {"deed": "approve"}).status_code == 403
    assert clerk.post(deed, {"deed": "down"}).status_code == 403
    assert city.post(deed, {"deed": "approve"}).status_code == 302
    assert city.post(deed, {"deed": "approve"}).status_code == 409
    after = text_of(city.get(flow))
    assert "市の確認済み" in after and "第1版" in after
    with contract_scope(site):
        items = [item["label"] for one in FlowVersion.objects.get().body["steps"] if one["code"] == "documents" for item in one["items"]]
    assert items[0] == "市の独自の書類" and len(items) == 5
    assert "第1版" in text_of(city.get(f"{BASE}flows/"))
    assert city.get(f"{BASE}flows/express_issuance/").status_code == 404, "the contract has no such procedure"


@pytest.mark.req("DESK-07", "DESK-10")
def test_figures_and_the_citys_table(site: Contract, sign_in: SignIn, now: dt.datetime) -> None:
    clerk = hand(site)
    for n in range(3):
        case = opened(site, clerk, now + n * MINUTE)
        with contract_scope(site):
            work.end(site, case.pk, End.GIVEN_UP, version=1, key=key(), hand=clerk, now=now + (n + 2) * MINUTE)
    moved = opened(site, clerk, now, "certificate", "cert_renewal")
    step(site, moved, clerk, "elsewhere", now + MINUTE)
    city = sign_in(site, Role.CITY)
    page = text_of(city.get(f"{BASE}figures/"))
    assert "本人が取りやめ 3" in page and "終わった案件 4" in page and "2:00" in page
    csv = city.get(f"{BASE}figures.csv").content.decode("utf-8-sig")
    assert "手続き,暗証番号の再設定,3,0,120,," in csv
    wrong = city.get(f"{BASE}figures/?first=2026-11-05&last=2026-11-01")
    assert wrong.status_code == 422 and "後にしてください" in text_of(wrong)
    assert city.get(f"{BASE}figures.csv?first=x").status_code == 422
    assert city.get(f"{BASE}figures/?first=2020-01-01").status_code == 422
    assert city.get(f"{BASE}figures/?first=2026-11-01&last=9999-12-31").status_code == 422
    assert city.get(f"{BASE}visitors/?month=9999-12").status_code == 422
    assert "ありません" in text_of(city.get(f"{BASE}figures/?first=2026-01-01&last=2026-01-02"))
    table = city.get(f"{BASE}visitors.csv?month=2026-11").content.decode("utf-8-sig").splitlines()
    assert table[0].startswith("手続き,1日,2日") and table[0].endswith("30日,計")
    assert next(line for line in table if line.startswith("暗証番号")).split(",")[2::29] == ["3", "3"]
    assert table[-1].endswith(",4")
    shown = text_of(city.get(f"{BASE}visitors/?month=2026-11&site=main"))
    assert "来庁者数の表 2026年11月" in shown.replace("　", " ")
    assert city.get(f"{BASE}visitors/?month=nov").status_code == 422
    assert city.get(f"{BASE}visitors.csv?month=nov").status_code == 422


@pytest.mark.req("DESK-02", "SEC-01")
def test_who_may_look_and_who_may_work(site: Contract, sign_in: SignIn, now: dt.datetime) -> None:
    case = opened(site, hand(site), now)
    pages = ["", "new/", f"{case.pk}/", "city/", "flows/", "flows/pin_reset/", "flows/pin_reset/edit/", "figures/", "visitors/"]
    closed = {
        Role.OPERATOR: set(pages), Role.AUDITOR: {"new/", "flows/pin_reset/edit/"}, Role.COUNTER: {"flows/pin_reset/edit/"},
        Role.SUPERVISOR: {"flows/pin_reset/edit/"}, Role.MANAGER: set(), Role.CITY: set(),
    }  # fmt: skip
    for role, shut in closed.items():
        client = sign_in(site, role)
        for page in pages:
            assert client.get(BASE + page).status_code == (403 if page in shut else 200), (role, page)
    auditor = sign_in(site, Role.AUDITOR)
    assert auditor.post(f"{BASE}{case.pk}/do/", {"deed": "end", "outcome": "moved"}).status_code == 403
    assert 'name="deed"' not in auditor.get(f"{BASE}{case.pk}/").content.decode()
    assert auditor.get(f"{BASE}999999/").status_code == 404
    with contract_scope(site):
        assert Move.objects.count() == 1
