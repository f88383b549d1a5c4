"""Reports on the screen: from the draft to the city's acceptance, the figures' way to their records, files, and requests for a correction."""

from __future__ import annotations

import csv
import datetime as dt
import io
import re
import zipfile

import pypdfium2
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from openpyxl import Workbook, load_workbook
from openpyxl.workbook.defined_name import DefinedName

from madoguchi.domain.reports.contents import content_of, figures_in, shown
from madoguchi.domain.reports.enums import State
from madoguchi.domain.reports.models import CorrectionRequest, Form, Report
from madoguchi.domain.reports.services import documents as deeds
from madoguchi.ground.accounts.models import Role
from madoguchi.ground.audit import queries as audit
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.contracts.tenancy import contract_scope
from madoguchi.ground.kit import typeset
from madoguchi.ground.kit.actors import SYSTEM, Actor, ActorKind, Channel
from madoguchi.ground.kit.clock import JST
from madoguchi.ground.worklog.services import note
from tests.web.staff_site import SignIn

URL = "/staff/hatsukaichi/documents/"
CITIZEN = Actor(ActorKind.CITIZEN, Channel.WEB)


@pytest.fixture
def october(site: Contract, now: dt.datetime) -> Report:
    """Calls and reservations of October 2026, and the draft of its report."""
    at = dt.datetime(2026, 10, 5, 10, 0, tzinfo=JST)
    with contract_scope(site):
        for n in range(4):
            note(site, "call.ended", by=SYSTEM.through(Channel.PHONE), now=at + dt.timedelta(days=n), ref=f"call:{n}", language="ja",
                 outcome="answered" if n else "abandoned", wait_seconds=10, handle_seconds=65 if n else None)  # fmt: skip
        note(site, "booking.created", by=CITIZEN, now=at, ref="booking:1", site="main", procedure="card_pickup", quantity=3)
    return deeds.make(site, "monthly", at.date(), by=SYSTEM, now=now)


@pytest.fixture
def manager(site: Contract, sign_in: SignIn) -> Client:
    return sign_in(site, Role.MANAGER)


@pytest.fixture
def city(site: Contract, sign_in: SignIn) -> Client:
    return sign_in(site, Role.CITY)


def state(report: Report) -> str:
    with contract_scope(report.contract):
        return str(Report.objects.get(pk=report.pk).state)


def posted(client: Client, url: str, data: dict[str, object] | None = None) -> str:
    """The page after a deed."""
    answer = client.post(url, data or {}, follow=True)
    assert answer.status_code == 200, (url, answer.content.decode()[:2000])
    return str(answer.content.decode())


def ready(client: Client, page: str) -> None:
    """Write the texts that a person has to write."""
    text = client.get(page).content.decode()
    for code in re.findall(r'name="text" rows="5" maxlength="4000" placeholder', text) and ["enquiries"]:
        posted(client, f"{page}texts/{code}/", {"text": "住民票との違いの質問が多い月でした。"})


