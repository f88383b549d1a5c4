"""A planned stop: announced, then every page of residents says so with the telephone; staff go on; afterwards all is as before."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

import pytest
from django.test import Client

from madoguchi.domain.booking.recipients import manage_path
from madoguchi.domain.notices.models import Message, PlannedStop
from madoguchi.domain.notices.queries import forget_stops
from madoguchi.domain.notices.services import NoticeError, plan_stop, withdraw_stop
from madoguchi.domain.notices.wording import compose
from madoguchi.ground.accounts.models import Role, User
from madoguchi.ground.audit.models import Entry
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.contracts.tenancy import contract_scope
from madoguchi.ground.kit import clock
from madoguchi.ground.kit.actors import Actor
from tests.web.api.conftest import Caller
from tests.web.staff_site import SignIn, book, sign_in  # noqa: F401

HOUR = dt.timedelta(hours=1)
PAGES = ["", "find/", "book/", "bring/", "which/", "book/when/?p=card_pickup&site=main"]


@pytest.fixture(autouse=True)
def nothing_remembered() -> Iterator[None]:
    forget_stops()
    yield
    forget_stops()


def plan(contract: Contract, now: dt.datetime, by: Actor, begins: float = 2, ends: float = 5, tells: float = 0) -> PlannedStop:
    with contract_scope(contract):
        stop = plan_stop(
            contract, starts_at=now + begins * HOUR, ends_at=now + ends * HOUR, announce_at=now + tells * HOUR,
            reason="機器の入替え", by=by, now=now,
        )  # fmt: skip
    forget_stops()
    return stop


@pytest.mark.req("BOOK-13")
def test_before_during_and_after(
    site: Contract, now: dt.datetime, official: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    link = manage_path(site, book(site, now=now).code)
    plan(site, now, official)
    client = Client()
    before = client.get("/hatsukaichi/")
    assert before.status_code == 200
    assert "予約サイトの停止のお知らせ" in before.content.decode()
    assert "11:00 から" in before.content.decode()
    assert "14:00 まで" in before.content.decode()
    monkeypatch.setattr(clock, "now", lambda: now + 3 * HOUR)
    for page in [*(f"/hatsukaichi/{path}" for path in PAGES), link]:
        answer = client.get(page)
        assert answer.status_code == 503, page
        assert answer["Retry-After"] == str(2 * 3600)
        said = answer.content.decode()
        assert "いまは予約サイトを止めています" in said
        assert "機器の入替え" in said
        assert site.profile.phone_number in said
    assert client.post("/hatsukaichi/book/hold/", {}).status_code == 503
    assert client.get("/hatsukaichi/privacy/").status_code == 200
    assert client.get("/izumi/").status_code == 200, "another city goes on"
    monkeypatch.setattr(clock, "now", lambda: now + 5 * HOUR)
    after = client.get("/hatsukaichi/")
    assert after.status_code == 200
    assert "停止のお知らせ" not in after.content.decode()


@pytest.mark.req("BOOK-13")
def test_the_api_says_when_to_come_again(
    site: Contract, now: dt.datetime, official: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan(site, now, official)
    call = Caller("any")
    assert call("POST", "/api/v1/hatsukaichi/reservations", {}).status == 401
    monkeypatch.setattr(clock, "now", lambda: now + 3 * HOUR)
    answer = call("POST", "/api/v1/hatsukaichi/reservations", {})
    assert (answer.status, answer.headers["retry-after"]) == (503, str(2 * 3600))


@pytest.mark.req("BOOK-13")
def test_it_is_not_told_before_its_day_and_can_be_taken_back(site: Contract, now: dt.datetime, official: Actor) -> None:
    stop = plan(site, now, official, begins=50, ends=53, tells=24)
    assert "停止のお知らせ" not in Client().get("/hatsukaichi/").content.decode()
    with contract_scope(site):
        withdraw_stop(site, stop.pk, by=official, now=now)
        with pytest.raises(NoticeError, match="取り下げられて"):
            withdraw_stop(site, stop.pk, by=official, now=now)
        assert list(Entry.objects.order_by("seq").values_list("action", flat=True))[-2:] == ["stop.planned", "stop.withdrawn"]


@pytest.mark.parametrize(
    ("begins", "ends", "complaint"),
    [(5, 2, "終わりは始まりより後"), (-5, -2, "すでに終わった"), (1, 200, "7日以内"), (3, 4, "別の停止の予定")],
)
def test_what_makes_no_sense_is_refused(
    site: Contract, now: dt.datetime, official: Actor, begins: int, ends: int, complaint: str
) -> None:
    plan(site, now, official)
    with pytest.raises(NoticeError, match=complaint):
        plan(site, now, official, begins=begins, ends=ends)


@pytest.mark.req("BOOK-13")
def test_staff_plan_it_and_everybody_of_the_contract_sees_it(
    site: Contract, now: dt.datetime, sign_in: SignIn  # noqa: F811
) -> None:
    staff = "/staff/hatsukaichi/stops/"
    manager, city = sign_in(site, Role.MANAGER), sign_in(site, Role.CITY)
    typed = {
        "first": "2026-11-20", "begin": "22:00", "last": "令和8年11月21日", "end": "５：００", "announce": "", "reason": "機器の入替え",
    }  # fmt: skip
    assert sign_in(site, Role.OPERATOR).post(staff, typed).status_code == 403
    wrong = manager.post(staff, typed | {"begin": "夜"})
    assert wrong.status_code == 422
    assert "時刻として読めません" in wrong.content.decode()
    assert "機器の入替え" in wrong.content.decode()
    assert manager.post(staff, typed).status_code == 302
    forget_stops()
    assert "11月20日（金） 22:00〜11月21日（土） 05:00" in city.get("/staff/hatsukaichi/").content.decode()
    assert manager.post(staff, typed).status_code == 409
    with contract_scope(site):
        stop = PlannedStop.objects.get()
    assert manager.post(f"{staff}{stop.pk}/withdraw/").status_code == 302
    forget_stops()
    assert "予約サイトの停止：" not in city.get("/staff/hatsukaichi/").content.decode()


@pytest.mark.req("BOOK-13")
def test_officials_are_told_by_mail_of_plan_change_and_withdrawal(
    site: Contract, now: dt.datetime, official: Actor, sign_in: SignIn  # noqa: F811
) -> None:
    city, manager = sign_in(site, Role.CITY), sign_in(site, Role.MANAGER)
    user = User.objects.get(pk=city.session["_auth_user_id"])

    def mails() -> list[tuple[str, str, str]]:
        """Kind and text of what waits, and to whom."""
        with contract_scope(site):
            rows = Message.objects.filter(ref__startswith="stop:", state="queued").order_by("pk")
            composed = [(row.kind, compose(site, row, now=now)) for row in rows]
            return [(kind, made[0], made[1].get_content()) for kind, made in composed if made]

    stop = plan(site, now, official, begins=30, ends=33)
    ((kind, to, text),) = mails()
    assert (kind, to) == ("stop_planned", user.email)
    assert "令和8年11月3日(火) 15:00" in text and "機器の入替え" in text and "/staff/hatsukaichi/stops/" in text
    page = f"/staff/hatsukaichi/stops/{stop.pk}/"
    typed = {"first": "2026-11-04", "begin": "21:00", "last": "2026-11-05", "end": "1:00", "announce": "", "reason": "部品の交換"}
    assert 'value="15:00"' in manager.get(page).content.decode()
    assert manager.post(page, typed | {"end": ""}).status_code == 422
    assert manager.post(page, typed | {"last": "2026-11-03"}).status_code == 409
    assert sign_in(site, Role.OPERATOR).post(page, typed).status_code == 403
    assert manager.post(page, typed).status_code == 302
    ((kind, _, text),) = mails()
    assert kind == "stop_changed" and "21:00" in text and "部品の交換" in text
    with contract_scope(site):
        withdraw_stop(site, stop.pk, by=official, now=now)
    ((kind, _, text),) = mails()
    assert kind == "stop_dropped" and "取りやめ" in text
    assert manager.get(page).status_code == 404
    User.objects.filter(pk=user.pk).update(is_active=False)
    assert mails() == []
