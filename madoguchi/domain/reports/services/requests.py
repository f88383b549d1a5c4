"""Deeds of requests for a correction: the city asks, the contractor answers."""

from __future__ import annotations

import datetime as dt
import re
from typing import Final

from django.db import transaction

from madoguchi.ground.accounts.models import User
from madoguchi.ground.audit import services as audit
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.contracts.tenancy import contract_scope
from madoguchi.ground.kit.actors import Actor
from madoguchi.ground.privacy.sealing import keyring

from ..enums import Answer
from ..errors import ReportRefused
from ..models import CorrectionRequest
from .documents import text_of

WORDS: Final = "reports.request"
REF = re.compile(r"[a-z_]{1,20}:[A-Za-z0-9_-]{1,38}")


@transaction.atomic
def ask(contract: Contract, ref: str, words: str, *, user: User, by: Actor, now: dt.datetime) -> CorrectionRequest:
    """Ask that a record (``case:5``, ``report:3``) be put right. Raises :class:`ReportRefused`."""
    if not REF.fullmatch(ref):
        raise ReportRefused("記録の種類と番号を選んでください。番号は、記録の画面か「もとになる記録」の一覧にあります。")
    words = text_of(words, needed="どこを、どう直してほしいかを入力してください。", most=1000)
    with contract_scope(contract):
        made: CorrectionRequest = CorrectionRequest.objects.create(
            contract=contract, ref=ref, words=keyring(contract).seal_json(WORDS, {"text": words}), asked_by=user, asked_at=now
        )
        audit.record(contract, "request.asked", f"request:{made.pk}", by=by, now=now, ref=ref)
        return made


@transaction.atomic
def answer(contract: Contract, pk: int, state: str, words: str, *, user: User, by: Actor, now: dt.datetime) -> None:
    """Answer a request, once: corrected, or not and why. Raises :class:`ReportRefused`."""
    if state not in (Answer.CORRECTED, Answer.DECLINED):
        raise ReportRefused("「訂正した」か「訂正しない」を選んでください。")
    words = text_of(words, needed="何をしたか、しない場合はその理由を入力してください。", most=1000)
    with contract_scope(contract):
        found = CorrectionRequest.objects.select_for_update(of=("self",)).filter(pk=pk, state=Answer.OPEN).first()
        if found is None:
            raise ReportRefused("この依頼には、もう回答があります。")
        found.state, found.answer = state, keyring(contract).seal_json(WORDS, {"text": words})
        found.answered_by, found.answered_at = user, now
        found.save()
        audit.record(contract, "request.answered", f"request:{pk}", by=by, now=now, ref=found.ref, answer=state)


def words_of(contract: Contract, request: CorrectionRequest) -> tuple[str, str]:
    """What was asked and answered; ``（保存期間が過ぎ、消去しました）`` for what was erased."""
    ring = keyring(contract)

    def opened(sealed: bytes | memoryview | None) -> str:
        return str(ring.unseal_json(WORDS, bytes(sealed))["text"]) if sealed else "（保存期間が過ぎ、消去しました）"

    return opened(request.words), opened(request.answer) if request.state != Answer.OPEN else ""
