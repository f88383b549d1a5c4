"""Handing pictures over: whole or not at all, signed, and refused with a reason when the place is away."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from config.settings.base import photo_stores
from madoguchi.domain.photos import places
from madoguchi.domain.photos.errors import PlaceAway
from madoguchi.domain.photos.places import FolderPlace, NoPlace, StorePlace, place_of
from madoguchi.domain.photos.signing import sign

from .store import KEY, REGION, SECRET, store

pytestmark = pytest.mark.req("DESK-06")
NAME = "20261102/case5-1.jpg"


def test_the_worked_example_of_the_publisher_is_signed_alike() -> None:
    """Amazon S3 API reference, "Examples: Signature Calculations in AWS Signature Version 4", PUT Object."""
    payload = "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072"
    headers = {
        "Host": "examplebucket.s3.amazonaws.com", "Date": "Fri, 24 May 2013 00:00:00 GMT", "x-amz-date": "20130524T000000Z",
        "x-amz-storage-class": "REDUCED_REDUNDANCY", "x-amz-content-sha256": payload,
    }  # fmt: skip
    found = sign(
        "PUT", "/test$file.text", headers, payload, region="us-east-1", key="AKIAIOSFODNN7EXAMPLE",
        secret="wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
    )  # fmt: skip
    assert found.endswith("Signature=98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd")


def test_a_folder_holds_all_of_a_picture_or_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = FolderPlace(tmp_path)
    place.put(NAME, b"first")
    place.put(NAME, b"second")
    assert (tmp_path / NAME).read_bytes() == b"second"

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        with pytest.raises(PlaceAway, match="No space left"):
            place.put(NAME, b"third")
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["case5-1.jpg"]
    assert (tmp_path / NAME).read_bytes() == b"second"


def test_a_share_that_is_not_mounted_is_not_written_beside(tmp_path: Path) -> None:
    with pytest.raises(PlaceAway, match="見つかりません"):
        FolderPlace(tmp_path / "izumi").put(NAME, b"x")
    assert list(tmp_path.iterdir()) == []


def test_a_link_in_the_place_is_not_followed(tmp_path: Path) -> None:
    outside, root = tmp_path / "outside", tmp_path / "share"
    outside.write_bytes(b"untouched")
    (root / "20261102").mkdir(parents=True)
    (root / "20261102" / ".case5-1.jpg.part").symlink_to(outside)
    with pytest.raises(PlaceAway):
        FolderPlace(root).put(NAME, b"x")
    assert outside.read_bytes() == b"untouched"


def test_a_store_takes_what_is_signed_and_says_when_it_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(places, "SECONDS", 0.3)
    with store() as server:
        good = StorePlace(server.url, REGION, "city-photos", KEY, SECRET)
        good.put("2026 11/日付-1.jpg", b"picture")
        assert list(server.objects.values()) == [b"picture"]
        assert next(iter(server.objects)).startswith("/city-photos/2026%2011/")
        with pytest.raises(PlaceAway, match="HTTP 403"):
            StorePlace(server.url, REGION, "city-photos", KEY, "another secret").put(NAME, b"x")
        server.behave = "500"
        with pytest.raises(PlaceAway, match="HTTP 500"):
            good.put(NAME, b"x")
        server.behave = "silent"
        with pytest.raises(PlaceAway, match="応じません"):
            good.put(NAME, b"x")
    with pytest.raises(PlaceAway, match="応じません"):
        good.put(NAME, b"x")
    assert SECRET not in repr(good)


def test_the_environment_says_where_the_stores_are() -> None:
    found = photo_stores("izumi=https://KEY:S%2FE@s3.example.jp/ap-northeast-1 urasoe=https://K:S@host:9000/jp")
    assert found == {"izumi": ("https://s3.example.jp", "ap-northeast-1", "KEY", "S/E"), "urasoe": ("https://host:9000", "jp", "K", "S")}
    for wrong in ("izumi=http://K:S@s3.example.jp/jp", "izumi=https://s3.example.jp/jp", "https://K:S@s3.example.jp/jp", "izumi=https://K:S@s3.example.jp"):
        with pytest.raises(ImproperlyConfigured):
            photo_stores(wrong)


@pytest.mark.django_db
def test_the_place_of_a_contract_comes_from_profile_and_environment(contracts, settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    izumi = contracts["izumi"]
    settings.PHOTO_FOLDER = None
    assert place_of(izumi) == NoPlace()
    assert place_of(contracts["hatsukaichi"]) == NoPlace()
    settings.PHOTO_FOLDER = tmp_path
    assert place_of(izumi) == FolderPlace(tmp_path / "izumi")
    profile = izumi.profile
    terms = profile.photo.model_copy(update={"store": "s3", "bucket": "photos-izumi"})
    monkeypatch.setattr(type(izumi), "profile", profile.model_copy(update={"photo": terms}))
    assert place_of(izumi) == NoPlace()
    settings.PHOTO_S3 = photo_stores("izumi=https://K:S@s3.example.jp/jp")
    assert place_of(izumi) == StorePlace("https://s3.example.jp", "jp", "photos-izumi", "K", "S")
