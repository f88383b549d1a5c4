"""Mails go out once: claimed, handed to a real SMTP server, noted, settled; retried, dropped or failed as told."""

from __future__ import annotations

import datetime as dt
import os
import signal
import subprocess
import sys
import textwrap
import threading
from pathlib import Path

import pytest
from django.db import connections

from madoguchi import mailbox
from madoguchi.domain.notices import rules, services
from madoguchi.domain.notices.journal import Key
from madoguchi.domain.notices.models import Attempt, Kind, Message
from madoguchi.domain.notices.sending import Sender
from madoguchi.domain.notices.transport import ServerDown
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.contracts.tenancy import contract_scope
from madoguchi.ground.worklog.models import Fact
from madoguchi.mailbox import RunningMailbox

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.req("BOOK-08")]
State = Message.State


def put(contract: Contract, n: int, now: dt.datetime, *, language: str = "ja", kind: Kind = Kind.CREATED) -> Message:
    with contract_scope(contract):
        return services.queue(contract, ref=f"probe:{n}", kind=kind, language=language, now=now)


def reread(contract: Contract, message: Message) -> Message:
    with contract_scope(contract):
        return Message.objects.get(pk=message.pk)


def attempts(contract: Contract, message: Message) -> list[tuple[str, str]]:
    with contract_scope(contract):
        return list(Attempt.objects.filter(message=message).order_by("id").values_list("outcome", "answer"))


def test_a_mail_arrives_readable_with_its_headers(
    contracts, now, box: RunningMailbox, addresses, sender: Sender
) -> None:
    city = contracts["hatsukaichi"]
    addresses[1] = "taro@example.jp"
    message = put(city, 1, now)
    assert sender.send_due(now) == 1
    (name,) = mailbox.names(box.folder)
    mail = mailbox.stored(box.folder, name)
    headers = dict(mail.headers)
    assert mail.to == "taro@example.jp"
    assert mail.subject == "【廿日市市】予約を受け付けました（予約番号 K7M29QXT）"
    assert "令和8年11月5日(木) 10:00〜10:30" in mail.body
    assert "{" not in mail.body
    assert headers["Auto-Submitted"] == "auto-generated"
    assert headers["Content-Type"] == 'text/plain; charset="utf-8"'
    assert mail.message_id == rules.message_id(message.pk, "hatsukaichi", now, "yoyaku.example.jp")
    found = reread(city, message)
    assert (found.state, found.attempts, found.sent_at, found.claimed_by) == (State.SENT, 1, now, None)
    assert attempts(city, message) == [("sent", f"250 2.0.0 kept as {name}")]
    with contract_scope(city):
        assert list(Fact.objects.filter(kind="notice.sent").values_list("ref", "outcome")) == [
            (f"message:{message.pk}", "created")
        ]
    assert sender.send_due(now) == 0


def test_a_language_without_text_gets_english_and_japanese(contracts, now, box, addresses, sender) -> None:
    addresses[1] = "linh@example.jp"
    put(contracts["hatsukaichi"], 1, now, language="vi")
    assert sender.send_due(now) == 1
    mail = mailbox.stored(box.folder, mailbox.names(box.folder)[0])
    assert mail.subject.startswith("[廿日市市] Your appointment is booked")
    assert mail.body.index("Your appointment") < mail.body.index("予約を受け付けました")


def test_refused_addresses_fail_at_once_and_the_answer_hides_them(contracts, now, box, addresses, sender) -> None:
    city = contracts["hatsukaichi"]
    addresses[1], addresses[2] = "hanako@refused.invalid", "ok@example.jp"
    first, second = put(city, 1, now), put(city, 2, now)
    assert sender.send_due(now) == 1
    assert reread(city, first).state == State.FAILED
    assert attempts(city, first) == [("permanent", "5.1.1 <宛先>: no such mailbox")]
    assert reread(city, second).state == State.SENT


def test_temporary_refusals_are_tried_again_after_the_agreed_waits(contracts, now, box, addresses, sender) -> None:
    city = contracts["hatsukaichi"]
    addresses[1] = "x@later.invalid"
    message = put(city, 1, now)
    moment = now
    for wait in (1, 5, 30, 120, 360):
        assert sender.send_due(moment) == 0
        found = reread(city, message)
        assert (found.state, found.due_at) == (State.QUEUED, moment + dt.timedelta(minutes=wait))
        assert sender.send_due(found.due_at - dt.timedelta(seconds=1)) == 0
        assert reread(city, message).attempts == found.attempts
        moment = found.due_at
    assert sender.send_due(moment) == 0
    assert (reread(city, message).state, reread(city, message).attempts) == (State.FAILED, 6)


def test_a_message_without_recipient_is_dropped(contracts, now, box, addresses, sender) -> None:
    message = put(contracts["izumi"], 9, now)
    assert sender.send_due(now) == 0
    assert reread(contracts["izumi"], message).state == State.DROPPED
    assert attempts(contracts["izumi"], message) == [("dropped", "")]


def test_a_server_that_is_down_costs_no_try(contracts, now, box, addresses, sender) -> None:
    addresses[1] = "taro@example.jp"
    message = put(contracts["hatsukaichi"], 1, now)
    box.stop()
    with pytest.raises(ServerDown, match="does not take our connection"):
        sender.send_due(now)
    found = reread(contracts["hatsukaichi"], message)
    assert (found.state, found.attempts) == (State.QUEUED, 0)


