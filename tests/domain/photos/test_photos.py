"""From the camera to the place: no copy stays behind, and nothing is lost in silence when the place is away."""

from __future__ import annotations

import datetime as dt
import hashlib
from pathlib import Path

import pytest
from django.db import IntegrityError, transaction

from madoguchi.domain.notices.models import Message, StaffKind
from madoguchi.domain.notices.recipients import find
from madoguchi.domain.photos import services
from madoguchi.domain.photos.enums import State
from madoguchi.domain.photos.erasers import erase_pictures
from madoguchi.domain.photos.errors import PhotoRefused
from madoguchi.domain.photos.jpeg import clean
from madoguchi.domain.photos.models import Photo
from madoguchi.domain.photos.places import FolderPlace, NoPlace
from madoguchi.domain.photos.queries import in_trouble, photos_of
from madoguchi.domain.photos.tasks import hand_over_photos
from madoguchi.ground.accounts.models import Role
from madoguchi.ground.audit import queries as audit
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.contracts.tenancy import contract_scope
from madoguchi.ground.worklog.models import Fact

from ..calls.people import member
from .jpegs import HEIGHT, WIDTH, jpeg

pytestmark = [pytest.mark.django_db, pytest.mark.req("DESK-06")]
PICTURE = jpeg()
MINUTE = dt.timedelta(minutes=1)


@pytest.fixture
def izumi(contracts: dict[str, Contract]):
    with contract_scope(contracts["izumi"]) as entered:
        yield entered


@pytest.fixture
def folder(tmp_path: Path, settings) -> Path:
    (tmp_path / "izumi").mkdir()
    settings.PHOTO_FOLDER = tmp_path
    return tmp_path / "izumi"


def who(contract: Contract) -> dict:
    user, by = member(contract, Role.COUNTER)
    return {"user": user, "by": by}


def started(contract: Contract, now: dt.datetime, ref: str = "case:5") -> tuple[Photo, dict]:
    doer = who(contract)
    return services.start(contract, ref, "honkan", **doer, now=now), {"by": doer["by"]}


def test_a_picture_is_at_the_place_under_the_number_of_its_case_and_nowhere_else(izumi: Contract, folder: Path, now: dt.datetime) -> None:
    photo, by = started(izumi, now)
    photo = services.receive(izumi, photo.pk, PICTURE, FolderPlace(folder), **by, now=now)
    assert photo.name == "20261102/case5-1.jpg"
    there = (folder / photo.name).read_bytes()
    assert there == clean(PICTURE, width=WIDTH, height=HEIGHT)
    assert (photo.state, photo.size, photo.sha256) == (State.DELIVERED, len(there), hashlib.sha256(there).hexdigest())
    assert (photo.delivered_at, photo.server_deleted_at, photo.device_deleted_at, photo.sealed) == (now, now, None, None)
    photo = services.confirm_cleared(izumi, photo.pk, **by, now=now + MINUTE)
    assert services.confirm_cleared(izumi, photo.pk, **by, now=now + 2 * MINUTE).device_deleted_at == now + MINUTE
    assert [entry.action for entry in audit.search(target="case:5")][::-1] == ["photo.started", "photo.delivered", "photo.cleared"]
    assert Fact.objects.get(kind="photo.delivered").site == "honkan"
    assert services.start(izumi, "case:5", "honkan", **who(izumi), now=now).name == "20261102/case5-2.jpg"


def test_the_same_picture_again_changes_nothing_and_another_is_refused(izumi: Contract, folder: Path, now: dt.datetime) -> None:
    photo, by = started(izumi, now)
    for n in range(2):
        done = services.receive(izumi, photo.pk, PICTURE, FolderPlace(folder), **by, now=now + n * MINUTE)
        assert done.delivered_at == now
    with pytest.raises(PhotoRefused, match="もう終わって"):
        services.receive(izumi, photo.pk, jpeg(seed=2), FolderPlace(folder), **by, now=now)
    assert Fact.objects.filter(kind="photo.delivered").count() == 1


def test_what_is_no_picture_is_refused_and_the_photo_stays_open(izumi: Contract, folder: Path, now: dt.datetime) -> None:
    photo, by = started(izumi, now)
    with pytest.raises(PhotoRefused):
        services.receive(izumi, photo.pk, b"GIF89a", FolderPlace(folder), **by, now=now)
    with pytest.raises(PhotoRefused, match="まだ送られて"):
        services.confirm_cleared(izumi, photo.pk, **by, now=now)
    assert Photo.objects.get().state == State.OPEN
    assert not list(folder.iterdir())
    services.drop(izumi, photo.pk, **by, now=now)
    with pytest.raises(PhotoRefused):
        services.receive(izumi, photo.pk, PICTURE, FolderPlace(folder), **by, now=now)


