"""The end of a contract: two people, a waiting time, and then nothing of its residents is left anywhere, while the figures and the audit chain stay."""

from __future__ import annotations

import datetime as dt
import json
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import LazySettings
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session
from django.db import connection, models

from madoguchi import courier, keeping
from madoguchi.domain.booking import availability
from madoguchi.domain.booking.party import Contact, Person
from madoguchi.domain.booking.services import reserve
from madoguchi.domain.calls.enums import Result, Topic
from madoguchi.domain.calls.services import contacts
from madoguchi.domain.handover.enums import Kind, Stage, Variant
from madoguchi.domain.handover.errors import HandoverRefused
from madoguchi.domain.handover.models import ErasedCount, Erasure, Package
from madoguchi.domain.handover.services import erasure
from madoguchi.domain.handover.services.packages import make_due, order_package
from madoguchi.domain.handover.tables import TABLES, holds_text
from madoguchi.domain.notices.services import queue
from madoguchi.domain.reports.contents import digest_of
from madoguchi.domain.reports.measures import MEASURES
from madoguchi.domain.reports.queries import Period, table
from madoguchi.ground.accounts.models import Role, User
from madoguchi.ground.audit import queries as audit
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.contracts.tenancy import contract_scope
from madoguchi.ground.kit.actors import CITIZEN_WEB, Actor
from madoguchi.ground.kit.clock import JST
from madoguchi.ground.kit.postgres import binaries
from madoguchi.ground.privacy.models import ContractKey
from madoguchi.ground.privacy.registry import sealed_columns
from madoguchi.ground.privacy.sealing import SealError, forget_keys, keyring
from madoguchi.ground.worklog.models import Fact
from madoguchi.voice import spool
from madoguchi.voice.events import CallEvent
from madoguchi.web.citizen import flow

from ...tenants import fill
from ..booking.desk import THURSDAY, WEDNESDAY, Desk, at
from ..calls.people import member
from ..calls.told import answered

pytestmark = pytest.mark.req("CON-05", "SEC-03")
MARK = "zqmark"
LAST = dt.date(2026, 11, 30)
PLANTED = {
    "name": "消去 すみれ", "kana": "ショウキョ スミレ", "phone": "08055557777", "email": "sumire.shoukyo@example.jp", "birth_date": "1971-02-28",
    "address": "廿日市市消去町1-2-3", "remarks": "zq車いすで来庁zq",
}  # fmt: skip
PICTURE = b"\xff\xd8\xff\xe0zq-photo-bytes\x00\xff\xd9"
NEEDLES = [*PLANTED.values(), "+818055557777"]


@pytest.fixture
def two(contracts: dict[str, Contract]) -> tuple[tuple[User, Actor], tuple[User, Actor]]:
    """The contractor's manager and the city's official of 廿日市市."""
    return member(contracts["hatsukaichi"], Role.MANAGER), member(contracts["hatsukaichi"], Role.CITY)


def asked(contract: Contract, people: tuple[tuple[User, Actor], tuple[User, Actor]], now: dt.datetime) -> Erasure:
    (manager, by), _ = people
    return erasure.ask(contract, ends_on=LAST, reason="仕様書13(3)", copies_until=dt.date(2027, 1, 31), user=manager, by=by, now=now)


def confirmed(contract: Contract, people: tuple[tuple[User, Actor], tuple[User, Actor]], now: dt.datetime) -> Erasure:
    asked(contract, people, now)
    _, (official, by) = people
    return erasure.confirm(contract, typed_code=contract.code, returned=False, user=official, by=by, now=now)


# -- the proof


def plant(contract: Contract, now: dt.datetime, folder: Path) -> None:
    """Recognisable values through real deeds, and in every column of every table."""
    desk = Desk(contract, now)
    desk.set_up(WEDNESDAY, THURSDAY)
    person = Person({key: PLANTED[key] for key in ("name", "kana", "birth_date")})
    wanted = reserve.Reservation(
        site="main", starts_at=at(10), people=[("card_pickup", person)], contact=Contact({"phone": "+818055557777", "email": PLANTED["email"]}),
        language="ja", key="planted",
    )  # fmt: skip
    reserve.reserve(contract, wanted, by=CITIZEN_WEB, now=now)
    operator, by = member(contract, Role.OPERATOR)
    key = b"k" * 32
    made = spool.Spool(folder / "voice" / "spool", key, run=spool.new_run(folder / "voice" / "spool", now), now=now)
    for event in answered("planted", caller=PLANTED["phone"], agent=f"user:{operator.pk}"):
        made.put(CallEvent.parse(json.loads(event.line())))
    made.close()
    courier.Courier(folder / "voice" / "spool", key).carry(now)
    words = contacts.Words(PLANTED["remarks"], PLANTED["address"], PLANTED["name"], PLANTED["phone"])
    said = contacts.Said(next(iter(Topic)), next(iter(Result)), words=words)
    contacts.record(contract, said, user=operator, by=by, now=now)
    session = SessionStore()
    draft = flow.Flow("planted", draft=flow.seal(contract, PLANTED))
    session[flow.SESSION_KEY] = {f"{contract.code}:planted": draft.__dict__, "izumi:other": {"id": "other"}}
    session.save()
    (folder / "mailbox").mkdir()
    (folder / "mailbox" / "ab12.eml").write_text(f"To: {PLANTED['email']}\r\nSubject: x\r\n\r\nhttp://127.0.0.1/{contract.code}/b/ {PLANTED['name']}\r\n")
    (folder / "mailbox" / "cd34.eml").write_text("To: x@example.jp\r\nSubject: x\r\n\r\nhttp://127.0.0.1/izumi/b/\r\n")
    with contract_scope(contract):
        queue(contract, ref="booking:1", kind="created", language="ja", now=now, detail={"said": PLANTED["remarks"]})
    fill_all(contract, now)


