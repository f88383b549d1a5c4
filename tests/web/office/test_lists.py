"""The sheet of a day, the filtered lists, and the files taken out of them."""

from __future__ import annotations

import datetime as dt
import io
import re

import openpyxl
import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from madoguchi.domain.booking.models import Booking
from madoguchi.domain.booking.services.change import cancel
from madoguchi.ground.accounts.models import Role
from madoguchi.ground.audit.models import Entry
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.contracts.tenancy import contract_scope
from madoguchi.ground.kit.actors import Actor
from tests.web.staff_site import TUESDAY_10, SignIn, book

DAY = "/staff/hatsukaichi/day/"
LIST = "/staff/hatsukaichi/bookings/"
RANGE = "first=2026-11-02&last=2026-11-30"


def last_entry(contract: Contract) -> Entry:
    with contract_scope(contract):
        return Entry.objects.order_by("-id").first()


def queries(client: Client, url: str) -> int:
    with CaptureQueriesContext(connection) as seen:
        assert client.get(url).status_code == 200
    return len(seen)


@pytest.mark.req("BOOK-15", "BOOK-10")
def test_the_sheet_shows_who_comes_and_marks_them(
    site: Contract, at_desk: Client, now: dt.datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = book(
        site, names=(("山田 太郎", "ヤマダ タロウ", "1980-01-02"), ("山田 花", "ヤマダ ハナ", "2020-01-02")), now=now
    )
    page = at_desk.get(f"{DAY}?date=2026-11-10").content.decode()
    for text in ("1件・2人", "山田 太郎", "山田 花", "090-1234-5678", "お知らせなし"):
        assert text in page
    entry = last_entry(site)
    assert (entry.action, entry.detail["bookings"]) == ("booking.listed", [made.id])
    assert 'value="no_show"' not in page
    monkeypatch.setattr("madoguchi.ground.kit.clock.now", lambda: TUESDAY_10 + dt.timedelta(minutes=5))
    assert 'value="no_show"' in at_desk.get(f"{DAY}?date=2026-11-10").content.decode()
    answer = at_desk.post(f"{DAY}{made.code}/mark/", {"mark": "arrived", "date": "2026-11-10"})
    assert answer.url == f"{DAY}?date=2026-11-10#b-{made.code}"
    assert "来庁済み 1件" in at_desk.get(f"{DAY}?date=2026-11-10").content.decode()
    at_desk.post(f"{DAY}{made.code}/mark/", {"mark": "no_show", "date": "2026-11-10"})
    with contract_scope(site):
        booking = Booking.objects.get()
        assert (booking.no_show, booking.arrived_at) == (True, None)
    assert at_desk.post(f"{DAY}{made.code}/mark/", {"mark": "other"}).status_code == 404


@pytest.mark.req("BOOK-15", "BOOK-10")
def test_queries_do_not_grow_with_the_bookings(site: Contract, at_desk: Client, now: dt.datetime) -> None:
    urls = [f"{DAY}?date=2026-11-10", f"{LIST}?{RANGE}&personal=on"]
    book(site, now=now)
    for url in urls:
        queries(at_desk, url)
    one = [queries(at_desk, url) for url in urls]
    for minutes in (30, 60):
        book(site, TUESDAY_10 + dt.timedelta(minutes=minutes), now=now)
    assert [queries(at_desk, url) for url in urls] == one


@pytest.mark.req("BOOK-10")
def test_conditions_narrow_the_list(site: Contract, at_desk: Client, now: dt.datetime, operator: Actor) -> None:
    a = book(site, now=now)
    b = book(site, TUESDAY_10 + dt.timedelta(days=1, hours=4), procedure="pin_reset", by=operator, now=now)
    c = book(site, TUESDAY_10 + dt.timedelta(days=2), now=now)
    with contract_scope(site):
        cancel(site, c.code, by=operator, now=now)

    def codes(query: str) -> set[str]:
        page = at_desk.get(f"{LIST}?{RANGE}&{query}").content.decode()
        return {made.code for made in (a, b, c) if f"/b/{made.code}/" in page}

    assert codes("") == {a.code, b.code}
    assert codes("state=all") == {a.code, b.code, c.code}
    assert codes("state=cancelled") == {c.code}
    assert codes("procedure=pin_reset") == {b.code}
    assert codes("hour=14") == {b.code}
    assert codes("channel=phone") == {b.code}
    assert codes("actor=citizen") == {a.code}
    assert codes("created_first=2026-11-03") == set()
    assert codes("changed_first=2026-11-02&state=all") == {c.code}
    wrong = at_desk.get(f"{LIST}?first=2026-11-30&last=2026-11-02")
    assert wrong.status_code == 422
    assert "終わりの日は、始まりの日以後" in wrong.content.decode()


@pytest.mark.req("BOOK-10")
def test_the_summary_counts_people_and_bookings_by_day_hour_and_origin(
    site: Contract, at_desk: Client, now: dt.datetime, operator: Actor
) -> None:
    two = (("山田 太郎", "ヤマダ タロウ", "1980-01-02"), ("山田 花", "ヤマダ ハナ", "2020-01-02"))
    book(site, names=two, now=now)
    book(site, TUESDAY_10 + dt.timedelta(days=1, hours=4), procedure="pin_reset", by=operator, now=now)
    page = at_desk.get(f"{LIST}?{RANGE}").content.decode()
    counted = re.findall(r'<th scope="row">([^<]+)</th><td class="num">([^<]+)</td>', page)
    assert counted == [
        ("11月10日(火)", "2人（1件）"), ("11月11日(水)", "1人（1件）"), ("10時", "2人（1件）"), ("14時", "1人（1件）"),
        ("マイナンバーカードの受取り（交付）", "2人（1件）"), ("暗証番号の再設定", "1人（1件）"),
        (site.profile.sites[0].name, "3人（2件）"), ("コールセンター", "1人（1件）"), ("市民", "2人（1件）"),
        ("電話", "1人（1件）"), ("Web", "2人（1件）"),
    ]  # fmt: skip


@pytest.mark.req("BOOK-10", "SEC-02")
def test_names_are_shown_and_written_only_when_asked(site: Contract, at_desk: Client, now: dt.datetime) -> None:
    book(site, now=now)
    assert "山田" not in at_desk.get(f"{LIST}?{RANGE}").content.decode()
    before = last_entry(site).pk
    plain = at_desk.post(f"{LIST}export/", {"query": RANGE, "form": "csv"})
    assert "山田" not in plain.content.decode("utf-8-sig")
    entry = last_entry(site)
    assert entry.pk != before
    assert (entry.action, entry.detail["personal"], entry.detail["rows"]) == ("booking.exported", False, 1)
    named = at_desk.post(f"{LIST}export/", {"query": f"{RANGE}&personal=on", "form": "csv"})
    assert "山田 太郎,ヤマダ　タロウ,1980-01-02,090-1234-5678" in named.content.decode("utf-8-sig")
    assert last_entry(site).detail["personal"] is True
    assert at_desk.get(f"{LIST}export/").status_code == 405


@pytest.mark.req("BOOK-10", "SEC-05")
def test_bytes_of_the_files_and_no_formulas(site: Contract, at_desk: Client, now: dt.datetime) -> None:
    book(site, names=(("=1+1", "ヤマダ タロウ", "1980-01-02"),), now=now)
    sent = {"query": f"{RANGE}&personal=on"}
    utf8 = at_desk.post(f"{LIST}export/", sent | {"form": "csv"}).content
    assert utf8.startswith(b"\xef\xbb\xbf")
    assert "'=1+1" in utf8.decode("utf-8-sig")
    cp932 = at_desk.post(f"{LIST}export/", sent | {"form": "cp932"})
    assert cp932.content.startswith("予約番号,日付".encode("cp932"))
    assert cp932.content.endswith(b"\r\n")
    book_ = openpyxl.load_workbook(io.BytesIO(at_desk.post(f"{LIST}export/", sent | {"form": "xlsx"}).content))
    assert book_.sheetnames == ["予約一覧", "集計"]
    name = book_["予約一覧"].cell(2, 14)
    assert (name.value, name.data_type) == ("=1+1", "s")


@pytest.mark.req("BOOK-10", "SEC-05")
def test_characters_that_do_not_fit_are_told_before_the_file(site: Contract, at_desk: Client, now: dt.datetime) -> None:
    made = book(site, names=(("𠮷田 花子", "ヨシダ ハナコ", "1980-01-02"),), now=now)
    sent = {"query": f"{RANGE}&personal=on", "form": "cp932"}
    first = at_desk.post(f"{LIST}export/", sent)
    page = first.content.decode()
    assert first.headers["Content-Type"].startswith("text/html")
    assert "U+20BB7" in page
    assert f"{made.code[:4]}-{made.code[4:]}" in page
    with contract_scope(site):
        assert not Entry.objects.filter(action="booking.exported").exists()
    assert "〓田 花子".encode("cp932") in at_desk.post(f"{LIST}export/", sent | {"confirmed": "1"}).content


@pytest.mark.req("SEC-01")
def test_auditors_see_the_day_and_cannot_mark(site: Contract, sign_in: SignIn, now: dt.datetime) -> None:
    made = book(site, now=now)
    auditor = sign_in(site, Role.AUDITOR)
    assert auditor.get(DAY).status_code == 200
    assert auditor.post(f"{DAY}{made.code}/mark/", {"mark": "arrived"}).status_code == 403