@pytest.mark.parametrize("ref", ["", "case:", "case:0", "booking:5", "case:5; drop", "case:٥", "山田"])
def test_a_photo_belongs_to_a_case_or_a_ticket(izumi: Contract, now: dt.datetime, ref: str) -> None:
    with pytest.raises(PhotoRefused):
        services.start(izumi, ref, "honkan", **who(izumi), now=now)


def test_where_none_were_agreed_none_are_taken(contracts: dict[str, Contract], now: dt.datetime) -> None:
    contract = contracts["nagaoka"]
    with contract_scope(contract), pytest.raises(PhotoRefused, match="行っていません"):
        services.start(contract, "case:5", "main", **who(contract), now=now)


def test_a_place_that_is_away_gets_it_later_and_the_sealed_copy_goes(izumi: Contract, folder: Path, now: dt.datetime) -> None:
    folder.rmdir()
    photo, by = started(izumi, now)
    photo = services.receive(izumi, photo.pk, PICTURE, FolderPlace(folder), **by, now=now)
    assert (photo.state, photo.keep_until, photo.next_try_at) == (State.WAITING, now + 60 * MINUTE, now + MINUTE)
    assert "接続を確かめて" in photo.trouble
    assert bytes(photo.sealed)[1:] not in PICTURE
    assert PICTURE[200:300] not in bytes(photo.sealed)
    assert in_trouble(now) == (1, 0)
    assert hand_over_photos(now) == 0
    assert hand_over_photos(now + MINUTE) == 1
    assert Photo.objects.get().next_try_at == now + 3 * MINUTE
    folder.mkdir()
    assert hand_over_photos(now + 3 * MINUTE) == 1
    photo = Photo.objects.get()
    assert (photo.state, photo.sealed, photo.delivered_at, photo.trouble) == (State.DELIVERED, None, now + 3 * MINUTE, "")
    assert (folder / photo.name).read_bytes() == clean(PICTURE, width=WIDTH, height=HEIGHT)
    assert in_trouble(now) == (0, 0)


def test_beyond_its_time_it_is_erased_and_the_leaders_are_told_to_take_it_again(izumi: Contract, now: dt.datetime, settings) -> None:
    settings.PHOTO_FOLDER = None
    leader, _ = member(izumi, Role.SUPERVISOR)
    photo, by = started(izumi, now)
    services.receive(izumi, photo.pk, PICTURE, NoPlace(), **by, now=now)
    at = now
    while Photo.objects.get().state == State.WAITING:
        at += MINUTE
        hand_over_photos(at)
        assert at <= now + 60 * MINUTE
    photo = Photo.objects.get()
    assert (photo.state, photo.sealed, photo.server_deleted_at) == (State.LOST, None, now + 60 * MINUTE)
    assert in_trouble(now) == (0, 1)
    message = Message.objects.get(kind=StaffKind.PHOTO_LOST)
    mail = find(izumi, message, "ja")
    assert mail is not None
    assert (mail.address, mail.context["ref"]) == (leader.email, "案件 5")
    assert "設定されていません" in mail.context["reason"]
    assert "photo.lost" in [entry.action for entry in audit.search(target="case:5")]
    again, by = started(izumi, at)
    settings.PHOTO_FOLDER = Path("/nowhere")
    services.receive(izumi, again.pk, PICTURE, _Anywhere(), **by, now=at)
    assert in_trouble(now) == (0, 0)


class _Anywhere:
    """A place that takes everything and keeps nothing."""

    def put(self, name: str, data: bytes) -> None:
        assert name.endswith(".jpg")


def test_the_nightly_erasure_is_a_net_and_the_constraint_another(izumi: Contract, now: dt.datetime) -> None:
    photo, by = started(izumi, now)
    services.receive(izumi, photo.pk, PICTURE, NoPlace(), **by, now=now)
    assert erase_pictures(izumi, now + 60 * MINUTE) == 0
    assert erase_pictures(izumi, now + 61 * MINUTE) == 1
    for state in (State.OPEN, State.DELIVERED, State.LOST):
        with pytest.raises(IntegrityError), transaction.atomic():
            Photo.objects.update(sealed=b"x", state=state)


def test_what_nobody_took_is_dropped_the_next_day_and_a_day_is_listed(izumi: Contract, now: dt.datetime) -> None:
    started(izumi, now)
    hand_over_photos(now + dt.timedelta(hours=10))
    assert [photo.state for photo in photos_of(now.date(), site="honkan")] == [State.OPEN]
    hand_over_photos(now + dt.timedelta(days=1))
    assert [photo.state for photo in photos_of(now.date())] == [State.DROPPED]
    assert not photos_of(now.date(), site="plaza").exists()
