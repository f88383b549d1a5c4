"""The screens of the stock: scanning, a delivery list, four eyes, shelves, picks, ageing, stock-taking, and who may do what."""

from __future__ import annotations

import csv
import datetime as dt
import io
import re
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from madoguchi.domain.booking.models import Slot
from madoguchi.domain.cards.arrivals import Arrival
from madoguchi.domain.cards.enums import State
from madoguchi.domain.cards.models import Card, Difference, Setup, Stocktake
from madoguchi.domain.cards.services import stock as deeds
from madoguchi.ground.accounts.models import Role
from madoguchi.ground.contracts.tenancy import contract_scope
from madoguchi.ground.kit.clock import JST
from tests.domain.cards.people import NINE, TODAY, Stock
from tests.web.staff_site import SignIn, book

BASE = "/staff/izumi/stock/"
A, B, C = "2607-00001", "2607-00002", "2607-00003"
HEARD = re.compile(r'data-said( data-good)?>.*?<span>(.*?)</span></p>(?:<p class="stock-then">(.*?)</p>)?', re.S)


def heard(response: Any) -> tuple[bool, str]:
    """Good or not, and the sentence, of a page or of a scan's answer."""
    found = HEARD.search(response.content.decode())
    assert found, response.content.decode()[:2000]
    return bool(found[1]), found[2]


def text(response: Any) -> str:
    return str(response.content.decode())


@pytest.fixture
def counter(stock: Stock, sign_in: SignIn) -> Client:
    return sign_in(stock.contract, Role.COUNTER)


@pytest.mark.req("DESK-03")
def test_cards_are_registered_put_away_and_handed_over_by_scanner(stock: Stock, counter: Client) -> None:
    def scan(code: str, **more: str) -> tuple[bool, str]:
        return heard(counter.post(f"{BASE}scan/", {"code": code, **more}))

    assert scan(A, do="register") == (True, f"{A} を登録しました。")
    assert scan(A, do="register") == (False, f"すでに登録されています：{A}")
    assert scan("2607－00002", do="register")[0], "full-width"
    assert scan(A, do="put") == (False, "先に、箱のラベルを読み取ってください。")
    page = counter.post(f"{BASE}scan/", {"code": "a-03", "do": "put"}, headers={"HX-Request": "true"})
    assert heard(page) == (True, "A-03 に格納します。")
    assert "<html" not in text(page), "the scanner's script gets only what changed"
    assert 'name="box" value="A-03"' in text(page)
    assert scan(A, do="put", box="A-03") == (True, f"{A} は A-03-01 に入れてください。")
    assert scan(A) == (True, f"{A}：設定待ち")
    good, said = scan(A, do="issue")
    assert not good
    assert "交付できるのは、通知済みのカード" in said
    assert scan("A-03", do="issue") == (False, "箱のラベルです。")
    assert scan("A-99", do="put")[1].startswith("保管キャビネットAの箱は1から24まで")
    assert scan("", do="issue")[1].startswith("管理番号を読み取るか")
    assert "入れてください" not in text(counter.get(f"{BASE}scan/?do=put"))
    assert "A-03-01" in text(counter.get(f"{BASE}scan/?do=put")), "one's last scans stand on the page"


@pytest.mark.req("SEC-04")
def test_an_individual_number_is_refused_everywhere_and_never_shown_again(stock: Stock, counter: Client) -> None:
    number = "123456789018"
    stock.told(A)
    pk = stock.card(A).pk

    for path, data in [
        ("scan/", {"code": number, "do": "register"}), ("find/", {"code": number}), ("find/", {"reading": number, "born": "1980-01-02"}),
        ("picks/", {"code": number}), ("check/", {"code": number}), (f"cards/{pk}/do/", {"deed": "return", "reason": "other", "words": f"番号は{number}です"}),
        ("link/", {"number": number, "booking": ""}), ("notices/", {"card": number, "sent_on": "2026-11-02"}),
    ]:  # fmt: skip
        answer = counter.post(f"{BASE}{path}", data, follow=True)
        assert answer.status_code < 500, path
        assert "マイナンバー" in text(answer), path
        assert number not in text(answer), path
    upload = SimpleUploadedFile("list.csv", f"管理番号,備考\n{B},{number}\n".encode())
    answer = counter.post(f"{BASE}arrivals/", {"file": upload})
    assert answer.status_code == 422
    assert "マイナンバー" in text(answer)
    assert number not in text(answer)
    assert stock.states() == {A: State.NOTIFIED}


