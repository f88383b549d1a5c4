"""A contract whose booking form asks what a test wants it to ask."""

from __future__ import annotations

from typing import Any

import pytest

from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.contracts.profile import FieldRule, Profile

OWN: tuple[dict[str, Any], ...] = (
    {
        "code": "x_letter",
        "label": "届いた封書",
        "labels": {"en": "Letter that you got"},
        "help": "封書の題名をご覧ください。",
        "kind": "choice",
        "options": [
            {"code": "card", "label": "カードの通知", "labels": {"en": "About the card"}},
            {"code": "none", "label": "届いていない"},
        ],
        "procedures": ["cert_renewal"],
        "required": True,
    },
    {"code": "x_car", "label": "車で来ますか", "kind": "yes_no"},
    {"code": "x_people", "label": "付き添いの人数", "kind": "number", "minimum": 0, "maximum": 9, "required_for": ["pin_reset"]},
    {"code": "x_stay", "label": "在留期間の満了日", "kind": "date", "minimum": 0, "retention_days": 7},
    {
        "code": "x_case",
        "label": "受付番号",
        "pattern": "[A-Z]{2}[0-9]{4}",
        "message": "英字2つと数字4つです。",
        "messages": {"en": "Two letters and four digits."},
        "max_length": 8,
    },
)  # fmt: skip


def asking(profile: Profile, *rules: dict[str, Any], **booking: Any) -> Profile:
    """``profile`` with these fields behind its own ones; a field of the same code is replaced."""
    added = [FieldRule.model_validate(rule) for rule in rules]
    codes = {rule.code for rule in added}
    fields = (*(rule for rule in profile.booking.fields if rule.code not in codes), *added)
    changed = profile.booking.model_copy(update={"fields": fields, **booking})
    return profile.model_copy(update={"booking": changed})


def ask(monkeypatch: pytest.MonkeyPatch, contract: Contract, *rules: dict[str, Any], **booking: Any) -> Profile:
    """Let every contract of this test have such a profile."""
    profile = asking(contract.profile, *rules, **booking)
    monkeypatch.setattr(Contract, "profile", profile)
    return profile
