"""Short messages by a real HTTP server on loopback that takes, refuses, is busy, breaks off; texts, segments, signature."""

from __future__ import annotations

import datetime as dt
import hmac
import json
import socket
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from madoguchi import mailbox
from madoguchi.domain.notices import recipients, rules, services, short, sms
from madoguchi.domain.notices.models import Attempt, Kind, Medium, Message
from madoguchi.domain.notices.recipients import Recipient
from madoguchi.domain.notices.sending import Sender
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.contracts.tenancy import contract_scope
from madoguchi.ground.worklog.models import Fact
from madoguchi.mailbox import RunningMailbox
from tests.gateway import Gateway, running

from .conftest import CONTEXT

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.req("BOOK-08")]
State = Message.State
NUMBER = "09012345678"


@pytest.fixture
def gateway(settings) -> Iterator[Gateway]:
    with running(202, f"ok for +81{NUMBER[1:]}") as found:
        settings.SMS_GATEWAY = f"http://the-key:the-secret@127.0.0.1:{found.port}/send"
        yield found


@pytest.fixture
def city(contracts, monkeypatch: pytest.MonkeyPatch) -> Iterator[Contract]:
    """廿日市市 with short messages on; ``probe:<n>`` has a mobile telephone."""
    contract = contracts["hatsukaichi"]
    on = contract.profile.notices.model_copy(update={"sms": True})
    monkeypatch.setattr(Contract, "profile", contract.profile.model_copy(update={"notices": on}))
    recipients.register("probe", lambda contract, pk, language, kind, **_: Recipient(NUMBER, CONTEXT))
    yield contract
    recipients._resolvers.pop("probe")


def put(contract: Contract, n: int, now: dt.datetime, language: str = "ja", kind: Kind = Kind.CREATED) -> Message:
    with contract_scope(contract):
        return services.queue(contract, ref=f"probe:{n}", kind=kind, language=language, medium=Medium.SMS, now=now)


def reread(contract: Contract, message: Message) -> Message:
    with contract_scope(contract):
        return Message.objects.get(pk=message.pk)


def test_a_short_message_is_handed_over_once_and_signed(
    city: Contract, gateway: Gateway, sender: Sender, now: dt.datetime
) -> None:
    message = put(city, 1, now)
    assert sender.send_due(now) == 1
    ((headers, body),) = gateway.got
    sent = json.loads(body)
    assert sent["to"] == "+819012345678"
    assert sent["text"].splitlines()[0] == "廿日市市 予約を受け付けました"
    assert "K7M29QXT" in sent["text"] and "https://yoyaku.example.jp/hatsukaichi/r/abc" in sent["text"]
    assert headers["authorization"] == "Bearer the-key"
    assert headers["idempotency-key"] == sent["reference"]
    at, mac = (part.partition("=")[2] for part in headers["x-madoguchi-signature"].split(","))
    assert int(at) == int(now.timestamp())
    assert mac == hmac.new(b"the-secret", f"{at}.".encode() + body, "sha256").hexdigest()
    assert reread(city, message).state == State.SENT
    with contract_scope(city):
        answer = Attempt.objects.get(message=message).answer
        assert answer == "202 ok for +81… (2 segments)"
        assert Fact.objects.get(kind="notice.sent").quantity == 2
    assert sender.send_due(now) == 0 and len(gateway.got) == 1


@pytest.mark.parametrize(
    ("answer", "state", "wait"),
    [
        ((400, {}), State.FAILED, None),
        ((302, {"Location": "http://127.0.0.1:9/"}), State.FAILED, None),
        ((503, {}), State.QUEUED, dt.timedelta(minutes=1)),
        ((429, {"Retry-After": "600"}), State.QUEUED, dt.timedelta(minutes=10)),
        ((503, {"Retry-After": "Mon, 02 Nov 2026 01:00:00 GMT"}), State.QUEUED, dt.timedelta(hours=1)),
        (None, State.QUEUED, dt.timedelta(minutes=1)),
    ],
)
def test_refusals_end_or_wait_as_told(
    city: Contract, gateway: Gateway, sender: Sender, now: dt.datetime, answer: tuple | None, state: str, wait: dt.timedelta | None
) -> None:  # fmt: skip
    message = put(city, 1, now)
    gateway.answers.append(answer)
    assert sender.send_due(now) == 0
    found = reread(city, message)
    assert (found.state, found.attempts) == (state, 1)
    if wait is not None:
        assert found.due_at == now + wait
        assert sender.send_due(now + wait) == 1
        assert gateway.got[0][0]["idempotency-key"] == gateway.got[1][0]["idempotency-key"]
        assert reread(city, message).state == State.SENT


