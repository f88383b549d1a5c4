"""Amazon Connect: contact events as EventBridge hands them on. Only telephone calls (channel VOICE).

Source: "Amazon Connect contact events" (Administrator Guide, docs.aws.amazon.com/connect/latest/adminguide/contact-events.html) and "API
destinations as targets" (EventBridge User Guide). What follows from them:

* Delivery is best effort, unordered, and may repeat. Times are therefore those of the contact (``initiationTimestamp``, …), so a repeated
  event is the same event; a lost one is made up for by a later one, which carries the earlier times too. A tag alone has only the time of
  its event (``time`` of the envelope, the same in a repetition), or that of the disconnection when only that was delivered.
* The samples write keys both as ``agentInfo`` and ``AgentInfo``; a time that is not known is ``1970-01-01T00:00:00.001Z``.
* A transfer makes a new contact with ``initialContactId``: all contacts of a caller are one call under that name. ``previousContactId``'s
  disconnection is then not told apart from a hang-up, so the talk of a call that was handed over ends at the handing over.
* A queued call-back is a contact of its own, begun by CALLBACK: the wish belongs to the first call, the calling back is a call by itself.
* The caller's number is not among the documented fields; ``customerEndpoint`` is read if it is there.
* Why an unanswered caller was disconnected is not told. The contact flow says it by a user-defined tag ``madoguchi``: ``overflowed`` before
  the automatic answer, ``closed``, ``holiday`` or ``year_end`` before the announcement of hours. Without a tag a queued caller whom nobody
  answered hung up.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any, Final

from ..events import LONGEST, CallEvent, EventError
from . import Read, checked, phone, short, told

PROVIDER: Final = "connect"
TAG: Final = "madoguchi"

_KNOWN = {"INITIATED", "QUEUED", "CONNECTED_TO_AGENT", "CONNECTED_TO_SYSTEM", "CONTACT_DATA_UPDATED", "DISCONNECTED", "COMPLETED"}
_IN = {"INBOUND", "TRANSFER", "QUEUE_TRANSFER"}
_NEVER = dt.datetime(1970, 1, 2, tzinfo=dt.UTC)


def read(sent: object, *, now: dt.datetime) -> Read:
    """The events of one contact event in its EventBridge envelope. Raises :class:`EventError` naming the key."""
    envelope = _lower(sent, "body")
    if told(envelope, "detail-type") != "Amazon Connect Contact Event":
        return Read(ignored=(f"detail-type {told(envelope, 'detail-type')}"[:60],))
    detail = _lower(envelope.get("detail"), "detail")
    kind, method, channel = told(detail, "eventtype"), told(detail, "initiationmethod"), told(detail, "channel")
    if not kind:
        raise EventError("detail.eventType: a text is needed")
    if channel.upper() != "VOICE":
        return Read(ignored=(f"channel {channel}"[:60],))
    if kind not in _KNOWN:
        return Read(ignored=(kind[:60],))
    contact = short(told(detail, "contactid"), "call")
    if not contact:
        raise EventError("detail.contactId: a text is needed")
    if method == "CALLBACK":
        return Read(checked(_back(detail, contact, kind), now=now))
    if method not in _IN:
        return Read(ignored=(f"initiationMethod {method}"[:60],))
    return Read(checked(_in(detail, contact, kind, _time(envelope, "time") or now), now=now))


def _in(detail: Mapping[str, Any], contact: str, kind: str, told_at: dt.datetime) -> list[CallEvent]:
    """A caller's contact: the first, or one that a transfer made. ``told_at`` is the time of a tag, which has none of its own."""
    call = short(told(detail, "initialcontactid"), "call") or contact
    first = call == contact
    queue, agent, tags = _part(detail, "queueinfo"), _part(detail, "agentinfo"), _part(detail, "tags")
    customer = phone(told(_part(detail, "customerendpoint"), "address"))
    common: dict[str, Any] = {
        "caller": customer[0],
        "withheld": customer[1],
        "dialled": phone(told(_part(detail, "systemendpoint"), "address") or told(tags, "aws:connect:systemendpoint"))[0],
        "queue": _name(told(queue, "queuearn")),
    }
    found: list[CallEvent] = []

    def add(kind: Any, at: dt.datetime | None, *, agent: str = "", **data: Any) -> None:
        if at is not None:
            found.append(CallEvent(PROVIDER, call, kind, at, agent=agent, data=data, **common))

    began, queued = _time(detail, "initiationtimestamp"), _time(queue, "enqueuetimestamp")
    answered, ended = _time(agent, "connectedtoagenttimestamp"), _time(detail, "disconnecttimestamp")
    who, mark = _name(told(agent, "agentarn")), told(tags, TAG)
    if began is None:
        raise EventError("detail.initiationTimestamp: a time is needed")
    if first:
        add("offered", began)
    add("queued", queued)
    if answered is not None:
        add("answered", answered, agent=who)
        if told(detail, "initiationmethod") == "TRANSFER":
            add("transferred", answered, to=who)
    if mark in ("closed", "holiday", "year_end"):
        add("announced", ended or told_at, prompt=mark, state=mark)
    if answered is None and mark == "overflowed":
        add("overflowed", ended or told_at, why="max_wait")
    if kind == "DISCONNECTED":
        if ended is None:
            raise EventError("detail.disconnectTimestamp: a time is needed")
        if answered is None and mark != "overflowed" and queued is not None and first:
            add("abandoned", ended)
        add("ended", ended)
    return found


