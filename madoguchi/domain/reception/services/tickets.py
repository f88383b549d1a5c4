"""Deeds of the reception desk and the ticket machine: give out a ticket, turn away who lacks documents, hand out numbers."""

from __future__ import annotations

import datetime as dt
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import connection, transaction
from django.utils.translation import gettext as _

from madoguchi.domain.booking.enums import State, WalkInOutcome
from madoguchi.domain.booking.errors import Refused
from madoguchi.domain.booking.models import Attendee, Booking
from madoguchi.domain.booking.services.marks import mark_arrived, record_walk_in
from madoguchi.ground.audit import services as audit
from madoguchi.ground.contracts.models import Contract, Site
from madoguchi.ground.contracts.profile import Reception, WindowGroup
from madoguchi.ground.contracts.tenancy import contract_scope
from madoguchi.ground.kit.actors import Actor, Channel
from madoguchi.ground.worklog import services as worklog

from .. import rules
from ..enums import Clash, Need, Source, Stay
from ..errors import ReceptionRefused
from ..models import TABLET, NumberBlock, Ticket
from ..near import seal_address
from .deeds import day_of, done_before, remember, site_of, stay, terms_of

MOST_PEOPLE = 20
DONE_WITHOUT_SERVICE = {WalkInOutcome.BOOKED, WalkInOutcome.REFERRED, WalkInOutcome.LEFT}
PAPER = "paper"
"""The device that needs no electricity: its numbers stand on printed sheets."""
PAPER_FIRST = 801
"""Numbers on paper begin here, so that they are told from others at a glance and the day itself begins with 1."""
TABLET_FIRST = 401
"""Numbers of tablets begin here: what they hold for hours alone leaves no gap in the numbers of an ordinary day."""


@dataclass(frozen=True)
class Printed:
    """A number that a device gave out without asking: for which group, and when the server hears of it. ``number`` 0: it gets a new one."""

    group: str
    number: int
    source: Source
    entered_at: dt.datetime


@transaction.atomic
def issue(
    contract: Contract,
    *,
    site: str,
    parts: Mapping[str, int],
    people: int = 0,
    language: str = "ja",
    needs: Sequence[str] = (),
    booking: str = "",
    device: str = "",
    printed: Printed | None = None,
    key: str,
    by: Actor,
    now: dt.datetime,
) -> Ticket:
    """Give a party a ticket: ``parts`` is procedure → people, ``people`` the heads where one has several procedures.

    With a booking (its code) the party is marked as arrived, and ``parts`` may be left empty: what was booked counts. A party that holds a
    ticket already gets the same one again. ``printed`` is the number that the device has already given out from its blocks; without it,
    the next free one is taken. Raises :class:`ReceptionRefused`.
    """
    terms = terms_of(contract)
    with contract_scope(contract):
        before = done_before(contract, key, "issue", now)
        if before is not None and before.ticket is not None:
            return before.ticket
        where = site_of(site)
        lock_numbers(contract, where)
        booked = _booked(booking, where, now) if booking else None
        if booked is not None:
            again = Ticket.objects.filter(booking=booked, closed_at=None).first()
            if again is not None:
                remember(key, again)
                return again
            parts = dict(parts) or _booked_parts(booked)
            people = people or booked.people
        wanted = _checked(contract, where, parts)
        group = _printed_group(terms, site, printed) if printed else rules.group_for(terms.groups_at(site), list(wanted), language)
        if group is None:
            raise ReceptionRefused("この手続きは、この場所では受け付けていません。ほかの場所を案内してください。")
        heads = people or max(wanted.values())
        if not 1 <= heads <= MOST_PEOPLE:
            raise ReceptionRefused(f"人数は1から{MOST_PEOPLE}までの数にしてください。")
        if printed is not None and printed.number:
            number = _use(where, group.letter, device, printed.number, now)
        else:
            number = _number(contract, where, group.letter, device, terms.block, now)
        booked_at = booked.starts_at if booked else None
        ticket = Ticket.objects.create(
            contract=contract,
            site=where,
            day=day_of(now),
            letter=group.letter,
            number=number,
            token=secrets.token_hex(16),
            group=group.code,
            procedures=list(wanted),
            counts=list(wanted.values()),
            people=heads,
            language=language,
            needs=[need for need in Need.values if need in needs],
            booking=booked,
            booked_at=booked_at,
            issued_at=now,
            issued_by=by.label or "受付機",
            state=Stay.WAIT,
            rank_at=rules.rank(terms, group, came_at=now, booked_at=booked_at),
            source=printed.source if printed else Source.LIVE,
            entered_at=printed.entered_at if printed else None,
        )
        stay(contract, ticket, Stay.WAIT, now=now)
        remember(key, ticket)
        if booked is not None:
            try:
                mark_arrived(contract, booked.code, by=by, now=now)
            except Refused as refused:
                raise ReceptionRefused(refused.message, Clash.BOOKING) from refused
        worklog.note(
            contract, "reception.ticket", by=by.through(Channel.COUNTER), now=now, ref=f"ticket:{ticket.pk}", site=site,
            quantity=heads, language=language, outcome="booked" if booked else "walk_in",
        )  # fmt: skip
        audit.record(contract, "ticket.issued", f"ticket:{ticket.pk}", by=by, now=now, number=ticket.shown, site=site)
        return ticket


