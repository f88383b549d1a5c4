"""A handover package: whole or not offered, readable by people and machines, sealed while it is kept, and gone in time."""

from __future__ import annotations

import csv
import datetime as dt
import hashlib
import io
import json
import tracemalloc
import zipfile
from decimal import Decimal

import pytest

from madoguchi import keeping
from madoguchi.domain.handover.archive import PIECE, Sink, pieces
from madoguchi.domain.handover.contents import Item, items
from madoguchi.domain.handover.enums import Kind, Variant
from madoguchi.domain.handover.errors import HandoverRefused
from madoguchi.domain.handover.models import Package, PackageFile, PackagePart
from madoguchi.domain.handover.services import packages
from madoguchi.domain.handover.tables import TABLES
from madoguchi.domain.handover.tabular import Column, plain, write
from madoguchi.ground.accounts.models import Role
from madoguchi.ground.audit import queries as audit
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.kit.clock import JST
from madoguchi.ground.privacy.sealing import keyring

from ...tenants import fill
from ..booking.conftest import desk as desk
from ..booking.desk import Desk, at
from ..calls.people import member

pytestmark = [pytest.mark.django_db, pytest.mark.req("CON-05")]


def made(contract: Contract, variant: Variant, now: dt.datetime) -> tuple[Package, zipfile.ZipFile]:
    user, by = member(contract, Role.CITY)
    package = packages.order_package(contract, variant, user=user, by=by, now=now)
    packages.make_due(contract, now=now)
    found, parts = packages.fetch(contract, package.pk, by=by, now=now)
    return found, zipfile.ZipFile(io.BytesIO(b"".join(parts)))


def rows(archive: zipfile.ZipFile, name: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(archive.read(name).decode("utf-8-sig"), newline="")))


def test_the_citys_package_holds_everything_in_the_clear_with_checksums_and_descriptions(desk: Desk, now: dt.datetime) -> None:
    contract = desk.contract
    code = desk.reserve(at(10), 2).code
    package, archive = made(contract, Variant.FULL, now)
    assert archive.testzip() is None
    sums = dict(reversed(line.split("  ")) for line in archive.read("SHA256SUMS").decode().splitlines())
    assert set(sums) == set(archive.namelist()) - {"SHA256SUMS"}
    assert all(hashlib.sha256(archive.read(name)).hexdigest() == value for name, value in sums.items())
    assert package.digest == hashlib.sha256(archive.read("SHA256SUMS")).hexdigest()

    described = json.loads(archive.read("datapackage.json"))
    for one in described["resources"]:
        assert (one["bytes"], one["hash"]) == (archive.getinfo(one["path"]).file_size, f"sha256:{sums[one['path']]}")
        if "schema" not in one:
            continue
        names = [column["name"] for column in one["schema"]["fields"]]
        assert all(column["title"] and column["type"] for column in one["schema"]["fields"])
        if one["path"].endswith(".csv"):
            assert archive.read(one["path"]).startswith(b"\xef\xbb\xbf")
            header = next(csv.reader(io.StringIO(archive.read(one["path"]).decode("utf-8-sig"), newline="")))
            assert header == names
            assert len(rows(archive, one["path"])) == one["rows"]
        else:
            values = json.loads(archive.read(one["path"]))
            assert len(values) == one["rows"]
            assert all(list(value) == names for value in values)
    bookings = json.loads(archive.read("data/bookings.json"))
    assert [(one["code"], one["contact"]["email"]) for one in bookings] == [(code, "taro1@example.jp")]
    assert json.loads(rows(archive, "data/attendees.csv")[0]["person"])["name"] == "山田 1郎"
    assert {"file": "bookings", "kind": "今後の予約", "id": str(bookings[0]["id"])}.items() <= rows(archive, "data/open.csv")[0].items()
    page = archive.read("index.html").decode()
    assert all(sums[name] in page for name in sums if name not in ("index.html", "SHA256SUMS"))
    assert "FAQ・マニュアル" in page
    assert "http" not in page.replace("http-equiv", ""), "the page is read without a network"
    assert archive.read("contract/profile.toml").startswith(b"#") or b"[city]" in archive.read("contract/profile.toml")
    assert json.loads(archive.read("data/audit_heads.json"))["broken"] == []
    assert [one["role"] for one in rows(archive, "data/staff.csv")] == ["city"]
    assert "bookings_made" in {one["measure"] for one in rows(archive, "data/statistics.csv")}


def test_the_package_of_figures_has_nobody_in_it(desk: Desk, now: dt.datetime) -> None:
    desk.reserve(at(10), 2)
    member(desk.contract, Role.MANAGER)
    fill(desk.contract, mark="zqmark", now=now)
    _, archive = made(desk.contract, Variant.FIGURES, now)
    text = "".join(archive.read(name).decode() for name in archive.namelist() if name.startswith("data/"))
    for word in ("山田", "ヤマダ", "taro1@example.jp", "90000000", "1980-01"):
        assert word not in text
    for declared in (one for one in TABLES if not one.left_out):
        header = next(csv.reader(io.StringIO(archive.read(f"data/{declared.file}.csv").decode("utf-8-sig"), newline="")))
        assert not set(header) & {name for name, kind in declared.kinds().items() if kind is not Kind.PLAIN}
    assert "name" not in rows(archive, "data/staff.csv")[0]
    assert len(rows(archive, "data/bookings.csv")) == 2