@pytest.mark.req("DESK-03")
def test_a_delivery_list_is_checked_line_by_line_and_registered_whole(stock: Stock, counter: Client) -> None:
    stock.arrive(A)
    bad = "管理番号,到着日,フリガナ,生年月日,メモ\n" + "\n".join([
        f"{A},,,,", f"{B},2026-13-01,,,", "ABC,,,,", f"{B},2027-01-01,,,", f"{C},,ヤマダ,,", f"{C},,やまだ　たろう,S55.1.2,x", f"{C},,,,",
    ])  # fmt: skip
    answer = counter.post(f"{BASE}arrivals/", {"file": SimpleUploadedFile("a.csv", bad.encode("cp932"))})
    assert answer.status_code == 422
    rows = re.findall(r'<td class="num">(\d+)</td><td class="stock-nowrap">(.*?)</td><td>(.*?)</td>', text(answer))
    assert [(line, column) for line, column, _ in rows] == [
        ("2", "管理番号"), ("3", "到着日"), ("4", "管理番号"), ("5", "到着日"), ("6", "生年月日"), ("8", "管理番号"),
    ]  # fmt: skip
    assert "読まなかった列：メモ" in text(answer)
    assert list(stock.states()) == [A]
    good = f"管理番号,到着日,フリガナ,生年月日\n{B},R8.11.1,やまだ　たろう,S55.1.2\n{C},,,\n"
    answer = counter.post(f"{BASE}arrivals/", {"file": SimpleUploadedFile("a.csv", good.encode())})
    assert "<b>2枚</b>を登録します" in text(answer)
    assert list(stock.states()) == [A], "nothing is registered before the second press"
    checked = re.search(r'name="checked" value="([^"]+)"', text(answer))
    assert checked
    assert counter.post(f"{BASE}arrivals/", {"checked": checked[1][:-4] + "AAAA"}, follow=True).status_code == 200
    assert list(stock.states()) == [A], "what was tampered with is not registered"
    counter.post(f"{BASE}arrivals/", {"checked": checked[1]})
    assert set(stock.states()) == {A, B, C}
    assert stock.card(B).arrived_on == dt.date(2026, 11, 1)
    assert stock.card(B).person


@pytest.mark.req("DESK-04")
def test_a_batch_is_worked_off_by_one_and_checked_by_another(stock: Stock, counter: Client, sign_in: SignIn) -> None:
    stock.arrive(A, B)
    assert counter.post(f"{BASE}batches/", {"day": "2026-11-02", "target": "0"}).status_code == 409
    page = counter.post(f"{BASE}batches/", {"day": "2026-11-02", "target": "2"})
    assert page.status_code == 302
    batch = page["Location"]
    assert heard(counter.post(batch, {"code": A})) == (True, f"{A} の設定を記録しました。")
    assert "設定 1 / 2枚" in text(counter.get(batch))
    good, said = heard(counter.post(f"{BASE}check/", {"code": A}))
    assert (good, "確認は別の人" in said) == (False, True)
    other = sign_in(stock.contract, Role.COUNTER)
    assert heard(other.post(f"{BASE}check/", {"code": A, "fault": "chip"})) == (True, f"{A} を差し戻しました。")
    counter.post(batch, {"code": A})
    assert heard(other.post(f"{BASE}check/", {"code": A})) == (True, f"{A} の確認が済みました。")
    assert stock.states() == {A: State.CHECKED, B: State.REGISTERED}
    counter.post(f"{batch}close/")
    with contract_scope(stock.contract):
        assert not Setup.objects.filter(status="planned").exists()
    assert counter.post(f"{BASE}notices/", {"card": [A], "sent_on": "2026-11-02"}).status_code == 302
    assert stock.states()[A] == State.NOTIFIED


