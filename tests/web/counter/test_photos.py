"""The camera page and where its picture arrives: no copy is found afterwards, and the person is told what to do."""

from __future__ import annotations

import datetime as dt
import tempfile
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connection
from django.test import Client

from madoguchi.demo_premises import grey
from madoguchi.domain.booking.services.setup import set_up
from madoguchi.domain.photos import tasks
from madoguchi.domain.photos.jpeg import clean
from madoguchi.domain.photos.models import Photo
from madoguchi.ground.accounts.models import Role
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.contracts.tenancy import contract_scope
from madoguchi.ground.kit import clock

from ...domain.cases.counter import hand
from ...domain.cases.counter import opened as opened_case
from ...domain.photos.jpegs import HEIGHT, WIDTH, jpeg
from ..staff_site import SignIn, sign_in  # noqa: F401

pytestmark = [pytest.mark.django_db, pytest.mark.req("DESK-06")]
BASE = "/staff/izumi/photos/"
PLANTED = b"a face of somebody who came to the counter"
PICTURE = jpeg(planted=PLANTED)


@pytest.fixture
def folder(tmp_path: Path, settings) -> Path:
    (tmp_path / "share" / "izumi").mkdir(parents=True)
    settings.PHOTO_FOLDER = tmp_path / "share"
    return tmp_path / "share" / "izumi"


@pytest.fixture
def izumi(contracts: dict[str, Contract], now: dt.datetime, monkeypatch: pytest.MonkeyPatch) -> Contract:
    monkeypatch.setattr(clock, "now", lambda: now)
    return contracts["izumi"]


@pytest.fixture
def case(izumi: Contract, now: dt.datetime) -> int:
    """An open case, as the counter would make it."""
    set_up(izumi, now=now)
    return int(opened_case(izumi, hand(izumi), now).pk)


def opened(client: Client, case: int) -> str:
    answer = client.post(f"{BASE}start/", {"number": str(case), "site": "honkan"})
    assert answer.status_code == 302
    return str(answer["Location"])


def send(client: Client, url: str, data: bytes = PICTURE, kind: str = "image/jpeg"):
    return client.post(f"{url}picture/", data, content_type=kind)


def tables_holding(needle: bytes) -> list[str]:
    """Tables of which a row, written as text, holds the bytes as text or as hexadecimal."""
    found = []
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names():
            cursor.execute(
                f'select exists (select 1 from "{table}" t where position(%s in t::text) > 0 or position(%s in t::text) > 0)',
                [needle.decode(), needle.hex()],
            )
            if cursor.fetchone()[0]:
                found.append(table)
    return found


def files_holding(needle: bytes, *folders: Path) -> list[Path]:
    return [path for folder in folders for path in folder.rglob("*") if path.is_file() and not path.is_symlink() and needle in path.read_bytes()]


def test_the_search_finds_what_is_there(izumi: Contract, tmp_path: Path) -> None:
    with connection.cursor() as cursor:
        cursor.execute("create temporary table planted (a bytea, b text)")
        cursor.execute("insert into planted values (%s, 'x')", [b"..." + PLANTED])
        cursor.execute("select t::text from planted t")
        assert PLANTED.hex() in cursor.fetchone()[0]
    (tmp_path / "x").write_bytes(PICTURE)
    assert files_holding(PLANTED, tmp_path) == [tmp_path / "x"]