def test_a_package_is_offered_when_its_last_item_is_made_and_goes_on_after_a_failure(
    contract: Contract, now: dt.datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    user, by = member(contract, Role.CITY)
    package = packages.order_package(contract, Variant.FIGURES, user=user, by=by, now=now)
    with pytest.raises(HandoverRefused, match="作成しています"):
        packages.order_package(contract, Variant.FIGURES, user=user, by=by, now=now)
    wanted = [*items()[:8], items()[-1]]

    def broken(_: object) -> None:
        raise OSError("no space")

    monkeypatch.setattr(packages, "items", lambda: [*wanted[:5], Item("table:x", "x", broken), *wanted[6:]])
    assert packages.make_due(contract, now=now) == 5
    package.refresh_from_db()
    assert (package.made, package.ready_at, "失敗" in package.problem, package.attempts) == (5, None, True, 1)
    with pytest.raises(HandoverRefused, match="作成中"):
        packages.fetch(contract, package.pk, by=by, now=now)
    first = dict(PackageFile.objects.values_list("path", "pk"))
    monkeypatch.setattr(packages, "items", lambda: wanted)
    packages.make_due(contract, now=now)
    package.refresh_from_db()
    assert (package.made, package.items, package.problem) == (len(wanted), len(wanted), "")
    assert first.items() <= dict(PackageFile.objects.values_list("path", "pk")).items(), "what was made is not made again"
    assert not packages.make_next(contract, package.pk, now=now)


def test_a_package_is_sealed_while_kept_fetched_under_a_name_and_gone_in_time(
    desk: Desk, now: dt.datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    contract = desk.contract
    few = [one for one in items() if one.code in ("table:booking.Attendee", "index")]
    monkeypatch.setattr(packages, "items", lambda: few)
    desk.reserve(at(10), 1)
    package, _ = made(contract, Variant.FULL, now)
    for part in PackagePart.objects.all():
        assert "山田".encode() not in bytes(part.content)
        assert keyring(contract).unseal("handover.part", part.content)
    assert [entry.action for entry in audit.search(target=f"package:{package.pk}")] == ["handover.fetched_people", "handover.made", "handover.ordered"]
    over = now + dt.timedelta(days=contract.profile.retention.delivery_days)
    assert keeping.run_retention(contract, over - dt.timedelta(seconds=1))["handover.packages"] == 0
    assert keeping.run_retention(contract, over)["handover.packages"] == 1
    assert not PackagePart.objects.exists()
    assert PackageFile.objects.filter(package=package).exists(), "what was handed over can be told later"
    with pytest.raises(HandoverRefused, match="期限"):
        packages.fetch(contract, package.pk, by=member(contract, Role.CITY)[1], now=over)
    assert keeping.run_retention(contract, over)["handover.packages"] == 0


def test_a_spreadsheet_runs_no_cell_and_json_keeps_the_value(contract: Contract, now: dt.datetime) -> None:
    user, _ = member(contract, Role.CITY)
    package = Package.objects.create(contract=contract, variant="full", ordered_at=now, ordered_by=user, items=1)
    sinks = [
        Sink(PackageFile(contract=contract, package=package, item="x", path=path, title="x", size=0, sha256="", made_at=now), keyring(contract))
        for path in ("a.csv", "a.json")
    ]
    values = {"a": '=cmd("x")', "b": [1, "二"], "c": None, "d": dt.date(2026, 11, 2), "e": "改\r\n行,\"引用\""}
    count = write(*sinks, [Column(name, name) for name in values], [values])
    for sink in sinks:
        sink.close(rows=count)
    one, two = (b"".join(pieces(contract, file, keyring(contract))) for file in PackageFile.objects.order_by("pk"))
    assert next(csv.DictReader(io.StringIO(one.decode("utf-8-sig"), newline=""))) == {
        "a": "'=cmd(\"x\")", "b": '[1,"二"]', "c": "", "d": "2026-11-02", "e": values["e"],
    }  # fmt: skip
    assert b"\r\n" in one
    assert json.loads(two) == [{**values, "d": "2026-11-02"}]


def test_a_large_table_is_written_in_pieces_with_little_memory(contract: Contract, now: dt.datetime) -> None:
    user, _ = member(contract, Role.CITY)
    package = Package.objects.create(contract=contract, variant="full", ordered_at=now, ordered_by=user, items=1)
    sinks = [
        Sink(PackageFile(contract=contract, package=package, item="x", path=path, title="x", size=0, sha256="", made_at=now), keyring(contract))
        for path in ("a.csv", "a.json")
    ]
    word = "あ" * 500
    tracemalloc.start()
    write(*sinks, [Column("a", "a"), Column("n", "n", "integer")], ({"a": word, "n": n} for n in range(6000)))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    for sink in sinks:
        sink.close()
    size = sum(PackageFile.objects.values_list("size", flat=True))
    assert size > 18_000_000
    assert PackagePart.objects.count() == sum(-(-one // PIECE) for one in PackageFile.objects.values_list("size", flat=True))
    assert peak < 6 * 1024 * 1024, f"{peak:,} bytes for {size:,}"


def test_values_are_json_however_deep_they_lie() -> None:
    moment = dt.datetime(2026, 11, 2, 9, 0, tzinfo=JST)
    deep = {"opens": [moment, None], "of": ({"day": moment.date(), "sum": Decimal("1.50")},)}
    assert plain(deep) == {"opens": ["2026-11-02T09:00:00+09:00", None], "of": [{"day": "2026-11-02", "sum": "1.50"}]}
