"""The page of figures: what it shows, whom it lets in, and the way from each number to its records and on to their pages."""

from __future__ import annotations

import csv
import datetime as dt
import io
import re
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from django.test import Client

from madoguchi.domain.reports.measures import GROUPS, MEASURES
from madoguchi.domain.reports.services.days import count_days
from madoguchi.ground.accounts.models import Role
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.contracts.tenancy import contract_scope
from madoguchi.ground.kit.actors import SYSTEM, Actor, ActorKind, Channel
from madoguchi.ground.worklog.models import Fact
from madoguchi.ground.worklog.services import note
from madoguchi.web.office.record_pages import PAGES
from tests.web.staff_site import SignIn

ROOT = Path(__file__).resolve().parents[3] / "madoguchi" / "domain"
URL = "/staff/hatsukaichi/reports/figures/"
REF = re.compile(r"(?:ref=|[\"]ref[\"]: )f[\"]([a-z_]+):\{")
CITIZEN = Actor(ActorKind.CITIZEN, Channel.WEB)


@pytest.fixture
def facts(site: Contract, now: dt.datetime) -> Contract:
    """A few facts of November 2026."""
    with contract_scope(site):
        for n in range(4):
            at = now + dt.timedelta(days=n % 2, hours=n)
            note(site, "booking.created", by=CITIZEN, now=at, ref="booking:1", site="main", procedure="card_pickup", quantity=2, language="vi")
            note(site, "call.ended", by=SYSTEM.through(Channel.PHONE), now=at, ref=f"call:{n}", outcome="answered" if n else "abandoned",
                 wait_seconds=n * 10, handle_seconds=60 if n else None)  # fmt: skip
        note(site, "card.issued", by=CITIZEN, now=now, ref="card:7", quantity=-1)
    return site


@pytest.fixture
def manager(facts: Contract, sign_in: SignIn) -> Client:
    return sign_in(facts, Role.MANAGER)


@pytest.mark.req("REP-02", "REP-03")
@pytest.mark.parametrize("counted", [False, True])
def test_each_number_leads_to_its_records(facts: Contract, manager: Client, counted: bool) -> None:
    if counted:
        count_days(facts)
    page = manager.get(f"{URL}?group=phone&first=2026-11-01&last=2026-11-30&by=day")
    assert page.status_code == 200
    text = page.content.decode()
    sums = {measure.code: cell.text for measure, cell, _ in page.context["sums"]}
    assert sums == {"calls": "4", "calls_answered": "3", "calls_abandoned": "1", "answer_rate": "75.0%"}
    assert all(MEASURES[code].words in text for code in sums)
    links = {link.replace("&amp;", "&") for link in re.findall(r'href="(/staff/[^"]*/reports/records/[^"]*)"', text)}
    assert len(links) == 4 + 2 * 4 - 1
    for link in links:
        found = manager.get(link)
        code = parse_qs(urlsplit(link).query)["measure"][0]
        assert found.status_code == 200
        if MEASURES[code].additive:
            assert found.context["figure"] == str(found.context["page"].paginator.count)
    (day,) = [link for link in links if "measure=calls_answered" in link and "day=2026-11-03" in link]
    listed = manager.get(day).content.decode()
    assert "応答" in listed
    assert f'href="/staff/{facts.code}/phone/calls/3/"' in listed
    rows = list(csv.reader(io.StringIO(manager.get(day.replace("/records/", "/records.csv")).content.decode("utf-8-sig"))))
    assert [row[1] for row in rows[1:]] == ["着信 3", "着信 1"]


@pytest.mark.req("REP-02")
def test_by_channel_procedure_and_place_with_files(facts: Contract, manager: Client) -> None:
    november = "group=booking&first=2026-11-01&last=2026-11-30"
    for by, name in (("channel", "Web"), ("procedure", "マイナンバーカードの受取り（交付）"), ("actor", "市民"), ("language", "Tiếng Việt")):
        page = manager.get(f"{URL}?{november}&by={by}&measures=bookings_made&measures=no_show_rate")
        assert [(label, [cell.text for cell in cells]) for label, cells in page.context["rows"]] == [(name, ["8", "―"])]
    hours = manager.get(f"{URL}?{november}&by=hour&measures=bookings_made").context["rows"]
    assert [(label, cells[0].text) for label, cells in hours] == [(f"{9 + n}時", "2") for n in range(4)]
    found = manager.get("/staff/hatsukaichi/reports/figures.csv?group=phone&last=2026-11-30&by=weekday&measures=calls&measures=answer_rate&measures=call_wait")
    rows = list(csv.reader(io.StringIO(found.content.decode("utf-8-sig"))))
    assert rows[0] == ["曜日", "着信（件）", "応答率（%）", "応答までの待ち（平均）（秒）"]
    assert (rows[1], rows[2], rows[-1]) == (["月曜日", "2", "50.0", "20"], ["火曜日", "2", "100.0", "20"], ["計", "4", "75.0", "20"])


