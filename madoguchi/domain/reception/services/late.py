"""Deeds that a tablet did without a connection are done now, at the time they happened; what does not fit any more is asked about.

Every deed that arrives is kept as a row, so the tablet may forget it, and nothing is dropped: it is done by the same services as a live
one, or stands in question until somebody decides, with the tablet's later deeds on that ticket behind it.

Order of locks: the numbers of the site, its windows, the tickets concerned, and only then the first deed with its audit entry. Whoever
else holds one of these can finish, so that a batch can do several deeds in one transaction.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.db.models import Q

from madoguchi.ground.accounts.models import User
from madoguchi.ground.audit import services as audit
from madoguchi.ground.audit.queries import happened
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.contracts.tenancy import contract_scope
from madoguchi.ground.kit.actors import Actor

from ..enums import Choice, Clash, LateState, LateVerb, Outcome, Source, Stay
from ..errors import ReceptionRefused
from ..models import LateDeed, Period, Tablet, Ticket, Window
from . import windows
from .day import midnight
from .deeds import day_of, terms_of
from .tickets import Printed, issue, lock_numbers

OLDEST = dt.timedelta(hours=72)
"""What is said to have happened longer ago is asked about: by then a clock that is wrong is likelier."""
MOST = 20
"""Deeds of one batch."""
UNSETTLED = (LateState.CLASH, LateState.BEHIND)

CHOICES: dict[str, tuple[Choice, ...]] = {
    Clash.NUMBER: (Choice.RENUMBER, Choice.ASIDE),
    Clash.TICKETED: (Choice.SAME, Choice.WALK_IN, Choice.ASIDE),
    Clash.BOOKING: (Choice.WALK_IN, Choice.ASIDE),
    Clash.DAY: (Choice.RECORD, Choice.ASIDE),
    Clash.TICKET: (Choice.ASIDE, Choice.AGAIN),
    Clash.WINDOW: (Choice.AGAIN, Choice.FREE_WINDOW, Choice.ASIDE),
    Clash.OTHER: (Choice.AGAIN, Choice.ASIDE),
}
"""What can be decided about each kind of question; the first is the usual answer."""


@dataclass(frozen=True)
class Sent:
    """One deed as a tablet sends it. ``happened_at`` is its clock put right by the server's; ``body`` holds what the verb needs."""

    key: str
    verb: LateVerb
    about: str
    happened_at: dt.datetime
    body: dict[str, Any]


@transaction.atomic
def take_in(
    contract: Contract, tablet: int, deeds: Sequence[Sent], *, user: User, by: Actor, now: dt.datetime
) -> list[LateDeed]:
    """Keep each deed of a batch in order, and do it if it can be done; one that was sent before stays as it is.

    The rows are the tablet's receipt: what has one may be deleted there. Raises ``Tablet.DoesNotExist``.
    """
    with contract_scope(contract), audit.held_back():
        device = Tablet.objects.select_related("site").get(pk=tablet)
        _lock(contract, device, deeds)
        return [_take(contract, device, deed, user, by, now) for deed in deeds[:MOST]]


@transaction.atomic
def decide(contract: Contract, pk: int, choice: Choice, *, user: User, by: Actor, now: dt.datetime) -> LateDeed:
    """Settle a deed in question, then those behind it. Raises :class:`ReceptionRefused` when the choice does not fit, or fails again."""
    with contract_scope(contract), audit.held_back():
        row = LateDeed.objects.select_related("tablet__site").filter(pk=pk).first()
        if row is None:
            raise ReceptionRefused("この記録はありません。")
        _lock(contract, row.tablet, [row])
        row.refresh_from_db(fields=["state", "clash", "body"])
        if row.state != LateState.CLASH:
            raise ReceptionRefused("この記録は、すでに扱いが決まっています。")
        if choice not in CHOICES[row.clash]:
            raise ReceptionRefused("扱いを選んでください。")
        asked = row.clash
        row.decided_at, row.decided_by = now, by.label
        if choice == Choice.ASIDE:
            row.state = LateState.ASIDE
        else:
            row.body = {**row.body, "chosen": [*row.body.get("chosen", []), str(choice)]}
            _attempt(contract, row, user, by, now)
        row.save()
        detail = {"verb": row.verb, "clash": asked, "choice": str(choice), "happened_at": row.happened_at.isoformat(), "state": row.state}
        audit.record(contract, "reception.late_decided", f"late:{row.pk}", by=by, now=now, **detail)
        if row.state != LateState.CLASH:
            _follow(contract, row, user, by, now)
        return row


