"""Who a notice goes to. Notices knows no records: whoever owns a kind of record says how to find its recipient."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from madoguchi.ground.contracts.models import Contract

from .models import Message


@dataclass(frozen=True, slots=True, repr=False)
class Recipient:
    """An opened address (of SMS: the digits of a mobile number, of LINE: a user id) and the values of the placeholders in one
    language (see ``texts.PLACEHOLDERS``; all must be there).

    Lives only in memory, for the moment of sending; it has no ``repr`` so that it cannot slip into a log.
    """

    address: str
    context: Mapping[str, str]


class Resolver(Protocol):
    """Finds the recipient of a record inside ``contract_scope``.

    None means: do not send (the record is gone, its personal data is erased, it has no address, or a notice of this
    kind makes no sense any more, e.g. a reminder of a cancelled booking). ``detail`` is that of the message.
    """

    def __call__(
        self, contract: Contract, record_id: int, language: str, kind: str, *, medium: str, detail: Mapping[str, Any]
    ) -> Recipient | None: ...


_resolvers: dict[str, Resolver] = {}


def register(name: str, resolver: Resolver) -> None:
    """Make ``resolver`` responsible for messages whose ``ref`` is ``<name>:<id>``. Call it in ``AppConfig.ready``."""
    _resolvers[name] = resolver


def find(contract: Contract, message: Message, language: str) -> Recipient | None:
    """The recipient of a message in one language. Raises ``LookupError`` for a kind of record nobody is responsible for."""
    name, _, record_id = message.ref.partition(":")
    try:
        resolver = _resolvers[name]
    except KeyError:
        raise LookupError(
            f"no recipients registered for {name!r}: call notices.recipients.register in its app"
        ) from None
    return resolver(
        contract, int(record_id), language, message.kind, medium=message.medium, detail=message.detail or {}
    )