def fill_all(contract: Contract, now: dt.datetime) -> None:
    """A row of every table with the mark in every text, and the planted values sealed, and in the clear, wherever they fit."""
    ring = keyring(contract)
    rows = fill(contract, mark=MARK, now=now)
    sealed = {(one.model, one.column): one.purpose for one in sealed_columns()}
    with contract_scope(contract):
        rows[ContractKey].delete()
        for declared in TABLES:
            model, row = declared.model, rows[declared.model]
            values = {}
            for name, kind in declared.kinds().items():
                field = model._meta.get_field(name)
                if (model, name) in sealed:
                    values[name] = ring.seal(sealed[model, name], PICTURE + json.dumps(PLANTED).encode())
                elif kind is Kind.PERSONAL and isinstance(field, models.JSONField):
                    values[name] = list(PLANTED.values())
                elif kind is Kind.PERSONAL and isinstance(field, models.CharField) and field.max_length >= 40:
                    values[name] = PLANTED["remarks"]
                elif kind is Kind.INDEX and isinstance(field, models.BinaryField):
                    values[name] = ring.blind("phone", PLANTED["phone"])
            if values and declared.label != "photos.Photo" and declared.label != "cards.Move" and declared.label != "handover.Erasure":
                model._default_manager.filter(pk=row.pk).update(**values)


def dump(contract: Contract) -> str:
    """What a backup holds of a contract and of all that belongs to none: ``pg_dump`` of this database behind that contract's wall."""
    values = connection.settings_dict
    url = f"postgresql://{values['USER']}@{values['HOST']}:{values['PORT']}/{values['NAME']}"
    environment = {**os.environ, "PGPASSWORD": values["PASSWORD"] or "", "PGOPTIONS": f"-c madoguchi.contract={contract.pk}"}
    command = [str(binaries() / "pg_dump"), "--enable-row-security", "--data-only", url]
    return subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout


def hidden_in(text: str) -> list[str]:
    """Planted values in a text, plain or as the hexadecimal of bytes."""
    found = [one for one in NEEDLES if one in text or json.dumps(one)[1:-1] in text or one.encode().hex() in text]
    return found + (["picture"] if PICTURE.hex() in text else [])


def cells(contract: Contract) -> Iterator[tuple[str, str]]:
    """Table.column and value as text, of every column of every table of the database, as this contract sees them."""
    with contract_scope(contract), connection.cursor() as cursor:
        cursor.execute("select table_name, column_name from information_schema.columns where table_schema = 'public' order by 1, 2")
        for name, column in cursor.fetchall():
            cursor.execute(f'select "{column}"::text from "{name}" where "{column}" is not null')
            for (value,) in cursor.fetchall():
                yield f"{name}.{column}", value


def figures(contract: Contract) -> object:
    with contract_scope(contract):
        found = table(contract, list(MEASURES), Period(dt.date(2026, 10, 1), dt.date(2026, 12, 31)), ("month",))
        facts = list(Fact.objects.order_by("pk").values_list("pk", "at", "kind", "quantity", "ref"))
    return found, facts


def rows_of(contract: Contract, *labels: str) -> dict[str, list[str]]:
    found = {}
    with contract_scope(contract), connection.cursor() as cursor:
        for declared in TABLES:
            if declared.label in labels:
                cursor.execute(f'select t::text from "{declared.model._meta.db_table}" t order by t.id')
                found[declared.label] = [text for (text,) in cursor.fetchall()]
    return found


PAPERS = ("billing.Invoice", "billing.InvoiceLine", "billing.Expenditure", "obligations.Evidence", "obligations.Breach", "reports.Report", "worklog.Fact")