def _lock(contract: Contract, tablet: Tablet, deeds: Sequence[Sent | LateDeed]) -> None:
    lock_numbers(contract, tablet.site)
    for number in sorted({_said_window(deed.body) for deed in deeds if deed.verb == LateVerb.CALL}):
        _make_window(contract, tablet, number)
    list(Window.objects.select_for_update(of=("self",)).filter(site_id=tablet.site_id).order_by("number"))
    abouts = {deed.about for deed in deeds}
    numbers = {int(one[1:]) for one in abouts if _is_number(one)}
    numbers |= set(LateDeed.objects.filter(key__in=abouts, ticket__isnull=False).values_list("ticket_id", flat=True))
    codes = {str(deed.body["booking"]) for deed in deeds if deed.body.get("booking")}
    concerned = Ticket.objects.filter(Q(pk__in=numbers) | Q(booking__code__in=codes), site_id=tablet.site_id)
    list(concerned.select_for_update(of=("self",)).order_by("pk"))


def _is_number(about: str) -> bool:
    """Whether a deed is about a ticket that the server gave out, by its id."""
    return about.startswith("#") and about[1:].isdecimal() and len(about) < 19


def _take(contract: Contract, tablet: Tablet, deed: Sent, user: User, by: Actor, now: dt.datetime) -> LateDeed:
    known = LateDeed.objects.filter(key=deed.key).first()
    if known is not None:
        return known
    row = LateDeed(
        contract=contract, tablet=tablet, key=deed.key, verb=deed.verb, about=deed.about, body=deed.body,
        happened_at=min(deed.happened_at, now), received_at=now, received_by=by.label, state=LateState.BEHIND,
    )  # fmt: skip
    before = LateDeed.objects.filter(about=deed.about)
    if before.filter(verb=LateVerb.ISSUE, state=LateState.ASIDE).exists():
        row.state = LateState.ASIDE
    elif not before.filter(state__in=UNSETTLED).exists():
        _attempt(contract, row, user, by, now)
    row.save()
    detail = {"late": row.pk, "verb": row.verb, "key": row.key, "happened_at": row.happened_at.isoformat(), "state": row.state}
    audit.record(contract, "reception.late", f"tablet:{tablet.pk}", by=by, now=now, **detail)
    return row


def _follow(contract: Contract, first: LateDeed, user: User, by: Actor, now: dt.datetime) -> None:
    """Those behind a settled deed: set aside with a ticket that is not to be, else done until one is in question again."""
    gone = first.state == LateState.ASIDE
    for row in LateDeed.objects.select_related("tablet__site").filter(about=first.about, state=LateState.BEHIND).order_by("id"):
        if gone:
            row.state, row.decided_at, row.decided_by = LateState.ASIDE, now, by.label
        else:
            _attempt(contract, row, user, by, now)
        row.save()
        if row.state == LateState.CLASH:
            return


def _attempt(contract: Contract, row: LateDeed, user: User, by: Actor, now: dt.datetime) -> None:
    try:
        with transaction.atomic(), audit.held_back():
            row.ticket = _perform(contract, row, user, by, now)
    except ReceptionRefused as refused:
        row.state, row.clash, row.message = LateState.CLASH, refused.clash, str(refused)[:200]
    else:
        row.state, row.clash, row.message = LateState.DONE, "", ""


