"""A resident links a booking to LINE by a code, is told there, and stops; what LINE tells us is believed only when it is signed."""

from __future__ import annotations

import base64
import datetime as dt
import hmac
import json
import logging
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import pytest
from django.test import Client

from madoguchi.domain.booking import erasers, tasks
from madoguchi.domain.booking.models import Booking, LineCode
from madoguchi.domain.booking.recipients import resolve
from madoguchi.domain.booking.services import change
from madoguchi.domain.booking.services import line as deeds
from madoguchi.domain.notices.models import Message
from madoguchi.ground.contracts import registry
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.contracts.tenancy import contract_scope
from madoguchi.ground.kit import clock
from madoguchi.ground.kit.actors import CITIZEN_WEB
from tests.gateway import Gateway, running
from tests.web.citizen.resident import HANAKO, TUESDAY_11, Resident, text_of

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.req("BOOK-08")]
SECRET = "0123456789abcdef"
USER = "U" + "0123456789abcdef" * 2
OTHER = "U" + "fedcba9876543210" * 2


@dataclass
class Chat:
    """The city's official account: what people send there reaches our webhook as LINE would bring it."""

    api: Gateway
    now: dt.datetime
    address: str = "/hooks/line/hatsukaichi/"
    numbers: Iterator[int] = field(default_factory=lambda: count(1))

    def event(self, user: str = USER, **more: Any) -> dict[str, Any]:
        number = next(self.numbers)
        return {"timestamp": int(self.now.timestamp() * 1000), "source": {"type": "user", "userId": user},
                "webhookEventId": f"01{number}", "replyToken": f"token{number}", "mode": "active", **more}  # fmt: skip

    def say(self, text: str, user: str = USER) -> Any:
        return self.bring(self.event(user, type="message", message={"type": "text", "text": text}))

    def block(self, user: str = USER) -> Any:
        return self.bring(self.event(user, type="unfollow"))

    def bring(self, *events: dict[str, Any], secret: str = SECRET, **headers: str) -> Any:
        body = json.dumps({"destination": "U0", "events": events}).encode()
        mac = base64.b64encode(hmac.digest(secret.encode(), body, "sha256")).decode()
        return Client(enforce_csrf_checks=True).post(
            self.address, body, content_type="application/json; charset=utf-8", headers={"X-Line-Signature": mac, **headers}
        )  # fmt: skip

    @property
    def answers(self) -> list[str]:
        return [json.loads(body)["messages"][0]["text"] for _, body in self.api.got]


@pytest.fixture
def chat(resident: Resident, now: dt.datetime, settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Chat]:
    """廿日市市 with an official account whose channel is a server of our own."""
    on = resident.site.profile.notices.model_copy(update={"line": "@hatsukaichi"})
    monkeypatch.setattr(Contract, "profile", resident.site.profile.model_copy(update={"notices": on}))
    settings.LINE = {"hatsukaichi": (SECRET, "the-token")}
    with running(200, "{}") as api:
        settings.LINE_API = f"http://127.0.0.1:{api.port}"
        yield Chat(api, now)


def code_on(page: Any) -> str:
    found = re.search(r'class="booking-number">([A-Z0-9]{4}-[A-Z0-9]{4})<', page.content.decode())
    assert found
    return found[1]


def booked(resident: Resident, **contact: str) -> tuple[str, Booking]:
    link = resident.link(resident.book(**contact))
    return link, resident.bookings(state="booked")[-1]


def reread(booking: Booking) -> Booking:
    with contract_scope(booking.contract):
        return Booking.objects.get(pk=booking.pk)


def waiting(booking: Booking) -> list[tuple[str, str, str]]:
    with contract_scope(booking.contract):
        rows = Message.objects.filter(ref=f"booking:{booking.pk}").order_by("pk")
        return list(rows.values_list("kind", "medium", "state"))


