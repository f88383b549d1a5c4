"""Papers kept until they are destroyed, and the days on which that happens."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from django.db import IntegrityError, transaction

from madoguchi.ground.accounts.models import User
from madoguchi.ground.audit import services as audit
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.contracts.profile import Shredding
from madoguchi.ground.contracts.tenancy import contract_scope
from madoguchi.ground.kit.actors import Actor
from madoguchi.ground.kit.clock import JST
from madoguchi.ground.worklog import services as worklog

from ..enums import Holder, Stage, Unit
from ..errors import PremisesRefused
from ..models import Bundle, Collection
from ..queries.papers import kept, volume_text

LARGEST = 100_000


@dataclass(frozen=True)
class Papers:
    """What is put away: kind and place of the profile, box or bag, volume in a unit, the day."""

    kind: str
    holder: str
    volume: int
    unit: str
    place: str
    kept_on: dt.date


@transaction.atomic
def keep(contract: Contract, papers: Papers, *, user: User, by: Actor, now: dt.datetime) -> Bundle:
    """Write down papers that were put away. Raises :class:`PremisesRefused`."""
    terms = terms_of(contract)
    if papers.kind not in {kind.code for kind in terms.kinds} or papers.place not in terms.places:
        raise PremisesRefused("文書の種類と保管場所を選んでください。")
    if papers.holder not in Holder.values or papers.unit not in Unit.values or not 0 < papers.volume <= LARGEST:
        raise PremisesRefused(f"量は1から{LARGEST:,}までで、単位を選んで入力してください。")
    if papers.kept_on > now.astimezone(JST).date():
        raise PremisesRefused("保管した日は、今日までの日を入力してください。")
    with contract_scope(contract):
        made = Bundle.objects.create(
            contract=contract, kind=papers.kind, holder=papers.holder, volume=papers.volume, unit=papers.unit, place=papers.place,
            kept_on=papers.kept_on, kept_by=user,
        )  # fmt: skip
        audit.record(contract, "premises.papers_kept", f"bundle:{made.pk}", by=by, now=now, kind=papers.kind, volume=papers.volume, unit=papers.unit)
        return made


@transaction.atomic
def withdraw_bundle(contract: Contract, bundle_id: int, *, by: Actor, now: dt.datetime) -> None:
    """Take back a record made by mistake. Raises :class:`PremisesRefused` when the papers are gone or it was taken back before."""
    with contract_scope(contract):
        bundle = Bundle.objects.select_for_update().filter(pk=bundle_id, withdrawn_at=None, collection=None).first()
        if bundle is None:
            raise PremisesRefused("この文書は、もう回収されたか、取り消されています。")
        bundle.withdrawn_at = now
        bundle.save(update_fields=["withdrawn_at"])
        audit.record(contract, "premises.papers_withdrawn", f"bundle:{bundle.pk}", by=by, now=now)


@transaction.atomic
def plan(contract: Contract, on: dt.date, *, user: User, by: Actor, now: dt.datetime) -> Collection:
    """Name a day. Raises :class:`PremisesRefused` for a day gone by or one that is named already."""
    terms_of(contract)
    if on < now.astimezone(JST).date():
        raise PremisesRefused("廃棄の日は、今日より前にはできません。")
    with contract_scope(contract):
        try:
            with transaction.atomic():
                made = Collection.objects.create(contract=contract, on=on, planned_by=user)
        except IntegrityError:
            raise PremisesRefused("この日は、もう廃棄の日になっています。") from None
        audit.record(contract, "premises.collection_planned", f"collection:{made.pk}", by=by, now=now, on=on)
        return made


@transaction.atomic
def cancel(contract: Contract, collection_id: int, *, by: Actor, now: dt.datetime) -> Collection:
    """Take a planned day back. Raises :class:`PremisesRefused`."""
    with contract_scope(contract):
        day = _locked(collection_id, Stage.PLANNED)
        day.stage = Stage.CANCELLED
        day.save(update_fields=["stage"])
        audit.record(contract, "premises.collection_cancelled", f"collection:{day.pk}", by=by, now=now)
        return day


@transaction.atomic
def tell_volume(contract: Contract, collection_id: int, *, by: Actor, now: dt.datetime) -> Collection:
    """Write that the city was told how much there is now; it may be told again. Raises :class:`PremisesRefused`."""
    with contract_scope(contract):
        day = _locked(collection_id, Stage.PLANNED)
        bundles = list(kept())
        if not bundles:
            raise PremisesRefused("保管している文書がありません。保管の記録を付けてから伝えてください。")
        day.told_at, day.told = now, volume_text(bundles)
        day.save(update_fields=["told_at", "told"])
        audit.record(contract, "premises.volume_told", f"collection:{day.pk}", by=by, now=now, told=day.told)
        return day


@transaction.atomic
def collect(contract: Contract, collection_id: int, bundles: Sequence[int], *, user: User, by: Actor, now: dt.datetime) -> Collection:
    """Write that these bundles were taken away to be destroyed; somebody else confirms it.

    Raises :class:`PremisesRefused` without bundles, before the day, or when one of them is gone.
    """
    with contract_scope(contract):
        day = _locked(collection_id, Stage.PLANNED)
        if now.astimezone(JST).date() < day.on:
            raise PremisesRefused("廃棄の日が、まだ来ていません。日を変えるときは、取りやめて新しく決めてください。")
        wanted = set(bundles)
        rows = list(Bundle.objects.select_for_update().filter(pk__in=wanted, withdrawn_at=None, collection=None))
        if not rows or len(rows) != len(wanted):
            raise PremisesRefused("回収する箱・袋を選んでください。すでに回収されたものは選べません。")
        Bundle.objects.filter(pk__in=wanted).update(collection=day)
        day.stage, day.collected_at, day.collected_by = Stage.COLLECTED, now, user
        day.save(update_fields=["stage", "collected_at", "collected_by"])
        audit.record(contract, "premises.papers_collected", f"collection:{day.pk}", by=by, now=now, bundles=len(rows))
        return day


@transaction.atomic
def confirm(contract: Contract, collection_id: int, certificate: str, *, user: User, by: Actor, now: dt.datetime) -> Collection:
    """The second person confirms that the papers were destroyed, with the number of the certificate; now the day counts.

    Raises :class:`PremisesRefused` for the person who collected them, and without a number.
    """
    with contract_scope(contract):
        day = _locked(collection_id, Stage.COLLECTED)
        if day.collected_by_id == user.pk:
            raise PremisesRefused("回収した方とは別の方が確認してください。")
        number = certificate.strip()
        if not 0 < len(number) <= 80:
            raise PremisesRefused("廃棄の証明書・受領書の番号を、80文字までで入力してください。")
        day.stage, day.confirmed_at, day.confirmed_by, day.certificate = Stage.DESTROYED, now, user, number
        day.save(update_fields=["stage", "confirmed_at", "confirmed_by", "certificate"])
        bundles = Bundle.objects.filter(collection=day).count()
        worklog.note(contract, "premises.destroyed", by=by, now=now, ref=f"collection:{day.pk}", quantity=bundles)
        audit.record(contract, "premises.papers_destroyed", f"collection:{day.pk}", by=by, now=now, bundles=bundles, certificate=number)
        return day


def terms_of(contract: Contract) -> Shredding:
    """What was agreed. Raises :class:`PremisesRefused` where nothing was."""
    if contract.profile.shredding is None:
        raise PremisesRefused("この契約では、文書の廃棄を記録していません。")
    return contract.profile.shredding


def _locked(collection_id: int, stage: Stage) -> Collection:
    day = Collection.objects.select_for_update(of=("self",)).filter(pk=collection_id).first()
    if day is None or day.stage != stage:
        raise PremisesRefused("この廃棄の日は、もう次の段階に進んでいます。画面を開き直してください。")
    return day
