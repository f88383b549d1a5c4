"""What a package consists of: its items in order, each written by one function into one or more files."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from django.utils.html import format_html, format_html_join

from madoguchi.domain.billing.models import Invoice
from madoguchi.domain.booking.enums import State
from madoguchi.domain.booking.models import Booking
from madoguchi.domain.calls.models import Callback, Escalation
from madoguchi.domain.cases.models import Case
from madoguchi.domain.reports.contents import canonical
from madoguchi.domain.reports.measures import DIMENSIONS, MEASURES
from madoguchi.domain.reports.models import CorrectionRequest, Report
from madoguchi.domain.reports.queries import Period, table
from madoguchi.domain.reports.sheets import standard
from madoguchi.domain.worklists.models import Entry
from madoguchi.ground.accounts.models import Assignment, Role
from madoguchi.ground.audit import queries as audit
from madoguchi.ground.contracts import registry
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.kit.clock import JST
from madoguchi.ground.privacy.sealing import Keyring, keyring

from .archive import Sink, json_text
from .enums import Variant
from .models import Package, PackageFile
from .tables import TABLES, Table
from .tabular import Column, TableRows, write

INDEX: Final = "index"
SUMS: Final = "SHA256SUMS"
DESCRIPTION: Final = "datapackage.json"
ABSENT: Final = (
    ("FAQ・マニュアル", "このシステムにはまだ保管されていない。文書の引継ぎは別に行う"),
    ("職員・スタッフの操作の記録", "「操作の記録」の画面から出力する"),
    ("顔写真", "市が決めた届け先に渡し、こちらには残していない"),
    ("通話の録音", "通話は録音していない"),
)
"""What a reader may look for in vain, and why."""


@dataclass(frozen=True)
class Making:
    """One item of one package being written, inside the transaction of that item."""

    contract: Contract
    package: Package
    item: str
    now: dt.datetime
    ring: Keyring

    @property
    def variant(self) -> Variant:
        return Variant(self.package.variant)

    def file(self, path: str, title: str) -> Sink:
        """A new file of the package."""
        new = PackageFile(contract=self.contract, package=self.package, item=self.item, path=path, title=title, size=0, sha256="", made_at=self.now)
        return Sink(new, self.ring)

    def whole(self, path: str, title: str, content: bytes) -> None:
        """A file whose bytes are there."""
        sink = self.file(path, title)
        sink.write(content)
        sink.close()

    def rows(self, stem: str, title: str, columns: list[Column], rows: Iterable[Mapping[str, Any]], about: Callable[[], dict[str, Any]] = dict) -> None:
        """Rows as CSV and JSON, with their description. ``about`` is asked when all rows are written."""
        one, two = self.file(f"data/{stem}.csv", title), self.file(f"data/{stem}.json", title)
        count = write(one, two, columns, rows)
        described = {"fields": [column.described() for column in columns], **about()}
        one.close(rows=count, about=described)
        two.close(rows=count, about=described)


@dataclass(frozen=True)
class Item:
    """One thing of a package."""

    code: str
    title: str
    write: Callable[[Making], None]


def items() -> list[Item]:
    """Everything a package consists of, in the order of its making; the index is last, since it lists all others."""
    tables = [Item(f"table:{one.label}", one.title, _table(one)) for one in TABLES if not one.left_out]
    return [
        Item("profile", "契約プロファイル", _profile), Item("open", "未完了の案件・予約・引継ぎ事項", _open), Item("staff", "担当者の一覧", _staff), *tables,
        Item("statistics", "月ごとの集計", _statistics), Item("reports", "報告書のファイル", _reports), Item("audit", "操作の記録の末尾のハッシュ", _audit),
        Item(INDEX, "目録とチェックサム", _index),
    ]  # fmt: skip


def _table(one: Table) -> Callable[[Making], None]:
    def write_table(making: Making) -> None:
        rows = TableRows(one, making.variant, making.ring)
        words = " ".join((one.model.__doc__ or "").split())
        making.rows(one.file, one.title, rows.columns(), rows, lambda: {"description": words, "primaryKey": "id", "unopened": rows.unopened})

    return write_table


def _profile(making: Making) -> None:
    making.whole("contract/profile.toml", "契約プロファイル（合意した内容）", registry.path_of(making.contract.code).read_bytes())


def _open(making: Making) -> None:
    """What somebody has to go on with, over all tables: the row is in the file that is named."""
    found: list[tuple[str, str, Any, Any, Any]] = []
    found += [("cases", "途中の案件", pk, at, None) for pk, at in Case.objects.filter(ended_at=None).order_by("pk").values_list("pk", "opened_at")]
    coming = Booking.objects.filter(state=State.BOOKED, starts_at__gt=making.now).order_by("starts_at", "pk")
    found += [("bookings", "今後の予約", pk, made, at) for pk, made, at in coming.values_list("pk", "created_at", "starts_at")]
    owed = Callback.objects.filter(ended_at=None).order_by("due_at", "pk")
    found += [("callbacks", "折り返しの約束", *row) for row in owed.values_list("pk", "asked_at", "due_at")]
    open_second = Escalation.objects.filter(closed_at=None).order_by("due_at", "pk")
    found += [("escalations", "二次対応", *row) for row in open_second.values_list("pk", "opened_at", "due_at")]
    left = Entry.objects.filter(ended_at=None).order_by("due_on", "pk")
    found += [("worklist_entries", "作業リストの残り", pk, None, due) for pk, due in left.values_list("pk", "due_on")]
    asked = CorrectionRequest.objects.filter(answered_at=None).order_by("pk")
    found += [("correction_requests", "訂正の依頼", pk, at, None) for pk, at in asked.values_list("pk", "asked_at")]
    unpaid = Invoice.objects.filter(paid_on=None, withdrawn_at=None, issued_on__isnull=False).order_by("pk")
    found += [("invoices", "入金前の請求書", *row) for row in unpaid.values_list("pk", "issued_on", "due_on")]
    columns = [
        Column("file", "記録のあるファイル"), Column("kind", "種類"), Column("id", "そのファイルでの番号", "integer"), Column("since", "いつから", "date"),
        Column("due", "期限・日時", "date"),
    ]  # fmt: skip
    names = [column.name for column in columns]
    making.rows("open", "未完了の案件・予約・引継ぎ事項", columns, (dict(zip(names, row, strict=True)) for row in found))


def _staff(making: Making) -> None:
    """Who worked under the contract; names only in the package for the city."""
    named = making.variant == Variant.FULL
    columns = [
        Column("id", "担当者の番号（ほかのファイルの「した人」）", "integer"), Column("role", "役割", values=tuple(Role.choices)),
        Column("organisation", "所属"),
    ]  # fmt: skip
    if named:
        columns.append(Column("name", "氏名", personal=True))
    people = Assignment.objects.filter(contract=making.contract).select_related("user").order_by("user_id")
    rows = (
        {"id": one.user_id, "role": one.role, "organisation": one.user.organisation, **({"name": one.user.name} if named else {})}
        for one in people
    )
    making.rows("staff", "担当者の一覧", columns, rows)


def _statistics(making: Making) -> None:
    """Every measure of every month of the contract, with its definition in words."""
    first = making.contract.profile.term.service_from.replace(day=1)
    last = max(first, making.now.astimezone(JST).date())
    figures = table(making.contract, list(MEASURES), Period(first, last), ("month",)).rows
    columns = [
        Column("month", "月"), Column("measure", "指標のコード"), Column("title", "指標"), Column("value", "値", "number"), Column("unit", "単位"),
        Column("top", "分子・合計", "integer"), Column("bottom", "分母", "integer"),
    ]  # fmt: skip
    rows = (
        {
            "month": one.key[0], "measure": one.measure, "title": MEASURES[one.measure].title, "value": one.value, "unit": MEASURES[one.measure].unit,
            "top": one.top, "bottom": one.bottom,
        }
        for one in figures
    )  # fmt: skip
    making.rows("statistics", "月ごとの集計（すべての指標）", columns, rows)
    defined = [
        {"measure": one.code, "title": one.title, "definition": one.words, "unit": one.unit, "split_by": [DIMENSIONS[name] for name in one.dimensions]}
        for one in MEASURES.values()
    ]
    making.whole("data/measures.json", "指標の定義", json_text(defined).encode())


def _reports(making: Making) -> None:
    """Every signed version: the frozen content, whose SHA-256 is the report's, and a workbook made from it."""
    words = "JSONは確定した内容そのもので、SHA-256が報告書の検証値です。Excelは同じ内容の表です。\r\n"
    making.whole("reports/README.txt", "報告書のファイルについて", words.encode())
    for report in Report.objects.exclude(content=None).order_by("first", "code", "version"):
        stem = f"reports/{report.code}-{report.first.isoformat()}-v{report.version}"
        title = f"{report.content['title']}　{report.first.isoformat()}　第{report.version}版"
        making.whole(f"{stem}.json", title, canonical(report.content))
        making.whole(f"{stem}.xlsx", title, standard(report.content, at=report.signed_at))


