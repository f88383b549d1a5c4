"""LINE by a real HTTP server on loopback: taken, taken before, too many, refused, silent; the second way; what LINE tells us."""

from __future__ import annotations

import base64
import datetime as dt
import hmac
import json
import socket
import uuid
from collections.abc import Iterator
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from madoguchi import mailbox
from madoguchi.domain.notices import line, recipients, services, short
from madoguchi.domain.notices.models import Attempt, Kind, Medium, Message
from madoguchi.domain.notices.recipients import Recipient
from madoguchi.domain.notices.sending import Sender
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.contracts.tenancy import contract_scope
from madoguchi.mailbox import RunningMailbox
from tests.gateway import Gateway, running

from .conftest import CONTEXT

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.req("BOOK-08")]
State = Message.State
USER = "U" + "0123456789abcdef" * 2
INSTEAD = {"instead": "mail"}


@pytest.fixture
def api(settings) -> Iterator[Gateway]:
    with running(200, f'{{"sentMessages":[{{"id":"1"}}],"to":"{USER}"}}') as found:
        settings.LINE = {"hatsukaichi": ("the-secret", "the-token")}
        settings.LINE_API = f"http://127.0.0.1:{found.port}"
        yield found


@pytest.fixture
def city(contracts, monkeypatch: pytest.MonkeyPatch) -> Iterator[Contract]:
    """廿日市市 with a LINE account; ``probe:<n>`` has a LINE user id and a mail address."""
    contract = contracts["hatsukaichi"]
    on = contract.profile.notices.model_copy(update={"line": "@hatsukaichi"})
    monkeypatch.setattr(Contract, "profile", contract.profile.model_copy(update={"notices": on}))
    ways = {Medium.LINE: USER, Medium.MAIL: "taro@example.jp"}
    recipients.register("probe", lambda contract, pk, language, kind, medium, **_: Recipient(ways[medium], CONTEXT))
    yield contract
    recipients._resolvers.pop("probe")


def put(contract: Contract, n: int, now: dt.datetime, detail: dict[str, str] | None = None) -> Message:
    with contract_scope(contract):
        return services.queue(
            contract, ref=f"probe:{n}", kind=Kind.CREATED, language="ja", medium=Medium.LINE, now=now, detail=detail
        )


def reread(contract: Contract, message: Message) -> Message:
    with contract_scope(contract):
        return Message.objects.get(pk=message.pk)


def test_a_notice_is_pushed_once_under_its_key(city: Contract, api: Gateway, sender: Sender, now: dt.datetime) -> None:
    message = put(city, 1, now)
    assert sender.send_due(now) == 1
    ((headers, body),) = api.got
    assert api.paths == ["/v2/bot/message/push"]
    assert headers["authorization"] == "Bearer the-token"
    assert uuid.UUID(headers["x-line-retry-key"]).version == 5
    sent = json.loads(body)
    assert sent["to"] == USER
    (text,) = sent["messages"]
    assert text["type"] == "text"
    assert text["text"].splitlines()[0] == "廿日市市 予約を受け付けました"
    assert "https://yoyaku.example.jp/hatsukaichi/r/abc" in text["text"]
    assert reread(city, message).state == State.SENT
    with contract_scope(city):
        assert USER not in Attempt.objects.get(message=message).answer
    assert sender.send_due(now) == 0 and len(api.got) == 1


@pytest.mark.parametrize(
    ("answer", "state"),
    [((409, {}), State.SENT), ((429, {}), State.QUEUED), ((500, {}), State.QUEUED), (None, State.QUEUED),
     ((400, {}), State.FAILED), ((401, {}), State.FAILED)],
)  # fmt: skip
def test_what_line_answers_ends_or_waits(
    city: Contract, api: Gateway, sender: Sender, now: dt.datetime, answer: tuple | None, state: str
) -> None:
    message = put(city, 1, now)
    api.answers.append(answer)
    assert sender.send_due(now) == int(state == State.SENT)
    found = reread(city, message)
    assert (found.state, found.attempts) == (state, 1)
    if state == State.QUEUED:
        assert sender.send_due(now + dt.timedelta(minutes=1)) == 1
        keys = {headers["x-line-retry-key"] for headers, _ in api.got}
        assert (len(api.got), len(keys)) == (2, 1)