@pytest.mark.django_db(transaction=True)
def test_after_the_erasure_nothing_of_a_resident_is_found_and_all_figures_are_the_same(
    contracts: dict[str, Contract], two: tuple[tuple[User, Actor], tuple[User, Actor]], now: dt.datetime, tmp_path: Path, settings: LazySettings
) -> None:
    contract, other = contracts["hatsukaichi"], contracts["izumi"]
    settings.DATA_DIR, settings.VOICE_DIR = tmp_path, tmp_path / "voice"
    try:
        plant(contract, now, tmp_path)
        fill_all(other, now)
    finally:
        availability.forget()
    before = dump(contract)
    assert set(hidden_in(before)) >= {PLANTED["remarks"], PLANTED["name"]}, "the values were planted in the clear, too"
    sealed = [bytes.fromhex(one) for one in set(re.findall(r"\\\\x(010001[0-9a-f]{40,})", before))]
    assert len(sealed) > 20
    theirs = rows_of(other, *(one.label for one in TABLES))
    papers, counted = rows_of(contract, *PAPERS), figures(contract)
    assert len(rows_of(contract, "privacy.ContractKey")["privacy.ContractKey"]) == 1
    unlinked = audit.verify(contract)
    assert {link.lane for link in unlinked} == {30}, "the entry that was made without its hash"

    begins = confirmed(contract, two, now).begins_at
    assert begins is not None
    assert erasure.advance(contract, now=begins) is Stage.TABLES, "it looks once more when every process has noticed that the keys are gone"
    assert erasure.advance(contract, now=begins + erasure.SETTLE) is Stage.DONE
    forget_keys()

    after = list(cells(contract))
    for place, value in after:
        assert not hidden_in(value), place
    kept = {f"{one.model._meta.db_table}.{name}" for one in TABLES for name, kind in one.kinds().items() if kind in (Kind.PLAIN, Kind.STAFF, Kind.FILE)}
    marked = {place for place, value in after if MARK in value or MARK.encode().hex() in value}
    assert marked <= kept, f"the mark is left in {sorted(marked - kept)}"
    text = dump(contract)
    assert not hidden_in(text)
    assert not any(blob.hex() in text for blob in sealed)
    assert "privacy_contractkey" in text
    assert rows_of(contract, "privacy.ContractKey") == {"privacy.ContractKey": []}
    with pytest.raises(SealError, match="no keys"):
        keyring(contract)
    keeping.ensure_keys(contract, now=now)
    assert rows_of(contract, "privacy.ContractKey") == {"privacy.ContractKey": []}, "an update of the program makes no keys again"

    drafts = [session.get_decoded()[flow.SESSION_KEY] for session in Session.objects.all()]
    assert drafts == [{"izumi:other": {"id": "other"}}]

    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert [path.name for path in files if path.suffix == ".eml"] == ["cd34.eml"]
    for path in files:
        assert not hidden_in(path.read_bytes().decode("utf-8", "replace")), path
    assert spool.readable(tmp_path / "voice" / "spool") == 0
    (lines,) = [path.read_bytes().split(b"\n") for path in (tmp_path / "voice" / "spool").glob("*.spool")]
    assert len(lines) > 3
    assert all(not line.strip(spool.BLOT) for line in lines)

    assert rows_of(other, *(one.label for one in TABLES)) == theirs
    assert keyring(other)
    assert rows_of(contract, *PAPERS) == papers
    assert figures(contract) == counted
    assert audit.verify(contract) == unlinked
    with contract_scope(contract):
        done = Erasure.objects.get(stage=Stage.DONE)
    assert done.digest == digest_of(done.certificate)
    counts = {one["code"]: one["records"] for one in done.certificate["erased"]}
    assert (counts["drafts"], counts["mailbox"], counts["booking.Attendee"]) == (1, 1, 2)
    assert counts["spool"] >= 4
    assert [one["lane"] for one in done.certificate["audit"]["heads"]] == [0, 30]

    assert erasure.advance(contract, now=begins + dt.timedelta(days=9)) is None
    with contract_scope(contract):
        assert erasure.preview(contract) == []
    assert keeping.run_retention(contract, begins + dt.timedelta(days=400))["booking.fields"] == 0, "the nightly erasers go on without keys"


