"""Visits that were kept on paper, entered afterwards: a ticket that is closed at once, with its facts at the time they happened."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.db import transaction

from madoguchi.ground.audit import services as audit
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.contracts.tenancy import contract_scope
from madoguchi.ground.kit.actors import Actor, Channel
from madoguchi.ground.kit.clock import JST
from madoguchi.ground.worklog import services as worklog

from .. import events
from ..enums import Clash, Outcome, Source
from ..errors import ReceptionRefused
from ..models import Ticket
from .deeds import done_before, site_of, terms_of
from .tickets import PAPER, Printed, issue, lock_numbers
from .windows import close_ticket

OLDEST_DAYS = 31


@dataclass(frozen=True)
class Sheet:
    """One visit on paper. Times are of the day; ``begun`` is None for who was not served. ``parts`` is procedure → people."""

    letter: str
    number: int
    came: dt.time
    begun: dt.time | None
    ended: dt.time
    parts: Mapping[str, int]
    outcome: Outcome
    booking: str = ""
    language: str = "ja"


class SheetsRefused(Exception):
    """Sheets that cannot be entered; ``problems`` is their place in the list → what to do. Nothing was changed."""

    def __init__(self, problems: dict[int, str]) -> None:
        super().__init__("、".join(problems.values()))
        self.problems = problems


@transaction.atomic
def enter_sheets(
    contract: Contract, *, site: str, day: dt.date, sheets: Sequence[Sheet], key: str, by: Actor, now: dt.datetime
) -> list[Ticket]:
    """Enter the visits of a day that were kept on paper, all or none; a number that was entered before is refused.

    Nobody is named as who served: that is not on the sheet. Raises :class:`SheetsRefused` and :class:`ReceptionRefused`.
    """
    terms = terms_of(contract)
    today = now.astimezone(JST).date()
    if not today - dt.timedelta(days=OLDEST_DAYS) <= day <= today:
        raise ReceptionRefused(f"日にちは、{OLDEST_DAYS}日前から今日までで入力してください。")
    if not sheets:
        raise ReceptionRefused("紙の記録を、1行以上入力してください。")
    with contract_scope(contract), audit.held_back():
        where = site_of(site)
        if done_before(contract, key, "sheets", now) is not None:
            return []
        lock_numbers(contract, where)
        groups = {group.letter: group.code for group in terms.groups_at(site)}
        entered: list[Ticket] = []
        problems: dict[int, str] = {}
        seen: set[tuple[str, int]] = set()
        for place, sheet in enumerate(sheets):
            try:
                if (sheet.letter, sheet.number) in seen:
                    raise ReceptionRefused("同じ番号が、この入力の中に2回あります。", Clash.NUMBER)
                seen.add((sheet.letter, sheet.number))
                with transaction.atomic(), audit.held_back():
                    entered.append(_enter(contract, site, day, sheet, groups, f"{key[:48]}-{place}", by, now))
            except ReceptionRefused as refused:
                problems[place] = str(refused)
        if problems:
            raise SheetsRefused(problems)
        audit.record(contract, "reception.paper", f"site:{where.pk}", by=by, now=now, day=day, tickets=[one.pk for one in entered])
        return entered


def _enter(
    contract: Contract, site: str, day: dt.date, sheet: Sheet, groups: Mapping[str, str], key: str, by: Actor, now: dt.datetime
) -> Ticket:
    came, ended = (dt.datetime.combine(day, time, JST) for time in (sheet.came, sheet.ended))
    begun = dt.datetime.combine(day, sheet.begun, JST) if sheet.begun else ended
    if not came <= begun <= ended:
        raise ReceptionRefused("時刻は、受付・開始・終わりの順になるように入力してください。")
    if ended > now:
        raise ReceptionRefused("終わりの時刻が、まだ来ていません。時刻を確かめてください。")
    if sheet.number < 1:
        raise ReceptionRefused("番号札の番号を確かめてください。", Clash.NUMBER)
    if sheet.letter not in groups:
        raise ReceptionRefused("この場所に、この英字の番号札はありません。")
    if sheet.booking and Ticket.objects.filter(booking__code=sheet.booking, day=day).exists():
        raise ReceptionRefused("この予約には、すでに番号札の記録があります。予約番号を確かめてください。", Clash.TICKETED)
    ticket = issue(
        contract, site=site, parts=sheet.parts, language=sheet.language, booking=sheet.booking, device=PAPER,
        printed=Printed(groups[sheet.letter], sheet.number, Source.PAPER, now), key=key, by=by, now=came,
    )  # fmt: skip
    if sheet.outcome == Outcome.SERVED:
        told = {"contract": contract, "ticket": ticket, "user": None, "by": by}
        events.party_begun.send(Ticket, now=begun, **told)
        events.procedures_finishing.send(Ticket, procedures=ticket.procedures, told_later=True, now=ended, **told)
        ticket.done = list(ticket.procedures)
        for nth, (code, count) in enumerate(zip(ticket.procedures, ticket.counts, strict=True)):
            worklog.note(
                contract, "reception.served", by=by.through(Channel.COUNTER), now=ended, ref=f"ticket:{ticket.pk}", site=site,
                procedure=code, quantity=count, language=ticket.language, outcome="booked" if ticket.booked_at else "walk_in",
                wait_seconds=round((begun - came).total_seconds()) if nth == 0 else None,
                handle_seconds=round((ended - begun).total_seconds()) // len(ticket.procedures),
            )  # fmt: skip
    close_ticket(contract, ticket, sheet.outcome, by=by, now=ended)
    return ticket
