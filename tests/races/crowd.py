"""Many at once: threads with connections of their own that start together, and what came of them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from django.db import connection

from madoguchi.domain.booking.errors import Refused

from ..domain.booking.desk import Desk


@dataclass
class Outcome:
    """What a crowd met. ``failures`` are exceptions a person would have seen as a breakdown; refusals are answers."""

    failures: list[BaseException] = field(default_factory=list)
    refusals: list[str] = field(default_factory=list)
    acknowledged: dict[str, int] = field(default_factory=dict)
    gone: set[str] = field(default_factory=set)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def acknowledge(self, code: str, people: int) -> None:
        """Somebody was told that this booking exists with so many people."""
        with self.lock:
            self.acknowledged[code] = people

    def forget(self, code: str) -> None:
        """Somebody gave this booking back, or let its hold run out."""
        with self.lock:
            self.gone.add(code)


def run(works: Sequence[Callable[[Outcome], None]], *, timeout: float = 120) -> Outcome:
    """Run all works at the same moment, each in a thread with a connection of its own."""
    outcome = Outcome()
    start = threading.Barrier(len(works))

    def act(work: Callable[[Outcome], None]) -> None:
        try:
            with connection.cursor() as cursor:
                cursor.execute("select 1")
            start.wait(30)
            work(outcome)
        except BaseException as error:
            with outcome.lock:
                outcome.failures.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=act, args=[work], daemon=True) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout)
    assert not any(thread.is_alive() for thread in threads), "somebody still waits"
    return outcome


def attempt(outcome: Outcome, deed: Callable[[], object]) -> object | None:
    """Do a deed; a refusal is counted and answers None."""
    try:
        return deed()
    except Refused as refused:
        with outcome.lock:
            outcome.refusals.append(str(refused.reason))
        return None


@dataclass(frozen=True)
class Count:
    """The slots of a desk as the rows say: places planned, taken, and the claims and resting places that exist."""

    slot: int
    planned: int
    capacity: int
    taken: int
    claims: int


def counts(desk: Desk) -> list[Count]:
    """All slots that anybody claims or that say they are taken."""
    with connection.cursor() as cursor:
        cursor.execute(
            "select * from (select s.id, s.planned, s.capacity, s.taken,"
            " (select count(*) from booking_claim c where c.contract_id = s.contract_id and c.slot_id = s.id)"
            " + (select coalesce(sum(places), 0) from booking_rest r where r.contract_id = s.contract_id and r.slot_id = s.id) as n"
            " from booking_slot s where s.contract_id = %s) x where taken > 0 or n > 0 order by id",
            [desk.contract.pk],
        )
        return [Count(*row) for row in cursor.fetchall()]
