"""Deeds at a window: open it, call, call again, serve, hold, hand on, finish.

Every deed locks the window first, then the ticket, then the audit lane. Two windows cannot get one ticket: the claim skips rows that
another transaction has locked, and the indexes ``ticket_is_at_one_place`` and ``window_has_one_party`` would refuse a second claim.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from django.db import connection
from django.db.models import Model

from madoguchi.domain.booking.enums import WalkInOutcome
from madoguchi.domain.booking.services.marks import record_walk_in
from madoguchi.domain.notices.models import TicketKind
from madoguchi.domain.notices.services import queue
from madoguchi.ground.accounts.models import User
from madoguchi.ground.audit import services as audit
from madoguchi.ground.contracts.models import Contract, Site
from madoguchi.ground.contracts.queries import calendar_of
from madoguchi.ground.contracts.tenancy import contract_scope
from madoguchi.ground.kit.actors import Actor, Channel
from madoguchi.ground.worklog import services as worklog

from .. import events, rules
from ..enums import Outcome, Stay
from ..errors import ReceptionRefused
from ..models import Period, Summons, Ticket, Window
from .deeds import KEY_USED, check_key, day_of, done_before, end_stay, remember, seconds, site_of, stay, terms_of

Kind = TypeVar("Kind", bound=Model)

NOT_OPEN = "この窓口は、まだ開いていません。"
NOT_MINE = "この窓口は、いまあなたが開けていません。窓口を開けてから操作してください。"
BUSY = "呼び出し中・応対中の方がいます。先にその方を終えてください。"
NOBODY = {Stay.WALK: "呼び出し中の方はいません。", Stay.SERVE: "応対中の方はいません。来られたら「応対を始める」を押してください。"}
_REFUSED = {"closed": NOT_OPEN, "not_mine": NOT_MINE, "busy": BUSY, "key": KEY_USED}
_CALL = (
    "select c.o_verdict, c.o_near, t.* from reception_call(%s::smallint, %s, %s, %s, %s, %s, %s) c,"
    " lateral (select (c.o_ticket).*) t"
)
_PARTY = (
    "select c.o_verdict, w.*, t.* from reception_party(%s::smallint, %s, %s, %s, %s, %s, %s, %s) c,"
    " lateral (select (c.o_window).*) w, lateral (select (c.o_ticket).*) t"
)

WALK_IN = {
    Outcome.SERVED: WalkInOutcome.SERVED, Outcome.REFERRED: WalkInOutcome.REFERRED, Outcome.MISSED: WalkInOutcome.LEFT,
    Outcome.LEFT: WalkInOutcome.LEFT,
}  # fmt: skip


def open_window(
    contract: Contract, *, site: str, number: int, groups: Sequence[str], user: User, key: str, by: Actor, now: dt.datetime
) -> Window:
    """Sit down at a window and serve these groups; a colleague who forgot to close is relieved. Raises :class:`ReceptionRefused`."""
    terms = terms_of(contract)
    with contract_scope(contract):
        where = site_of(site)
        known = [group.code for group in terms.groups_at(site)]
        chosen = [code for code in known if code in groups]
        if not chosen:
            raise ReceptionRefused("受け持つ窓口グループを、1つ以上選んでください。")
        if not 1 <= number <= 99:
            raise ReceptionRefused("窓口の番号は1から99までの数にしてください。")
        window = _window(contract, where, number, chosen)
        if done_before(contract, key, "open", now) is not None:
            return window
        Window.objects.filter(site=where, staff=user).exclude(pk=window.pk).exclude(pk__in=_busy_windows()).update(
            staff=None, opened_at=None
        )
        window.groups, window.staff, window.opened_at = chosen, user, now
        window.save(update_fields=["groups", "staff", "opened_at"])
        audit.record(contract, "window.opened", f"window:{window.pk}", by=by, now=now, number=number, groups=chosen)
        return window


def close_window(contract: Contract, *, site: str, number: int, key: str, by: Actor, now: dt.datetime) -> Window:
    """Leave a window. Raises :class:`ReceptionRefused` while somebody is called or served there."""
    with contract_scope(contract):
        window = _locked(site, number)
        if done_before(contract, key, "close", now) is not None:
            return window
        if _party(window) is not None:
            raise ReceptionRefused("呼び出し中・応対中の方がいます。終えてから、窓口を閉めてください。")
        window.staff, window.opened_at = None, None
        window.save(update_fields=["staff", "opened_at"])
        audit.record(contract, "window.closed", f"window:{window.pk}", by=by, now=now, number=number)
        return window


def call_next(
    contract: Contract, *, site: str, number: int, user: User, key: str, by: Actor, now: dt.datetime
) -> Ticket | None:
    """Call whose turn it is among the window's groups; None when nobody waits. Raises :class:`ReceptionRefused`.

    One statement does it (``reception_call``): twelve windows that call at once wait for each other's statements, not for the queue.
    """
    check_key(key)
    with contract_scope(contract):
        with connection.cursor() as cursor:
            cursor.execute(_CALL, [contract.pk, site, number, user.pk, key, now, day_of(now)])
            verdict, near, *_ = row = cursor.fetchone()
            ticket = _row(Ticket, cursor, row, 2)
        if verdict in _REFUSED:
            raise ReceptionRefused(_REFUSED[verdict])
        if ticket is not None and verdict == "called":
            if near:
                _tell_near(contract, _locked(site, number), now)
            audit.record(contract, "ticket.called", f"ticket:{ticket.pk}", by=by, now=now, window=number, number=ticket.shown)
        return ticket


def call_this(
    contract: Contract, *, site: str, number: int, ticket: int, user: User, key: str, by: Actor, now: dt.datetime
) -> Ticket:
    """Call one chosen ticket that waits or is on hold at this site, out of turn. Raises :class:`ReceptionRefused`."""
    with contract_scope(contract):
        window = _mine(site, number, user)
        before = done_before(contract, key, "call", now)
        if before is not None and before.ticket is not None:
            return before.ticket
        _free(window)
        found = Ticket.objects.select_for_update(of=("self",)).filter(pk=ticket, site_id=window.site_id, day=day_of(now)).first()
        if found is None or found.state not in (Stay.WAIT, Stay.HOLD):
            raise ReceptionRefused("この番号は、ほかの窓口が呼び出したか、すでに終わっています。")
        _call(contract, found, window, user, key, by, now)
        return found


def recall(contract: Contract, *, site: str, number: int, user: User, key: str, by: Actor, now: dt.datetime) -> Ticket:
    """Call the same party once more. Raises :class:`ReceptionRefused` when nobody is being called here."""
    with contract_scope(contract):
        party = _party_for(contract, "recall", Stay.WALK, site=site, number=number, user=user, key=key, now=now)
        window, ticket = party.window, party.ticket
        if not party.again:
            Summons.objects.create(contract=contract, site_id=window.site_id, ticket=ticket, window=window, at=now, again=True)
            audit.record(contract, "ticket.called", f"ticket:{ticket.pk}", by=by, now=now, window=number, again=True)
        return ticket


def missed(contract: Contract, *, site: str, number: int, user: User, key: str, by: Actor, now: dt.datetime) -> Ticket:
    """Nobody came: back into the queue a little later, or, after the agreed number of calls, the visit is over.

    Raises :class:`ReceptionRefused`.
    """
    terms = terms_of(contract)
    with contract_scope(contract), audit.held_back():
        party = _party_for(contract, "missed", Stay.WALK, site=site, number=number, user=user, key=key, now=now)
        ticket = party.ticket
        if party.again:
            return ticket
        ticket.missed += 1
        if ticket.missed >= terms.missed_most:
            close_ticket(contract, ticket, Outcome.MISSED, by=by, now=now)
        else:
            ticket.rank_at = rules.rank_after_missing(terms, rank=ticket.rank_at, now=now)
            stay(contract, ticket, Stay.WAIT, now=now)
            ticket.save(update_fields=["missed", "rank_at", "state"])
        audit.record(contract, "ticket.missed", f"ticket:{ticket.pk}", by=by, now=now, window=number, times=ticket.missed)
        return ticket


def begin(contract: Contract, *, site: str, number: int, user: User, key: str, by: Actor, now: dt.datetime) -> Ticket:
    """The party is at the window. Raises :class:`ReceptionRefused`."""
    with contract_scope(contract), audit.held_back():
        party = _party_for(contract, "begin", Stay.WALK, site=site, number=number, user=user, key=key, now=now)
        window, ticket = party.window, party.ticket
        if party.again:
            return ticket
        stay(contract, ticket, Stay.SERVE, now=now, window=window, staff=user)
        ticket.save(update_fields=["state"])
        events.party_begun.send(Ticket, contract=contract, ticket=ticket, user=user, by=by, now=now)
        audit.record(contract, "ticket.begun", f"ticket:{ticket.pk}", by=by, now=now, window=number)
        return ticket


def hold(contract: Contract, *, site: str, number: int, user: User, key: str, by: Actor, now: dt.datetime) -> Ticket:
    """Set the party aside (to fill in a form, until the city answered); the window is free, the ticket is called again by hand.

    Raises :class:`ReceptionRefused`.
    """
    with contract_scope(contract):
        party = _party_for(contract, "hold", Stay.SERVE, site=site, number=number, user=user, key=key, now=now)
        window, ticket = party.window, party.ticket
        if party.again:
            return ticket
        stay(contract, ticket, Stay.HOLD, now=now, window=window, staff=user)
        ticket.save(update_fields=["state"])
        audit.record(contract, "ticket.held", f"ticket:{ticket.pk}", by=by, now=now, window=number)
        return ticket


def redirect(
    contract: Contract, *, site: str, number: int, group: str, user: User, key: str, by: Actor, now: dt.datetime
) -> Ticket:
    """Hand the party on to another group's queue, where it queues as of when it came. Raises :class:`ReceptionRefused`."""
    terms = terms_of(contract)
    with contract_scope(contract):
        party = _party_for(contract, "redirect", Stay.SERVE, site=site, number=number, user=user, key=key, now=now)
        ticket = party.ticket
        if party.again:
            return ticket
        if group not in {one.code for one in terms.groups_at(site)} or group == ticket.group:
            raise ReceptionRefused("引き継ぎ先の窓口グループを選んでください。")
        ticket.group = group
        ticket.rank_at = min(ticket.rank_at, ticket.issued_at)
        stay(contract, ticket, Stay.WAIT, now=now)
        ticket.save(update_fields=["group", "rank_at", "state"])
        audit.record(contract, "ticket.redirected", f"ticket:{ticket.pk}", by=by, now=now, window=number, group=group)
        return ticket


