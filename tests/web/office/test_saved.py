"""Saved lists: a name for conditions that move with the day, one's own or shared."""

from __future__ import annotations

import datetime as dt

import pytest
from django.test import Client

from madoguchi.domain.booking.models import SavedList
from madoguchi.ground.accounts.models import Role
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.contracts.tenancy import contract_scope
from tests.web.staff_site import TUESDAY_10, SignIn, book

pytestmark = pytest.mark.req("BOOK-10")
LIST = "/staff/hatsukaichi/bookings/"
SAVED = f"{LIST}saved/"


def keep(client: Client, query: str = "visit=tomorrow", name: str = "明日", **more: str) -> int:
    """Save a list; the answer's status."""
    return client.post(SAVED, {"query": query, "name": name, **more}).status_code


def row(contract: Contract, name: str = "明日") -> SavedList:
    with contract_scope(contract):
        return SavedList.objects.get(name=name, removed_at=None)


def test_a_saved_list_opens_for_the_day_it_is_opened_on(
    site: Contract, at_desk: Client, now: dt.datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = book(site, now=now)
    assert keep(at_desk, "visit=tomorrow&procedure=card_pickup") == 302
    address = f"{LIST}?list={row(site).pk}"
    assert address.removeprefix(LIST) in at_desk.get(LIST).content.decode()
    assert f"/b/{made.code}/" not in at_desk.get(address).content.decode()
    monkeypatch.setattr("madoguchi.ground.kit.clock.now", lambda: TUESDAY_10 - dt.timedelta(days=1))
    page = at_desk.get(address).content.decode()
    assert f"/b/{made.code}/" in page
    assert 'value="visit=tomorrow&amp;procedure=card_pickup"' in page
    assert made.code.encode() in at_desk.post(f"{LIST}export/", {"query": "visit=tomorrow", "form": "csv"}).content.replace(b"-", b"")


def test_fixed_days_taken_names_and_empty_names_are_refused_in_words(site: Contract, at_desk: Client) -> None:
    fixed = at_desk.post(SAVED, {"query": "first=2026-11-10", "name": "十日"})
    assert fixed.status_code == 422
    assert "日付を指定した条件は保存できません" in fixed.content.decode()
    assert 'value="十日"' in fixed.content.decode()
    assert "一覧の名前を入力してください" in at_desk.post(SAVED, {"query": "", "name": " "}).content.decode()
    assert keep(at_desk) == 302
    assert "同じ名前の一覧がすでにあります" in at_desk.post(SAVED, {"query": "", "name": "明日"}).content.decode()
    both = at_desk.get(f"{LIST}?visit=tomorrow&first=2026-11-10")
    assert (both.status_code, "どちらか一方に" in both.content.decode()) == (422, True)


def test_own_lists_stay_own_and_shared_ones_are_managed(site: Contract, at_desk: Client, sign_in: SignIn) -> None:
    keep(at_desk)
    keep(at_desk, "visit=next_week", "来週", shared="on")
    own, shared = row(site), row(site, "来週")
    other, manager = sign_in(site, Role.OPERATOR), sign_in(site, Role.MANAGER)
    page = other.get(SAVED).content.decode()
    assert "来週" in page
    assert "明日</a>" not in page
    assert other.get(f"{LIST}?list={own.pk}").status_code == 404
    for client, pk in ((other, own.pk), (other, shared.pk), (manager, own.pk)):
        answer = client.post(f"{SAVED}{pk}/", {"deed": "remove"}, follow=True).content.decode()
        assert "ほかの担当者のものです" in answer
    assert "変更しました" in manager.post(f"{SAVED}{shared.pk}/", {"name": "次の週", "shared": "on"}, follow=True).content.decode()
    assert row(site, "次の週").shared
    at_desk.post(f"{SAVED}{own.pk}/", {"deed": "remove"})
    assert at_desk.get(f"{LIST}?list={own.pk}").status_code == 404
    assert keep(at_desk) == 302


def test_a_saved_list_gets_other_conditions_and_another_name(site: Contract, at_desk: Client, sign_in: SignIn) -> None:
    keep(at_desk, "visit=tomorrow&procedure=card_pickup", shared="on")
    keep(at_desk, "visit=next_week", "来週", shared="on")
    pk = row(site).pk
    again = "この条件で保存し直す"
    opened = at_desk.get(f"{LIST}?list={pk}").content.decode()
    assert f'name="from" value="{pk}"' in opened
    assert again not in opened, "nothing is changed yet"
    query = f"from={pk}&visit=next_week&channel=phone"
    assert f"「明日」を{again}" in at_desk.get(f"{LIST}?{query}").content.decode()
    assert again not in at_desk.get(f"{LIST}?{query}&first=2026-11-10").content.decode(), "days cannot be kept"
    assert again not in sign_in(site, Role.OPERATOR).get(f"{LIST}?{query}").content.decode(), "not one's own"
    taken = at_desk.post(f"{SAVED}{pk}/", {"query": query, "name": "来週", "shared": "on"})
    assert taken.status_code == 422
    for kept in ("同じ名前の一覧がすでにあります", 'value="来週"', query.replace("&", "&amp;"), f'action="{SAVED}{pk}/"'):
        assert kept in taken.content.decode()
    assert "まだ保存していません" in at_desk.post(f"{SAVED}{pk}/", {"query": "first=2026-11-10", "name": "十日"}).content.decode()
    done = at_desk.post(f"{SAVED}{pk}/", {"query": query, "name": "来週の電話", "shared": "on"})
    assert (done.status_code, done["Location"]) == (302, f"{LIST}?list={pk}")
    kept = row(site, "来週の電話")
    assert (kept.pk, kept.shared, kept.selection) == (pk, True, {"visit": "next_week", "channel": "phone"})
    at_desk.post(f"{SAVED}{pk}/", {"name": "電話", "shared": "on"})
    assert row(site, "電話").selection == kept.selection, "a name alone leaves the conditions"


def test_a_procedure_that_is_gone_is_named(site: Contract, at_desk: Client) -> None:
    keep(at_desk)
    with contract_scope(site):
        SavedList.objects.update(selection={"visit": "tomorrow", "procedure": "gone"})
    answer = at_desk.get(f"{LIST}?list={row(site).pk}")
    assert answer.status_code == 422
    assert "手続き「gone」は今はありません" in answer.content.decode()
    assert "手続き「gone」は今はありません" in at_desk.get(SAVED).content.decode()
    assert f'name="from" value="{row(site).pk}"' in answer.content.decode(), "it can be mended"