def _back(detail: Mapping[str, Any], contact: str, kind: str) -> list[CallEvent]:
    """A call-back's contact: the wish on the first call, then the calling back, which is answered when the customer's telephone is."""
    first = short(told(detail, "initialcontactid") or told(detail, "previouscontactid"), "call")
    customer = phone(told(_part(detail, "customerendpoint"), "address"))[0]
    agent = _part(detail, "agentinfo")
    who, taken = _name(told(agent, "agentarn")), _time(agent, "connectedtoagenttimestamp")
    reached, ended = _time(detail, "connectedtosystemtimestamp"), _time(detail, "disconnecttimestamp")
    found: list[CallEvent] = []
    if first and (asked := _time(detail, "initiationtimestamp")):
        found.append(CallEvent(PROVIDER, first, "callback_requested", asked))
    if taken is not None:
        found.append(CallEvent(PROVIDER, contact, "offered", taken, caller=customer, agent=who, data={"callback": first or contact}))
        if reached is not None:
            found.append(CallEvent(PROVIDER, contact, "answered", max(reached, taken), agent=who))
        if kind == "DISCONNECTED" and ended is not None:
            found.append(CallEvent(PROVIDER, contact, "ended", ended))
    return found


def _lower(value: object, key: str) -> dict[str, Any]:
    """A mapping with its keys in lower case: the documentation itself writes them in two ways."""
    if not isinstance(value, Mapping):
        raise EventError(f"{key}: an object is needed")
    return {str(name).lower(): content for name, content in value.items()}


def _part(values: Mapping[str, Any], name: str) -> dict[str, Any]:
    return {} if values.get(name) is None else _lower(values[name], f"detail.{name}")


def _time(values: Mapping[str, Any], name: str) -> dt.datetime | None:
    text = told(values, name)
    if not text:
        return None
    try:
        at = dt.datetime.fromisoformat(text)
    except ValueError:
        raise EventError(f"detail.{name}: {text[:40]!r} is no time in ISO 8601") from None
    if at.tzinfo is None:
        raise EventError(f"detail.{name}: the time has no zone")
    try:
        return at if at > _NEVER else None
    except OverflowError:
        raise EventError(f"detail.{name}: {text[:40]!r} is no time that can be") from None


def _name(arn: str) -> str:
    """The last part of an ARN: the id of the queue or the agent."""
    return arn.rsplit("/", 1)[-1][: LONGEST["queue"]]