def _audit(making: Making) -> None:
    broken = [str(one) for one in audit.verify(making.contract)]
    found = {"lanes": audit.heads(making.contract), "broken": broken, "verified_at": making.now.astimezone(JST).isoformat()}
    making.whole("data/audit_heads.json", "操作の記録の末尾のハッシュ", json_text(found).encode())


def _index(making: Making) -> None:
    """The description for machines, the page for people, the checksums of all files before them."""

    def files() -> list[PackageFile]:
        return list(PackageFile.objects.filter(package=making.package).order_by("pk"))

    making.whole(DESCRIPTION, "ファイルと項目の説明（機械可読）", json_text(_description(making, files())).encode())
    making.whole("index.html", "目録", _page(making, files()).encode())
    lines = "".join(f"{one.sha256}  {one.path}\n" for one in files()).encode()
    making.whole(SUMS, "チェックサム（SHA-256）", lines)
    Package.objects.filter(pk=making.package.pk).update(digest=hashlib.sha256(lines).hexdigest())


def left_out() -> list[tuple[str, str]]:
    """What is not in a package, and why."""
    return [*ABSENT, *((one.title, one.left_out) for one in TABLES if one.left_out)]


def _description(making: Making, files: list[PackageFile]) -> dict[str, Any]:
    """A data package by Frictionless' standard (profile ``tabular-data-package`` for the CSV files, with Japanese titles and labels)."""
    return {
        "name": f"madoguchi-handover-{making.contract.code}-{making.variant}",
        "title": f"{making.contract.name} 引継ぎパッケージ（{making.variant.label}）",
        "created": making.now.astimezone(JST).isoformat(),
        "description": "CSVはUTF-8（BOM付き）・RFC 4180。表計算ソフトで式になる文字で始まる値には、CSVでだけ先頭に ' を付けています。JSONは値そのままです。",
        "resources": [
            {
                "name": one.path.rpartition("/")[2], "title": one.title, "path": one.path, "bytes": one.size, "hash": f"sha256:{one.sha256}",
                "made_at": one.made_at.astimezone(JST).isoformat(), **({"rows": one.rows} if one.rows is not None else {}),
                **({"description": one.about["description"]} if "description" in one.about else {}),
                **({"unopened": one.about["unopened"]} if one.about.get("unopened") else {}),
                **({"schema": _schema(one.about)} if "fields" in one.about else {}),
            }
            for one in files
        ],
        "leftOut": [{"title": title, "reason": reason} for title, reason in left_out()],
    }  # fmt: skip