@transaction.atomic
def turn_away(
    contract: Contract,
    *,
    site: str,
    parts: Mapping[str, int],
    outcome: WalkInOutcome,
    language: str = "ja",
    booked: bool = False,
    key: str,
    by: Actor,
    now: dt.datetime,
) -> None:
    """A party goes without a ticket, with the list of what is missing: another day, another window, or home.

    Without a booking it is counted as such a visit; a booking stays as it is, to be moved by who came. Raises
    :class:`ReceptionRefused`.
    """
    terms_of(contract)
    if outcome not in DONE_WITHOUT_SERVICE:
        raise ReceptionRefused("案内した結果を選んでください。")
    with contract_scope(contract):
        if done_before(contract, key, "turn_away", now) is not None:
            return
        where = site_of(site)
        wanted = _checked(contract, where, parts)
        if not booked:
            record_walk_in(contract, site=site, people=wanted, language=language, outcome=outcome, by=by, now=now)
        detail = {"site": site, "outcome": str(outcome), "booked": booked}
        audit.record(contract, "ticket.turned_away", f"site:{where.pk}", by=by, now=now, **detail)


@transaction.atomic
def reserve_block(
    contract: Contract, *, site: str, letter: str, device: str, day: dt.date | None = None, by: Actor, now: dt.datetime
) -> NumberBlock:
    """Hand the next numbers of a letter to a device for a day (today), to be given out there without asking.

    The device ``PAPER`` gets numbers from ``PAPER_FIRST`` on, as many as agreed for paper; tablets from ``TABLET_FIRST`` on. Raises :class:`ReceptionRefused`.
    """
    terms = terms_of(contract)
    with contract_scope(contract):
        where = site_of(site)
        if letter not in {group.letter for group in terms.groups_at(site)}:
            raise ReceptionRefused("この場所に、この英字の番号札はありません。")
        lock_numbers(contract, where)
        size = terms.paper_numbers if device == PAPER else terms.block
        block = _new_block(contract, where, letter, device, size, day or day_of(now))
        detail = {"device": device, "letter": letter, "first": block.first, "last": block.last}
        audit.record(contract, "reception.block", f"block:{block.pk}", by=by, now=now, **detail)
        return block


@transaction.atomic
def wish_mail(contract: Contract, token: str, address: str, *, by: Actor, now: dt.datetime) -> Ticket:
    """The visitor wants one mail when nearly it is the turn; an empty address takes the wish back.

    Raises :class:`ReceptionRefused` for a wrong address or a ticket that does not wait, ``Ticket.DoesNotExist`` for an unknown one.
    """
    plain = address.strip()
    if plain:
        try:
            validate_email(plain)
        except ValidationError:
            raise ReceptionRefused(_("メールアドレスを、半角で「name@example.jp」のように入力してください。")) from None
    with contract_scope(contract):
        ticket = Ticket.objects.select_for_update(of=("self",)).get(token=token)
        if ticket.state != Stay.WAIT:
            raise ReceptionRefused(_("この番号は、もう呼び出されています。"))
        ticket.address = seal_address(contract, plain) if plain else None
        ticket.told_at = None
        ticket.save(update_fields=["address", "told_at"])
        audit.record(contract, "ticket.mail", f"ticket:{ticket.pk}", by=by, now=now, wished=bool(plain))
        return ticket


