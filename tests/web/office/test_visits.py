"""The pages of the city's own bookings: check a file, take it in, see it, take it out."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import HttpResponse
from django.test import Client

from madoguchi.domain.booking import availability
from madoguchi.domain.booking.models import ExternalVisit
from madoguchi.domain.booking.services.setup import set_up
from madoguchi.ground.accounts.models import Role
from madoguchi.ground.audit.models import Entry
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.contracts.tenancy import contract_scope
from madoguchi.ground.kit import clock
from tests.web.staff_site import SignIn

pytestmark = pytest.mark.req("BOOK-14")
PAGE = "/staff/izunokuni/visits/"
HEAD = "市の予約番号,来庁日,時刻,手続き,人数,氏名"
GOOD = f"{HEAD}\r\nA-1,2026-11-02,9:30,card_pickup,2,山田 太郎\r\nA-2,2026-11-04,10:00,暗証番号の再設定,1,佐藤 花子\r\n"


@pytest.fixture
def city_site(contracts: dict[str, Contract], now: dt.datetime, monkeypatch: pytest.MonkeyPatch) -> Iterator[Contract]:
    monkeypatch.setattr(clock, "now", lambda: now)
    set_up(contracts["izunokuni"], now=now)
    yield contracts["izunokuni"]
    availability.forget()


def upload(client: Client, text: str, encoding: str = "utf-8-sig") -> HttpResponse:
    file = SimpleUploadedFile("予約.csv", text.encode(encoding), "text/csv")
    return client.post(f"{PAGE}import/", {"file": file})


def checked(answer: HttpResponse) -> str:
    found = re.search(r'name="checked" value="([^"]+)"', answer.content.decode())
    assert found
    return found[1]


def rows(contract: Contract) -> list[tuple[str, int]]:
    with contract_scope(contract):
        return list(ExternalVisit.objects.order_by("reference").values_list("reference", "people"))


def test_a_file_is_checked_and_then_taken_in(city_site: Contract, sign_in: SignIn) -> None:
    city = sign_in(city_site, Role.CITY)
    first = upload(city, GOOD)
    page = first.content.decode()
    assert first.status_code == 200
    assert "読まなかった列：氏名" in page
    assert "山田" not in page
    assert rows(city_site) == []
    done = city.post(f"{PAGE}import/", {"checked": checked(first)}, follow=True).content.decode()
    assert "新しい予約2件、変更0件" in done
    assert rows(city_site) == [("A-1", 2), ("A-2", 1)]
    for text in ("3人・2件", "A-1", "11月2日（月）", "暗証番号の再設定"):
        assert text in done
    second = upload(city, GOOD.replace("card_pickup,2", "card_pickup,3"), "cp932")
    assert "人数：2 → <b>3</b>" in second.content.decode()
    city.post(f"{PAGE}import/", {"checked": checked(second)})
    assert rows(city_site) == [("A-1", 3), ("A-2", 1)]
    with contract_scope(city_site):
        entry = Entry.objects.filter(action="external.imported").latest("pk")
        assert entry.detail["changed"] == ["A-1"]
        assert "山田" not in str(list(Entry.objects.values_list("detail", flat=True)))
    assert "A-1" in city.get("/staff/izunokuni/day/").content.decode()
    assert "今日3人が来庁する予定" in city.get("/staff/izunokuni/").content.decode()


def test_a_wrong_line_stops_the_whole_file(city_site: Contract, sign_in: SignIn) -> None:
    city = sign_in(city_site, Role.CITY)
    answer = upload(city, f"{GOOD}A-3,いつか,10:00,card_pickup,1,\r\n")
    page = answer.content.decode()
    assert answer.status_code == 422
    assert "まだ何も取り込んでいません" in page
    assert re.search(r'<td class="num">4</td><td class="nowrap">来庁日</td><td>日付を読み取れません', page)
    assert 'name="checked"' not in page
    assert "CSVファイルを選んでください" in city.post(f"{PAGE}import/", {}).content.decode()
    assert "2MBまで" in upload(city, "あ" * 700_000).content.decode()
    for forged in ("x", "AAAA"):
        answer = city.post(f"{PAGE}import/", {"checked": forged}, follow=True)
        assert "確かめた内容を読み取れません" in answer.content.decode()
    assert rows(city_site) == []


def test_what_comes_out_goes_in_unchanged(city_site: Contract, sign_in: SignIn) -> None:
    city = sign_in(city_site, Role.CITY)
    city.post(f"{PAGE}import/", {"checked": checked(upload(city, GOOD))})
    for form, encoding in (("csv", "utf-8-sig"), ("cp932", "cp932")):
        out = city.post(f"{PAGE}export/", {"query": "state=all", "form": form})
        assert out.headers["Content-Disposition"] == 'attachment; filename="city_bookings_20261102-20261108.csv"'
        again = upload(city, out.content.decode(encoding), encoding).content.decode()
        assert '<dt>変わらない予約</dt><dd>2<span class="unit">件' in again
    assert city.post(f"{PAGE}export/", {"query": "", "form": "xlsx"}).content.startswith(b"PK")
    assert city.post(f"{PAGE}export/", {"query": "", "form": "pdf"}).status_code == 422


def test_operators_read_and_other_contracts_have_no_such_page(
    city_site: Contract, contracts: dict[str, Contract], sign_in: SignIn
) -> None:
    operator = sign_in(city_site, Role.OPERATOR)
    assert operator.get(PAGE).status_code == 200
    assert operator.get(f"{PAGE}import/").status_code == 403
    assert operator.get(f"{PAGE}?first=2026-12-01&last=2026-11-01").status_code == 422
    elsewhere = sign_in(contracts["hatsukaichi"], Role.CITY)
    assert elsewhere.get("/staff/hatsukaichi/visits/").status_code == 404
    assert elsewhere.get("/staff/hatsukaichi/visits/import/").status_code == 404
    assert "市の予約（取り込み分）" not in elsewhere.get("/staff/hatsukaichi/").content.decode()