def test_a_gateway_that_does_not_answer_keeps_nobody_waiting(
    city: Contract, gateway: Gateway, sender: Sender, now: dt.datetime, settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first message times out; the others of the batch are not tried against it, and do not count a try."""
    monkeypatch.setattr(short, "TIMEOUT", 0.2)
    messages = [put(city, n, now) for n in range(3)]
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        deaf.listen()
        settings.SMS_GATEWAY = f"http://k:s@127.0.0.1:{deaf.getsockname()[1]}/"
        assert sender.send_due(now) == 0
    found = [reread(city, message) for message in messages]
    assert [m.attempts for m in found] == [1, 0, 0]
    assert {m.state for m in found} == {State.QUEUED}


def test_mails_do_not_wait_for_the_gateway_nor_it_for_them(
    city: Contract, gateway: Gateway, box: RunningMailbox, sender: Sender, now: dt.datetime
) -> None:
    recipients.register("mail", lambda contract, pk, language, kind, **_: Recipient("taro@example.jp", CONTEXT))
    short = put(city, 1, now)
    with contract_scope(city):
        mail = services.queue(city, ref="mail:1", kind=Kind.CREATED, language="ja", now=now)
    gateway.answers.append((503, {}))
    assert sender.send_due(now) == 1
    recipients._resolvers.pop("mail")
    assert reread(city, mail).state == State.SENT
    assert reread(city, short).state == State.QUEUED
    assert len(mailbox.names(box.folder)) == 1


def test_switched_off_meanwhile_it_is_dropped(
    city: Contract, gateway: Gateway, sender: Sender, now: dt.datetime, settings
) -> None:
    message = put(city, 1, now)
    settings.SMS_GATEWAY = ""
    assert sender.send_due(now) == 0
    assert reread(city, message).state == State.DROPPED
    assert gateway.got == []


def test_the_stand_in_of_the_demo_sends_nothing_and_says_so(
    city: Contract, box: RunningMailbox, sender: Sender, now: dt.datetime, settings, client, tmp_path
) -> None:
    settings.SMS_GATEWAY = short.DEMO
    message = put(city, 1, now, language="en")
    assert sender.send_due(now) == 1
    (name,) = mailbox.names(box.folder)
    found = mailbox.stored(box.folder, name)
    assert found is not None and found.stand_in.startswith("SMS ")
    assert (found.to, found.receiver) == (f"{NUMBER}@sms.invalid", NUMBER)
    assert "Your booking is made" in found.body
    with contract_scope(city):
        assert "not sent to a telephone" in Attempt.objects.get(message=message).answer


@pytest.mark.parametrize("language", ["ja", "ja-easy", "en", "zh-hans", "ko", "vi", "pt", "fil", "ne", "es"])
def test_every_language_and_kind_stays_short(city: Contract, gateway: Gateway, now: dt.datetime, language: str) -> None:
    texts = set()
    for kind in short.HEADS:
        message = put(city, 1, now, language=language, kind=kind)
        with contract_scope(city):
            letter = sms.Sms().compose(city, message, now)
        assert letter is not None
        texts.add(letter.text)
        assert rules.segments(letter.text) <= 3
        assert NUMBER not in repr(letter)
    assert len(texts) == len(short.HEADS)


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("", 1), ("a" * 160, 1), ("a" * 161, 2), ("a" * 306, 2), ("a" * 307, 3), ("€" * 80, 1), ("€" * 81, 2),
        ("あ" * 70, 1), ("あ" * 71, 2), ("あ" * 134, 2), ("あ" * 135, 3), ("𠮷" * 35, 1), ("𠮷" * 36, 2), ("a" * 69 + "あ", 1),
    ],
)  # fmt: skip
def test_segments_are_counted_as_telephones_do(text: str, parts: int) -> None:
    assert rules.segments(text) == parts


@given(st.text(max_size=400), st.text(max_size=20))
def test_more_text_never_takes_fewer_segments(text: str, more: str) -> None:
    text, more = (t.encode("utf-8", "ignore").decode() for t in (text, more))
    assert 1 <= rules.segments(text) <= rules.segments(text + more)


@given(st.text(max_size=40))
def test_any_retry_after_is_a_wait_within_bounds(text: str) -> None:
    wait = rules.retry_after(text, dt.datetime(2026, 11, 2, tzinfo=dt.UTC))
    assert wait >= dt.timedelta()