def _schema(about: dict[str, Any]) -> dict[str, Any]:
    return {"fields": about["fields"], **({"primaryKey": about["primaryKey"]} if "primaryKey" in about else {})}


STYLE: Final = (
    "body{font-family:sans-serif;margin:2rem auto;max-width:70rem;padding:0 1rem;line-height:1.7;color:#1a1a1c}"
    "table{border-collapse:collapse;width:100%;margin:1rem 0}th,td{border:1px solid #b4b4b7;padding:.3rem .6rem;text-align:left;vertical-align:top}"
    "th{background:#f1f1f4}td.n{text-align:right}code{overflow-wrap:anywhere;font-size:.8em}"
)


def _page(making: Making, files: list[PackageFile]) -> str:
    rows = format_html_join(
        "", '<tr><td><a href="{}">{}</a></td><td>{}</td><td class="n">{}</td><td class="n">{}</td><td><code>{}</code></td></tr>\n',
        ((one.path, one.path, one.title, "" if one.rows is None else f"{one.rows:,}", f"{one.size:,}", one.sha256) for one in files),
    )  # fmt: skip
    columns = format_html_join(
        "", "<details><summary>{}（{}）</summary><table><tr><th>項目</th><th>意味</th><th>型</th><th>単位・値</th></tr>{}</table></details>\n",
        ((one.title, one.path, _fields(one.about["fields"])) for one in files if "fields" in one.about and one.path.endswith(".csv")),
    )  # fmt: skip
    absent = format_html_join("", "<tr><td>{}</td><td>{}</td></tr>\n", left_out())
    return format_html(
        '<!doctype html>\n<html lang="ja"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{title}</title>'
        "<style>{style}</style></head><body><h1>{title}</h1><p>作成 {at}　{variant}</p><p>{contractor}から{city}への引継ぎです。"
        "各ファイルのSHA-256は下の表と SHA256SUMS にあります。"
        "確かめるには、このフォルダーで <code>sha256sum -c SHA256SUMS</code> を実行してください。</p>"
        "<h2>ファイル</h2><table><tr><th>ファイル</th><th>内容</th><th>行数</th><th>バイト</th><th>SHA-256</th></tr>{rows}</table>"
        "<h2>項目の説明</h2>{columns}<h2>入っていないもの</h2><table><tr><th>もの</th><th>理由</th></tr>{absent}</table></body></html>\n",
        title=f"{making.contract.name} 引継ぎパッケージ", style=STYLE, at=f"{making.now.astimezone(JST):%Y-%m-%d %H:%M}", variant=making.variant.label,
        contractor=making.contract.profile.contractor.name, city=making.contract.profile.city.name, rows=rows, columns=columns, absent=absent,
    )  # fmt: skip


def _fields(described: list[dict[str, Any]]) -> str:
    return format_html_join(
        "", "<tr><td>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>",
        (
            (one["name"], one["title"] + ("（個人情報）" if one.get("personal") else ""), one["type"],
             one.get("unit") or "・".join(f"{code}={label}" for code, label in one.get("labels", {}).items()) or one.get("refersTo", ""))
            for one in described
        ),
    )  # fmt: skip


def making_of(contract: Contract, package: Package, item: Item, now: dt.datetime) -> Making:
    """What an item writes with."""
    return Making(contract, package, item.code, now, keyring(contract))
