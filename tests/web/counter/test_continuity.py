"""The screens of a failure: packs, tablets, deeds in question, sheets; and the tablet's one address. The queue's JavaScript equals the rules."""

from __future__ import annotations

import datetime as dt
import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from madoguchi.domain.reception import queries, rules
from madoguchi.domain.reception.enums import LateState
from madoguchi.domain.reception.models import LateDeed, NumberBlock, Pack, Tablet, Ticket
from madoguchi.domain.reception.services import packs, tickets
from madoguchi.domain.reception.services.tickets import PAPER_FIRST
from madoguchi.ground.accounts.models import Role
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.contracts.profile import Reception, WindowGroup
from madoguchi.ground.contracts.tenancy import contract_scope
from madoguchi.ground.kit import clock
from madoguchi.ground.kit.actors import SYSTEM
from tests.web.staff_site import TUESDAY_10, SignIn, book

pytestmark = pytest.mark.req("SEC-06", "DESK-01")
ROOT = Path(__file__).resolve().parents[3]
S = "/staff/hatsukaichi/counter/"
MINUTE = 60_000


@pytest.fixture
def tuesday(site: Contract, monkeypatch: pytest.MonkeyPatch) -> dt.datetime:
    """The screens live on Tuesday 10 November 2026, 9:52."""
    moment = TUESDAY_10 - dt.timedelta(minutes=8)
    monkeypatch.setattr(clock, "now", lambda: moment)
    queries.forget()
    return moment


def tablet_of(client: Client, contract: Contract) -> Tablet:
    client.post(f"{S}failure/tablets/add/", {"site": "main", "name": "受付1"})
    with contract_scope(contract):
        return Tablet.objects.select_related("site").latest("id")


def deed(n: int, verb: str, at: dt.datetime, about: str = "", **body: Any) -> dict[str, Any]:
    key = f"{n:032x}"
    return {"key": key, "verb": verb, "about": about or key, "at": round(at.timestamp() * 1000) - 5000, "offset": 5000, "body": body}


def sync(client: Client, tablet: Tablet, *deeds: dict[str, Any], **values: Any) -> Any:
    message = {"unused": {}, "kept": len(deeds), "deeds": deeds, **values}
    return client.post(f"{S}main/offline/{tablet.pk}/sync/", json.dumps(message), content_type="application/json")


def test_a_tablet_is_given_numbers_and_bookings_without_names(
    site: Contract, sign_in: SignIn, now: dt.datetime, tuesday: dt.datetime
) -> None:
    code = book(site, phone="090-1234-5678", now=now).code
    client = sign_in(site, Role.COUNTER)
    tablet = tablet_of(client, site)
    answer = sync(client, tablet)
    told = answer.json()["snapshot"]
    assert [(one["code"], one["parts"], one["people"]) for one in told["bookings"]] == [(code, {"card_pickup": 1}, 1)]
    assert "山田" not in answer.content.decode()
    assert "1234" not in answer.content.decode()
    assert {block["letter"] for block in told["blocks"]} == {"A", "B"}
    assert told["now"] == round(tuesday.timestamp() * 1000)