@pytest.mark.req("REP-02", "REP-03")
def test_a_month_from_the_draft_to_the_acceptance(october: Report, manager: Client, city: Client) -> None:
    page = f"{URL}{october.pk}/"
    listed = manager.get(f"{URL}?month=2026-10").content.decode()
    assert f'href="{page}"' in listed
    assert "未作成" in listed, "the daily reports of October are missing"
    found = manager.get(page)
    figures = {column["title"]: cell for section in found.context["sections"] if not section["by"] for column, cell in section["totals"]}
    assert (figures["着信"].text, figures["応答率"].text, figures["通話時間（平均）"].text) == ("4", "75.0%", "1分05秒")
    records = manager.get(figures["着信"].url)
    assert records.context["page"].paginator.count == 4
    refused = manager.post(f"{page}sign/")
    assert refused.status_code == 409
    assert "「問合せ内容」が空です" in refused.content.decode()
    ready(manager, page)
    correcting = manager.get(f"{page}?correct=1")
    link = next(cell.url for section in correcting.context["sections"] if not section["by"] for column, cell in section["totals"] if column["title"] == "着信")
    assert "記録から数えた値" in manager.get(link).content.decode()
    wrong = manager.post(link, {"value": "五", "reason": "停電"})
    assert wrong.status_code == 409
    assert ("数字を入力してください" in wrong.content.decode(), 'value="五"' in wrong.content.decode()) == (True, True)
    assert "訂正しました" in posted(manager, link, {"value": "６", "reason": "停電の間の2件は紙の記録です。"})
    text = manager.get(page).content.decode()
    assert "停電の間の2件は紙の記録です。" in text
    assert "内訳と合計が合いません" in text
    assert city.post(f"{page}sign/").status_code == 403
    assert "確定しました" in posted(manager, f"{page}sign/")
    assert city.post(f"{page}accept/").status_code == 409
    assert city.get(f"{page}inspection.pdf").status_code == 404
    assert "市へ提出しました" in posted(manager, f"{page}submit/")
    assert manager.post(f"{page}accept/").status_code == 403
    empty = city.post(f"{page}return/", {"comments": " "})
    assert (empty.status_code, "差し戻す理由" in empty.content.decode()) == (409, True)
    assert "差し戻しました" in posted(city, f"{page}return/", {"comments": "着信の内訳を確かめてください。"})
    with contract_scope(october.contract):
        second = Report.objects.get(first=october.first, code="monthly", version=2)
    text = manager.get(f"{URL}{second.pk}/").content.decode()
    assert "着信の内訳を確かめてください。" in text
    assert "停電の間の2件は紙の記録です。" in text, "the correction still fits, and is carried over"
    posted(manager, f"{URL}{second.pk}/sign/")
    posted(manager, f"{URL}{second.pk}/submit/")
    assert "合格としました" in posted(city, f"{URL}{second.pk}/accept/", {"comments": "確かめました。"})
    assert (state(october), state(second)) == (State.RETURNED, State.ACCEPTED)
    assert f'href="{URL}{second.pk}/inspection.pdf"' in city.get(f"{URL}{second.pk}/").content.decode()
    record = city.get(f"{URL}{second.pk}/inspection.pdf")
    with contract_scope(october.contract):
        second.refresh_from_db()
    text = "".join(pages(record.content)).replace("\r\n", "").replace("\n", "")
    told = ("検査の記録", second.digest, "合格", "確かめました。", "第1版", "差し戻し", str(second.decided_by))
    assert [one for one in told if one not in text] == []
    assert city.get(f"{URL}{second.pk}/inspection.pdf").content == record.content
    assert "これは前の版です" in manager.get(page).content.decode()
    with contract_scope(october.contract):
        assert {one.action for one in audit.search(target=f"report:{second.pk}")} == {"report.signed", "report.submitted", "report.accepted"}


@pytest.mark.req("REP-03")
def test_what_changes_after_the_signature_is_shown_and_issued_again(october: Report, manager: Client) -> None:
    page = f"{URL}{october.pk}/"
    ready(manager, page)
    posted(manager, f"{page}sign/")
    at = dt.datetime(2026, 10, 20, 11, 0, tzinfo=JST)
    with contract_scope(october.contract):
        note(october.contract, "booking.created", by=CITIZEN, now=at, ref="booking:2", site="main", procedure="card_pickup", quantity=2)
    found = manager.get(page)
    assert "確定した後に変わった数字" in found.content.decode()
    assert ("予約の受付", "全体", ("3", "5")) in [(one.title, one.row, one.told) for one in found.context["drift"]]
    assert manager.post(f"{page}again/", {"reason": ""}).status_code == 409
    text = posted(manager, f"{page}again/", {"reason": "遅れて届いた予約2人"})
    assert "第1版との違い" in text
    assert "差し替え" in text
    assert manager.get(page).context["sections"] != []
    assert "未提出" not in text


