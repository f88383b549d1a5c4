"""Deeds on extensions: whose calls another telephone system means by a name."""

from __future__ import annotations

import datetime as dt

from django.db import transaction

from madoguchi.ground.accounts.access import ANSWER_CALLS
from madoguchi.ground.accounts.models import Assignment
from madoguchi.ground.audit import services as audit
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.contracts.tenancy import contract_scope
from madoguchi.ground.kit.actors import Actor

from ..errors import CallsRefused
from ..models import Extension


@transaction.atomic
def name_extension(contract: Contract, *, agent: str, user_id: int, by: Actor, now: dt.datetime) -> Extension:
    """From now on calls of this agent are this member's; whoever had the name before has it no more. Raises :class:`CallsRefused`."""
    agent = agent.strip()
    if not agent or len(agent) > 80:
        raise CallsRefused("内線の名前を、電話システムが知らせるとおりに80文字までで入力してください。")
    if agent.startswith("user:"):
        raise CallsRefused("user: で始まる名前は、登録しなくても担当者と結び付きます。")
    if not Assignment.objects.filter(contract=contract, user=user_id, user__is_active=True, role__in=ANSWER_CALLS).exists():
        raise CallsRefused("電話を受ける担当者を選んでください。")
    with contract_scope(contract):
        values = {"user_id": user_id, "named_at": now, "named_by": by.label or by.ref}
        row, _ = Extension.objects.update_or_create(contract=contract, agent=agent, defaults=values)
        audit.record(contract, "extension.named", f"extension:{row.pk}", by=by, now=now, agent=agent, user=f"user:{user_id}")
        return row


@transaction.atomic
def drop_extension(contract: Contract, extension: int, *, by: Actor, now: dt.datetime) -> str:
    """Nobody sits behind a name any more; the name. Raises :class:`CallsRefused` when it is gone."""
    with contract_scope(contract):
        row = Extension.objects.select_for_update(of=("self",)).filter(pk=extension).first()
        if row is None:
            raise CallsRefused("この内線は、すでに削除されています。")
        audit.record(contract, "extension.dropped", f"extension:{row.pk}", by=by, now=now, agent=row.agent, user=f"user:{row.user_id}")
        row.delete()
        return str(row.agent)