def test_after_a_crash_noted_messages_are_sent_and_others_go_out_again(contracts, now, box, addresses, sender) -> None:
    city = contracts["hatsukaichi"]
    addresses[1], addresses[2] = "a@example.jp", "b@example.jp"
    noted, doubtful = put(city, 1, now), put(city, 2, now)
    with contract_scope(city):
        Message.objects.update(state=State.SENDING, claimed_by=sender.journal.name)
    sender.journal.accepted(Key(city.pk, noted.pk, rules.stamp(now)), "250 kept")
    assert sender.send_due(now) == 1
    assert [mailbox.stored(box.folder, name).to for name in mailbox.names(box.folder)] == ["b@example.jp"]
    assert reread(city, noted).state == reread(city, doubtful).state == State.SENT
    assert attempts(city, noted) == [("sent", "250 kept")]
    assert sender.journal.all_accepted() == {}


def test_the_mailbox_keeps_a_repeated_message_once(contracts, now, box, addresses, sender) -> None:
    city = contracts["hatsukaichi"]
    addresses[1] = "a@example.jp"
    message = put(city, 1, now)
    sender.send_due(now)
    with contract_scope(city):
        Message.objects.update(state=State.SENDING, claimed_by=sender.journal.name)
    assert sender.send_due(now) == 1
    assert len(mailbox.names(box.folder)) == 1
    assert reread(city, message).state == State.SENT


def test_leases_of_dead_workers_run_out(contracts, now, box, addresses, sender) -> None:
    city = contracts["hatsukaichi"]
    addresses[1], addresses[2] = "a@example.jp", "b@example.jp"
    old, young = put(city, 1, now), put(city, 2, now)
    real = dt.datetime.now(dt.UTC)
    with contract_scope(city):
        Message.objects.filter(pk=old.pk).update(state=State.SENDING, claimed_by="gone", lease_until=real)
        Message.objects.filter(pk=young.pk).update(
            state=State.SENDING, claimed_by="other", lease_until=real + dt.timedelta(minutes=5)
        )
    assert sender.send_due(now) == 1
    assert reread(city, old).state == State.SENT
    assert reread(city, young).state == State.SENDING


@pytest.mark.race
def test_two_workers_send_each_message_once(contracts, now, box, addresses, tmp_path) -> None:
    city = contracts["hatsukaichi"]
    for n in range(1, 121):
        addresses[n] = f"r{n}@example.jp"
        put(city, n, now)
    counts: list[int] = []

    def work() -> None:
        own = Sender(tmp_path / "journal")
        try:
            counts.append(own.send_due(now))
        finally:
            own.close()
            connections.close_all()

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(counts) == 120
    assert len(mailbox.names(box.folder)) == 120
    with contract_scope(city):
        assert Attempt.objects.count() == 120
        assert set(Message.objects.values_list("state", flat=True)) == {State.SENT}


@pytest.mark.race
def test_kill_nine_in_the_middle_loses_nothing_and_repeats_nothing(
    contracts, now, box, addresses, tmp_path, settings
) -> None:
    """A worker process is killed while it sends; the next one finishes, and every address has exactly one mail."""
    city = contracts["hatsukaichi"]
    for n in range(1, 81):
        addresses[n] = f"r{n}@example.jp"
        put(city, n, now)
    folder = tmp_path / "journal"
    script = textwrap.dedent(f"""
        import os, django
        django.setup()
        from django.conf import settings
        settings.DATABASES["default"]["NAME"] = {connections["default"].settings_dict["NAME"]!r}
        from django.db import connections
        connections["default"].settings_dict["NAME"] = settings.DATABASES["default"]["NAME"]
        settings.EMAIL_HOST, settings.EMAIL_PORT = {box.host!r}, {box.port}
        settings.MAIL_FROM = "no-reply@yoyaku.example.jp"
        import datetime as dt
        from pathlib import Path
        from madoguchi.domain.notices import recipients
        from madoguchi.domain.notices.recipients import Recipient
        from madoguchi.domain.notices.sending import Sender
        from tests.domain.notices.conftest import CONTEXT
        recipients.register("probe", lambda contract, pk, language, kind, **_: Recipient(f"r{{pk}}@example.jp", CONTEXT))
        Sender(Path({str(folder)!r})).send_due(dt.datetime.fromisoformat({now.isoformat()!r}))
    """)
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "config.settings.test"}
    root = Path(__file__).resolve().parents[3]
    worker = subprocess.Popen([sys.executable, "-c", script], env=environment, cwd=root)
    for _ in range(3000):
        if len(mailbox.names(box.folder)) >= 20 or worker.poll() is not None:
            break
        threading.Event().wait(0.01)
    worker.send_signal(signal.SIGKILL)
    worker.wait()
    before = len(mailbox.names(box.folder))
    assert 20 <= before < 80
    heir = Sender(folder)
    heir.send_due(now)
    heir.close()
    got = sorted(mailbox.stored(box.folder, name).to for name in mailbox.names(box.folder))
    assert got == sorted(addresses.values())
    with contract_scope(city):
        assert set(Message.objects.values_list("state", flat=True)) == {State.SENT}
        assert Attempt.objects.filter(outcome="sent").count() == 80


def test_a_resent_message_is_a_new_mail(contracts, now, box, addresses, sender, official) -> None:
    city = contracts["hatsukaichi"]
    addresses[1] = "a@example.jp"
    message = put(city, 1, now)
    with contract_scope(city), pytest.raises(services.NoticeError, match="まだ送信待ち"):
        services.resend(city, message.pk, by=official, now=now)
    sender.send_due(now)
    with contract_scope(city):
        again = services.resend(city, message.pk, by=official, now=now)
    assert again.detail == {"resend_of": message.pk}
    sender.send_due(now)
    assert len(mailbox.names(box.folder)) == 2