def _perform(contract: Contract, row: LateDeed, user: User, by: Actor, now: dt.datetime) -> Ticket:
    chosen = row.body.get("chosen", [])
    if Choice.RECORD not in chosen and (row.verb == LateVerb.ISSUE or now - row.happened_at > OLDEST):
        _open_day(row, now)
    if row.verb == LateVerb.ISSUE:
        return _issue(contract, row, chosen, by, now)
    return _at_window(contract, row, chosen, user, by)


def _open_day(row: LateDeed, now: dt.datetime) -> None:
    day = day_of(row.happened_at)
    closed = day < day_of(now) or happened(
        "reception.day_closed", f"site:{row.tablet.site_id}", midnight(day), now
    )
    if closed:
        raise ReceptionRefused(f"{day:%-m月%-d日}の操作です。その日は、もう締まっています。", Clash.DAY)


def _issue(contract: Contract, row: LateDeed, chosen: Sequence[str], by: Actor, now: dt.datetime) -> Ticket:
    body, site = row.body, row.tablet.site
    booking = "" if Choice.WALK_IN in chosen else str(body.get("booking", ""))
    if booking:
        given = Ticket.objects.filter(booking__code=booking, site=site, day=day_of(row.happened_at)).order_by("-id").first()
        if given is not None and Choice.SAME in chosen:
            return given
        if given is not None:
            raise ReceptionRefused(f"この予約には、すでに番号札 {given.shown} が出ています。", Clash.TICKETED)
    fresh = Choice.RENUMBER in chosen
    printed = Printed(str(body.get("group", "")), 0 if fresh else int(body.get("number", 0)), Source.TABLET, now)
    if not fresh and printed.number < 1:
        raise ReceptionRefused("番号のない番号札です。", Clash.NUMBER)
    return issue(
        contract, site=site.code, parts=body.get("parts", {}), people=int(body.get("people", 0)), language=str(body.get("language", "ja")),
        needs=body.get("needs", []), booking=booking, device="" if fresh else row.tablet.device, printed=printed, key=row.key, by=by,
        now=row.happened_at,
    )  # fmt: skip


def _ticket(row: LateDeed) -> Ticket:
    """The ticket that a deed is about. Raises :class:`ReceptionRefused` when the server knows none."""
    found: Ticket | None = None
    if _is_number(row.about):
        found = Ticket.objects.select_related("site").filter(pk=int(row.about[1:]), site_id=row.tablet.site_id).first()
    else:
        issued = LateDeed.objects.select_related("ticket__site").filter(key=row.about, state=LateState.DONE).first()
        found = issued.ticket if issued else None
    if found is None:
        raise ReceptionRefused("この番号札が出た記録がありません。", Clash.TICKET)
    return found


def _at_window(contract: Contract, row: LateDeed, chosen: Sequence[str], user: User, by: Actor) -> Ticket:
    ticket = _ticket(row)
    open_stay = Period.objects.filter(ticket=ticket, ended_at=None).select_related("window").first()
    if ticket.closed_at is not None or open_stay is None:
        label = Outcome(ticket.outcome).label
        raise ReceptionRefused(f"{ticket.shown} は、すでに終わっています（{label}）。", Clash.TICKET)
    at = max(row.happened_at, open_stay.started_at)
    number = _number(contract, row, ticket, chosen, open_stay)
    if row.verb == LateVerb.CALL:
        row.body = {**row.body, "window": number}
    window, row.opened_at = _staffed(contract, row, number, user, at)
    assert window.staff is not None
    common: dict[str, Any] = {"site": row.tablet.site.code, "number": number, "user": window.staff, "key": row.key, "by": by, "now": at}
    match LateVerb(row.verb):
        case LateVerb.CALL:
            done = windows.call_this(contract, ticket=ticket.pk, **common)
        case LateVerb.MISSED:
            done = windows.missed(contract, **common)
        case LateVerb.BEGIN:
            done = windows.begin(contract, **common)
        case LateVerb.HOLD:
            done = windows.hold(contract, **common)
        case LateVerb.FINISH:
            done = windows.finish(contract, procedures=row.body.get("procedures", []), told_later=True, **common)
        case LateVerb.END:
            wanted = row.body.get("outcome", "")
            outcome = Outcome(wanted) if wanted in Outcome.values else Outcome.LEFT
            done = windows.end_visit(contract, outcome=outcome, **common)
        case LateVerb.ISSUE:
            raise AssertionError("an issue happens at no window")
    if done.state in ("", Stay.WAIT, Stay.HOLD):
        _leave(row, window)
    return done


