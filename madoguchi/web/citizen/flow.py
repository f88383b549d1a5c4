"""State of a reservation in the making: in the address (who, where, when) and in the session (hold, what was typed).

A session may hold several flows (two tabs). What was typed about people is sealed with the contract's key: the
session table never holds it in the clear.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import re
import secrets
from dataclasses import asdict, dataclass, field
from typing import Any

from django.http import HttpRequest

from madoguchi.ground.contracts.models import Contract
from madoguchi.ground.privacy.sealing import SealError, keyring

SESSION_KEY = "booking_flows"
PURPOSE = "citizen.draft"
KEEP = 6
_ID = re.compile(r"[A-Za-z0-9_-]{8,24}")


@dataclass
class Flow:
    """One reservation on its way. ``code`` is that of hold and booking; ``attempt`` counts the holds given up."""

    id: str
    site: str = ""
    procedures: list[str] = field(default_factory=list)
    starts_at: str = ""
    code: str = ""
    attempt: int = 0
    done: bool = False
    draft: str = ""
    clean: str = ""

    @property
    def moment(self) -> dt.datetime:
        return dt.datetime.fromisoformat(self.starts_at)

    def key(self, site: str, procedures: list[str], starts_at: dt.datetime) -> str:
        """Idempotency key of a hold: the same page sent twice gives the same key; giving a hold up makes a new one."""
        said = f"{self.id}|{self.attempt}|{site}|{','.join(procedures)}|{starts_at.isoformat()}"
        return f"web:{hashlib.blake2b(said.encode(), digest_size=24).hexdigest()}"


def new_id() -> str:
    """An unguessable name of a flow."""
    return secrets.token_urlsafe(9)


def valid_id(text: str) -> str:
    """``text`` when it is a possible name of a flow, else a new one."""
    return text if _ID.fullmatch(text) else new_id()


def load(request: HttpRequest, contract: Contract, flow_id: str) -> Flow | None:
    """The flow of this session and contract, or None."""
    stored = request.session.get(SESSION_KEY, {}).get(f"{contract.code}:{flow_id}")
    return Flow(**stored) if stored else None


def save(request: HttpRequest, contract: Contract, flow: Flow) -> None:
    """Keep the flow in the session; the oldest flows of a session go first (their holds expire by themselves)."""
    flows: dict[str, Any] = dict(request.session.get(SESSION_KEY, {}))
    key = f"{contract.code}:{flow.id}"
    flows.pop(key, None)
    flows[key] = asdict(flow)
    while len(flows) > KEEP:
        flows.pop(next(iter(flows)))
    request.session[SESSION_KEY] = flows


def seal(contract: Contract, value: Any) -> str:
    """Personal data on its way into the session."""
    return keyring(contract).seal_json(PURPOSE, value).hex()


def unseal(contract: Contract, text: str) -> Any:
    """What ``seal`` made; None for nothing, and for what cannot be opened any more."""
    if not text:
        return None
    try:
        return keyring(contract).unseal_json(PURPOSE, bytes.fromhex(text))
    except (SealError, ValueError):
        return None