@pytest.mark.req("REP-02")
def test_a_measure_without_the_dimension_stands_as_a_whole(manager: Client) -> None:
    page = manager.get(f"{URL}?group=phone&by=actor&measures=calls&measures=enquiries")
    assert [one.code for one in page.context["unsplit"]] == ["calls"]
    assert "「行った人」に分けられない数字：着信" in page.content.decode()


@pytest.mark.req("REP-07")
@pytest.mark.parametrize("role", list(Role))
def test_who_may_read_figures(facts: Contract, sign_in: SignIn, role: Role) -> None:
    may = role in (Role.SUPERVISOR, Role.MANAGER, Role.CITY, Role.AUDITOR)
    client = sign_in(facts, role)
    for url in (URL, f"{URL}../records/?measure=calls&first=2026-11-01&last=2026-11-30", "/staff/hatsukaichi/reports/figures.csv"):
        assert client.get(url.replace("figures/../", "")).status_code == (200 if may else 403)


def test_what_is_wrong_is_said_and_stays(manager: Client) -> None:
    page = manager.get(f"{URL}?first=2026-11-30&last=2026-11-01")
    assert page.status_code == 422
    assert "終わりの日を、始まりの日以後にしてください。" in page.content.decode()
    assert 'value="2026-11-30"' in page.content.decode()
    for query, words in (
        ("first=1900-01-01", "2020年から2100年までの日"), ("first=2024-01-01&last=2026-01-01", "366日間まで"), ("chosen=1", "見たい数字を"),
        ("first=いつか", "いつか"),
    ):  # fmt: skip
        for url in (URL, "/staff/hatsukaichi/reports/figures.csv"):
            found = manager.get(f"{url}?{query}")
            assert found.status_code == 422, query
            assert words in found.content.decode() or "first=い" in query
    for query in ("measure=nothing", "measure=calls", "measure=calls&first=2026-11-01&last=2026-11-30&site=main",
                  "measure=calls&first=2026-11-01&last=2026-11-30&day=never", "measure=calls&first=0001-01-01&last=2026-11-30",
                  "measure=calls&first=2026-11-01&last=2026-11-30&hour=25x", "measure=calls&first=2026-11-01&last=2026-11-30&month=9999-12"):
        assert manager.get(f"/staff/hatsukaichi/reports/records/?{query}").status_code == 404, query


def test_an_empty_period_says_so(manager: Client) -> None:
    page = manager.get(f"{URL}?first=2025-01-01&last=2025-01-31")
    assert "この期間の記録はありません" in page.content.decode()
    assert "この期間の記録はありません" not in manager.get(f"{URL}?first=2026-11-01&last=2026-11-30").content.decode()


def test_only_the_groups_of_the_contract_are_shown(manager: Client) -> None:
    tabs = [tab["label"] for tab in manager.get(URL).context["tabs"]]
    assert "電話" in tabs
    assert GROUPS["cards"] not in tabs
    assert manager.get(f"{URL}?group=cards").context["group"] == "booking"


@pytest.mark.req("REP-03")
def test_every_kind_of_record_has_a_name_here() -> None:
    """References are found in the source, as the registry finds kinds."""
    found = set()
    for path in ROOT.rglob("*.py"):
        text = path.read_text()
        if "worklog" in text:
            found |= set(REF.findall(text))
    assert {"booking", "call", "case", "ticket", "card", "entry"} <= found
    assert found - set(PAGES) == {"receipt", "photo_lost", "due"}, "a notice about a receipt, a lost photo or a duty is no fact; all else needs an entry"


def test_a_link_only_where_the_reader_may_go(facts: Contract, sign_in: SignIn) -> None:
    with contract_scope(facts):
        assert Fact.objects.filter(ref="booking:1").exists()
    for role, linked in ((Role.AUDITOR, True), (Role.MANAGER, True)):
        text = sign_in(facts, role).get("/staff/hatsukaichi/reports/records/?measure=calls&first=2026-11-01&last=2026-11-30").content.decode()
        assert ("/phone/calls/1/" in text) is linked
    text = sign_in(facts, Role.MANAGER).get("/staff/hatsukaichi/reports/records/?measure=bookings_made&first=2026-11-01&last=2026-11-30").content.decode()
    assert "予約 1" in text
    assert "/desk/b/" not in text, "a reservation that does not exist has no page"