@pytest.mark.parametrize("away", [False, True])
def test_after_delivery_no_copy_of_the_picture_is_anywhere_but_at_its_place(
    izumi: Contract, case: int, folder: Path, sign_in: SignIn, tmp_path: Path, now: dt.datetime, away: bool, monkeypatch: pytest.MonkeyPatch  # noqa: F811
) -> None:
    spool = tmp_path / "spool"
    spool.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(spool))
    staff = sign_in(izumi, Role.COUNTER)
    url = opened(staff, case)
    if away:
        folder.rmdir()
    answer = send(staff, url).json()
    assert answer["state"] == ("waiting" if away else "delivered")
    assert tables_holding(PLANTED) == []
    if away:
        assert "接続を確かめて" in answer["message"]
        assert "届け先の応答を待っている写真が1枚" in staff.get(BASE).content.decode()
        assert "応答待ち 1枚" in sign_in(izumi, Role.SUPERVISOR).get("/staff/izumi/").content.decode()
        folder.mkdir()
        tasks.hand_over_photos(now + dt.timedelta(minutes=1))
    assert staff.post(f"{url}cleared/").status_code == 200
    assert tables_holding(PLANTED) == []
    name = f"20261102/case{case}-1.jpg"
    assert files_holding(PLANTED, tmp_path, Path(settings.DATA_DIR)) == [folder / name]
    assert list(spool.iterdir()) == []
    assert (folder / name).read_bytes() == clean(PICTURE, width=WIDTH, height=HEIGHT)
    with contract_scope(izumi):
        photo = Photo.objects.get(name=name)
        assert photo.sealed is None
        assert None not in (photo.taken_at, photo.size, photo.delivered_at, photo.server_deleted_at, photo.device_deleted_at)
    page = staff.get(url).content.decode()
    assert photo.sha256 in page
    assert "<video" not in page
    assert "届け済み" in staff.get(BASE).content.decode()


@pytest.mark.parametrize(
    ("data", "kind", "status", "says"),
    [
        (b"<html>", "image/jpeg", 422, "読めません"),
        (jpeg(width=500), "image/jpeg", 422, "大きさ"),
        (b"\xff" * 1_000_001, "image/jpeg", 413, "大きすぎます"),
        (PICTURE, "image/png", 415, "JPEG"),
    ],
)
def test_what_is_no_picture_is_refused_and_can_be_taken_again(
    izumi: Contract, case: int, folder: Path, sign_in: SignIn, data: bytes, kind: str, status: int, says: str  # noqa: F811
) -> None:
    staff = sign_in(izumi, Role.COUNTER)
    url = opened(staff, case)
    answer = send(staff, url, data, kind)
    assert (answer.status_code, says in answer.json()["message"]) == (status, True)
    assert staff.post(f"{url}cleared/").status_code == 409
    assert send(staff, url).json()["state"] == "delivered"
    assert send(staff, url, jpeg(seed=9)).status_code == 422


def test_only_the_camera_page_may_use_the_camera(izumi: Contract, case: int, sign_in: SignIn) -> None:  # noqa: F811
    staff = sign_in(izumi, Role.COUNTER)
    url = opened(staff, case)
    assert "camera=(self)" in staff.get(url)["Permissions-Policy"]
    assert "camera=()" in staff.get(BASE)["Permissions-Policy"]
    assert staff.get(url)["Cache-Control"] == "no-store"
    assert "顔写真を撮る" in staff.get(f"/staff/izumi/cases/{case}/").content.decode()


def test_who_may_and_what_begins_a_photo(izumi: Contract, case: int, sign_in: SignIn) -> None:  # noqa: F811
    staff, auditor = sign_in(izumi, Role.COUNTER), sign_in(izumi, Role.AUDITOR)
    url = opened(staff, case)
    assert auditor.get(BASE).status_code == 200
    assert auditor.get(url).status_code == 403
    assert send(auditor, url).status_code == 403
    assert sign_in(izumi, Role.OPERATOR).get(BASE).status_code == 403
    wrong = staff.post(f"{BASE}start/", {"number": "999999999", "site": "honkan"})
    assert (wrong.status_code, 'value="999999999"' in wrong.content.decode()) == (422, True)
    assert staff.post(f"{BASE}start/", {"ref": "booking:1", "site": "honkan"}).status_code == 422
    assert staff.post(f"{url}drop/").status_code == 302
    assert send(staff, url).status_code == 422
    assert sign_in(izumi, Role.MANAGER).get("/staff/hatsukaichi/photos/").status_code == 404


def test_the_demo_sends_a_picture_that_the_reader_takes() -> None:
    assert clean(grey(WIDTH, HEIGHT), width=WIDTH, height=HEIGHT).endswith(b"\xff\xd9")