def test_line_that_does_not_answer_keeps_nobody_waiting(
    city: Contract, api: Gateway, sender: Sender, now: dt.datetime, settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(short, "TIMEOUT", 0.2)
    messages = [put(city, n, now) for n in range(3)]
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        deaf.listen()
        settings.LINE_API = f"http://127.0.0.1:{deaf.getsockname()[1]}"
        assert sender.send_due(now) == 0
    assert [reread(city, message).attempts for message in messages] == [1, 0, 0]


def test_an_account_whose_month_is_used_up_does_not_stop_the_others(
    city: Contract, contracts: dict[str, Contract], api: Gateway, sender: Sender, now: dt.datetime, settings
) -> None:
    settings.LINE = {**settings.LINE, "izumi": ("s", "other-token")}
    api.answers.append((429, {}))
    put(city, 1, now)
    put(contracts["izumi"], 1, now)
    assert sender.send_due(now) == 1
    assert {headers["authorization"] for headers, _ in api.got} == {"Bearer the-token", "Bearer other-token"}


@pytest.mark.parametrize("off", [False, True])
def test_what_line_never_takes_goes_by_mail_once(
    city: Contract, api: Gateway, box: RunningMailbox, sender: Sender, now: dt.datetime, settings, off: bool
) -> None:
    """Refused for good, or the keys taken from the server meanwhile."""
    message = put(city, 1, now, INSTEAD)
    api.answers.append((403, {}))
    if off:
        settings.LINE = {}
    sender.send_due(now)
    sender.send_due(now)
    found = reread(city, message)
    assert (found.state, found.medium, found.detail) == (State.SENT, Medium.MAIL, None)
    assert len(mailbox.names(box.folder)) == 1
    with contract_scope(city):
        outcomes = list(Attempt.objects.filter(message=message).order_by("pk").values_list("outcome", flat=True))
    assert outcomes == ["permanent", "sent"]
    assert sender.send_due(now + dt.timedelta(days=1)) == 0


def test_a_busy_line_is_tried_to_the_end_before_the_mail(
    city: Contract, api: Gateway, box: RunningMailbox, sender: Sender, now: dt.datetime
) -> None:
    message = put(city, 1, now, INSTEAD)
    api.usual = 429
    for _ in range(20):
        sender.send_due(now)
        now += dt.timedelta(hours=1)
    assert len(api.got) == 6
    assert reread(city, message).medium == Medium.MAIL
    assert len(mailbox.names(box.folder)) == 1


def test_the_stand_in_of_the_demo_sends_nothing_and_says_so(
    city: Contract, api: Gateway, box: RunningMailbox, sender: Sender, now: dt.datetime, settings
) -> None:
    settings.LINE_STAND_IN = True
    message = put(city, 1, now)
    assert sender.send_due(now) == 1
    line.reply(city, "token", "ok", now=now)
    assert api.got == []
    (name,) = mailbox.names(box.folder)
    found = mailbox.stored(box.folder, name)
    assert found is not None and (found.way, found.to) == ("LINE", f"{USER}@line.invalid")
    with contract_scope(city):
        assert "not sent to LINE" in Attempt.objects.get(message=message).answer


def test_a_signature_is_the_hmac_of_the_very_body() -> None:
    channel = line.Channel("the-secret", "the-token")
    body = b'{"events":[]}'
    mac = base64.b64encode(hmac.new(b"the-secret", body, "sha256").digest()).decode()
    assert line.is_signed(channel, body, mac)
    for other, signature in ((body + b" ", mac), (body, mac[:-2]), (body, ""), (body, "é")):
        assert not line.is_signed(channel, other, signature)
    assert "the-" not in repr(channel)


@given(st.recursive(st.none() | st.integers() | st.text(), lambda x: st.lists(x) | st.dictionaries(st.text(), x)))
def test_any_body_is_read_or_refused(body: object) -> None:
    for given_body in (body, {"events": body}, {"events": [body]}):
        with suppress(ValueError):
            assert line.read_events(json.dumps(given_body).encode(), dt.datetime(2026, 11, 2, tzinfo=dt.UTC)) == []


def test_only_fresh_texts_and_blocks_of_single_persons_are_heard(now: dt.datetime) -> None:
    stamp = int(now.timestamp() * 1000)
    person = {"type": "user", "userId": USER}
    text = {"type": "message", "timestamp": stamp, "source": person, "message": {"type": "text", "text": "hello"},
            "webhookEventId": "01", "replyToken": "r", "mode": "active"}  # fmt: skip
    block = {"type": "unfollow", "timestamp": stamp, "source": person, "webhookEventId": "02"}
    none = [
        {**text, "source": {"type": "group", "userId": USER}},
        {**text, "source": {"type": "user", "userId": "U1"}},
        {**text, "mode": "standby"},
        {**text, "message": {"type": "image"}},
        {**text, "timestamp": stamp - 25 * 3600 * 1000},
        {**text, "type": "follow"},
    ]
    found = line.read_events(json.dumps({"events": [text, block, *none]}).encode(), now)
    assert [(e.id, e.text, e.blocked) for e in found] == [("01", "hello", False), ("02", "", True)]
    assert USER not in repr(found)