def test_linked_told_and_unlinked(resident: Resident, chat: Chat, now: dt.datetime) -> None:
    link, booking = booked(resident, email="taro@example.jp")
    assert "LINEで受け取る" in text_of(resident.get(link))
    page = resident.post(f"{link}line/", {})
    code = code_on(page)
    assert f"https://line.me/R/oaMessage/%40hatsukaichi/?{code.replace('-', '')}" in page.content.decode()
    assert chat.say(f" {code.lower()} ").status_code == 200
    assert chat.api.paths == ["/v2/bot/message/reply"]
    assert "これからLINEでお送りします" in chat.answers[-1]
    assert "LINEに届きます" in text_of(resident.get(link))

    found = reread(booking)
    assert found.medium == "line" and USER.encode() not in bytes(found.line or b"")
    with contract_scope(resident.site):
        change.cancel(resident.site, booking.code, by=CITIZEN_WEB, now=now)
        told = resolve(resident.site, booking.pk, "ja", "cancelled", medium="line")
        assert told is not None and told.address == USER
        message = Message.objects.get(kind="cancelled")
        assert (message.medium, message.detail) == ("line", {"instead": "mail"})
        assert resolve(resident.site, booking.pk, "ja", "cancelled", medium="mail") is not None

    chat.say("解除")
    assert reread(booking).line is None and reread(booking).medium == "mail"
    assert chat.answers[-1] == "LINEでのお知らせを止めました。"
    assert waiting(booking)[-1] == ("cancelled", "mail", "queued")


@pytest.mark.parametrize("how", ["page", "block"])
def test_stopped_on_the_page_or_by_a_block(resident: Resident, chat: Chat, how: str) -> None:
    link, booking = booked(resident)
    chat.say(code_on(resident.post(f"{link}line/", {})))
    assert reread(booking).medium == "line"
    if how == "page":
        answer = resident.client.post(f"{link}line/stop/", follow=True)
        assert "LINEでのお知らせを止めました。" in text_of(answer)
    else:
        chat.block(OTHER)
        assert reread(booking).medium == "line"
        chat.block()
    assert reread(booking).medium is None
    assert chat.say("STOP").status_code == 200
    assert len(chat.answers) == (1 if how == "page" else 2)


def test_a_waiting_notice_without_another_way_is_dropped_with_the_link(
    resident: Resident, chat: Chat, now: dt.datetime
) -> None:
    link, booking = booked(resident)
    chat.say(code_on(resident.post(f"{link}line/", {})))
    change.cancel(resident.site, booking.code, by=CITIZEN_WEB, now=now)
    assert waiting(booking) == [("cancelled", "line", "queued")]
    chat.block()
    assert waiting(booking) == [("cancelled", "line", "dropped")]


def test_the_reminder_takes_the_same_way(resident: Resident, chat: Chat) -> None:
    link, booking = booked(resident)
    chat.say(code_on(resident.post(f"{link}line/", {})))
    tasks.make_reminders((booking.starts_at - dt.timedelta(days=1)).astimezone(clock.JST).replace(hour=18))
    assert ("reminder", "line", "queued") in waiting(booking)


