"""The one declaration of all tenant tables: nothing is forgotten in the package or the erasure."""

import pytest
from django.db import models

from madoguchi.domain.handover import words
from madoguchi.domain.handover.enums import Kind, Variant
from madoguchi.domain.handover.services.erasure import _fields
from madoguchi.domain.handover.tables import TABLES, undeclared
from madoguchi.domain.handover.tabular import TRANSIENT, TableRows
from madoguchi.ground.privacy.registry import sealed_columns

pytestmark = pytest.mark.req("CON-05")
KEPT_TEXTS = """
contracts.Site.address contracts.CalendarOverride.reason procedures.ProcedureText.name procedures.ProcedureText.summary procedures.BringRule.source
notices.Template.subject notices.Template.body notices.PlannedStop.reason callflow.Prompt.text callflow.Prompt.file_name booking.Delivery.problem
premises.Bundle.place reception.Pack.problem cases.FlowVersion.note reports.Report.reason reports.Report.comments reports.Correction.reason
reports.Passage.text reports.Form.name billing.Invoice.evidence billing.Invoice.withdrawn_because billing.InvoiceLine.name billing.Expenditure.payee
billing.Expenditure.note obligations.Event.note obligations.Event.withdrawn_reason obligations.Evidence.reference obligations.Evidence.note
obligations.Evidence.withdrawn_reason obligations.Breach.explanation handover.Package.problem handover.PackageFile.path handover.PackageFile.title
handover.Erasure.reason handover.Erasure.problem papers.Paper.reason papers.Paper.comments papers.PaperText.text
"""
"""Texts long enough for a sentence that an erasure leaves: published to everybody, written by the program, or documents of the contract."""


def test_every_tenant_table_is_declared_once() -> None:
    assert undeclared() == [], "declare new tables in madoguchi/domain/handover/tables.py: handed over or why not, and what their columns hold"
    assert len({one.label for one in TABLES}) == len(TABLES)
    files = [one.file for one in TABLES if not one.left_out]
    assert len(set(files)) == len(files)
    assert all(bool(one.file) != bool(one.left_out) for one in TABLES)


@pytest.mark.parametrize("table", TABLES, ids=lambda one: one.label)
def test_every_column_that_can_hold_text_has_a_kind(table) -> None:
    table.kinds()


def test_no_further_column_for_sentences_is_called_plain() -> None:
    """What somebody may write of a resident is personal; a column that is to stay takes a place in the list above, and a reviewer's eye."""
    found = {
        f"{table.label}.{name}"
        for table in TABLES
        for name, kind in table.kinds().items()
        if kind is Kind.PLAIN and _for_sentences(table.model._meta.get_field(name))
    }
    assert found == set(KEPT_TEXTS.split())


def _for_sentences(field: models.Field) -> bool:
    return type(field) is models.TextField or (type(field) is models.CharField and (field.max_length or 0) >= 100)


def test_every_sealed_column_is_erased() -> None:
    for column in sealed_columns():
        table = next(one for one in TABLES if one.model is column.model)
        assert table.rows or column.column in table.erasable(), f"{column.name} is sealed and would stay"


def test_numbers_that_replace_others_fit_and_columns_can_be_emptied() -> None:
    """A number in the place of another is ``#`` and the row's key; what is neither null nor text nor a list needs a default."""
    for table in TABLES:
        for field, numbered in ({} if table.rows else _fields(table)).items():
            if numbered:
                assert field.max_length >= 11, f"{table.label}.{field.name} is too short for its replacement"
            else:
                unique = field.unique or any(field.name in one.fields for one in table.model._meta.total_unique_constraints)
                assert field.null or not unique, f"{table.label}.{field.name} is unique: give it a number"


def test_the_package_without_personal_data_has_no_column_of_people_and_every_column_has_a_name() -> None:
    for table in (one for one in TABLES if not one.left_out):
        full = {column.name: column for column in TableRows(table, Variant.FULL, None).columns()}
        figures = {column.name for column in TableRows(table, Variant.FIGURES, None).columns()}
        personal = {name for name, kind in table.kinds().items() if kind is not Kind.PLAIN}
        assert not figures & personal, table.label
        never = {name for name, kind in table.kinds().items() if kind in (Kind.INDEX, Kind.HIDDEN, Kind.FILE)}
        assert not never & set(full), table.label
        assert {name for name, column in full.items() if column.personal} == set(full) & personal
        assert all(column.title for column in full.values())
    assert {f"{one.model._meta.label}.{one.column}" for one in sealed_columns()} >= TRANSIENT


def test_a_column_without_a_japanese_name_is_told() -> None:
    with pytest.raises(KeyError, match="no Japanese name"):
        words.name_of("something_new")
    assert [words.name_of(one) for one in ("ended_at", "ended_by", "starts_at")] == ["終了日時", "切った側", "開始日時"]
    assert [words.unit_of(one) for one in ("wait_seconds", "amount", "name")] == ["秒", "円", ""]
