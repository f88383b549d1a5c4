"""The pages of invoices and of the ledger."""

from __future__ import annotations

import datetime as dt

import pypdfium2
import pytest
from django.test import Client

from madoguchi.domain.billing.models import Expenditure, Invoice
from madoguchi.ground.accounts.models import Role
from madoguchi.ground.audit.models import Entry
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.contracts.tenancy import contract_scope
from madoguchi.ground.kit import clock, typeset
from tests.web.staff_site import SignIn

URL = "/staff/nagaoka/billing/"
SPENT = {"on": "2026-10-30", "kind": "supplies", "payee": "文具店", "amount": "１，１００円", "tax": "100", "evidence": "=R8-1"}


@pytest.fixture
def nagaoka(contracts: dict[str, Contract], now: dt.datetime, monkeypatch: pytest.MonkeyPatch) -> Contract:
    monkeypatch.setattr(clock, "now", lambda: now)
    return contracts["nagaoka"]


@pytest.fixture
def manager(nagaoka: Contract, sign_in: SignIn) -> Client:
    return sign_in(nagaoka, Role.MANAGER)


def invoice_of(contract: Contract) -> Invoice:
    with contract_scope(contract):
        found = Invoice.objects.get()
    assert isinstance(found, Invoice)
    return found


@pytest.mark.req("BILL-01")
def test_an_invoice_from_the_list_to_its_payment(nagaoka: Contract, manager: Client) -> None:
    page = manager.get(URL).content.decode()
    assert "第9回（令和8年10月分）" in page
    assert page.count("下書きを作る") == 7  # April to October; November has not ended
    assert manager.get(f"{URL}?year=2025").content.decode().count("下書きを作る") == 2
    answer = manager.post(f"{URL}prepare/9/", {"inspected_on": "2026-10-30", "evidence": "通知 第9号"})
    assert answer.status_code == 409
    assert 'value="通知 第9号"' in answer.content.decode()
    answer = manager.post(f"{URL}prepare/9/", {"inspected_on": "2026-10-31", "evidence": "通知 第9号"})
    one = f"{URL}{invoice_of(nagaoka).pk}/"
    assert (answer.status_code, answer["Location"]) == (302, one)
    assert "まだ請求書ではありません" in manager.get(one).content.decode()
    assert manager.post(one, {"step": "issue"}).status_code == 302
    page = manager.get(one).content.decode()
    for told in (
        "長岡市長　様", "登録番号　T9 0000 0000 0000", "2026年10月1日〜2026年10月31日", "10%対象", "3,316,667円", "331,666円", "3,648,333円", "請求番号　第1号",
    ):  # fmt: skip
        assert told in page, told
    wrong = manager.post(one, {"step": "receive", "receive-day": "きのう"})
    assert wrong.status_code == 422
    assert 'value="きのう"' in wrong.content.decode()
    assert manager.post(one, {"step": "pay", "pay-day": "2026-11-02"}).status_code == 409
    assert manager.post(one, {"step": "receive", "receive-day": "2026-11-02"}).status_code == 302
    assert "2026年12月2日" in manager.get(one).content.decode()
    assert manager.post(one, {"step": "withdraw", "withdraw-reason": ""}).status_code == 422
    assert manager.post(one, {"step": "pay", "pay-day": "2026-11-02"}).status_code == 302
    assert "入金済み" in manager.get(URL).content.decode()
    assert manager.post(one, {"step": "fly"}).status_code == 404