def test_deeds_are_taken_in_once_and_a_question_is_settled_on_the_page(
    site: Contract, sign_in: SignIn, now: dt.datetime, tuesday: dt.datetime
) -> None:
    code = book(site, now=now).code
    client = sign_in(site, Role.COUNTER)
    tablet = tablet_of(client, site)
    block = next(one for one in sync(client, tablet).json()["snapshot"]["blocks"] if one["letter"] == "A")
    with contract_scope(site):
        given = tickets.issue(site, site="main", parts={}, booking=code, key="live", by=SYSTEM, now=tuesday)
    at = tuesday - dt.timedelta(minutes=20)
    usual = {"group": "card", "parts": {"card_pickup": 1}, "people": 1, "language": "ja", "needs": []}
    mine = [
        deed(1, "issue", at, number=block["first"], **usual), deed(2, "call", at, f"{1:032x}", window=2),
        deed(3, "begin", at, f"{1:032x}", window=2), deed(4, "finish", at, f"{1:032x}", window=2, procedures=["card_pickup"]),
        deed(5, "issue", at, number=block["first"] + 1, booking=code, **usual),
    ]  # fmt: skip
    for _ in range(2):
        results = sync(client, tablet, *mine).json()["results"]
        assert [one["state"] for one in results.values()] == [*["done"] * 4, "clash"]
    page = client.get(f"{S}failure/?site=main").content.decode()
    assert "確かめてから記録する操作" in page
    assert given.shown in page
    assert "1件あります" in client.get(S).content.decode(), "the leader's page tells of it"
    with contract_scope(site):
        row = LateDeed.objects.get(state=LateState.CLASH)
    client.post(f"{S}failure/late/{row.pk}/decide/", {"choice": "nonsense", "site": "main"})
    answer = client.post(f"{S}failure/late/{row.pk}/decide/", {"choice": "same", "site": "main"}, follow=True).content.decode()
    assert "先の番号札に続ける" in answer
    with contract_scope(site):
        assert sorted(LateDeed.objects.values_list("state", flat=True)) == ["done"] * 5
        assert Ticket.objects.count() == 2
    assert "後から記録" in client.get(f"{S}main/day/").content.decode()


def test_a_second_browser_under_the_same_name_gets_no_numbers_and_loses_no_deed(site: Contract, sign_in: SignIn, tuesday: dt.datetime) -> None:
    client = sign_in(site, Role.COUNTER)
    tablet = tablet_of(client, site)
    first = sync(client, tablet, browser="a" * 32).json()
    assert (first["elsewhere"], bool(first["snapshot"]["blocks"])) == (False, True)
    mine = deed(1, "issue", tuesday, group="card", number=401, parts={"card_pickup": 1})
    second = sync(client, tablet, mine, browser="b" * 32).json()
    assert (second["elsewhere"], second["snapshot"]["blocks"], len(second["results"])) == (True, [], 1)
    again = sync(client, tablet, browser="a" * 32).json()
    assert (again["elsewhere"], again["snapshot"]["blocks"][0]["used"]) == (False, 1)
    assert sync(client, tablet, browser="the one at the door").status_code == 422


def test_what_a_tablet_may_not_say_is_refused_whole(site: Contract, sign_in: SignIn, tuesday: dt.datetime) -> None:
    client = sign_in(site, Role.COUNTER)
    tablet = tablet_of(client, site)
    good = deed(1, "issue", tuesday, group="card", number=1, parts={"card_pickup": 1})
    for wrong in (
        {**good, "verb": "delete"}, {**good, "key": "x"}, {**good, "about": "山田"}, {**good, "extra": 1}, {**good, "at": "now"},
        {**good, "body": {"note": "123456789018"}}, {**good, "body": {"parts": {"card_pickup": 99}}},
    ):  # fmt: skip
        assert sync(client, tablet, wrong).status_code == 422
    assert sync(client, tablet, *[good] * 21).status_code == 422
    with contract_scope(site):
        assert not LateDeed.objects.exists()
    answer = sync(client, tablet, {**good, "at": -1 + 1, "offset": -(10**12)})
    assert next(iter(answer.json()["results"].values()))["state"] == "clash", "a broken clock is asked about"


def test_the_worker_reaches_its_page_alone_and_keeps_every_file(site: Contract, sign_in: SignIn, tuesday: dt.datetime) -> None:
    client = sign_in(site, Role.COUNTER)
    tablet = tablet_of(client, site)
    at = f"{S}main/offline/{tablet.pk}/"
    script = client.get(f"{at}worker.js")
    assert script["Content-Type"].startswith("text/javascript")
    assert "Service-Worker-Allowed" not in script
    keep = json.loads(re.search(r"const KEEP = (.*);", script.content.decode())[1])  # type: ignore[index]
    assert keep["page"] == at
    page = client.get(at).content.decode()
    assert set(re.findall(r'(?:href|src)="(/static/[^"]+)"', page)) <= set(keep["files"])
    for name in ("queue", "rank", "store"):
        assert f"/static/app/counter/{name}.js" in keep["files"]
    assert client.get(f"{S}main/offline/999999/").status_code == 404


