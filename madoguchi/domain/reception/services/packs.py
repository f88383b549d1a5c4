"""Deeds on the evening's packs: make them in time and again on demand, open them, write down who did."""

from __future__ import annotations

import datetime as dt
import logging
from typing import Any

from django.db import transaction

from madoguchi.ground.audit import services as audit
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.contracts.tenancy import contract_scope
from madoguchi.ground.kit.actors import SYSTEM, Actor
from madoguchi.ground.privacy.sealing import keyring

from ..errors import ReceptionRefused
from ..models import NumberBlock, Pack
from ..pack import CONTENT, contents, next_day, pack_due, pack_of
from .deeds import day_of, site_of, terms_of
from .tickets import PAPER, reserve_block

log = logging.getLogger(__name__)

FAILED = "作れませんでした。5分おきに作り直します。続くときはシステム管理者に知らせ、当日の一覧を印刷してください。"


def make_due(contract: Contract, *, now: dt.datetime) -> int:
    """Make the packs of the next open day that are missing, from the agreed hour on; how many. Call it outside of a transaction.

    One that fails keeps its reason and does not stop the others.
    """
    if not pack_due(contract, now):
        return 0
    made = 0
    for site in dict.fromkeys(group.site for group in terms_of(contract).groups):
        with contract_scope(contract):
            day = next_day(contract, site, now)
            found = pack_of(site, day)
        if found is not None and found.made_at is not None:
            continue
        try:
            make_pack(contract, site=site, day=day, by=SYSTEM, now=now)
            made += 1
        except Exception:
            log.exception("pack of %s at %s for %s failed", contract.code, site, day)
            _note_failure(contract, site, day)
    return made


@transaction.atomic
def make_pack(contract: Contract, *, site: str, day: dt.date, by: Actor, now: dt.datetime) -> Pack:
    """Make the pack of a day, or make it anew with the bookings of now; its numbers on paper stay the same. Raises :class:`ReceptionRefused`."""
    terms = terms_of(contract)
    if day < day_of(now):
        raise ReceptionRefused("過ぎた日の用紙は作れません。")
    with contract_scope(contract):
        where = site_of(site)
        pack = _lock(contract, site, day)
        blocks = []
        for letter in [group.letter for group in terms.groups_at(site)]:
            held = NumberBlock.objects.filter(site=where, day=day, letter=letter, device=PAPER).order_by("first").first()
            blocks.append(held or reserve_block(contract, site=site, letter=letter, device=PAPER, day=day, by=by, now=now))
        content = contents(contract, site, day, blocks, now)
        pack.made_at, pack.bookings, pack.problem, pack.opened_at, pack.opened_by = now, len(content["bookings"]), "", None, ""
        pack.content = keyring(contract).seal_json(CONTENT, content)
        pack.save()
        audit.record(contract, "reception.pack", f"pack:{pack.pk}", by=by, now=now, site=site, day=day, bookings=pack.bookings)
        return pack


@transaction.atomic
def open_pack(contract: Contract, pk: int, *, by: Actor, now: dt.datetime) -> tuple[Pack, dict[str, Any]]:
    """The pack for somebody who prints or keeps it, with the same audit entry as the sheet of a day. Raises :class:`ReceptionRefused`."""
    with contract_scope(contract):
        pack = Pack.objects.select_for_update(of=("self",)).select_related("site").filter(pk=pk).first()
        if pack is None or pack.content is None:
            raise ReceptionRefused("この用紙は、まだ作られていないか、日が過ぎて消去されています。")
        if pack.opened_at is None:
            pack.opened_at, pack.opened_by = now, by.label
        pack.opens += 1
        pack.save(update_fields=["opened_at", "opened_by", "opens"])
        content: dict[str, Any] = keyring(contract).unseal_json(CONTENT, pack.content)
        audit.record(contract, "booking.listed", f"contract:{contract.code}", by=by, now=now, date=pack.day, bookings=content["ids"], pack=pk)
        return pack, content


def _lock(contract: Contract, site: str, day: dt.date) -> Pack:
    Pack.objects.bulk_create([Pack(contract=contract, site=site_of(site), day=day)], ignore_conflicts=True)
    return Pack.objects.select_for_update(of=("self",)).get(site__code=site, day=day)


@transaction.atomic
def _note_failure(contract: Contract, site: str, day: dt.date) -> None:
    with contract_scope(contract):
        pack = _lock(contract, site, day)
        pack.problem = FAILED
        pack.save(update_fields=["problem"])