def finish(
    contract: Contract, *, site: str, number: int, procedures: Sequence[str], user: User, key: str, by: Actor, now: dt.datetime,
    told_later: bool = False,
) -> Ticket:  # fmt: skip
    """Procedures are done with: one fact each, with its share of the time. With the last one the visit is over; as referred when nobody of
    the party could get anything done (documents were missing, the city refused). ``told_later``: it happened without the system, at ``now``.

    Raises :class:`ReceptionRefused` when nobody is served here or none of these is open.
    """
    with contract_scope(contract), audit.held_back():
        party = _party_for(contract, "finish", Stay.SERVE, site=site, number=number, user=user, key=key, now=now)
        window, ticket = party.window, party.ticket
        if party.again:
            return ticket
        chosen = [(code, count) for code, count in ticket.left if code in procedures]
        if not chosen:
            raise ReceptionRefused("終えた手続きを、1つ以上選んでください。")
        answers = events.procedures_finishing.send(
            Ticket, contract=contract, ticket=ticket, procedures=[code for code, _ in chosen], user=user, by=by, now=now,
            told_later=told_later,
        )  # fmt: skip
        in_vain = any(answer is False for _, answer in answers)
        end_stay(ticket, now)
        spent = list(Period.objects.filter(ticket=ticket, procedure="").order_by("id"))
        waited = any(period.kind == Stay.WAIT for period in spent)
        wait, handle = seconds(spent, Stay.WAIT) if waited else None, seconds(spent, Stay.SERVE)
        for place, (code, count) in enumerate(chosen):
            worklog.note(
                contract, "reception.served", by=by.through(Channel.COUNTER), now=now, ref=f"ticket:{ticket.pk}", site=site,
                procedure=code, quantity=count, language=ticket.language, outcome="booked" if ticket.booked_at else "walk_in",
                wait_seconds=wait if place == 0 else None, handle_seconds=handle // len(chosen),
            )  # fmt: skip
        Period.objects.filter(pk__in=[period.pk for period in spent]).update(procedure=chosen[0][0])
        ticket.done = [*ticket.done, *(code for code, _ in chosen)]
        if ticket.left:
            stay(contract, ticket, Stay.SERVE, now=now, window=window, staff=user)
            ticket.save(update_fields=["done", "state"])
        else:
            close_ticket(contract, ticket, Outcome.REFERRED if in_vain else Outcome.SERVED, by=by, now=now, stays=False)
        codes = [code for code, _ in chosen]
        audit.record(contract, "ticket.finished", f"ticket:{ticket.pk}", by=by, now=now, window=number, procedures=codes)
        return ticket


