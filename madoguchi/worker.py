"""The worker: everything that happens without a person at the screen.

Three things run side by side in one process:

* *loops* for what must be quick and is cheap to ask: mails every 2 s, expired holds and offers of earlier times every 15 s;
* the *calendar* of recurring jobs. It asks the installation's clock (the demo's can travel) and hands each occurrence
  to the job queue exactly once, however many workers run; an occurrence missed while no worker ran is made up once;
* the *job queue* (procrastinate, in PostgreSQL): jobs commit with the deed that ordered them and survive any crash; a
  job of a worker that died is taken up again. Every job can be repeated without harm.

Behind a transaction pool nobody can listen: there the queue is asked every 5 s instead.

A database that goes away is waited for (1 to 30 s between tries); SIGTERM and SIGINT end the loops, let running work
finish, and stop.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import json
import logging
import signal
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

import procrastinate
from django.conf import settings
from django.db import DatabaseError, close_old_connections, connection
from procrastinate.contrib.django import app

from madoguchi import keeping
from madoguchi.domain.notices import services as notices
from madoguchi.domain.notices.transport import ServerDown
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.kit import clock
from madoguchi.ground.kit.jobs import QUEUE, task_name

log = logging.getLogger("madoguchi.worker")

CALENDAR = "calendar"
LONGEST_PAUSE = 30.0
STALLED_AFTER = 60.0
Work = Callable[[dt.datetime], object]


def send_mails(now: dt.datetime) -> int:
    """Send what is due."""
    return notices.send_due(now)


def expire_holds(now: dt.datetime) -> None:
    """Give back places whose hold has run out."""
    from madoguchi.domain.booking import tasks

    tasks.expire_holds(now)


def make_offers(now: dt.datetime) -> None:
    """Offer earlier times to those who wait for one; before expired holds are swept, so that the list is asked first."""
    from madoguchi.domain.booking import tasks

    tasks.make_offers(now)


def carry_calls(now: dt.datetime) -> int:
    """Bring in what the telephone exchange wrote down."""
    from madoguchi import courier

    return courier.carry(now)


def close_silent_calls(now: dt.datetime) -> None:
    """Close calls whose telephone system forgot them."""
    from madoguchi.domain.calls.services.record import close_half_open

    for contract in Contract.objects.order_by("pk"):
        close_half_open(contract, now=now)


def make_reminders(now: dt.datetime) -> None:
    """Write the reminders that are due soon."""
    from madoguchi.domain.booking import tasks

    tasks.make_reminders(now)


def extend_horizon(now: dt.datetime) -> None:
    """Make the slots of the days that come into reach."""
    from madoguchi.domain.booking import tasks

    tasks.extend_horizon(now)


def prove_capacity(now: dt.datetime) -> None:
    """Prove that taken places equal the rows."""
    from madoguchi.domain.booking import tasks

    tasks.prove_capacity(now)


def follow_flows(now: dt.datetime) -> None:
    """Keep what callers hear in step with profiles, calendar and wordings."""
    from madoguchi.domain.callflow import tasks

    tasks.follow_flows(now)


def sweep_audio(now: dt.datetime) -> None:
    """Throw away the sound that no wording and no version uses."""
    from madoguchi.domain.callflow import tasks

    tasks.sweep_audio(now)


def remind_second_line(now: dt.datetime) -> None:
    """Remind by mail of what the second line has not done in time."""
    from madoguchi.domain.calls import tasks

    tasks.remind_second_line(now)


def remind_callbacks(now: dt.datetime) -> None:
    """Remind by mail of promises to call back that were not kept in time."""
    from madoguchi.domain.calls import tasks

    tasks.remind_callbacks(now)


def close_days(now: dt.datetime) -> None:
    """Give every visit of days gone by its outcome."""
    from madoguchi.domain.reception import tasks

    tasks.close_days(now)


def tell_late_lists(now: dt.datetime) -> None:
    """Tell the leaders of checklists that were not finished in time."""
    from madoguchi.domain.premises import tasks

    tasks.tell_late_lists(now)


def hand_over_photos(now: dt.datetime) -> None:
    """Hand over photos whose place did not answer; erase those whose time is over."""
    from madoguchi.domain.photos import tasks

    tasks.hand_over_photos(now)


def make_packs(now: dt.datetime) -> None:
    """Make what the counters need on paper for the next open day."""
    from madoguchi.domain.reception import tasks

    tasks.make_packs(now)


def make_deliveries(now: dt.datetime) -> None:
    """Make the files of standing orders that are due soon."""
    from madoguchi.domain.booking import tasks

    tasks.make_deliveries(now)


def count_days(now: dt.datetime) -> None:
    """Count the days whose facts changed, for the figures."""
    from madoguchi.domain.reports import tasks

    tasks.count_all(now)


def make_reports(now: dt.datetime) -> None:
    """Make the reports of days and months that are over, and notice what changed since older ones were signed."""
    from madoguchi.domain.reports import tasks

    tasks.make_reports(now)


def follow_payments(now: dt.datetime) -> None:
    """Mark invoices that were not paid in time, and mail their managers."""
    from madoguchi.domain.billing import tasks

    tasks.follow_payments(now)


def ask_visitors(now: dt.datetime) -> None:
    """Ask who came on the day before, where the contract asks by mail."""
    from madoguchi.domain.survey import tasks

    tasks.ask_visitors(now)


def count_survey(now: dt.datetime) -> None:
    """Write the facts of what visitors answered in hours that are over."""
    from madoguchi.domain.survey import tasks

    tasks.count_all(now)


def hand_over(now: dt.datetime) -> None:
    """Go on with handover packages, and with the erasure of contracts that have ended."""
    from madoguchi.domain.handover import tasks

    tasks.go_on(now)


def watch_obligations(now: dt.datetime) -> None:
    """Measure figures, find evidence, record what was missed, and remind of what falls due."""
    from madoguchi.domain.obligations import tasks

    tasks.watch_all(now)


def call_on_incidents(now: dt.datetime) -> int:
    """Tell the next people of incidents that nobody has acknowledged in time."""
    from madoguchi.domain.incidents import tasks

    return tasks.call_on_all(now)


def run_retention(now: dt.datetime) -> dict[str, dict[str, int]]:
    """Erase personal data past its time in every contract, ended ones too."""
    return {contract.code: keeping.run_retention(contract, now) for contract in Contract.objects.order_by("pk")}


def reseal(now: dt.datetime) -> int:
    """Move values sealed with old keys to the newest key; contracts without keys were erased and are passed over."""
    from madoguchi.ground.privacy.sealing import SealError

    total = 0
    for contract in Contract.objects.order_by("pk"):
        try:
            total += keeping.reseal_all(contract, now=now)
        except SealError as error:
            log.warning("re-sealing %s: %s", contract.code, error)
    return total


class BrokenChain(RuntimeError):
    """An audit chain does not verify; the message names the first broken links."""


def verify_audit(now: dt.datetime) -> None:
    """Walk every audit chain. Raises :class:`BrokenChain`: the failed job is seen in the log and in the queue."""
    from madoguchi.ground.audit.queries import verify

    broken = []
    for contract in Contract.objects.order_by("pk"):
        broken += [f"{contract.code}: {link}" for link in verify(contract)]
    if broken:
        raise BrokenChain("; ".join(broken[:10]))


@dataclass(frozen=True)
class Loop:
    """Work asked for again and again, every ``seconds``."""

    name: str
    seconds: float
    work: Work


@dataclass(frozen=True)
class Recurring:
    """A job of the calendar: at ``at`` each day, or every ``minutes`` counted from midnight (Japan's time)."""

    name: str
    work: Work
    at: dt.time | None = None
    minutes: int | None = None

    def latest(self, now: dt.datetime) -> dt.datetime:
        """The last occurrence at or before ``now``."""
        midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
        if self.minutes is not None:
            passed = (now - midnight) // dt.timedelta(minutes=self.minutes)
            return midnight + passed * dt.timedelta(minutes=self.minutes)
        assert self.at is not None
        today = midnight.replace(hour=self.at.hour, minute=self.at.minute)
        return today if today <= now else today - dt.timedelta(days=1)


LOOPS = (
    Loop("mails", 2.0, send_mails),
    Loop("calls", 0.5, carry_calls),
    Loop("offers", 15.0, make_offers),
    Loop("holds", 15.0, expire_holds),
)

RECURRING = (
    Recurring("reminders", make_reminders, minutes=5),
    Recurring("deliveries", make_deliveries, minutes=5),
    Recurring("late lists", tell_late_lists, minutes=5),
    Recurring("photos", hand_over_photos, minutes=1),
    Recurring("incidents", call_on_incidents, minutes=1),
    Recurring("paper packs", make_packs, minutes=5),
    Recurring("silent calls", close_silent_calls, minutes=15),
    Recurring("call flows", follow_flows, minutes=5),
    Recurring("figures", count_days, minutes=10),
    Recurring("survey", count_survey, minutes=60),
    Recurring("handover", hand_over, minutes=1),
    Recurring("horizon", extend_horizon, at=dt.time(0, 10)),
    Recurring("reception days", close_days, at=dt.time(1, 30)),
    Recurring("retention", run_retention, at=dt.time(2, 0)),
    Recurring("reseal", reseal, at=dt.time(2, 30)),
    Recurring("capacity proof", prove_capacity, at=dt.time(3, 0)),
    Recurring("unused sound", sweep_audio, at=dt.time(3, 15)),
    Recurring("audit verify", verify_audit, at=dt.time(3, 30)),
    Recurring("reports", make_reports, at=dt.time(5, 30)),
    Recurring("obligations", watch_obligations, at=dt.time(8, 0)),
    Recurring("second line", remind_second_line, at=dt.time(8, 45)),
    Recurring("late callbacks", remind_callbacks, at=dt.time(8, 50)),
    Recurring("survey mails", ask_visitors, at=dt.time(10, 0)),
    Recurring("late invoices", follow_payments, at=dt.time(8, 55)),
)


def _register(job: Recurring) -> None:
    def run(timestamp: int) -> None:
        now = clock.now()
        with_connection(lambda: job.work(now))
        log.info("job %s is done", job.name)

    name = task_name(job.name)
    app.task(name=name, queue=QUEUE, queueing_lock=name, lock=name, retry=_RETRY)(run)


_RETRY = procrastinate.RetryStrategy(max_attempts=5, exponential_wait=4)


def register_jobs() -> None:
    """Make the recurring jobs known to the job queue; nothing happens the second time."""
    for job in RECURRING:
        if task_name(job.name) not in app.tasks:
            _register(job)


def with_connection(work: Callable[[], object]) -> object:
    """Do work with a checked database connection, and give a broken one back."""
    close_old_connections()
    try:
        return work()
    finally:
        close_old_connections()


def order_due(now: dt.datetime) -> list[str]:
    """Hand the latest occurrence of each recurring job to the queue unless that was done; their names."""
    ordered = []
    for job in RECURRING:
        name = task_name(job.name)
        stamp = int(job.latest(now).timestamp())
        with connection.cursor() as cursor:
            cursor.execute(
                "select exists (select 1 from procrastinate_periodic_defers"
                " where task_name = %s and defer_timestamp = %s),"
                " exists (select 1 from procrastinate_jobs where queueing_lock = %s and status = 'todo')",
                [name, stamp, name],
            )
            done, waits = cursor.fetchone()
            if done or waits:
                continue
            cursor.execute(
                "select procrastinate_defer_periodic_job_v2(%s, %s, %s, %s, 0, '', %s, %s)",
                [QUEUE, name, name, name, stamp, json.dumps({"timestamp": stamp})],
            )
            if cursor.fetchone()[0] is not None:
                ordered.append(job.name)
    return ordered


class Worker:
    """One worker process. ``run()`` returns after ``stop()`` (or SIGTERM/SIGINT when ``signals``)."""

    def __init__(self, loops: tuple[Loop, ...] = LOOPS, *, calendar_seconds: float = 1.0) -> None:
        self.loops = (*loops, Loop(CALENDAR, calendar_seconds, order_due))
        self.stopping = threading.Event()
        self._wake: Callable[[], None] = lambda: None
        self._renew: Callable[[], None] = lambda: None

    def stop(self, *args: object) -> None:
        """Begin to stop; running work finishes."""
        self.stopping.set()
        self._wake()

    def run(self, *, signals: bool = True) -> None:
        """Work until stopped."""
        register_jobs()
        if signals:
            for number in (signal.SIGTERM, signal.SIGINT):
                signal.signal(number, self.stop)
        threads = [threading.Thread(target=self._loop, args=[loop], name=loop.name) for loop in self.loops]
        for thread in threads:
            thread.start()
        log.info("worker: ready")
        try:
            asyncio.run(self._queue())
        finally:
            self.stopping.set()
            for thread in threads:
                thread.join()
            log.info("worker: stopped")

    def _loop(self, loop: Loop) -> None:
        failures = 0
        while not self.stopping.is_set():
            begun = time.monotonic()
            try:
                with_connection(lambda: loop.work(clock.now()))
                if failures:
                    log.warning("worker: %s works again after %d failed tries", loop.name, failures)
                    if loop.name == CALENDAR:
                        self._renew()
                failures = 0
            except (ServerDown, DatabaseError) as error:
                failures += 1
                if failures in (1, 10) or failures % 100 == 0:
                    log.warning("worker: %s waits (try %d): %s", loop.name, failures, error)
            except Exception:
                failures += 1
                log.exception("worker: %s failed (try %d)", loop.name, failures)
            pause = min(LONGEST_PAUSE, 2.0 ** min(failures - 1, 5)) if failures else loop.seconds
            self.stopping.wait(max(0.0, pause - (0 if failures else time.monotonic() - begun)))
        connection.close()

    async def _queue(self) -> None:
        """Serve the job queue; with fresh connections whenever the database has been away."""
        running = asyncio.get_running_loop()
        stopped, renew = asyncio.Event(), asyncio.Event()
        self._wake = lambda: running.call_soon_threadsafe(stopped.set)
        self._renew = lambda: running.call_soon_threadsafe(renew.set)
        if self.stopping.is_set():
            return
        pause = 1.0
        while not stopped.is_set():
            renew.clear()
            begun = time.monotonic()
            work = asyncio.create_task(self._serve())
            events = [asyncio.create_task(stopped.wait()), asyncio.create_task(renew.wait())]
            await asyncio.wait({work, *events}, return_when=asyncio.FIRST_COMPLETED)
            for waiting in events:
                waiting.cancel()
            work.cancel()
            try:
                await work
            except asyncio.CancelledError:
                log.debug("worker: job queue is left")
            except Exception as error:
                log.warning("worker: job queue waits for the database: %s", " ".join(str(error).split()))
            pause = 1.0 if time.monotonic() - begun > LONGEST_PAUSE else min(LONGEST_PAUSE, pause * 2)
            try:
                await asyncio.wait_for(stopped.wait(), 0.1 if renew.is_set() else pause)
            except TimeoutError:
                continue

    async def _serve(self) -> None:
        """Serve the queue until cancelled (running jobs finish) or the database goes away."""
        serving = app.with_connector(app.connector.get_worker_connector())  # type: ignore[attr-defined]
        async with serving.open_async():
            rescue = asyncio.create_task(self._rescue(serving))
            try:
                await serving.run_worker_async(
                    queues=[QUEUE],
                    concurrency=2,
                    install_signal_handlers=False,
                    shutdown_graceful_timeout=20,
                    fetch_job_polling_interval=5,
                    listen_notify=not settings.TRANSACTION_POOL,
                    delete_jobs="successful",
                )
            finally:
                rescue.cancel()

    async def _rescue(self, serving: procrastinate.App) -> None:
        """Take up jobs of workers that died, every half minute."""
        while True:
            try:
                for job in await serving.job_manager.get_stalled_jobs(seconds_since_heartbeat=STALLED_AFTER):
                    log.warning("worker: job %s of a worker that died is taken up again", job.task_name)
                    await serving.job_manager.retry_job(job)
            except procrastinate.exceptions.ConnectorException as error:
                log.debug("worker: no look for stalled jobs: %s", error)
            await asyncio.sleep(STALLED_AFTER / 2)


def run_worker() -> None:
    """Run the worker of this installation until SIGTERM or SIGINT."""
    Worker().run()