def _checked(contract: Contract, site: Site, parts: Mapping[str, int]) -> dict[str, int]:
    offered = [one.code for one in contract.profile.procedures_at(site.code)]
    wanted = {code: count for code, count in parts.items() if count}
    if not wanted:
        raise ReceptionRefused("手続きを選んでください。")
    if not set(wanted) <= set(offered):
        raise ReceptionRefused("この場所で受け付けていない手続きが入っています。選び直してください。")
    if not all(1 <= count <= MOST_PEOPLE for count in wanted.values()):
        raise ReceptionRefused(f"人数は1から{MOST_PEOPLE}までの数にしてください。")
    return wanted


def _booked(code: str, site: Site, now: dt.datetime) -> Booking:
    booking = Booking.objects.select_related("site").filter(code=code).first()
    if booking is None or booking.state != State.BOOKED:
        raise ReceptionRefused("この予約は見つからないか、取り消されています。予約のない方として受け付けてください。", Clash.BOOKING)
    if day_of(booking.starts_at) != day_of(now):
        raise ReceptionRefused(f"この予約の日は{day_of(booking.starts_at):%-m月%-d日}です。日にちを確かめてください。", Clash.BOOKING)
    if booking.site_id != site.pk:
        raise ReceptionRefused(f"この予約の場所は「{booking.site.name}」です。場所を確かめてください。", Clash.BOOKING)
    return booking


def _booked_parts(booking: Booking) -> dict[str, int]:
    found: dict[str, int] = {}
    codes = Attendee.objects.filter(booking=booking).order_by("position").values_list("procedure__code", flat=True)
    for code in codes:
        found[code] = found.get(code, 0) + 1
    return found


def lock_numbers(contract: Contract, site: Site) -> None:
    """One after the other gets numbers of a site; always the first lock of a deed."""
    with connection.cursor() as cursor:
        cursor.execute("select pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"numbers:{contract.pk}:{site.pk}"])


def _number(contract: Contract, site: Site, letter: str, device: str, size: int, now: dt.datetime) -> int:
    mine = NumberBlock.objects.filter(site=site, day=day_of(now), letter=letter, device=device).order_by("-first").first()
    if mine is None or mine.first + mine.used > mine.last:
        mine = _new_block(contract, site, letter, device, size, day_of(now))
    mine.used += 1
    mine.save(update_fields=["used"])
    return mine.first + mine.used - 1


def _printed_group(terms: Reception, site: str, printed: Printed) -> WindowGroup | None:
    return next((group for group in terms.groups_at(site) if group.code == printed.group), None)


def _use(site: Site, letter: str, device: str, number: int, now: dt.datetime) -> int:
    """Count a number of one of the device's blocks as given out. Raises :class:`ReceptionRefused` for any other, and for one used before."""
    block = NumberBlock.objects.filter(
        site=site, day=day_of(now), letter=letter, device=device, first__lte=number, last__gte=number
    ).first()
    shown = rules.show_number(letter, number)
    if block is None:
        raise ReceptionRefused(f"{shown} は、この端末（用紙）に渡した番号ではありません。番号を確かめてください。", Clash.NUMBER)
    if Ticket.objects.filter(site=site, day=day_of(now), letter=letter, number=number).exists():
        raise ReceptionRefused(f"{shown} は、すでに記録されています。番号を確かめてください。", Clash.NUMBER)
    block.used = max(block.used, number - block.first + 1)
    block.save(update_fields=["used"])
    return number


def _begins(device: str) -> int:
    return PAPER_FIRST if device == PAPER else TABLET_FIRST if device.startswith(TABLET) else 1


def _new_block(contract: Contract, site: Site, letter: str, device: str, size: int, day: dt.date) -> NumberBlock:
    """The next numbers; those on paper and of tablets begin high, and all others pass over them."""
    taken = NumberBlock.objects.filter(site=site, day=day, letter=letter)
    begins = _begins(device)
    first = max([begins, *(last + 1 for holder, last in taken.values_list("device", "last") if _begins(holder) == begins)])
    while clash := taken.filter(first__lte=first + size - 1, last__gte=first).order_by("-last").first():
        first = clash.last + 1
    return NumberBlock.objects.create(
        contract=contract, site=site, day=day, letter=letter, device=device, first=first, last=first + size - 1
    )