def end_visit(
    contract: Contract, *, site: str, number: int, outcome: Outcome, user: User, key: str, by: Actor, now: dt.datetime
) -> Ticket:
    """The party goes without (all of) its procedures: another window or day, or home. Raises :class:`ReceptionRefused`."""
    with contract_scope(contract), audit.held_back():
        party = _party_for(contract, "end", Stay.SERVE, site=site, number=number, user=user, key=key, now=now)
        ticket = party.ticket
        if party.again:
            return ticket
        if outcome not in (Outcome.REFERRED, Outcome.LEFT):
            raise ReceptionRefused("来庁の結果を選んでください。")
        close_ticket(contract, ticket, outcome, by=by, now=now)
        audit.record(contract, "ticket.closed", f"ticket:{ticket.pk}", by=by, now=now, window=number, outcome=str(outcome))
        return ticket


def close_ticket(contract: Contract, ticket: Ticket, outcome: Outcome, *, by: Actor, now: dt.datetime, stays: bool = True) -> None:
    """Give a locked ticket its one outcome, erase its address, count a visit without a booking, record minutes past closing.

    ``stays``: its last period still runs.
    """
    if stays:
        end_stay(ticket, now)
    site = contract.profile.site(ticket.site.code)
    past = _past_closing(contract, ticket, now)
    ticket.state, ticket.closed_at, ticket.outcome, ticket.address, ticket.overran = "", now, outcome, None, past > 0
    ticket.save(update_fields=["state", "closed_at", "outcome", "address", "overran", "done", "missed"])
    events.ticket_closed.send(Ticket, contract=contract, ticket=ticket, outcome=outcome, by=by, now=now)
    if past:
        worklog.note(
            contract, "reception.overrun", by=by.through(Channel.COUNTER), now=now, ref=f"ticket:{ticket.pk}", site=site.code,
            quantity=ticket.people, handle_seconds=past * 60, outcome=str(outcome),
        )  # fmt: skip
    if ticket.booking_id is None:
        people = dict(zip(ticket.procedures, ticket.counts, strict=True))
        record_walk_in(
            contract, site=site.code, people=people, language=ticket.language, outcome=WALK_IN[outcome], by=by, now=now
        )