@pytest.mark.req("REP-03")
def test_the_standard_form_holds_every_figure(october: Report, manager: Client) -> None:
    answer = manager.get(f"{URL}{october.pk}/report.xlsx")
    assert answer.content == manager.get(f"{URL}{october.pk}/report.xlsx").content, "the same facts make the same bytes"
    sheet = load_workbook(io.BytesIO(answer.content)).active
    cells = [cell.value for row in sheet.iter_rows() for cell in row if cell.value is not None]
    assert not [one for one in cells if isinstance(one, str) and "{{" in one]
    with contract_scope(october.contract):
        values = [shown(cell) for _, column, cell in figures_in(content_of(october.contract, october)) if column["unit"] not in ("%", "秒")]
    numbers = sorted(one for one in cells if isinstance(one, int) and not isinstance(one, bool))
    for value in set(values):
        assert numbers.count(value) >= values.count(value), value
    assert sheet.print_area
    rows = list(csv.reader(io.StringIO(manager.get(f"{URL}{october.pk}/report.csv").content.decode("utf-8-sig"))))
    assert ["電話の状況", "", "全体", "応答率", "75.0", "%", "", ""] in [row[:8] for row in rows]


def pages(content: bytes) -> list[str]:
    """The text of each page of a PDF."""
    return [page.get_textpage().get_text_range() for page in pypdfium2.PdfDocument(content)]


@pytest.mark.req("REP-03")
def test_the_pdf_says_what_the_report_says_and_a_signed_one_never_changes(october: Report, manager: Client) -> None:
    file = f"{URL}{october.pk}/report.pdf"
    draft = manager.get(file)
    assert (draft["Content-Type"], draft["Content-Disposition"]) == ("application/pdf", 'attachment; filename="monthly-hatsukaichi-2026-10-01-v1.pdf"')
    assert "下書き" in pages(draft.content)[0]
    ready(manager, f"{URL}{october.pk}/")
    posted(manager, f"{URL}{october.pk}/sign/")
    signed = manager.get(file).content
    with contract_scope(october.contract):
        note(october.contract, "booking.created", by=CITIZEN, now=dt.datetime(2026, 10, 20, 11, 0, tzinfo=JST), ref="booking:2", quantity=2)
        october.refresh_from_db()
    posted(manager, f"{URL}{october.pk}/submit/")
    assert manager.get(file).content == signed
    paper = pypdfium2.PdfDocument(signed)
    assert {tuple(round(side) for side in page.get_size()) for page in paper} == {(595, 842)}, "A4, upright"
    texts = pages(signed)
    assert all(f"SHA-256 {october.digest}" in text and f"{n} / {len(texts)}" in text for n, text in enumerate(texts, 1))
    whole = "".join(texts)
    assert "下書き" not in whole
    assert "住民票との違いの質問が多い月でした。" in whole
    for section in october.content["sections"]:
        assert section["title"] in whole
        for column in section["columns"]:
            assert column["title"] in whole.replace("\r\n", ""), column