@pytest.mark.req("DESK-03")
def test_a_reservation_finds_its_card_and_the_day_its_picks(stock: Stock, counter: Client) -> None:
    born = dt.date(1980, 1, 2)
    deeds.register_cards(stock.contract, [Arrival(A, None, "ヤマダ タロウ", born), Arrival(B, None, "スズキ", born)], **stock.who("worker"))  # type: ignore[arg-type]
    stock.set_up(A, B)
    counter.post(f"{BASE}notices/", {"card": [A, B], "sent_on": "2026-11-02"})
    stock.put(A, box=4)
    with contract_scope(stock.contract):
        start = Slot.objects.filter(pool__code="honkan_card", starts_at__gte=dt.datetime(2026, 11, 10, tzinfo=JST)).order_by("starts_at")[0].starts_at
    code = book(stock.contract, start.astimezone(JST), now=NINE).code
    desk = f"/staff/izumi/desk/b/{code}/"
    assert f'value="{A}"' in text(counter.get(desk)), "the same reading and birth date"
    assert B not in text(counter.get(desk))
    counter.post(f"{BASE}link/", {"booking": code, "number": A})
    assert "A-04-01" in text(counter.get(desk))
    day = start.astimezone(JST).date().isoformat()
    assert "A-04-01" in text(counter.get(f"/staff/izumi/day/?date={day}"))
    answer = counter.post(f"{BASE}link/", {"booking": code, "number": B}, follow=True)
    assert "もう1枚が結び付いています" in text(answer)
    picks = f"{BASE}picks/"
    assert "A-04-01" in text(counter.get(f"{picks}?day={day}"))
    good, said = heard(counter.post(picks, {"day": day, "code": B}))
    assert (good, "結び付いていません" in said) == (False, True)
    assert heard(counter.post(picks, {"day": day, "code": A})) == (True, f"{A} を取り出しました。")
    assert "1 / 1枚" in text(counter.get(f"{picks}?day={day}")) or "取り出し済み 1枚" in text(counter.get(f"{picks}?day={day}"))
    with contract_scope(stock.contract):
        assert counter.post(f"{BASE}cards/{Card.objects.get(number=A).pk}/do/", {"deed": "unlink"}).status_code == 302
    assert "取り出したままのカード　1枚" in text(counter.get(picks))


@pytest.mark.req("DESK-03")
def test_a_count_from_its_beginning_to_its_report(stock: Stock, counter: Client, sign_in: SignIn) -> None:
    stock.told(A, B)
    stock.put(A)
    stock.put(B)
    page = counter.post(f"{BASE}takings/", {"cabinet": "a"})["Location"]
    assert heard(counter.post(page, {"code": A})) == (False, "先に、箱のラベルを読み取ってください。")
    assert heard(counter.post(page, {"code": "B-01"}))[0] is False
    assert heard(counter.post(page, {"code": "A-01"})) == (True, "A-01 を数えます。")
    assert heard(counter.post(page, {"code": A, "box": "A-01"})) == (True, f"{A}：記録どおりです。")
    assert heard(counter.post(page, {"code": C, "box": "A-01"})) == (False, f"{C}：登録のないカードです。")
    counter.post(f"{page}finish/")
    with contract_scope(stock.contract):
        missing, unknown = Difference.objects.get(number=B).pk, Difference.objects.get(number=C).pk
    assert counter.post(f"{BASE}differences/{missing}/", {"resolution": "reported", "words": "x"}).status_code == 403
    answer = counter.post(f"{BASE}differences/{missing}/", {"resolution": "record_changed", "place": "どこか", "words": "棚の裏にあった"})
    assert answer.status_code == 409
    assert "棚の裏にあった" in text(answer), "nothing typed is lost"
    assert counter.post(f"{BASE}differences/{missing}/", {"resolution": "record_changed", "place": "A-02"}).status_code == 302
    assert counter.post(f"{page}close/").status_code == 403
    leader = sign_in(stock.contract, Role.SUPERVISOR)
    assert "残り" not in text(leader.post(f"{BASE}differences/{unknown}/", {"resolution": "reported", "words": "市へ渡した"}, follow=True)).split("<h1")[0]
    leader.post(f"{page}close/")
    with contract_scope(stock.contract):
        assert Stocktake.objects.get().closed_at == NINE
    file = counter.post(f"{page}export/", {"form": "utf8"})
    rows = list(csv.reader(io.StringIO(file.content.decode("utf-8-sig"))))
    assert [row[:4] for row in rows[1:]] == [
        [B, "見つからない", "A-01-02", ""], [C, "登録のないカードがある", "", "A-01"], [A, "一致", "A-01-01", "A-01"],
    ]  # fmt: skip


