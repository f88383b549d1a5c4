"""Deeds on procedures: make them from the profile, edit their texts."""

from __future__ import annotations

import datetime as dt
import tomllib
from functools import lru_cache
from pathlib import Path
from typing import Any

from django.db import transaction

from madoguchi.ground.audit import services as audit
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.contracts.tenancy import contract_scope
from madoguchi.ground.kit.actors import Actor

from ..models import Procedure, ProcedureText

SHIPPED = Path(__file__).parent.parent / "texts"


@lru_cache(maxsize=16)
def shipped_texts(language: str) -> dict[str, dict[str, Any]]:
    """Shipped wording by procedure code for one language: ``name``, ``summary``."""
    path = SHIPPED / f"{language}.toml"
    return tomllib.loads(path.read_text()) if path.exists() else {}


@transaction.atomic
def ensure_procedures(contract: Contract, *, now: dt.datetime) -> None:
    """Make procedures and first texts that the profile names and that are not there yet; lengths follow the profile."""
    with contract_scope(contract):
        Procedure.objects.bulk_create(
            [
                Procedure(
                    contract=contract,
                    code=plan.code,
                    legal_name=plan.title,
                    minutes=plan.minutes,
                    bookable=plan.bookable,
                    position=position,
                )
                for position, plan in enumerate(contract.profile.procedures)
            ],
            update_conflicts=True,
            unique_fields=["contract", "code"],
            update_fields=["legal_name", "minutes", "bookable", "position"],
        )
        named = {plan.code for plan in contract.profile.procedures}
        procedures = [procedure for procedure in Procedure.objects.all() if procedure.code in named]
        ProcedureText.objects.bulk_create(
            [
                ProcedureText(
                    contract=contract,
                    procedure=procedure,
                    language=language,
                    name=text["name"],
                    summary=text.get("summary", ""),
                    edited_at=now,
                )
                for procedure in procedures
                for language in contract.profile.languages
                if (text := shipped_texts(language).get(procedure.code)) is not None
            ],
            ignore_conflicts=True,
        )


@transaction.atomic
def edit_text(
    contract: Contract,
    procedure: str,
    language: str,
    *,
    name: str,
    summary: str,
    confirmed: bool,
    by: Actor,
    now: dt.datetime,
) -> ProcedureText:
    """Change what residents read about a procedure in one language; ``confirmed`` says that the city has checked it."""
    with contract_scope(contract):
        text, _ = ProcedureText.objects.update_or_create(
            contract=contract,
            procedure=Procedure.objects.get(code=procedure),
            language=language,
            defaults={
                "name": name,
                "summary": summary,
                "confirmed": confirmed,
                "edited_at": now,
                "edited_by": by.label,
            },
        )
        audit.record(
            contract, "procedure.text", f"procedure:{procedure}", by=by, now=now, language=language, confirmed=confirmed
        )
        return text