def _past_closing(contract: Contract, ticket: Ticket, now: dt.datetime) -> int:
    """Minutes that a visit begun within hours ran past closing; 0 for one begun outside of them."""
    if contract.profile.hours_for(ticket.site.code, "counter") is None:
        return 0
    calendar = calendar_of(contract, ticket.day, day_of(now))
    found = calendar.overrun(ticket.site.code, "counter", ticket.issued_at, now)
    return found.minutes if found.allowed else 0


def _call(contract: Contract, ticket: Ticket, window: Window, user: User, key: str, by: Actor, now: dt.datetime) -> None:
    remember(key, ticket)
    stay(contract, ticket, Stay.WALK, now=now, window=window, staff=user)
    ticket.save(update_fields=["state"])
    Summons.objects.create(contract=contract, site_id=window.site_id, ticket=ticket, window=window, at=now)
    _tell_near(contract, window, now)
    audit.record(contract, "ticket.called", f"ticket:{ticket.pk}", by=by, now=now, window=window.number, number=ticket.shown)


def _tell_near(contract: Contract, window: Window, now: dt.datetime) -> None:
    """A mail to those who wished for one and are now among the next."""
    wishing = Ticket.objects.filter(day=day_of(now), address__isnull=False, told_at=None, state=Stay.WAIT, group__in=window.groups)
    if not wishing.filter(site_id=window.site_id).exists():
        return
    for group in window.groups:
        first = Ticket.objects.filter(site_id=window.site_id, day=day_of(now), state=Stay.WAIT, group=group)
        next_ones = list(first.order_by("rank_at", "id")[: terms_of(contract).near_places])
        for ticket in next_ones:
            if ticket.address is not None and ticket.told_at is None:
                Ticket.objects.filter(pk=ticket.pk).update(told_at=now)
                queue(contract, ref=f"ticket:{ticket.pk}", kind=TicketKind.NEAR, language=ticket.language, now=now)


