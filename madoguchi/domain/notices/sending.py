"""The sending of queued messages.

A message goes out exactly once as far as SMTP allows it:

1. *claim*: the row becomes ``sending`` with the worker's name, committed (``FOR UPDATE SKIP LOCKED``: no two workers
take one); 2. *deliver*: address opened, mail handed to the server, its "250" written to the worker's journal at once;
3. *settle*: ``sent`` and the attempt are committed, the journal emptied.

A crash before 2 or inside of it leaves ``sending`` rows without a line in the journal: they are queued again and go
out under the same ``Message-ID``. A crash after it, of the worker, the database or both, leaves rows with a line:
they are marked sent and not repeated. What remains is a kill between the server's acceptance and one ``write``; a
repeat then bears the same ``Message-ID``, by which mailboxes (the demo's too) keep one copy.
"""

from __future__ import annotations

import datetime as dt
import logging
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import connection
from django.db.models import F, Q
from django.db.models.functions import Now

from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.contracts.tenancy import contract_scope
from madoguchi.ground.kit.actors import SYSTEM
from madoguchi.ground.worklog import services as worklog

from . import rules
from .journal import Journal, Key
from .line import open_line
from .models import Attempt, Medium, Message
from .rules import Outcome
from .sms import open_sms
from .transport import Refused, ServerDown, Smtp, Transport

__all__ = ["Sender", "ServerDown"]

log = logging.getLogger(__name__)

BATCH = 50
BATCH_SECONDS = 20.0
LEASE = dt.timedelta(minutes=10)
State = Message.State


@dataclass(slots=True)
class _Result:
    message: Message
    outcome: Outcome
    answer: str = ""
    parts: int = 1
    refused: Refused | None = None