@pytest.mark.req("DESK-03", "SEC-01")
def test_who_may_do_what(stock: Stock, counter: Client, sign_in: SignIn) -> None:
    stock.told(A, B)
    pk = {number: stock.card(number).pk for number in (A, B)}
    auditor, operator = sign_in(stock.contract, Role.AUDITOR), sign_in(stock.contract, Role.OPERATOR)
    city, leader = sign_in(stock.contract, Role.CITY), sign_in(stock.contract, Role.SUPERVISOR)
    for page in ("", "cards/", "notices/", "ageing/", "disposals/", "batches/", "check/", "shelves/", "shelves/a/1/", "picks/", "takings/", f"cards/{pk[A]}/"):
        assert auditor.get(f"{BASE}{page}").status_code == 200, page
        assert operator.get(f"{BASE}{page}").status_code == 403, page
        assert counter.get(f"{BASE}{page}").status_code == 200, page
    for page in ("notices/", "batches/", "check/", "picks/", "takings/", f"cards/{pk[A]}/do/", "scan/"):
        assert auditor.post(f"{BASE}{page}", {"deed": "issue"}).status_code == 403, page

    def do(client: Client, deed: str, number: str = A, **data: str) -> int:
        return int(client.post(f"{BASE}cards/{pk[number]}/do/", {"deed": deed, **data}).status_code)

    assert do(counter, "lose", words="x") == 403
    assert do(counter, "propose", reason="expired") == 302
    assert do(leader, "approve") == 403, "in this contract the city decides"
    assert do(city, "propose", B, reason="expired") == 302
    assert do(city, "approve", B) == 409, "not one's own proposal"
    assert "あなたが廃棄を提案" not in text(city.get(f"{BASE}cards/{pk[B]}/"))
    assert do(city, "approve") == 302
    assert do(counter, "take_back", words="x") == 403
    assert do(counter, "dance") == 404
    refused = counter.post(f"{BASE}cards/{pk[B]}/do/", {"deed": "link", "code": "ABCD-EFGH"})
    assert refused.status_code == 409
    assert 'value="ABCD-EFGH"' in text(refused), "nothing typed is lost"
    assert stock.states() == {A: State.DISPOSED, B: State.PROPOSED}


@pytest.mark.req("DESK-03")
def test_lists_take_as_many_questions_for_three_cards_as_for_one(stock: Stock, counter: Client) -> None:
    def asked(page: str) -> int:
        with CaptureQueriesContext(connection) as found:
            assert counter.get(f"{BASE}{page}").status_code == 200
        return len(found)

    pages = ("", "cards/?stage=unstored", "ageing/?due=all", "shelves/", "picks/", "takings/", "batches/", "check/")
    stock.told(A, on=TODAY - dt.timedelta(days=100))
    asked("")
    before = {page: asked(page) for page in pages}
    stock.told(B, C, on=TODAY - dt.timedelta(days=100))
    assert {page: asked(page) for page in pages} == before


@pytest.mark.req("DESK-03")
def test_the_list_by_age_is_a_file(stock: Stock, counter: Client) -> None:
    stock.told(A, on=TODAY - dt.timedelta(days=100))
    assert "再通知の時期" in text(counter.get(f"{BASE}ageing/?due=second"))
    file = counter.post(f"{BASE}ageing/export/", {"due": "", "form": "cp932"})
    rows = list(csv.reader(io.StringIO(file.content.decode("cp932"))))
    assert rows[1][0] == A
    assert rows[1][8] == "再通知の時期"


@pytest.mark.req("CON-02")
def test_a_contract_without_the_module_has_no_stock(stock: Stock, sign_in: SignIn, contracts: Any) -> None:
    city = sign_in(contracts["hatsukaichi"], Role.CITY)
    assert city.get("/staff/hatsukaichi/stock/").status_code == 404
    assert "カードの在庫" not in text(city.get("/staff/hatsukaichi/"))