def test_only_the_counter_may_go_on_alone(site: Contract, sign_in: SignIn, tuesday: dt.datetime) -> None:
    leader = sign_in(site, Role.SUPERVISOR)
    tablet = tablet_of(leader, site)
    operator, counter = sign_in(site, Role.OPERATOR), sign_in(site, Role.COUNTER)
    assert operator.get(f"{S}failure/").status_code == 403
    assert sync(operator, tablet).status_code == 403
    assert counter.post(f"{S}main/pack/make/", {"day": "2026-11-11"}).status_code == 403
    assert counter.post(f"{S}failure/tablets/{tablet.pk}/revoke/").status_code == 403
    assert leader.post(f"{S}failure/tablets/add/", {"site": "main", "name": " "}).status_code == 422
    leader.post(f"{S}failure/tablets/{tablet.pk}/revoke/")
    told = sync(counter, tablet).json()["snapshot"]
    assert (told["blocks"], told["bookings"]) == ([], [])


def test_the_pack_is_opened_printed_and_kept_as_one_file(site: Contract, sign_in: SignIn, now: dt.datetime, tuesday: dt.datetime) -> None:
    book(site, names=(("山田 <b>", "ヤマダ", "1980-01-02"),), now=now)
    leader = sign_in(site, Role.SUPERVISOR)
    assert "まだありません" in leader.get(f"{S}failure/").content.decode()
    leader.post(f"{S}main/pack/make/", {"day": "2026-11-10"})
    assert leader.post(f"{S}main/pack/make/", {"day": "x"}, follow=True).status_code == 200
    assert "まだ開いていません" in leader.get(f"{S}failure/").content.decode()
    with contract_scope(site):
        pack = Pack.objects.get()
    page = leader.post(f"{S}failure/packs/{pack.pk}/open/").content.decode()
    for text in ("山田 &lt;b&gt;", "A801", "A840", "B801", "000-000-0000", "交付通知書", "受付票", "counter/pack.css"):
        assert text in page
    file = leader.post(f"{S}failure/packs/{pack.pk}/open/", {"as": "file"})
    assert "attachment" in file["Content-Disposition"]
    assert "<style>" in file.content.decode()
    assert "/static/" not in file.content.decode()
    assert "開いた回数 2" in leader.get(f"{S}failure/").content.decode()
    assert leader.post(f"{S}failure/packs/999999/open/", follow=True).status_code == 200