def test_without_fonts_the_page_says_what_to_install(october: Report, manager: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(typeset, "FOLDERS", ())
    answer = manager.get(f"{URL}{october.pk}/report.pdf")
    assert (answer.status_code, "fonts-noto-cjk" in answer.content.decode()) == (503, True)


def form(**cells: object) -> Workbook:
    book = Workbook()
    sheet = book.active
    sheet.title = "月報"
    for place, value in cells.items():
        sheet[place] = value
    return book


def upload(client: Client, book: Workbook | bytes, name: str = "月報.xlsx") -> object:
    raw = io.BytesIO()
    if isinstance(book, bytes):
        raw.write(book)
    else:
        book.save(raw)
    return client.post(f"{URL}forms/monthly/", {"file": SimpleUploadedFile(name, raw.getvalue())}, follow=True)


@pytest.mark.req("REP-03")
def test_the_citys_own_form_keeps_formats_formulas_and_print_area(october: Report, manager: Client, city: Client) -> None:
    page = f"{URL}{october.pk}/"
    book = form(
        A1="{{report:title}}（{{report:period}}）", B2="{{measure:calls}}", B3="{{measure:answer_rate}}", B4="{{measure:call_talk}}", B5="=B2*2",
        B6="着信 {{measure:calls|day=5}}件、率 {{ measure:answer_rate }}", B7="{{measure:calls|day=31}}", B8="{{text:enquiries}}", C2="そのまま",
        B10="{{measure:bookings_made|channel=web}}",
    )  # fmt: skip
    sheet = book.active
    sheet["B2"].number_format, sheet["B3"].number_format, sheet["B4"].number_format = '#,##0"件"', "0.00%", "m:ss"
    sheet.print_area, sheet.column_dimensions["A"].width = "A1:C10", 41
    book.defined_names["measure.calls_answered"] = DefinedName("measure.calls_answered", attr_text="'月報'!$B$9")
    assert "様式を登録しました" in upload(city, book).content.decode()  # type: ignore[attr-defined]
    posted(manager, f"{page}texts/enquiries/", {"text": "=HYPERLINK(\"http://x\")という質問"})
    made = load_workbook(io.BytesIO(manager.get(f"{page}report.xlsx").content))
    out = made["月報"]
    assert [out[place].value for place in ("A1", "B2", "B3", "B5", "B6", "B7", "B9", "B10", "C2")] == [
        "月次報告（2026年10月）", 4, 0.75, "=B2*2", "着信 1件、率 75.0%", 0, 3, 3, "そのまま",
    ]  # fmt: skip
    assert out["B4"].value is not None
    assert (out["B8"].data_type, out["B8"].value, out["B8"].quotePrefix) == ("s", '=HYPERLINK("http://x")という質問', True)
    assert (out["B2"].number_format, out["B3"].number_format, out["B4"].number_format) == ('#,##0"件"', "0.00%", "m:ss")
    assert (out.print_area, out.column_dimensions["A"].width) == ("'月報'!$A$1:$C$10", 41)
    with contract_scope(october.contract):
        kept = Form.objects.get()
    assert "外しました" in posted(manager, f"{URL}forms/monthly/{kept.pk}/withdraw/")
    assert load_workbook(io.BytesIO(manager.get(f"{page}report.xlsx").content)).sheetnames == ["月次報告"]


@pytest.mark.req("REP-03")
def test_a_wrong_form_is_refused_cell_by_cell(october: Report, manager: Client) -> None:
    book = form(
        A1="{{measure:nothing}}", A2="{{measure:calls|site=main}}", A3="{{calls}}", A4="{{measure:calls|day=32}}", A5="=SUM({{measure:calls}})",
        A6="{{report:weather}}", A7="{{text:poem}}", A8="{{measure:bookings_made|channel=pigeon}}", A9="{{measure:calls}}", B1="{{measure:calls",
    )  # fmt: skip
    found = upload(manager, book)
    assert found.status_code == 422  # type: ignore[attr-defined]
    problems = dict(found.context["problems"])  # type: ignore[attr-defined]
    assert set(problems) == {f"月報!{place}" for place in ("A1", "A2", "A3", "A4", "A5", "A6", "A7", "A8", "B1")}
    assert "数式の中には" in problems["月報!A5"]
    assert "web" in problems["月報!A8"] or "Web" in problems["月報!A8"]
    with contract_scope(october.contract):
        assert not Form.objects.exists()


def zipped(**parts: bytes) -> bytes:
    """A good workbook with more parts."""
    raw, out = io.BytesIO(), io.BytesIO()
    form(A1="{{measure:calls}}").save(raw)
    with zipfile.ZipFile(raw) as before, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as after:
        for name in before.namelist():
            after.writestr(name, before.read(name))
        for name, content in parts.items():
            after.writestr(name, content)
    return out.getvalue()


@pytest.mark.req("REP-03", "SEC-01")
@pytest.mark.parametrize(
    ("content", "words"),
    [
        (zipped(**{"xl/vbaProject.bin": b"x"}), "マクロが入っています"),
        (zipped(**{"xl/externalLinks/externalLink1.xml": b"<a/>"}), "ほかのファイルへのリンク"),
        (zipped(**{"xl/extra.xml": b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>'}), "Excelが作らない形"),
        (zipped(**{"xl/bomb.xml": b" " * 50_000_000}), "展開すると大きすぎる"),
        (b"PK nonsense", "Excelのファイル（.xlsx）として読めません"),
        (b"x" * 2_000_001, "大きすぎます"),
    ],
    ids=["macro", "link", "entity", "bomb", "nonsense", "large"],
)
def test_a_file_that_runs_reaches_out_or_is_a_trap_is_refused(october: Report, manager: Client, content: bytes, words: str) -> None:
    found = upload(manager, content)
    assert found.status_code == 422  # type: ignore[attr-defined]
    assert words in found.content.decode()  # type: ignore[attr-defined]


@pytest.mark.req("REP-07")
def test_the_city_asks_for_a_correction_and_gets_an_answer(october: Report, manager: Client, city: Client) -> None:
    assert manager.post(f"{URL}requests/", {"kind": "case", "number": "5", "words": "x"}).status_code == 403
    wrong = city.post(f"{URL}requests/", {"kind": "booking", "number": "NONE", "words": "直してください"})
    assert (wrong.status_code, "直してください" in wrong.content.decode()) == (422, True)
    posted(city, f"{URL}requests/", {"kind": "entry", "number": "5", "words": "結果が違います。"})
    assert "依頼しました" in posted(city, f"{URL}requests/", {"ref": f"report:{october.pk}", "words": "9日の着信が少ないと思います。"})
    text = manager.get(f"{URL}requests/").content.decode()
    assert f'href="{URL}{october.pk}/"' in text
    with contract_scope(october.contract):
        asked = CorrectionRequest.objects.get(ref=f"report:{october.pk}")
        assert [one.detail for one in audit.search(action="request.viewed")]
    assert city.post(f"{URL}requests/{asked.pk}/", {"state": "declined", "answer": "x"}).status_code == 403
    assert manager.post(f"{URL}requests/{asked.pk}/", {"state": "declined", "answer": ""}).status_code == 409
    assert "回答しました" in posted(manager, f"{URL}requests/{asked.pk}/", {"state": "declined", "answer": "停電のため、少ないのが正しい数です。"})
    assert "停電のため" in city.get(f"{URL}requests/").content.decode()


@pytest.mark.req("REP-07")
@pytest.mark.parametrize("role", list(Role))
def test_who_may_read_and_who_may_write(october: Report, sign_in: SignIn, role: Role) -> None:
    client = sign_in(october.contract, role)
    reads = role in (Role.SUPERVISOR, Role.MANAGER, Role.CITY, Role.AUDITOR)
    for path in ("", f"{october.pk}/", f"{october.pk}/report.csv", "forms/monthly/", "requests/"):
        assert client.get(URL + path).status_code == (200 if reads else 403), path
    writes = role in (Role.SUPERVISOR, Role.MANAGER)
    assert client.post(f"{URL}{october.pk}/texts/summary/", {"text": "まとめ"}).status_code == (302 if writes else 403)
    assert client.post(f"{URL}make/", {"code": "daily", "first": "2026-10-30"}).status_code == (302 if writes else 403)
    for path in ("?month=2026-13", "999/", f"{october.pk}/figure/?measure=x", "forms/none/"):
        assert client.get(URL + path).status_code == (404 if reads and (writes or "figure" not in path) else 403), path
