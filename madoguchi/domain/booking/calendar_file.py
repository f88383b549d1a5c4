"""A booking as a calendar file (iCalendar, RFC 5545), for the calendar on a phone or PC."""

from __future__ import annotations

import datetime as dt

from icalendar import Alarm, Calendar, Event, vText


def calendar_file(
    *,
    uid: str,
    starts_at: dt.datetime,
    ends_at: dt.datetime,
    summary: str,
    location: str,
    description: str,
    url: str,
    version: int,
    now: dt.datetime,
    cancelled: bool = False,
) -> bytes:
    """The file as UTF-8 bytes. ``version`` grows with each change, so that a second import replaces the first; a
    cancelled booking takes the entry out. Times are written in UTC. An alarm rings one hour before.
    """
    calendar = Calendar()
    calendar.add("prodid", "-//Madoguchi//booking//JA")
    calendar.add("version", "2.0")
    calendar.add("method", "CANCEL" if cancelled else "PUBLISH")
    event = Event()
    event.add("uid", uid)
    event.add("dtstamp", now.astimezone(dt.UTC))
    event.add("dtstart", starts_at.astimezone(dt.UTC))
    event.add("dtend", ends_at.astimezone(dt.UTC))
    event.add("summary", summary)
    event["location"] = vText(location)
    event.add("description", description)
    event.add("url", url)
    event.add("sequence", version)
    event.add("status", "CANCELLED" if cancelled else "CONFIRMED")
    if not cancelled:
        alarm = Alarm()
        alarm.add("action", "DISPLAY")
        alarm.add("description", summary)
        alarm.add("trigger", dt.timedelta(hours=-1))
        event.add_component(alarm)
    calendar.add_component(event)
    return bytes(calendar.to_ical())
