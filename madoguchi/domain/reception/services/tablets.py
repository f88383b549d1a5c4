"""Deeds on tablets that may go on without a connection: register one, hand it numbers ahead, take it away."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping

from django.db import transaction

from madoguchi.ground.audit import services as audit
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.contracts.tenancy import contract_scope
from madoguchi.ground.kit.actors import Actor

from ..errors import ReceptionRefused
from ..models import NumberBlock, Tablet
from ..rules import numbers_alone
from .deeds import day_of, site_of, terms_of
from .tickets import reserve_block

MOST_BLOCKS = 30
"""Blocks of a letter and day that one device gets at most, whatever it asks for."""


@transaction.atomic
def add_tablet(contract: Contract, *, site: str, name: str, by: Actor, now: dt.datetime) -> Tablet:
    """Register a device of the reception. Raises :class:`ReceptionRefused`."""
    terms = terms_of(contract)
    with contract_scope(contract):
        where = site_of(site)
        if not terms.groups_at(site):
            raise ReceptionRefused("この場所には窓口グループがありません。")
        if not name.strip() or len(name.strip()) > 40:
            raise ReceptionRefused("端末の名前を、40文字までで入力してください。例：受付のタブレット1")
        tablet = Tablet.objects.create(contract=contract, site=where, name=name.strip(), created_at=now, created_by=by.label)
        audit.record(contract, "reception.tablet", f"tablet:{tablet.pk}", by=by, now=now, site=site)
        return tablet


@transaction.atomic
def revoke_tablet(contract: Contract, pk: int, *, by: Actor, now: dt.datetime) -> Tablet:
    """Take a device away: it gets no numbers and no bookings any more; what it still keeps is taken in. Raises ``Tablet.DoesNotExist``."""
    with contract_scope(contract):
        tablet = Tablet.objects.select_for_update(of=("self",)).get(pk=pk, revoked_at=None)
        tablet.revoked_at = now
        tablet.save(update_fields=["revoked_at"])
        audit.record(contract, "reception.tablet_revoked", f"tablet:{pk}", by=by, now=now)
        return tablet


@transaction.atomic
def meet(
    contract: Contract, tablet: Tablet, *, browser: str, unused: Mapping[str, int], kept: int, by: Actor, now: dt.datetime
) -> list[NumberBlock]:
    """The device is here: top its numbers of today up to what it needs alone, in whole blocks, and note that it is given today's bookings.

    ``browser`` is who asks, ``unused`` letter → numbers it has not printed yet, ``kept`` the deeds that it still holds. Returns all its
    blocks of today. A second browser under the same name, or one whose data were deleted, gets none before tomorrow: it would print again
    what the first has printed and not yet told. ``tablet.browser`` says who has them.
    """
    terms = terms_of(contract)
    with contract_scope(contract):
        today = day_of(now)
        tablet.refresh_from_db(
            fields=["browser", "listed_on", "revoked_at"], from_queryset=Tablet.objects.select_for_update(of=("self",), no_key=True)
        )
        if tablet.browser not in ("", browser) and tablet.listed_on == today:
            return []
        tablet.browser = browser
        tablet.seen_at, tablet.kept = now, max(0, min(kept, 32_767))
        mine = NumberBlock.objects.filter(site_id=tablet.site_id, day=today, device=tablet.device)
        if tablet.revoked_at is None:
            usual = {one.code: one.minutes for one in contract.profile.procedures}
            for group in terms.groups_at(tablet.site.code):
                missing = max(terms.block, numbers_alone(group, usual)) - unused.get(group.letter, 0)
                room = MOST_BLOCKS - mine.filter(letter=group.letter).count()
                for _ in range(min(math.ceil(missing / terms.block), room)):
                    reserve_block(contract, site=tablet.site.code, letter=group.letter, device=tablet.device, by=by, now=now)
            if tablet.listed_on != today:
                tablet.listed_on = today
                audit.record(contract, "reception.tablet_listed", f"tablet:{tablet.pk}", by=by, now=now, day=today)
        tablet.save(update_fields=["seen_at", "kept", "listed_on", "browser"])
        return list(mine.order_by("letter", "first")) if tablet.revoked_at is None else []