def _number(contract: Contract, row: LateDeed, ticket: Ticket, chosen: Sequence[str], open_stay: Period) -> int:
    """The window: for a call, the one that the tablet says, if it is free; else where the ticket is. Raises :class:`ReceptionRefused`."""
    number = _said_window(row.body)
    site = row.tablet.site_id
    if row.verb != LateVerb.CALL:
        if open_stay.kind not in (Stay.WALK, Stay.SERVE) or open_stay.window is None:
            raise ReceptionRefused(f"{ticket.shown} は、いまどの窓口にもいません。", Clash.TICKET)
        here: int = open_stay.window.number
        ours = LateDeed.objects.filter(about=row.about, verb=LateVerb.CALL, state=LateState.DONE).order_by("-id").first()
        if here != (ours.body["window"] if ours else number):
            raise ReceptionRefused(f"{ticket.shown} は、{here}番窓口が呼び出しています。", Clash.TICKET)
        return here
    if open_stay.kind not in (Stay.WAIT, Stay.HOLD):
        place = f"{open_stay.window.number}番窓口が" if open_stay.window else ""
        raise ReceptionRefused(f"{ticket.shown} は、{place}すでに呼び出しています。", Clash.TICKET)
    busy = set(
        Period.objects.filter(ended_at=None, kind__in=(Stay.WALK, Stay.SERVE), window__site_id=site).values_list("window__number", flat=True)
    )
    if number not in busy:
        return number
    if Choice.FREE_WINDOW not in chosen:
        raise ReceptionRefused(f"{number}番窓口では、いまほかの方を呼び出しているか、応対しています。", Clash.WINDOW)
    of_groups = [one for group in terms_of(contract).groups_at(row.tablet.site.code) for one in group.windows]
    return next(one for one in [*of_groups, *range(1, 100)] if one not in busy)


def _staffed(contract: Contract, row: LateDeed, number: int, user: User, at: dt.datetime) -> tuple[Window, dt.datetime | None]:
    """The window with somebody at it: who has opened it, else the sender for this deed; as of when it was opened for that."""
    _make_window(contract, row.tablet, number)
    window = Window.objects.select_for_update(of=("self",)).select_related("staff").get(site_id=row.tablet.site_id, number=number)
    if window.staff is not None:
        return window, None
    window.staff, window.opened_at = user, at
    window.save(update_fields=["staff", "opened_at"])
    return window, at


def _make_window(contract: Contract, tablet: Tablet, number: int) -> None:
    """The row of a window, if there is none yet; with its groups of the profile, else with all of the site."""
    groups = terms_of(contract).groups_at(tablet.site.code)
    served = [group.code for group in groups if number in group.windows] or [group.code for group in groups]
    row = Window(contract=contract, site_id=tablet.site_id, number=number, groups=served)
    Window.objects.bulk_create([row], ignore_conflicts=True)


def _said_window(body: Mapping[str, Any]) -> int:
    said = body.get("window", 0)
    return said if isinstance(said, int) and 1 <= said <= 99 else 1


def _leave(row: LateDeed, window: Window) -> None:
    """Close a window again that was opened for these deeds alone, unless somebody has sat down there since."""
    ours = set(LateDeed.objects.filter(about=row.about, opened_at__isnull=False).values_list("opened_at", flat=True))
    if window.opened_at in {*ours, row.opened_at}:
        Window.objects.filter(pk=window.pk).update(staff=None, opened_at=None)
