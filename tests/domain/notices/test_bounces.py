"""Returned mails find their message, whoever returns them; foreign and forged ones change nothing."""

import threading
from email import message_from_bytes
from email.policy import default

import pytest

from madoguchi import mailbox
from madoguchi.domain.notices import bounces, rules, services
from madoguchi.domain.notices.models import Attempt, Kind, Message
from madoguchi.ground.contracts.tenancy import contract_scope

pytestmark = [pytest.mark.django_db, pytest.mark.req("BOOK-08")]


@pytest.fixture
def message(contract, now) -> Message:
    found = services.queue(contract, ref="booking:1", kind=Kind.CREATED, language="ja", now=now)
    found.state = Message.State.SENT
    found.save()
    return found


def id_of(message: Message) -> str:
    return rules.message_id(message.pk, "hatsukaichi", message.created_at, "yoyaku.example.jp")


def report(
    message_id: str, *, action: str = "failed", status: str = "5.1.1", inner: str = "text/rfc822-headers"
) -> bytes:
    return (
        "Return-Path: <>\r\nFrom: MAILER-DAEMON@mx.example.jp\r\nTo: bounce@yoyaku.example.jp\r\nMIME-Version: 1.0\r\n"
        "Message-ID: <other@mx.example.jp>\r\nSubject: Delivery Status Notification\r\n"
        'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\r\n\r\n'
        "--b\r\nContent-Type: text/plain\r\n\r\nSorry.\r\n"
        "--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.example.jp\r\n\r\n"
        f"Final-Recipient: rfc822; taro@example.jp\r\nAction: {action}\r\nStatus: {status}\r\n"
        f"Diagnostic-Code: smtp; 550 {status} <taro@example.jp>: user unknown\r\n\r\n"
        f"--b\r\nContent-Type: {inner}\r\n\r\nMessage-ID: {message_id}\r\nSubject: x\r\n\r\nbody\r\n--b--\r\n"
    ).encode()


@pytest.mark.parametrize("inner", ["text/rfc822-headers", "message/rfc822"])
def test_a_report_marks_its_message_once(contract, message, now, inner: str) -> None:
    raw = report(id_of(message), inner=inner)
    for _ in range(2):
        assert services.take_bounce(raw, now=now).pk == message.pk
    message.refresh_from_db()
    assert message.state == Message.State.BOUNCED
    assert list(Attempt.objects.values_list("outcome", "answer")) == [
        ("bounced", "5.1.1 550 5.1.1 <宛先>: user unknown")
    ]


def test_a_delay_is_noted_and_nothing_else(contract, message, now) -> None:
    services.take_bounce(report(id_of(message), action="delayed", status="4.4.1"), now=now)
    message.refresh_from_db()
    assert message.state == Message.State.SENT
    assert list(Attempt.objects.values_list("outcome", flat=True)) == ["delayed"]


def test_a_plain_return_is_understood(contract, message, now) -> None:
    raw = (
        "From: Mail Delivery System <MAILER-DAEMON@mx.example.jp>\r\nSubject: failure notice\r\n\r\n"
        "This is the qmail-send program.\r\n<taro@example.jp>: no mailbox\r\n--- copy ---\r\n"
        f"Message-ID: {id_of(message)}\r\n"
    ).encode()
    services.take_bounce(raw, now=now)
    message.refresh_from_db()
    assert message.state == Message.State.BOUNCED


@pytest.mark.parametrize(
    "change",
    [
        lambda raw, mid: raw.replace(mid.encode(), b"<m1.hatsukaichi.zzzz@yoyaku.example.jp>"),
        lambda raw, mid: raw.replace(b".hatsukaichi.", b".nowhere."),
        lambda raw, mid: raw.replace(b".hatsukaichi.", b".izumi."),
        lambda raw, mid: raw.replace(mid.encode(), b"<x@y>"),
        lambda raw, mid: b"From: taro@example.jp\r\nSubject: Re: x\r\nIn-Reply-To: " + mid.encode() + b"\r\n\r\nthanks",
        lambda raw, mid: b"",
        lambda raw, mid: b"\xff\xfe garbage",
    ],
)
def test_what_is_not_ours_changes_nothing(contract, contracts, message, now, change) -> None:
    assert services.take_bounce(change(report(id_of(message)), id_of(message)), now=now) is None
    message.refresh_from_db()
    assert message.state == Message.State.SENT
    assert not Attempt.objects.exists()


def test_the_mailbox_returns_what_it_cannot_deliver(tmp_path) -> None:
    import smtplib

    got: list[bytes] = []
    came = threading.Event()

    def take(raw: bytes) -> None:
        got.append(raw)
        came.set()

    box = mailbox.run_mailbox("127.0.0.1", 0, tmp_path, on_bounce=take)
    try:
        with smtplib.SMTP(box.host, box.port) as smtp:
            text = "Message-ID: <m7.hatsukaichi.abc@yoyaku.example.jp>\r\nSubject: x\r\n\r\nx"
            smtp.sendmail("bounce@yoyaku.example.jp", ["hanako@bounce.invalid"], text)
        assert came.wait(5)
    finally:
        box.stop()
    found = bounces.parse(got[0])
    assert (found.pk, found.contract_code, found.stamp, found.action, found.status) == (
        7,
        "hatsukaichi",
        "abc",
        "failed",
        "5.1.1",
    )
    assert message_from_bytes(got[0], policy=default).get_content_type() == "multipart/report"


def test_the_mailbox_stays_on_loopback(tmp_path) -> None:
    with pytest.raises(ValueError, match="loopback"):
        mailbox.run_mailbox("0.0.0.0", 0, tmp_path)


def test_a_bounce_before_the_worker_settles_is_kept(contract, message, now, tmp_path) -> None:
    """The report may overtake the worker's own commit; the message stays bounced and its try is counted."""
    from madoguchi.domain.notices.sending import Outcome, Sender, _Result

    Message.objects.update(state=Message.State.SENDING)
    services.take_bounce(report(id_of(message)), now=now)
    with contract_scope(contract):
        Sender(tmp_path)._write(contract, [message], [_Result(message, Outcome.SENT, "250 ok")], now)
    message.refresh_from_db()
    assert (message.state, message.attempts, message.sent_at) == (Message.State.BOUNCED, 1, now)
