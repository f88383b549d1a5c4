"""``kill -9`` of every part in the middle of a rush: all comes back by itself, and no acknowledged booking is lost."""

from __future__ import annotations

import datetime as dt
import http.client
import json
import random
import threading
import time
from collections import Counter
from collections.abc import Iterator
from email import message_from_bytes
from email.policy import default

import psycopg
import pytest

from madoguchi.ground.kit.postgres import EmbeddedPostgres

from .house import House

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(600),
    pytest.mark.xdist_group("crash"),
    pytest.mark.req("BOOK-02", "BOOK-08", "SEC-02"),
]
CLIENTS = 6


@pytest.fixture
def house(django_db_setup: None) -> Iterator[House]:
    made = House()
    yield made
    made.tear_down()


class Rush:
    """Clients that book over HTTP and, as real ones do, send the same request again until they know what happened."""

    def __init__(self, house: House, key: str, starts: list[str]) -> None:
        self.house, self.key, self.starts = house, key, starts
        self.over = threading.Event()
        self.known: dict[str, str] = {}
        self.statuses: Counter[int | str] = Counter()
        self.unknown: list[str] = []
        self.lock = threading.Lock()
        self.threads = [threading.Thread(target=self._client, args=[n], daemon=True) for n in range(CLIENTS)]

    def _post(self, key: str, body: bytes) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.house.port, timeout=30)
        try:
            headers = {
                "Authorization": f"Bearer {self.key}", "Idempotency-Key": key, "Content-Type": "application/json",
            }  # fmt: skip
            connection.request("POST", "/api/v1/hatsukaichi/reservations", body, headers)
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def _client(self, number: int) -> None:
        rng = random.Random(number)
        for turn in range(10_000):
            if self.over.wait(0.25):
                return
            name = f"crash-{number}-{turn}"
            people = [{"name": "山田 太郎", "kana": "ヤマダ タロウ", "birth_date": "1980-01-02"}] * rng.choice(
                [1, 1, 2, 3]
            )
            body = json.dumps(
                {
                    "site": "main", "procedure": "card_pickup", "starts_at": rng.choice(self.starts), "people": people,
                    "contact": {"phone": "090-1234-5678", "email": f"{name}@example.jp"},
                }
            ).encode()  # fmt: skip
            for _ in range(300):
                try:
                    status, answer = self._post(name, body)
                except (OSError, http.client.HTTPException) as error:
                    with self.lock:
                        self.statuses[type(error).__name__] += 1
                    time.sleep(0.2)
                    continue
                with self.lock:
                    self.statuses[status] += 1
                if status in (200, 201):
                    with self.lock:
                        self.known[json.loads(answer)["code"].replace("-", "")] = f"{name}@example.jp"
                    break
                if status == 409:
                    break
                assert status == 503, answer
                time.sleep(0.2)
            else:
                self.unknown.append(name)

    def run(self, deeds: list[str], pause: float) -> None:
        for thread in self.threads:
            thread.start()
        time.sleep(pause)
        for what in deeds:
            self.house.kill(what)
            time.sleep(pause)
            self.house.wait_ready()
        time.sleep(pause)
        self.over.set()
        for thread in self.threads:
            thread.join(120)
        assert not any(thread.is_alive() for thread in self.threads)


def test_everything_is_killed_in_the_middle_of_a_rush(house: House) -> None:
    house.migrate()
    house.start()
    house.wait_ready(90)
    key = house.command("api-key", "hatsukaichi", "--scopes", "reservations:write", "--per-minute", "0").stdout.strip()
    assert key.startswith("mdg_")
    url = EmbeddedPostgres(house.data).start().url
    with psycopg.connect(url) as c:
        c.execute(
            "select set_config('madoguchi.contract', id::text, false) from contracts_contract where code = 'hatsukaichi'"
        )
        rows = c.execute(
            "select s.starts_at from booking_slot s join booking_pool p on p.id = s.pool_id"
            " where p.code = 'card' and s.starts_at between now() + interval '3 days' and now() + interval '50 days'"
        ).fetchall()
    starts = [moment.astimezone(dt.UTC).isoformat() for (moment,) in rows]
    assert len(starts) > 300

    rush = Rush(house, key, starts)
    rush.run(["web process", "database", "worker", "web", "mailbox"], pause=1.0)

    assert [process.cmdline() for process in house.left if process.is_running()] == [], "what a killed server started went with it"
    assert rush.unknown == []
    assert len(rush.known) > 50
    deadline = time.monotonic() + 240
    while True:
        with psycopg.connect(EmbeddedPostgres(house.data).start().url) as c:
            c.execute(
                "select set_config('madoguchi.contract', id::text, false) from contracts_contract where code = 'hatsukaichi'"
            )
            stored = dict(c.execute("select code, people from booking_booking where state = 'booked'").fetchall())
            states = dict(c.execute("select state, count(*) from notices_message group by state").fetchall())
        if set(states) == {"sent"}:
            break
        assert time.monotonic() < deadline, (states, house.log()[-4000:])
        time.sleep(1)

    assert set(rush.known) <= set(stored)
    assert states["sent"] == len(stored)
    mails = [message_from_bytes(path.read_bytes(), policy=default) for path in (house.data / "mailbox").glob("*.eml")]
    assert len(mails) == len(stored)
    assert len({str(mail["Message-ID"]) for mail in mails}) == len(mails)
    reached = Counter(str(mail["X-Envelope-To"]) for mail in mails)
    assert set(reached.values()) == {1}
    assert {reached[address] for address in rush.known.values()} == {1}

    for verb in (["audit", "verify"], ["capacity", "verify"]):
        proof = house.command(*verb)
        assert proof.returncode == 0, proof.stdout + proof.stderr
        assert proof.stdout.count("\n") == 5

    assert house.stop() == 0
    assert EmbeddedPostgres(house.data).running() is None
    print(f"\n{len(rush.known)} acknowledged, {len(stored)} stored, answers {dict(rush.statuses)}")