@dataclass(slots=True)
class Sender:
    """Sends what is due. One per process; keep it, its journal bears the worker's name.

    ``folder`` holds the journals (default: ``mail`` in the data folder).
    """

    folder: Path = field(default_factory=lambda: Path(settings.DATA_DIR) / "mail")
    _journal: Journal | None = None

    @property
    def journal(self) -> Journal:
        """This process's journal, opened at first use."""
        if self._journal is None:
            self._journal = Journal(self.folder)
        return self._journal

    def close(self) -> None:
        """Release the journal."""
        if self._journal is not None:
            self._journal.close()
            self._journal = None

    def send_due(self, now: dt.datetime, limit: int = 500) -> int:
        """Send messages due at ``now``, at most ``limit``; the number handed over. Call it outside of any transaction.

        Contracts take turns in batches. Raises :class:`ServerDown` when the mail server cannot be reached: no mail was
        claimed then and nothing counts as a try.
        """
        waiting = self._waiting(now)
        if not waiting:
            return 0
        contracts = list(Contract.objects.filter(pk__in=waiting))
        noted = self.journal.all_accepted()
        for contract in contracts:
            self._recover(contract, noted, now)
        self.journal.settled()
        due = {contract: self._media(contract, now) for contract in contracts}
        sent = taken = 0
        for medium, transport in ((Medium.LINE, open_line), (Medium.SMS, open_sms), (Medium.MAIL, Smtp)):
            here = [contract for contract in contracts if medium in due[contract]]
            if here and taken < limit:
                with transport() as opened:
                    done, tried = self._rounds(here, medium, opened, now, limit - taken)
                sent, taken = sent + done, taken + tried
        return sent

    def _media(self, contract: Contract, now: dt.datetime) -> set[str]:
        with contract_scope(contract):
            rows = Message.objects.filter(state=State.QUEUED, due_at__lte=now)
            return set(rows.order_by().values_list("medium", flat=True).distinct())

    def _rounds(
        self, contracts: list[Contract], medium: Medium, transport: Transport, now: dt.datetime, limit: int
    ) -> tuple[int, int]:
        """Batches of all contracts in turn; how many went out, and how many were taken in hand."""
        sent = taken = 0
        while contracts and taken < limit and transport.alive:
            for contract in list(contracts):
                batch = self._claim(contract, medium, now, min(BATCH, limit - taken)) if taken < limit else []
                if len(batch) < BATCH:
                    contracts.remove(contract)
                if not batch:
                    continue
                taken += len(batch)
                results = self._deliver(contract, batch, transport, now)
                self._settle(contract, batch, results, now)
                self.journal.settled()
                sent += sum(result.outcome is Outcome.SENT for result in results)
                if not transport.alive:
                    break
        return sent, taken

    def _waiting(self, now: dt.datetime) -> list[int]:
        with connection.cursor() as cursor:
            cursor.execute("select notices_waiting(%s, %s)", [now, self.journal.name])
            return list(cursor.fetchone()[0])

    def _recover(self, contract: Contract, noted: dict[Key, str], now: dt.datetime) -> None:
        """Messages in doubt: those of this worker, which has none in hand now, and those whose lease has run out."""
        with contract_scope(contract):
            mine = Q(claimed_by=self.journal.name) | Q(lease_until__lt=Now())
            rows = list(Message.objects.select_for_update(skip_locked=True).filter(mine, state=State.SENDING))
            results = []
            for message in rows:
                answer = noted.get(_key(message))
                if answer is not None:
                    results.append(_Result(message, Outcome.SENT, answer))
            if rows:
                again = len(rows) - len(results)
                log.warning("%s after a crash: %d mails were sent, %d go out again", contract.code, len(results), again)
                self._write(contract, rows, results, now)

    def _claim(self, contract: Contract, medium: Medium, now: dt.datetime, limit: int) -> list[Message]:
        with contract_scope(contract):
            due = Message.objects.filter(state=State.QUEUED, medium=medium, due_at__lte=now).order_by("due_at", "id")
            rows = list(due.select_for_update(skip_locked=True)[:limit])
            Message.objects.filter(pk__in=[row.pk for row in rows]).update(
                state=State.SENDING, claimed_by=self.journal.name, lease_until=Now() + LEASE
            )
            return rows

    def _deliver(self, contract: Contract, batch: list[Message], transport: Transport, now: dt.datetime) -> list[_Result]:
        """Try the batch; what was not tried (connection lost, time used up) is missing from the results."""
        results: list[_Result] = []
        end = time.monotonic() + BATCH_SECONDS
        for message in batch:
            if not transport.alive or time.monotonic() > end:
                break
            try:
                with contract_scope(contract, read_only=True):
                    letter = transport.compose(contract, message, now)
            except (LookupError, ValueError) as error:
                why = rules.without_addresses(f"{type(error).__name__}: {error}")
                log.error("message %s of %s could not be written: %s", message.pk, contract.code, why)
                results.append(_Result(message, Outcome.BROKEN, why))
                continue
            if letter is None:
                results.append(_Result(message, Outcome.DROPPED))
                continue
            results.append(self._hand_over(message, letter, transport))
        return results

    def _hand_over(self, message: Message, letter: Any, transport: Transport) -> _Result:
        try:
            sent = transport.hand_over(letter)
        except Refused as refused:
            return _Result(message, Outcome.TEMPORARY, rules.without_addresses(refused.answer), refused=refused)
        answer = rules.without_addresses(sent.answer)
        self.journal.accepted(_key(message), answer)
        return _Result(message, Outcome.SENT, answer, sent.parts)

    def _settle(self, contract: Contract, batch: list[Message], results: list[_Result], now: dt.datetime) -> None:
        with contract_scope(contract):
            self._write(contract, batch, results, now)

    def _write(self, contract: Contract, claimed: list[Message], results: list[_Result], now: dt.datetime) -> None:
        for result in results:
            self._write_one(contract, result, now)
        tried = {result.message.pk for result in results}
        untried = [message.pk for message in claimed if message.pk not in tried]
        Message.objects.filter(pk__in=untried, state=State.SENDING).update(
            state=State.QUEUED, claimed_by=None, lease_until=None
        )
        Attempt.objects.bulk_create(
            Attempt(
                contract=contract,
                message=r.message,
                at=now,
                outcome=r.outcome,
                answer=rules.without_addresses(r.answer),
            )
            for r in results
        )

    def _write_one(self, contract: Contract, result: _Result, now: dt.datetime) -> None:
        message = result.message
        changes: dict[str, object] = {"claimed_by": None, "lease_until": None, "attempts": F("attempts") + 1}
        if result.outcome is Outcome.SENT:
            changes |= {"state": State.SENT, "sent_at": now}
            worklog.note(
                contract,
                "notice.sent",
                by=SYSTEM,
                now=now,
                ref=f"message:{message.pk}",
                quantity=result.parts,
                language=message.language,
                outcome=message.kind,
            )
        elif result.outcome is Outcome.DROPPED:
            changes |= {"state": State.DROPPED, "attempts": F("attempts")}
        elif result.outcome is Outcome.BROKEN:
            changes |= {"state": State.FAILED}
        else:
            assert result.refused is not None
            refused = result.refused
            verdict = rules.after_failure(refused.permanent, message.attempts + 1, now, refused.wait)
            result.outcome = verdict.outcome
            if verdict.next_try is None:
                changes |= {"state": State.FAILED} if "instead" not in (message.detail or {}) else _other_way(message)
            else:
                changes |= {"state": State.QUEUED, "due_at": verdict.next_try}
        in_hand = Message.objects.filter(pk=message.pk, state=State.SENDING).update(**changes)
        if not in_hand and result.outcome is Outcome.SENT:
            Message.objects.filter(pk=message.pk, state=State.BOUNCED).update(attempts=F("attempts") + 1, sent_at=now)


def _other_way(message: Message) -> dict[str, object]:
    """The same message by its second way (``detail.instead``), from the first try on."""
    detail = dict(message.detail or {})
    medium = detail.pop("instead")
    return {"state": State.QUEUED, "medium": medium, "detail": detail or None, "attempts": 0}


def _key(message: Message) -> Key:
    return Key(message.contract_id, message.pk, rules.stamp(message.created_at))
