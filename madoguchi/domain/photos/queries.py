"""Reads of photos. Inside ``contract_scope``; no picture is ever read here."""

from __future__ import annotations

import datetime as dt

from django.db.models import QuerySet

from madoguchi.ground.kit.clock import JST

from .enums import State
from .models import Photo


def photos_of(day: dt.date, *, site: str = "") -> QuerySet[Photo]:
    """The photos begun on a day, the latest first."""
    begin = dt.datetime.combine(day, dt.time(), JST)
    rows = Photo.objects.filter(started_at__gte=begin, started_at__lt=begin + dt.timedelta(days=1)).defer("sealed")
    return (rows.filter(site__code=site) if site else rows).select_related("site", "started_by")


def in_trouble(now: dt.datetime) -> tuple[int, int]:
    """Photos that wait for their place, and photos of today that have to be taken again and were not."""
    begin = dt.datetime.combine(now.astimezone(JST).date(), dt.time(), JST)
    lost = Photo.objects.filter(state=State.LOST, started_at__gte=begin).values_list("ref", "started_at")
    again = dict(Photo.objects.filter(state=State.DELIVERED, started_at__gte=begin).order_by("started_at").values_list("ref", "started_at"))
    missing = {ref for ref, at in lost if ref not in again or again[ref] < at}
    return Photo.objects.filter(state=State.WAITING).count(), len(missing)


def of_ref(ref: str) -> QuerySet[Photo]:
    """The photos of a case or a ticket, the latest first."""
    return Photo.objects.filter(ref=ref).defer("sealed")