def test_a_wrong_used_or_old_code_reveals_nothing(
    resident: Resident, chat: Chat, now: dt.datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, one = booked(resident)
    used = code_on(resident.post(f"{first}line/", {}))
    chat.say(used)
    second = resident.link(resident.book("card_pickup", HANAKO, starts=TUESDAY_11))
    replaced = code_on(resident.post(f"{second}line/", {}))
    old = code_on(resident.post(f"{second}line/", {}))
    other = resident.bookings(state="booked")[-1]
    chat.say(used, OTHER)
    chat.say(replaced, OTHER)
    chat.say("ABCD2345", OTHER)
    monkeypatch.setattr(clock, "now", lambda: now + deeds.CODE_LASTS)
    chat.say(old, OTHER)
    wrong = chat.answers[1:]
    assert len(wrong) == 4 and len(set(wrong)) == 1
    assert "このコードは使えません" in wrong[0] and "new code" in wrong[0]
    assert (reread(one).medium, reread(other).medium) == ("line", None)
    with contract_scope(resident.site):
        found = resolve(resident.site, one.pk, "ja", "created", medium="line")
    assert found is not None and found.address == USER


def test_guessing_ends_soon(resident: Resident, chat: Chat) -> None:
    link, booking = booked(resident)
    for _ in range(10):
        chat.say("ABCD2345", OTHER)
    code = code_on(resident.post(f"{link}line/", {}))
    chat.say(code, OTHER)
    assert reread(booking).line is None
    chat.say(code)
    assert reread(booking).line is not None


def test_other_talk_is_none_of_ours(resident: Resident, chat: Chat, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        assert chat.say("ごみの日はいつですか").status_code == 200
        assert chat.bring().status_code == 200
    assert chat.api.got == []
    assert USER not in caplog.text


@pytest.mark.parametrize("how", ["secret", "altered", "missing", "form", "other city"])
def test_a_wrong_signature_changes_nothing(resident: Resident, chat: Chat, settings, how: str) -> None:
    link, booking = booked(resident)
    code = code_on(resident.post(f"{link}line/", {}))
    event = chat.event(type="message", message={"type": "text", "text": code})
    statuses = {"secret": 403, "altered": 403, "missing": 403, "form": 415, "other city": 403}
    if how == "secret":
        answer = chat.bring(event, secret="another")
    elif how == "altered":
        answer = chat.bring(event, **{"X-Line-Signature": base64.b64encode(hmac.digest(SECRET.encode(), b"{}", "sha256")).decode()})
    elif how == "missing":
        answer = Client().post(chat.address, {"events": [event]}, content_type="application/json")
    elif how == "form":
        answer = Client().post(chat.address, {"events": code})
    else:
        settings.LINE = {**settings.LINE, "izumi": ("the-secret-of-izumi", "t")}
        chat.address = "/hooks/line/izumi/"
        answer = chat.bring(event)
    assert answer.status_code == statuses[how]
    assert reread(booking).line is None and chat.api.got == []


def test_a_code_works_only_in_the_city_that_gave_it(resident: Resident, chat: Chat, settings) -> None:
    link, booking = booked(resident)
    code = code_on(resident.post(f"{link}line/", {}))
    settings.LINE = {**settings.LINE, "izumi": (SECRET, "t")}
    chat.address = "/hooks/line/izumi/"
    assert chat.say(code).status_code == 200
    assert "このコードは使えません" in chat.answers[-1]
    assert reread(booking).line is None


def test_what_is_brought_twice_counts_once(resident: Resident, chat: Chat) -> None:
    """A block that was brought before does not undo a link that was made after it."""
    link, booking = booked(resident)
    block = chat.event(type="unfollow")
    chat.bring(block)
    chat.say(code_on(resident.post(f"{link}line/", {})))
    assert chat.bring(block).status_code == 200
    assert reread(booking).line is not None
    assert chat.bring({**block, "webhookEventId": "new", "timestamp": block["timestamp"] - 25 * 3600 * 1000}).status_code == 200
    assert reread(booking).line is not None


def test_bad_bodies_and_too_many_are_refused(chat: Chat, settings) -> None:
    assert chat.bring({"type": 3}).status_code == 400
    settings.RATE_LIMITS = {**settings.RATE_LIMITS, "line": (1, 60)}
    assert [chat.bring().status_code for _ in range(2)] == [200, 429]
    assert Client().get(chat.address).status_code == 405


def test_line_that_does_not_take_the_answer_spoils_nothing(resident: Resident, chat: Chat) -> None:
    link, booking = booked(resident)
    chat.api.answers.append((400, {}))
    assert chat.say(code_on(resident.post(f"{link}line/", {}))).status_code == 200
    assert reread(booking).line is not None


def test_nothing_is_offered_where_the_profile_or_the_server_says_no(resident: Resident, chat: Chat, settings) -> None:
    link, _ = booked(resident)
    assert "LINE" in text_of(resident.get("privacy/"))
    settings.LINE = {}
    assert "LINE" not in text_of(resident.get(link))
    assert "LINE" not in text_of(resident.get("privacy/"))
    assert resident.post(f"{link}line/", {}).status_code == 302
    assert chat.bring().status_code == 404
    with contract_scope(resident.site):
        assert not LineCode.objects.exists()


def test_the_five_profiles_use_none() -> None:
    assert not any(registry.profile(code).notices.line for code in registry.codes())


def test_the_user_id_goes_with_the_rest_and_codes_go_when_they_end(
    resident: Resident, chat: Chat, now: dt.datetime
) -> None:
    link, booking = booked(resident)
    chat.say(code_on(resident.post(f"{link}line/", {})))
    resident.post(f"{link}line/", {})
    with contract_scope(resident.site):
        assert erasers.erase_line_codes(resident.site, now) == 0
        assert erasers.erase_line_codes(resident.site, now + deeds.CODE_LASTS) == 1
        days = resident.site.profile.retention.resident_days_after_visit
        assert erasers.erase_people(resident.site, booking.ends_at + dt.timedelta(days=days, minutes=1)) == 1
    found = reread(booking)
    assert (found.line, found.line_index, found.medium) == (None, None, None)
