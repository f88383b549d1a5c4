"""A mailbox of the test's own, and recipients that need no booking."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from madoguchi import mailbox
from madoguchi.domain.notices import recipients
from madoguchi.domain.notices.recipients import Recipient
from madoguchi.domain.notices.sending import Sender
from madoguchi.ground.contracts.models import Contract
from madoguchi.mailbox import RunningMailbox

CONTEXT = {
    "city": "廿日市市",
    "code": "K7M29QXT",
    "when": "令和8年11月5日(木) 10:00〜10:30",
    "site": "市役所",
    "people": "1人",
    "procedures": "・マイナンバーカードの受取り（交付）",
    "bring": "・交付通知書",
    "link": "https://yoyaku.example.jp/hatsukaichi/r/abc",
    "phone": "0829-30-9100",
    "hours": "平日 8:30〜17:00",
}


@pytest.fixture
def box(tmp_path: Path, settings) -> Iterator[RunningMailbox]:
    """A running mailbox; the mail settings point at it."""
    running = mailbox.run_mailbox("127.0.0.1", 0, tmp_path / "mailbox")
    settings.EMAIL_HOST, settings.EMAIL_PORT = running.host, running.port
    settings.EMAIL_HOST_USER = settings.EMAIL_HOST_PASSWORD = ""
    settings.EMAIL_USE_SSL = settings.EMAIL_USE_TLS = False
    settings.MAIL_FROM = "no-reply@yoyaku.example.jp"
    yield running
    running.stop()


@pytest.fixture
def addresses() -> Iterator[dict[int, str]]:
    """Addresses of ``probe:<id>`` records; a missing id has no recipient."""
    book: dict[int, str] = {}

    def resolve(contract: Contract, record_id: int, language: str, kind: str, **_: object) -> Recipient | None:
        address = book.get(record_id)
        return Recipient(address, CONTEXT) if address else None

    recipients.register("probe", resolve)
    yield book
    recipients._resolvers.pop("probe")


@pytest.fixture
def sender(tmp_path: Path) -> Iterator[Sender]:
    """A sender with a journal of its own."""
    found = Sender(tmp_path / "journal")
    yield found
    found.close()
