"""Ordering a recurring job of the worker (``madoguchi.worker``) before its time."""

from __future__ import annotations

import datetime as dt
from typing import Final

from django.db import transaction
from procrastinate.contrib.django import app
from procrastinate.exceptions import AlreadyEnqueued

QUEUE: Final = "madoguchi"


def task_name(name: str) -> str:
    """The name of a recurring job in the job queue."""
    return f"madoguchi.{name.replace(' ', '_')}"


def order(name: str, *, now: dt.datetime) -> None:
    """Have the worker do a recurring job as soon as the running transaction is committed; nothing happens when it waits already."""
    task = task_name(name)
    try:
        with transaction.atomic():
            app.configure_task(task, allow_unknown=True, queue=QUEUE, lock=task, queueing_lock=task).defer(timestamp=int(now.timestamp()))
    except AlreadyEnqueued:
        return
