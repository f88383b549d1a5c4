"""Deeds on photos: begin, hand over, try again, give up, confirm what is deleted."""

from __future__ import annotations

import datetime as dt
import hashlib
import re

from django.db import transaction

from madoguchi.domain.notices import services as notices
from madoguchi.domain.notices.models import StaffKind
from madoguchi.ground.accounts.models import User
from madoguchi.ground.audit import services as audit
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.contracts.profile import Photo as Terms
from madoguchi.ground.contracts.queries import site_by_code
from madoguchi.ground.contracts.tenancy import contract_scope
from madoguchi.ground.kit.actors import Actor
from madoguchi.ground.kit.clock import JST
from madoguchi.ground.privacy.sealing import keyring
from madoguchi.ground.worklog import services as worklog

from .enums import State
from .errors import PhotoRefused, PlaceAway
from .jpeg import clean
from .models import Photo
from .officials import leaders
from .places import Place

PICTURE = "photos.picture"
REF = re.compile(r"(case|ticket):([1-9][0-9]{0,17})", re.ASCII)
AGAIN = (dt.timedelta(minutes=1), dt.timedelta(minutes=2), dt.timedelta(minutes=5))
"""Pauses between tries; the last one goes on."""


def terms_of(contract: Contract) -> Terms:
    """What was agreed. Raises :class:`PhotoRefused` where no photos are taken."""
    if contract.profile.photo is None:
        raise PhotoRefused("この契約では、顔写真の撮影を行っていません。")
    return contract.profile.photo


@transaction.atomic
def start(contract: Contract, ref: str, site: str, *, user: User, by: Actor, now: dt.datetime) -> Photo:
    """Begin a photo of a case or a ticket, with the name it will have at the place. Raises :class:`PhotoRefused`."""
    terms = terms_of(contract)
    match = REF.fullmatch(ref)
    if match is None or site not in {one.code for one in contract.profile.sites}:
        raise PhotoRefused("案件の番号か番号札から、撮影を始めてください。")
    with contract_scope(contract):
        Contract.objects.select_for_update(no_key=True).get(pk=contract.pk)
        local = now.astimezone(JST)
        name = terms.name.format(
            contract=contract.code, site=site, date=f"{local:%Y%m%d}", time=f"{local:%H%M%S}", kind=match[1], number=match[2],
            n=Photo.objects.filter(ref=ref).count() + 1,
        )  # fmt: skip
        photo = Photo.objects.create(contract=contract, ref=ref, site=site_by_code(site), name=name, started_at=now, started_by=user)
        audit.record(contract, "photo.started", ref, by=by, now=now, photo=photo.pk)
        return photo


@transaction.atomic
def drop(contract: Contract, photo_id: int, *, by: Actor, now: dt.datetime) -> Photo:
    """Give a photo up before a picture came. Raises :class:`PhotoRefused`."""
    with contract_scope(contract):
        photo = _locked(photo_id)
        if photo.state != State.OPEN:
            raise PhotoRefused("この写真は、もう送られています。")
        photo.state = State.DROPPED
        photo.save(update_fields=["state"])
        audit.record(contract, "photo.dropped", photo.ref, by=by, now=now, photo=photo.pk)
        return photo