def _window(contract: Contract, site: Site, number: int, groups: Sequence[str]) -> Window:
    Window.objects.bulk_create([Window(contract=contract, site=site, number=number, groups=list(groups))], ignore_conflicts=True)
    return Window.objects.select_for_update(of=("self",)).get(site=site, number=number)


def _locked(site: str, number: int) -> Window:
    window = Window.objects.select_for_update(of=("self",)).filter(site__code=site, number=number).first()
    if window is None:
        raise ReceptionRefused(NOT_OPEN)
    return window


def _row(kind: type[Kind], cursor: Any, row: Sequence[Any], begin: int) -> Kind | None:
    """The row of a table that stands in a statement's answer from a column on; None when there is none."""
    fields = kind._meta.concrete_fields
    names = [column.name for column in cursor.description[begin : begin + len(fields)]]
    values = dict(zip(names, row[begin : begin + len(fields)], strict=True))
    return kind.from_db(connection.alias, [field.attname for field in fields], [values[field.column] for field in fields]) if values["id"] else None


@dataclass(frozen=True)
class _Party:
    """Who is at a window for a deed: the ticket is locked, and noted under the deed's key. ``again``: the deed was done before."""

    window: Window
    ticket: Ticket
    again: bool


def _party_for(
    contract: Contract, verb: str, kind: Stay, *, site: str, number: int, user: User, key: str, now: dt.datetime
) -> _Party:
    """Sit down to a deed that needs a party in this state. Raises :class:`ReceptionRefused`."""
    check_key(key)
    with connection.cursor() as cursor:
        cursor.execute(_PARTY, [contract.pk, site, number, user.pk, key, verb, kind, now])
        row = cursor.fetchone()
        window, ticket = _row(Window, cursor, row, 1), _row(Ticket, cursor, row, 1 + len(Window._meta.concrete_fields))
    if row[0] in _REFUSED:
        raise ReceptionRefused(_REFUSED[row[0]])
    if window is None or ticket is None:
        raise ReceptionRefused(NOBODY[kind] if row[0] == "nobody" else KEY_USED)
    return _Party(window, ticket, row[0] == "again")


def _mine(site: str, number: int, user: User) -> Window:
    window = _locked(site, number)
    if window.staff_id != user.pk:
        raise ReceptionRefused(NOT_MINE)
    return window


def _busy_windows() -> list[int]:
    open_ones = Period.objects.filter(ended_at=None, kind__in=(Stay.WALK, Stay.SERVE))
    return list(open_ones.values_list("window_id", flat=True))


def _party(window: Window) -> Period | None:
    return Period.objects.filter(window=window, ended_at=None, kind__in=(Stay.WALK, Stay.SERVE)).first()


def _free(window: Window) -> None:
    if _party(window) is not None:
        raise ReceptionRefused(BUSY)
