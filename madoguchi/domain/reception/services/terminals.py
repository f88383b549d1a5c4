"""Deeds on public screens: add one, take its link back."""

from __future__ import annotations

import datetime as dt
import hmac

from django.db import transaction

from madoguchi.ground.audit import services as audit
from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.contracts.tenancy import contract_scope
from madoguchi.ground.kit.actors import Actor
from madoguchi.ground.privacy.sealing import keyring

from ..enums import TerminalKind
from ..errors import ReceptionRefused
from ..models import Terminal
from .deeds import site_of, terms_of


@transaction.atomic
def add_terminal(contract: Contract, *, site: str, kind: TerminalKind, name: str, by: Actor, now: dt.datetime) -> Terminal:
    """Add a public screen. Raises :class:`ReceptionRefused`."""
    terms = terms_of(contract)
    with contract_scope(contract):
        where = site_of(site)
        if not terms.groups_at(site):
            raise ReceptionRefused("この場所には窓口グループがありません。")
        if not name.strip() or len(name.strip()) > 40:
            raise ReceptionRefused("置き場所を、40文字までで入力してください。例：1階の待合")
        terminal = Terminal.objects.create(
            contract=contract, site=where, kind=kind, name=name.strip(), created_at=now, created_by=by.label
        )
        audit.record(contract, "terminal.added", f"terminal:{terminal.pk}", by=by, now=now, kind=str(kind), site=site)
        return terminal


@transaction.atomic
def revoke_terminal(contract: Contract, pk: int, *, by: Actor, now: dt.datetime) -> Terminal:
    """Take the link of a screen back; it opens nothing any more. Raises ``Terminal.DoesNotExist``."""
    with contract_scope(contract):
        terminal = Terminal.objects.select_for_update(of=("self",)).get(pk=pk, revoked_at=None)
        terminal.revoked_at = now
        terminal.save(update_fields=["revoked_at"])
        audit.record(contract, "terminal.revoked", f"terminal:{terminal.pk}", by=by, now=now)
        return terminal


def terminal_path(contract: Contract, terminal: Terminal) -> str:
    """The path of a screen's page; whoever has it may open it."""
    page = "machine" if terminal.kind == TerminalKind.MACHINE else "display"
    return f"/{contract.code}/{page}/{terminal.pk}/{_token(contract, terminal.pk)}/"


def open_terminal(contract: Contract, pk: int, token: str, kind: TerminalKind) -> Terminal | None:
    """The screen that a link opens, with its site (inside the scope); None for a wrong or revoked link."""
    if not hmac.compare_digest(_token(contract, pk).encode(), token.encode()):
        return None
    return Terminal.objects.select_related("site").filter(pk=pk, kind=kind, revoked_at=None).first()


def _token(contract: Contract, pk: int) -> str:
    return keyring(contract).token("terminal", str(pk))