@transaction.atomic
def receive(contract: Contract, photo_id: int, data: bytes, place: Place, *, by: Actor, now: dt.datetime) -> Photo:
    """Hand a picture to the place; where that does not answer, keep it sealed for a while.

    The same picture sent again changes nothing. When the transaction is lost after the place took the picture, sending it again
    replaces it there under the same name. Raises :class:`PhotoRefused` for what is no such picture.
    """
    terms = terms_of(contract)
    picture = clean(data, width=terms.width, height=terms.height)
    digest = hashlib.sha256(picture).hexdigest()
    with contract_scope(contract):
        photo = _locked(photo_id)
        if photo.state in (State.DELIVERED, State.WAITING) and photo.sha256 == digest:
            return photo
        if photo.state != State.OPEN:
            raise PhotoRefused("この撮影は、もう終わっています。新しく撮影を始めてください。")
        photo.taken_at, photo.size, photo.sha256 = now, len(picture), digest
        try:
            place.put(photo.name, picture)
        except PlaceAway as away:
            photo.sealed = keyring(contract).seal(PICTURE, picture)
            photo.keep_until = now + dt.timedelta(minutes=terms.keep_minutes)
            _put_off(photo, away, now)
            photo.state = State.WAITING
            photo.save()
            audit.record(contract, "photo.kept", photo.ref, by=by, now=now, photo=photo.pk, until=photo.keep_until)
            return photo
        _delivered(contract, photo, by=by, now=now)
        return photo


@transaction.atomic
def try_again(contract: Contract, photo_id: int, place: Place, *, by: Actor, now: dt.datetime) -> Photo | None:
    """Hand over a kept picture; erase it when its time is over and tell the leaders. None when another worker has it in hand."""
    with contract_scope(contract):
        photo = Photo.objects.select_for_update(skip_locked=True, of=("self",)).filter(pk=photo_id, state=State.WAITING).first()
        if photo is None or photo.sealed is None or photo.keep_until is None:
            return None
        try:
            place.put(photo.name, keyring(contract).unseal(PICTURE, photo.sealed))
        except PlaceAway as away:
            _put_off(photo, away, now)
            if now < photo.keep_until:
                photo.save()
                return photo
            photo.state, photo.sealed, photo.server_deleted_at = State.LOST, None, now
            photo.save()
            audit.record(contract, "photo.lost", photo.ref, by=by, now=now, photo=photo.pk, tries=photo.tries)
            for user in leaders(contract):
                notices.queue(contract, ref=f"photo_lost:{photo.pk}", kind=StaffKind.PHOTO_LOST, language="ja", now=now, detail={"user": user.pk})
            return photo
        _delivered(contract, photo, by=by, now=now)
        return photo


@transaction.atomic
def confirm_cleared(contract: Contract, photo_id: int, *, by: Actor, now: dt.datetime) -> Photo:
    """The device says that it holds the picture no more. Raises :class:`PhotoRefused` before it was sent."""
    with contract_scope(contract):
        photo = _locked(photo_id)
        if photo.taken_at is None:
            raise PhotoRefused("この写真は、まだ送られていません。")
        if photo.device_deleted_at is None:
            photo.device_deleted_at = now
            photo.save(update_fields=["device_deleted_at"])
            audit.record(contract, "photo.cleared", photo.ref, by=by, now=now, photo=photo.pk)
        return photo


def _delivered(contract: Contract, photo: Photo, *, by: Actor, now: dt.datetime) -> None:
    photo.state, photo.delivered_at, photo.server_deleted_at = State.DELIVERED, now, now
    photo.sealed = photo.keep_until = photo.next_try_at = None
    photo.trouble = ""
    photo.save()
    worklog.note(contract, "photo.delivered", by=by, now=now, ref=f"photo:{photo.pk}", site=photo.site.code)
    audit.record(contract, "photo.delivered", photo.ref, by=by, now=now, photo=photo.pk, sha256=photo.sha256, size=photo.size)


def _put_off(photo: Photo, away: PlaceAway, now: dt.datetime) -> None:
    photo.trouble = str(away)[:200]
    photo.next_try_at = now + AGAIN[min(photo.tries, len(AGAIN) - 1)]
    if photo.keep_until is not None:
        photo.next_try_at = min(photo.next_try_at, max(photo.keep_until, now))
    photo.tries += 1


def _locked(photo_id: int) -> Photo:
    photo = Photo.objects.select_for_update(of=("self",)).select_related("site").filter(pk=photo_id).first()
    if photo is None:
        raise PhotoRefused("この写真の記録は見つかりません。")
    return photo