@pytest.mark.req("BILL-01")
def test_the_pdf_names_all_that_a_qualified_invoice_must(nagaoka: Contract, manager: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    manager.post(f"{URL}prepare/9/", {"inspected_on": "2026-10-31", "evidence": "通知 第9号"})
    one = f"{URL}{invoice_of(nagaoka).pk}/"
    assert "下書き" in text_of(manager.get(f"{one}invoice.pdf").content)
    manager.post(one, {"step": "issue"})
    answer = manager.get(f"{one}invoice.pdf")
    assert answer["Content-Disposition"] == 'attachment; filename="invoice-nagaoka-1.pdf"'
    text = text_of(answer.content)
    for told in (
        "長岡市長　様", "受託者", "登録番号　T9 0000 0000 0000", "請求番号　第1号", "取引年月日　2026年10月1日〜2026年10月31日",
        "10%対象", "3,316,667円", "331,666円", "3,648,333円", "お支払期限　請求書を受理された日の翌日から30日以内", "通知 第9号", "1 / 1",
        invoice_of(nagaoka).sha256,
    ):  # fmt: skip
        assert told in text, told
    manager.post(one, {"step": "receive", "receive-day": "2026-11-02"})
    assert manager.get(f"{one}invoice.pdf").content == answer.content, "the same paper, whatever becomes of it"
    manager.post(one, {"step": "withdraw", "withdraw-reason": "宛名の誤り"})
    assert "取り下げ済み" in text_of(manager.get(f"{one}invoice.pdf").content)
    monkeypatch.setattr(typeset, "FOLDERS", ())
    answer = manager.get(f"{one}invoice.pdf")
    assert (answer.status_code, "fonts-noto-cjk" in answer.content.decode()) == (503, True)


def text_of(content: bytes) -> str:
    return "".join(page.get_textpage().get_text_range() for page in pypdfium2.PdfDocument(content))


@pytest.mark.req("BILL-01")
def test_a_stored_invoice_that_was_tampered_with_is_told(nagaoka: Contract, manager: Client) -> None:
    with contract_scope(nagaoka):
        found = Invoice.objects.create(
            contract=nagaoka, number=1, part=9, unit="instalment", first="2026-10-01", last="2026-10-31", state="issued", prices="gross", net=10, tax=1,
            total=11, prepared_at=clock.now(), issued_on="2026-10-31", sha256="0" * 64,
            content={"issuer": {"name": "受託者", "address": "", "registration": ""}, "recipient": "長岡市", "lines": [], "rates": [], "net": 10, "tax": 1,
                     "total": 11, "first": "2026-10-01", "last": "2026-10-31", "issued_on": "2026-10-31", "inspected_on": None},
        )  # fmt: skip
    assert "発行したときの内容と一致しません" in manager.get(f"{URL}{found.pk}/").content.decode()


@pytest.mark.req("BILL-01", "BILL-02")
@pytest.mark.parametrize(("role", "reads"), [(Role.CITY, True), (Role.AUDITOR, True), (Role.SUPERVISOR, False), (Role.OPERATOR, False), (Role.COUNTER, False)])
def test_the_city_and_auditors_read_and_nobody_else_looks(nagaoka: Contract, manager: Client, sign_in: SignIn, role: Role, reads: bool) -> None:
    manager.post(f"{URL}prepare/9/", {"inspected_on": "2026-10-31", "evidence": "通知 第9号"})
    one = f"{URL}{invoice_of(nagaoka).pk}/"
    reader = sign_in(nagaoka, role)
    pages = [reader.get(address) for address in (URL, one, f"{URL}ledger/")]
    assert {page.status_code for page in pages} == {200 if reads else 403}
    assert not any(word in page.content.decode() for page in pages for word in ("下書きを作る", "発行する", "記入する</button>"))
    assert reader.post(one, {"step": "issue"}).status_code == 403
    assert reader.post(f"{URL}ledger/", SPENT).status_code == 403
    assert reader.post(f"{URL}prepare/8/").status_code == 403


@pytest.mark.req("BILL-02")
def test_the_ledger_takes_lines_in_and_out_and_gives_files(nagaoka: Contract, manager: Client) -> None:
    book = f"{URL}ledger/"
    assert "記入はありません" in manager.get(book).content.decode()
    wrong = manager.post(book, SPENT | {"tax": "2000"})
    assert wrong.status_code == 422
    assert "消費税額が金額を超えています" in wrong.content.decode()
    assert 'value="文具店"' in wrong.content.decode()
    assert manager.post(book, SPENT | {"on": "2026-11-30"}).status_code == 409
    assert manager.post(book, SPENT).status_code == 302
    with contract_scope(nagaoka):
        line = Expenditure.objects.get()
    assert (line.amount, line.tax) == (1100, 100)
    file = manager.post(f"{book}export/", {"year": "2026", "form": "csv"})
    text = file.content.decode("utf-8-sig")
    assert f"{line.pk},2026-10-30,消耗品費,文具店,1100,100,'=R8-1," in text
    assert manager.post(f"{book}export/", {"year": "2026", "form": "xlsx"}).content[:2] == b"PK"
    with contract_scope(nagaoka):
        assert Entry.objects.filter(action="ledger.exported").count() == 2
    assert manager.post(f"{book}{line.pk}/reverse/", {"reason": ""}).status_code == 422
    assert manager.post(f"{book}{line.pk}/reverse/", {"reason": "金額の誤り"}).status_code == 302
    assert manager.post(f"{book}{line.pk}/reverse/", {"reason": "金額の誤り"}).status_code == 409
    page = manager.get(book).content.decode()
    assert f"番号{line.pk}の取り消し" in page
    assert "-1,100円" in page
