"""Workbooks on paper: opened and printed by an office program, as the city does."""

from __future__ import annotations

import datetime as dt
import shutil
import subprocess
import time
from pathlib import Path

import pypdfium2
import pytest
from openpyxl import load_workbook

from madoguchi.domain.reports.printed import pdf_of, scale_step
from madoguchi.domain.reports.services import documents as deeds
from madoguchi.domain.reports.services.forms import workbook
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.contracts.tenancy import contract_scope
from madoguchi.ground.kit.actors import SYSTEM
from madoguchi.ground.kit.clock import JST
from madoguchi.ground.worklog.services import note

OFFICE = shutil.which("soffice")
AT = dt.datetime(2025, 10, 5, 10, 0, tzinfo=JST)
PAGES = {"hatsukaichi": 4, "izumi": 4, "izunokuni": 3, "nagaoka": 4, "urasoe": 2}
"""The most pages that a month takes."""


def month(contract: Contract, now: dt.datetime) -> tuple[bytes, bytes]:
    """The workbook and the PDF of a month with something in it."""
    with contract_scope(contract):
        for n in range(40):
            at = dt.datetime(2026, 10, 1 + n % 30, 10, tzinfo=JST)
            note(contract, "booking.created", by=SYSTEM, now=at, ref=f"booking:{n}", quantity=n % 3 + 1, procedure=contract.profile.procedures[0].code)
        code = next(one.code for one in contract.profile.reports if one.period == "month")
        report = deeds.make(contract, code, dt.date(2026, 10, 1), by=SYSTEM, now=now)
        began = time.monotonic()
        files = workbook(contract, report), pdf_of(contract, report)
        assert time.monotonic() - began < 5, "a month as workbook and PDF"
        return files


@pytest.mark.slow
@pytest.mark.req("REP-03")
@pytest.mark.skipif(OFFICE is None, reason="LibreOffice (Debian: libreoffice-calc-nogui) is not installed")
def test_the_workbook_of_every_contract_prints_whole(contracts: dict[str, Contract], now: dt.datetime, tmp_path: Path) -> None:
    books = {}
    for code, contract in contracts.items():
        content, paper = month(contract, now)
        assert len(pypdfium2.PdfDocument(paper)) <= PAGES[code] + 1
        books[code] = tmp_path / f"{code}.xlsx"
        books[code].write_bytes(content)
    home = f"-env:UserInstallation={(tmp_path / 'home').as_uri()}"
    command = [str(OFFICE), home, "--headless", "--convert-to", "pdf", "--outdir", tmp_path, *books.values()]
    subprocess.run(command, check=True, timeout=120, capture_output=True)
    for code, book in books.items():
        printed = pypdfium2.PdfDocument(tmp_path / f"{code}.pdf")
        texts = [page.get_textpage().get_text_range() for page in printed]
        assert 1 < len(texts) <= PAGES[code], code
        texts = ["".join(text.split()) for text in texts]
        assert all(f"{n}/{len(texts)}" in text for n, text in enumerate(texts, 1)), code
        sheet = load_workbook(book).active
        words = {str(cell.value).strip() for row in sheet.iter_rows() for cell in row if isinstance(cell.value, str)}
        whole = "".join(texts)
        assert [one for one in words if "".join(one.split()) not in whole] == [], code


@pytest.mark.parametrize(("most", "step"), [(1, 1), (5, 1), (6, 2), (10, 2), (11, 5), (361, 100), (1064, 500)])
def test_a_scale_has_round_steps(most: int, step: int) -> None:
    assert scale_step(most) == step