@pytest.mark.django_db(transaction=True)
def test_an_interrupted_erasure_goes_on_where_it_stopped(
    contracts: dict[str, Contract], two: tuple[tuple[User, Actor], tuple[User, Actor]], now: dt.datetime, tmp_path: Path, settings: LazySettings,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    contract = contracts["hatsukaichi"]
    settings.DATA_DIR, settings.VOICE_DIR = tmp_path, tmp_path / "voice"
    fill_all(contract, now)
    found = confirmed(contract, two, now)
    begins = found.begins_at
    assert begins is not None
    with contract_scope(contract):
        expected = {one.code: one.records for one in erasure.preview(contract) if one.code != "privacy.ContractKey"}
    done, real, steps = 0, erasure._batch, [3, 7, 11, 10_000]

    def killed(*arguments: object) -> int:
        nonlocal done
        done += 1
        if done > steps[0]:
            raise RuntimeError("killed")
        return real(*arguments)

    monkeypatch.setattr(erasure, "_batch", killed)
    while len(steps) > 1:
        assert erasure.advance(contract, now=begins) is Stage.TABLES
        with contract_scope(contract):
            assert "失敗" in Erasure.objects.get(pk=found.pk).problem
        steps.pop(0)
    assert erasure.advance(contract, now=begins + erasure.SETTLE) is Stage.DONE
    with contract_scope(contract):
        assert {one.code: one.records for one in ErasedCount.objects.filter(erasure=found)} == expected, "nothing is counted twice or forgotten"
        assert Erasure.objects.get(pk=found.pk).problem == ""


# -- the deeds


@pytest.mark.django_db
def test_two_people_of_two_sides_and_a_waiting_time(
    contract: Contract, two: tuple[tuple[User, Actor], tuple[User, Actor]], now: dt.datetime
) -> None:
    (manager, by), (official, city) = two
    with pytest.raises(HandoverRefused, match="廃棄日"):
        erasure.ask(contract, ends_on=LAST, reason="x", copies_until=LAST - dt.timedelta(days=1), user=manager, by=by, now=now)
    with pytest.raises(HandoverRefused, match="根拠"):
        erasure.ask(contract, ends_on=LAST, reason=" ", copies_until=LAST, user=manager, by=by, now=now)
    asked(contract, two, now)
    with pytest.raises(HandoverRefused, match="すでに"):
        asked(contract, two, now)
    with pytest.raises(HandoverRefused, match="別の人"):
        erasure.confirm(contract, typed_code=contract.code, returned=False, user=manager, by=by, now=now)
    with pytest.raises(HandoverRefused, match="コード"):
        erasure.confirm(contract, typed_code="izumi", returned=False, user=official, by=city, now=now)
    with pytest.raises(HandoverRefused, match="受け取って"):
        erasure.confirm(contract, typed_code=contract.code, returned=True, user=official, by=city, now=now)
    found = erasure.confirm(contract, typed_code=contract.code, returned=False, user=official, by=city, now=now)
    assert found.begins_at == dt.datetime(2026, 12, 1, tzinfo=JST), "not before the contract's last day is over"
    assert erasure.advance(contract, now=found.begins_at - dt.timedelta(seconds=1)) is Stage.WAITING
    assert keyring(contract)
    erasure.call_off(contract, by=by, now=now)
    assert erasure.advance(contract, now=found.begins_at) is None
    with pytest.raises(HandoverRefused):
        erasure.call_off(contract, by=by, now=now)
    late = dt.datetime(2026, 12, 20, 9, tzinfo=JST)
    asked(contract, two, late)
    again = erasure.confirm(contract, typed_code=contract.code, returned=False, user=official, by=city, now=late)
    assert again.begins_at == late + erasure.WAIT, "and never before the waiting time"
    assert [entry.action for entry in audit.search(target="erasure")][:4] == [
        "erasure.confirmed", "erasure.asked", "erasure.called_off", "erasure.confirmed",
    ]  # fmt: skip


@pytest.mark.django_db(transaction=True)
def test_no_package_is_made_or_offered_once_the_erasure_has_begun(
    contracts: dict[str, Contract], two: tuple[tuple[User, Actor], tuple[User, Actor]], now: dt.datetime, tmp_path: Path, settings: LazySettings
) -> None:
    contract = contracts["hatsukaichi"]
    settings.DATA_DIR, settings.VOICE_DIR = tmp_path, tmp_path / "voice"
    (manager, by), _ = two
    begins = confirmed(contract, two, now).begins_at
    assert begins is not None
    order_package(contract, Variant.FIGURES, user=manager, by=by, now=now)
    assert erasure.advance(contract, now=begins) is Stage.TABLES
    assert make_due(contract, now=begins) == 0
    with contract_scope(contract):
        assert [(one.erased_at, one.problem) for one in Package.objects.all()] == [(begins, "")], "and it is not tried again each minute"
    with pytest.raises(HandoverRefused, match="消去を始めた"):
        order_package(contract, Variant.FULL, user=manager, by=by, now=now)


def test_what_holds_text_is_seen_by_its_type() -> None:
    kinds = [models.CharField(), models.TextField(), models.JSONField(), models.BinaryField(), models.SlugField()]
    assert all(holds_text(one) for one in kinds)
    assert not any(holds_text(one) for one in [models.IntegerField(), models.DateField(), models.CharField(choices=[("a", "A")])])
