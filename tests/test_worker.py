"""The worker works, survives the database, travels with the clock, and stops when told."""

from __future__ import annotations

import datetime as dt
import threading
import time

import pytest
from django.db import connection, connections

from madoguchi import worker
from madoguchi.ground.kit.clock import JST
from madoguchi.worker import Loop, Recurring, Worker

pytestmark = [pytest.mark.req("BOOK-08", "BOOK-09")]


def at(hour: int, minute: int = 0, day: int = 2) -> dt.datetime:
    return dt.datetime(2026, 11, day, hour, minute, tzinfo=JST)


@pytest.mark.parametrize(
    ("job", "now", "latest"),
    [
        (Recurring("x", print, at=dt.time(2, 0)), at(9), at(2)),
        (Recurring("x", print, at=dt.time(2, 0)), at(2), at(2)),
        (Recurring("x", print, at=dt.time(2, 0)), at(1, 59), at(2, day=1)),
        (Recurring("x", print, minutes=5), at(9, 4), at(9)),
        (Recurring("x", print, minutes=5), at(9, 5), at(9, 5)),
        (Recurring("x", print, minutes=5), at(0, 2), at(0)),
    ],
)
def test_the_latest_occurrence(job: Recurring, now: dt.datetime, latest: dt.datetime) -> None:
    assert job.latest(now) == latest


@pytest.mark.django_db
def test_each_occurrence_is_ordered_once_and_a_day_later_again(monkeypatch) -> None:
    jobs = (Recurring("probe a", lambda now: None, at=dt.time(2, 0)), Recurring("probe b", lambda now: None, minutes=5))
    monkeypatch.setattr(worker, "RECURRING", jobs)
    assert worker.order_due(at(9)) == ["probe a", "probe b"]
    assert worker.order_due(at(9, 1)) == []
    with connection.cursor() as cursor:
        cursor.execute("update procrastinate_jobs set status = 'doing' where task_name like 'madoguchi.probe%%'")
        cursor.execute("update procrastinate_jobs set status = 'succeeded' where task_name like 'madoguchi.probe%%'")
    assert worker.order_due(at(9, 5)) == ["probe b"]
    assert worker.order_due(at(9, 5, day=3)) == ["probe a"]


@pytest.mark.django_db(transaction=True)
def test_a_worker_runs_loops_and_jobs_survives_lost_connections_and_stops(monkeypatch) -> None:
    looped, done = [], []
    ran = threading.Event()

    def job(now: dt.datetime) -> None:
        with connection.cursor() as cursor:
            cursor.execute("select 1")
        done.append(now)
        ran.set()

    def tick(now: dt.datetime) -> None:
        with connection.cursor() as cursor:
            cursor.execute("select pg_backend_pid()")
            looped.append(cursor.fetchone()[0])

    monkeypatch.setattr(worker, "RECURRING", (Recurring(f"probe {time.time_ns()}", job, minutes=5),))
    one = Worker((Loop("tick", 0.05, tick),), calendar_seconds=0.1)
    thread = threading.Thread(target=one.run, kwargs={"signals": False})
    thread.start()
    try:
        assert ran.wait(20)
        first = looped[-1]
        with connection.cursor() as cursor:
            cursor.execute(
                "select pg_terminate_backend(pid) from pg_stat_activity"
                " where datname = current_database() and pid <> pg_backend_pid()"
            )
        end = time.monotonic() + 20
        while looped[-1] == first and time.monotonic() < end:
            time.sleep(0.05)
        assert looped[-1] != first
    finally:
        one.stop()
        thread.join(30)
    assert not thread.is_alive()
    assert len(done) == 1
    connections.close_all()