def test_the_leader_is_told_in_the_evening_of_a_pack_nobody_opened(
    site: Contract, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    evening = TUESDAY_10.replace(hour=18)
    monkeypatch.setattr(clock, "now", lambda: evening)
    client = sign_in(site, Role.SUPERVISOR)
    assert "11月11日の非常時の用紙が、まだありません" in client.get(S).content.decode()
    packs.make_due(site, now=evening)
    assert "まだ誰も開いていません" in client.get(S).content.decode()


def sheet_rows(*rows: dict[str, str], key: str = "k" * 32, day: str = "2026-11-10") -> dict[str, Any]:
    cells = ("number", "came", "procedure", "people", "booking", "begun", "ended", "outcome")
    return {"key": key, "day": day, **{cell: [row.get(cell, "") for row in rows] for cell in cells}}


def test_sheets_are_typed_in_and_nothing_typed_is_lost(
    site: Contract, sign_in: SignIn, tuesday: dt.datetime, now: dt.datetime
) -> None:
    with contract_scope(site):
        packs.make_pack(site, site="main", day=tuesday.date(), by=SYSTEM, now=now)
        assert NumberBlock.objects.filter(first=PAPER_FIRST).count() == 2
    client = sign_in(site, Role.COUNTER)
    good = {"number": "Ａ801", "came": "900", "procedure": "card_pickup", "people": "2", "begun": "9:05", "ended": "0930", "outcome": "served"}
    bad = {**good, "number": "A802", "came": "25:00", "people": "３"}
    page = client.post(f"{S}main/paper/", sheet_rows(good, {"outcome": "served"}, bad))
    text = page.content.decode()
    assert page.status_code == 422
    assert "3行目：来た時刻を" in text
    assert 'value="25:00"' in text
    assert 'value="Ａ801"' in text
    assert client.post(f"{S}main/paper/", sheet_rows(good, {**bad, "came": "905"})).status_code == 302
    again = client.post(f"{S}main/paper/", sheet_rows(good, key="j" * 32)).content.decode()
    assert "すでに記録されています" in again
    for wrong in ({**good, "number": "801"}, {**good, "people": "x"}, {**good, "outcome": ""}, {**good, "booking": "NNNN"}):
        assert client.post(f"{S}main/paper/", sheet_rows(wrong, key="i" * 32)).status_code == 422
    with contract_scope(site):
        assert list(Ticket.objects.values_list("number", "people", "outcome", "source")) == [(801, 2, "served", "paper"), (802, 3, "served", "paper")]
    day = client.get(f"{S}main/day/").content.decode()
    assert "後から記録（紙）2" in day


def vectors() -> list[dict[str, Any]]:
    """Parties of every kind, and what the rules say of them."""
    group = WindowGroup(code="card", site="main", letter="A", name="受取り", procedures=("card_pickup",), windows=(1,))
    terms = Reception(groups=(group,))
    nine = TUESDAY_10 - dt.timedelta(hours=1)
    found = []
    for ahead in (0, 45):
        own = group.model_copy(update={"booked_ahead_minutes": ahead})
        for came in range(0, 200, 7):
            for booked in (None, *range(-60, 240, 11)):
                came_at = nine + dt.timedelta(minutes=came)
                booked_at = None if booked is None else nine + dt.timedelta(minutes=booked)
                rank = rules.rank(terms, own, came_at=came_at, booked_at=booked_at)
                again = rules.rank_after_missing(terms, rank=rank, now=came_at)
                found.append([ahead, *(None if one is None else round(one.timestamp() * 1000) for one in (came_at, booked_at, rank, again))])
    groups = [
        group.model_copy(update={"code": code, "procedures": procedures, "languages": languages})
        for code, procedures, languages in (
            ("one", ("a",), ()), ("english", ("a", "b"), ("en",)), ("every", ("a", "b"), ()), ("vi", ("c",), ("vi",)),
        )
    ]  # fmt: skip
    asked = [(wanted, language) for wanted in (["a"], ["b"], ["a", "b"], ["a", "c"], ["c"], ["d"], ["d", "a"]) for language in ("ja", "en", "vi")]
    chosen = [[*one, getattr(rules.group_for(groups, *one), "code", None)] for one in asked]
    numbers = [[letter, n, rules.show_number(letter, n)] for letter in "AZ" for n in (1, 12, 999, 1000)]
    own_terms = {"near": terms.near_minutes, "late": terms.late_minutes, "back": terms.missed_back_minutes, "most": terms.missed_most}
    own_groups = [{"code": g.code, "procedures": g.procedures, "languages": g.languages} for g in groups]
    return [{"terms": own_terms, "ranks": found, "groups": own_groups, "chosen": chosen, "numbers": numbers}]


PROGRAM = """
import { rank, rankAfterMissing, groupFor, showNumber } from "%s";
import { readFileSync } from "node:fs";
const [given] = JSON.parse(readFileSync(0, "utf8"));
const wrong = [];
for (const [ahead, came, booked, expected, again] of given.ranks) {
  const found = rank(given.terms, { ahead }, came, booked);
  if (found !== expected || rankAfterMissing(given.terms, found, came) !== again) wrong.push([ahead, came, booked, found, expected]);
}
for (const [wanted, language, code] of given.chosen)
  if ((groupFor(given.groups, wanted, language)?.code ?? null) !== code) wrong.push([wanted, language, code]);
for (const [letter, number, text] of given.numbers) if (showNumber(letter, number) !== text) wrong.push([letter, number, text]);
console.log(JSON.stringify(wrong));
"""


def test_the_tablet_reckons_turns_as_the_server_does(tmp_path: Path) -> None:
    node = shutil.which("node")
    if node is None:
        assert not os.environ.get("CI"), "node is missing"
        pytest.skip("node is missing")
    program = tmp_path / "vectors.mjs"
    program.write_text(PROGRAM % (ROOT / "frontend/counter/rank.js").as_uri())
    done = subprocess.run([node, program], input=json.dumps(vectors()), capture_output=True, text=True, timeout=30)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == []
