"""The end of a contract in real browsers: handed over, erased after two weeks, proved, while its figures stay. In a house of its own, since nothing is left."""

from __future__ import annotations

import datetime as dt
import hashlib
import io
import json
import re
import subprocess
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from playwright.sync_api import expect
from psycopg import sql

from madoguchi.ground.kit.postgres import EmbeddedPostgres, binaries

from .conftest import BEGIN, house
from .journey import (
    ROOT,
    Installation,
    book_one,
    check,
    choose_day,
    choose_time,
    fill_person,
    shot,
    shows,
    sign_in,
    titled,
)

Visit = Callable[..., Any]
CITY = "hatsukaichi"
S = f"/staff/{CITY}/"
H = f"{S}handover/"
NAME, KANA, PHONE, EMAIL = "引継 すみれ子", "ヒキツギ スミレコ", "090-5511-7744", "sumireko.hikitsugi@example.jp"
UNFINISHED, CALLER, QUESTION = "書掛 つくし", "08033224455", "母の車いすで行けますか、と菫町の方から"
CITYS = [NAME, KANA.replace(" ", "　"), PHONE.replace("-", ""), EMAIL, CALLER, QUESTION]
"""What the city's package holds of residents."""
NEEDLES = [*CITYS, KANA, PHONE, UNFINISHED]
FULL, FIGURES = "個人情報あり（市へ返還）", "個人情報なし（業務の記録と数字）"
PAGES = [
    f"desk/?q={NAME}",
    f"desk/?q={PHONE}",
    "bookings/?first=2026-12-01&last=2026-12-31",
    "phone/calls/",
    "phone/contacts/",
    "mail/log/",
]
"""Pages on which staff would meet residents; those that need the contract's keys answer that all is erased."""
LAST_DAY, SETTLED = "2026-11-13", dt.timedelta(minutes=6)
SEALED = re.compile(r"\\\\x(010001[0-9a-f]{40,})")
SCENE = f"""
from django.conf import settings
from pathlib import Path
from madoguchi.domain.calls.enums import Result, Topic
from madoguchi.domain.calls.services import contacts
from madoguchi.domain.reports.contents import content_of
from madoguchi.domain.reports.services import documents
from madoguchi.ground.accounts.models import ACTOR_KIND_OF_ROLE, Role, User
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.contracts.tenancy import contract_scope
from madoguchi.ground.kit.actors import SYSTEM, Actor, Channel
from madoguchi.ground.kit.clock import JST
from madoguchi.ground.worklog.services import note
from madoguchi.voice.passes import derive
from madoguchi.voice.spool import Spool, new_run
from tests.domain.calls.told import answered
contract = Contract.objects.get(code="{CITY}")
who = {{role: User.objects.get(email=f"{{role}}.{CITY}@demo.example.jp") for role in ("operator", "manager")}}
by = {{role: Actor(ACTOR_KIND_OF_ROLE[Role(role)], Channel.PHONE, f"user:{{user.pk}}", user.name) for role, user in who.items()}}
with contract_scope(contract):
    for day, outcome in ((5, "answered"), (6, "answered"), (7, "abandoned")):
        at = dt.datetime(2026, 10, day, 10, tzinfo=JST)
        note(contract, "call.ended", by=SYSTEM.through(Channel.PHONE), now=at, ref="call:1", outcome=outcome, wait_seconds=5, handle_seconds=60)
    said = contacts.Said(Topic.PICKUP, Result.SOLVED, words=contacts.Words("{QUESTION}", "行けます", "{NAME}", "{CALLER}"))
    contacts.record(contract, said, user=who["operator"], by=by["operator"], now=now)
    report = documents.make(contract, "monthly", dt.date(2026, 10, 1), by=SYSTEM, now=now)
    manager = {{"user": who["manager"], "by": by["manager"], "now": now}}
    for passage in content_of(contract, report)["passages"]:
        if not passage["text"]:
            documents.write(contract, report.pk, passage["code"], "特になし", **manager)
    documents.sign(contract, report.pk, **manager)
folder = Path(settings.VOICE_DIR) / "spool"
spool = Spool(folder, derive(settings.VOICE_SECRET, "spool"), run=new_run(folder, now), now=now)
for event in answered("planted", caller="{CALLER}", agent=f"user:{{who['operator'].pk}}", start=now - dt.timedelta(minutes=5)):
    spool.put(event)
spool.close()
print(report.pk)
"""


@pytest.fixture(scope="module")
def installation(
    chromium: str, tmp_path_factory: pytest.TempPathFactory, django_db_setup: None
) -> Iterator[Installation]:
    """One contract alone, without a worker yet."""
    data = tmp_path_factory.mktemp("ended")
    (data / "profiles").mkdir()
    (data / "profiles" / f"{CITY}.toml").symlink_to(ROOT / "profiles" / f"{CITY}.toml")
    with house(data, BEGIN, MADOGUCHI_PROFILES=str(data / "profiles")) as found:
        yield found


def both(page: Any, name: str) -> None:
    """The page is sound on a desk and on a telephone."""
    check(page, f"handover-{name}")
    page.set_viewport_size({"width": 360, "height": 740})
    check(page, f"handover-{name}")
    page.set_viewport_size({"width": 1280, "height": 800})


def comes(page: Any, text: str, where: str = "main", seconds: float = 60) -> None:
    """Open the page anew, as its words ask, until it says ``text``: the worker was there."""
    until = time.monotonic() + seconds
    while text not in page.locator(where).first.inner_text():
        assert time.monotonic() < until, f"{page.url} does not say {text!r}: {page.locator(where).first.inner_text()}"
        page.wait_for_timeout(500)
        page.reload()


def downloaded(page: Any, kind: str) -> zipfile.ZipFile:
    """The package of a kind, as its button gives it; every file has the checksum that was given for it."""
    with page.expect_download() as found:
        page.get_by_role("button", name=f"受け取る（{kind}）").click()
    assert found.value.suggested_filename.endswith(".zip")
    archive = zipfile.ZipFile(io.BytesIO(Path(found.value.path()).read_bytes()))
    assert archive.testzip() is None
    sums = dict(reversed(line.split("  ")) for line in archive.read("SHA256SUMS").decode().splitlines())
    assert set(sums) == set(archive.namelist()) - {"SHA256SUMS"}
    assert all(hashlib.sha256(archive.read(name)).hexdigest() == value for name, value in sums.items())
    page.locator("section", has=page.get_by_role("heading", name=kind)).get_by_role(
        "link", name=re.compile("作成$")
    ).click()
    shows(page, hashlib.sha256(archive.read("SHA256SUMS")).hexdigest())
    return archive


def text_of(archive: zipfile.ZipFile) -> str:
    return "".join(
        archive.read(name).decode("utf-8", "replace") for name in archive.namelist() if not name.endswith(".xlsx")
    )


def hidden_in(text: str) -> list[str]:
    """Planted values in a text, plain, escaped as in JSON, or as the hexadecimal of bytes."""
    return [one for one in NEEDLES if one in text or json.dumps(one)[1:-1] in text or one.encode().hex() in text]


def backup(installation: Installation) -> str:
    """All data of the installation as a backup made now holds them."""
    server = EmbeddedPostgres(installation.data).running()
    assert server is not None
    command = [binaries() / "pg_dump", "--data-only", f"{server.superuser_url.rpartition('/')[0]}/madoguchi"]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def told(installation: Installation) -> list[str]:
    """Every place in a table or a file of the installation, beside the database's own files, that tells a planted value."""
    server = EmbeddedPostgres(installation.data).running()
    assert server is not None
    found = []
    with psycopg.connect(f"{server.superuser_url.rpartition('/')[0]}/madoguchi") as connection:
        columns = connection.execute(
            "select table_name, column_name from information_schema.columns where table_schema = 'public'"
        ).fetchall()
        for table, column in columns:
            values = connection.execute(
                sql.SQL("select {0}::text from {1} where {0} is not null").format(
                    sql.Identifier(column), sql.Identifier(table)
                )
            )
            found += [f"{table}.{column}" for (value,) in values if hidden_in(value)]
    files = (
        path for folder in ("mailbox", "voice") for path in (installation.data / folder).rglob("*") if path.is_file()
    )
    return found + [path.name for path in files if hidden_in(path.read_bytes().decode("utf-8", "replace"))]


def shown_figures(page: Any, report: str) -> list[list[str]]:
    """The numbers of the contract, as the tables of its figures and of the signed report say them."""
    pages = [
        f"reports/figures/?group={group}&first=2026-10-01&last=2026-11-02&by=day" for group in ("booking", "phone")
    ]
    said = []
    for path in (*pages, f"documents/{report}/"):
        page.goto(f"{S}{path}")
        said.append(page.locator("main table").all_inner_texts())
    return said


@pytest.mark.req("CON-05", "SEC-03")
def test_a_contract_is_handed_over_erased_and_proved_to_be(visit: Visit, installation: Installation) -> None:
    assert installation.start is not None
    report = installation.run(SCENE).strip()
    resident = visit(360, bypass_csp=True)
    book_one(resident, email=EMAIL, day="2026-12-10", at="10:00", phone=PHONE, name=NAME, kana=KANA)
    own_page = resident.url
    leave_unfinished(visit(360))

    # The manager may have the figures only; the city orders the other. Who has nothing to do with it is told so.
    manager, city, operator = (visit(1280, bypass_csp=True, accept_downloads=True) for _ in range(3))
    sign_in(operator, f"operator.{CITY}")
    assert operator.goto(H).status == 403
    both(operator, "refused")
    sign_in(manager, f"manager.{CITY}")
    manager.goto(H)
    both(manager, "nothing-yet")
    shows(manager, "市職員だけが作成・受取りできます。")
    manager.get_by_role("button", name=f"作る（{FIGURES}）").click()
    shows(manager, "項目のうち0項目ができました")
    both(manager, "ordered")
    sign_in(city, f"city.{CITY}")
    city.goto(H)
    city.get_by_role("button", name=f"作る（{FULL}）").click()

    installation.start("worker")
    installation.mail_to(EMAIL, "予約")
    comes(manager, "受け取れます")
    both(manager, "made")
    figures_only = downloaded(manager, FIGURES)
    check(manager, "handover-package")
    comes(city, "受け取れます", f"section:has(h2:text-is('{FULL}'))")
    everything = downloaded(city, FULL)
    shot(city, "handover-package-people")
    assert hidden_in(text_of(figures_only)) == []
    assert set(hidden_in(text_of(everything))) >= set(CITYS)
    before = shown_figures(manager, report)
    assert "着信" in str(before[1])
    assert all(before)
    assert told(installation)
    sealed = set(SEALED.findall(backup(installation)))
    assert len(sealed) > 20

    # Two people of two sides.
    manager.goto(f"{H}erasure/")
    both(manager, "erasure-ask")
    manager.get_by_label("契約の最終日").fill(LAST_DAY)
    manager.get_by_role("button", name="消去を申し出る").click()
    shows(manager, "消去の根拠を入力してください。")
    manager.get_by_label("根拠").fill("仕様書13(3)")
    manager.get_by_label("バックアップの廃棄日").fill("2027-01-31")
    manager.get_by_role("button", name="消去を申し出る").click()
    shows(manager, "市が承認するまで、何も消えません。", "body")
    both(manager, "erasure-asked")
    city.goto(f"{H}erasure/")
    both(city, "erasure-confirm")
    city.get_by_label("個人情報ありのパッケージを受け取り、内容を確かめた").check()
    city.get_by_label("契約のコード").fill(CITY)
    city.get_by_role("button", name="消去を承認する").click()
    shows(city, "消去を承認しました。", "body")
    shows(city, "2026年11月16日")
    both(city, "erasure-waiting")

    # Two weeks later the worker begins, and looks again when every process has noticed that the keys are gone.
    installation.be_at(BEGIN + dt.timedelta(days=15))
    sign_in(manager, f"manager.{CITY}")
    manager.goto(f"{H}erasure/")
    comes(manager, "消去した件数")
    both(manager, "erasure-runs")
    manager.goto(H)
    shows(manager, "新しいパッケージは作れません。")
    expect(manager.get_by_role("button", name=re.compile("受け取る|作る"))).to_have_count(0)
    both(manager, "packages-gone")
    installation.be_at(BEGIN + dt.timedelta(days=15) + SETTLED)
    manager.goto(f"{H}erasure/")
    comes(manager, "消去証明書を見る")
    both(manager, "erasure-done")
    manager.get_by_role("link", name="消去証明書を見る").click()
    titled(manager, "消去証明書")
    shows(manager, "発行時の内容と一致", "body")
    for word in ("仕様書13(3)", "返還を受けた", "連鎖を検証済み", "来庁する人", "2027年1月31日"):
        shows(manager, word)
    both(manager, "certificate")
    manager.emulate_media(media="print")
    expect(manager.get_by_role("button", name="印刷")).to_be_hidden()
    check(manager, "handover-certificate-print")
    manager.emulate_media(media="screen")

    # Nothing of anybody is left, in no table, backup, file or page; the numbers are those of before.
    text = backup(installation)
    assert hidden_in(text) == []
    assert not sealed & set(SEALED.findall(text))
    assert told(installation) == []
    sign_in(operator, f"operator.{CITY}")
    for n, path in enumerate(PAGES):
        assert operator.goto(f"{S}{path}").status in (200, 410), path
        assert [one for one in hidden_in(operator.locator("main").inner_text()) if one not in path] == [], path
        check(operator, f"handover-after-{n}")
    assert shown_figures(manager, report) == before
    resident.goto(own_page)
    assert hidden_in(resident.content()) == []
    check(resident, "handover-resident")


def leave_unfinished(page: Any) -> None:
    """A resident who wrote a name and went away before booking."""
    page.goto(f"/{CITY}/book/?p=card_pickup")
    page.locator('button[name="next"]').click()
    page.wait_for_url(re.compile(r"/(site|when)/"))
    choose_day(page, "2026-12-10")
    choose_time(page, "11:00")
    page.locator("form[action*='hold'] button[type=submit]").click()
    fill_person(page, 1, UNFINISHED, "カキカケ ツクシ")
    page.fill("#id_contact-phone", CALLER)
    page.locator("form[data-draft] .actions button").click()
    titled(page, "この内容で予約しますか")
