"""Reading and making SIP messages; whatever a stranger sends is either a message or :class:`Malformed`."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from typing import Final

from aiosipua.headers import Address as NameAddress
from aiosipua.headers import SipUri, Via, parse_address, parse_uri
from aiosipua.message import SipMessage, SipRequest, SipResponse, missing_required_headers
from aiosipua.utils import format_addr, generate_branch

Address = tuple[str, int]
"""Host and port of a UDP socket."""

COOKIE: Final = "z9hG4bK"
PORT: Final = 5060
SERVER: Final = "Madoguchi"
METHODS: Final = ("INVITE", "ACK", "BYE", "CANCEL", "OPTIONS", "REGISTER", "UPDATE", "INFO")
KNOWN_ELSEWHERE: Final = ("MESSAGE", "NOTIFY", "PRACK", "PUBLISH", "REFER", "SUBSCRIBE")
REASONS: Final = {
    100: "Trying", 180: "Ringing", 200: "OK", 400: "Bad Request", 401: "Unauthorized", 403: "Forbidden", 404: "Not Found",
    405: "Method Not Allowed", 408: "Request Timeout", 415: "Unsupported Media Type", 420: "Bad Extension", 423: "Interval Too Brief",
    481: "Call/Transaction Does Not Exist", 482: "Loop Detected", 486: "Busy Here", 487: "Request Terminated",
    488: "Not Acceptable Here", 500: "Server Internal Error", 501: "Not Implemented", 503: "Service Unavailable",
}  # fmt: skip
LARGEST: Final = 16_000
KEYS: Final = ("application/dtmf-relay", "application/dtmf")
_SIGNAL = re.compile(r"(?:^|\n)\s*signal\s*=\s*([0-9*#a-d])\s*(?:\r?\n|$)", re.IGNORECASE)


class Malformed(ValueError):
    """Bytes that are no SIP message we could act on. ``request`` is set when at least an answer 400 is possible."""

    def __init__(self, why: str, request: SipRequest | None = None) -> None:
        super().__init__(why)
        self.request = request


def parse(data: bytes) -> SipRequest | SipResponse:
    """The message in a datagram, with the headers that everything else relies on. Raises :class:`Malformed`."""
    if len(data) > LARGEST:
        raise Malformed("longer than any message we take")
    try:
        message = SipMessage.parse(data)
    except (ValueError, IndexError) as error:
        raise Malformed(str(error)) from None
    if not message.headers.get("via"):
        raise Malformed("no Via")
    request = message if isinstance(message, SipRequest) else None
    try:
        via = message.via[0]
        cseq = message.cseq
        missing = missing_required_headers(request) if request else []
        if missing or cseq is None or message.from_addr is None or message.to_addr is None or not message.call_id:
            raise Malformed(f"missing: {', '.join(missing) or 'CSeq, From, To or Call-ID'}", request)
        if not 0 <= cseq.seq < 2**31 or not cseq.method:
            raise Malformed("CSeq is no number and method", request)
        if request is not None and cseq.method != request.method:
            raise Malformed("CSeq names another method", request)
        if request is None and not 100 <= message.status_code <= 699:  # type: ignore[union-attr]
            raise Malformed("no status")
        if not via.host or (via.port is not None and not 0 < via.port < 65536):
            raise Malformed("Via names no host")
        _ = [*message.contact, *map(parse_address, message.headers.get("record-route"))]
    except Malformed:
        raise
    except (ValueError, IndexError, AttributeError) as error:
        raise Malformed(str(error), request) from None
    return message


def top_via(message: SipMessage) -> Via:
    """The Via of the hop that sent the message."""
    return message.via[0]


def stamped(request: SipRequest, source: Address) -> None:
    """Write into the top Via where the request really came from (RFC 3261 §18.2.1, RFC 3581)."""
    vias = request.via
    if vias[0].host != source[0] or "rport" in vias[0].params:
        vias[0].params["received"] = source[0]
    if "rport" in vias[0].params:
        vias[0].params["rport"] = str(source[1])
    request.via = vias


def way_back(request: SipRequest, source: Address) -> Address:
    """Where responses to a request go: the source port when rport was asked for, else the port its Via names."""
    via = top_via(request)
    return source if "rport" in via.params else (source[0], via.port or PORT)


def response(
    request: SipRequest, code: int, *, tag: str = "", headers: Iterable[tuple[str, str]] = (), body: bytes = b""
) -> SipResponse:
    """A response with what RFC 3261 §8.2.6 copies from the request; ``tag`` goes into To where it has none."""
    made = SipResponse(status_code=code, reason_phrase=REASONS.get(code, "Error"))
    for value in request.headers.get("via"):
        made.headers.append("Via", value)
    if 100 < code < 300:
        for value in request.headers.get("record-route"):
            made.headers.append("Record-Route", value)
    made.headers.set_single("From", request.headers.get_first("from") or "")
    to = request.headers.get_first("to") or ""
    if tag and code > 100 and ";tag=" not in to.lower():
        to += f";tag={tag}"
    made.headers.set_single("To", to)
    made.headers.set_single("Call-ID", request.call_id or "")
    made.headers.set_single("CSeq", request.headers.get_first("cseq") or "")
    made.headers.set_single("Server", SERVER)
    for name, value in headers:
        made.headers.append(name, value)
    if body:
        made.headers.set_single("Content-Type", "application/sdp")
        made.body = body
    return made


def request(
    method: str,
    uri: str,
    *,
    local: Address,
    sender: str,
    to: str,
    call_id: str,
    cseq: int,
    route: Iterable[str] = (),
    headers: Iterable[tuple[str, str]] = (),
    body: bytes = b"",
    branch: str = "",
) -> SipRequest:
    """A request of our own. ``local`` is the address that others reach us at; ``branch`` is given by CANCEL and ACK only."""
    made = SipRequest(method=method, uri=uri)
    made.headers.append("Via", f"SIP/2.0/UDP {format_addr(*local)};branch={branch or generate_branch()};rport")
    for value in route:
        made.headers.append("Route", value)
    made.headers.set_single("Max-Forwards", "70")
    made.headers.set_single("From", sender)
    made.headers.set_single("To", to)
    made.headers.set_single("Call-ID", call_id)
    made.headers.set_single("CSeq", f"{cseq} {method}")
    made.headers.set_single("User-Agent", SERVER)
    for name, value in headers:
        made.headers.append(name, value)
    if body:
        made.headers.set_single("Content-Type", "application/sdp")
        made.body = body
    return made


def host_of(uri: SipUri) -> str:
    """The host of an URI without the brackets of IPv6."""
    return uri.host.strip("[]")


def address_of(uri: str, otherwise: Address) -> Address:
    """Where a request for an URI is sent: names are not resolved, they go to ``otherwise``, the address the other end talks from."""
    found = parse_uri(uri)
    try:
        ipaddress.ip_address(host_of(found))
    except ValueError:
        return otherwise
    port = PORT if found.port is None else found.port
    return (host_of(found), port) if 0 < port < 65536 else otherwise


def user_of(uri: str) -> str:
    """The user part of a SIP URI, or the number of a ``tel:`` URI, without its parameters."""
    uri = uri.strip()
    found = uri[4:] if uri.lower().startswith("tel:") else (parse_uri(uri).user or "")
    return found.partition(";")[0].partition(":")[0]


def caller_of(invite: SipRequest) -> tuple[str, bool]:
    """The caller's number and whether it is withheld.

    The network's own word counts (P-Asserted-Identity, RFC 3325), else From. A caller who asks for privacy, or calls as
    ``anonymous``, is withheld: then the number is empty, also when the network told it to us.
    """
    privacy = ",".join(invite.headers.get("privacy")).lower()
    sender = invite.from_addr or NameAddress()
    user = user_of(_uri(invite.headers.get_first("from") or ""))
    anonymous = user.lower() in ("anonymous", "unavailable", "restricted") or host_of(sender.uri).endswith(".invalid")
    if anonymous or re.search(r"\b(id|user|header)\b", privacy):
        return "", True
    for value in invite.headers.get("p-asserted-identity"):
        for part in value.split(","):
            if re.fullmatch(r"\+?[0-9*#-]+", user_of(_uri(part))):
                return user_of(_uri(part)), False
    return user, not user


def _uri(value: str) -> str:
    """The URI inside a name-addr or addr-spec."""
    found = re.search(r"<([^>]*)>", value)
    return found.group(1) if found else value.partition(";")[0].strip()


def numbers_dialled(invite: SipRequest) -> tuple[str, ...]:
    """What was dialled, best first: the request's URI, then To (trunks that put the account into the URI)."""
    return tuple(n for n in (user_of(invite.uri), user_of(_uri(invite.headers.get_first("to") or ""))) if n)



def key_of(request: SipRequest) -> str | None:
    """The key that the body of an INFO tells: ``Signal=5`` of ``application/dtmf-relay``, or the key alone of ``application/dtmf``; else None."""
    kind = (request.content_type or "").partition(";")[0].strip().lower()
    body = request.body if isinstance(request.body, bytes) else str(request.body).encode()
    text = body.decode("ascii", "replace").strip()
    if kind == KEYS[0]:
        found = _SIGNAL.search(text)
        return found[1].upper() if found else None
    return text.upper() if kind == KEYS[1] and re.fullmatch(r"[0-9*#a-dA-D]", text) else None


__all__ = [
    "COOKIE", "KEYS", "KNOWN_ELSEWHERE", "LARGEST", "METHODS", "PORT", "Address", "Malformed", "NameAddress", "SipRequest", "SipResponse",
    "address_of", "caller_of", "format_addr", "generate_branch", "key_of", "numbers_dialled", "parse", "parse_address", "parse_uri", "request",
    "response", "stamped", "top_via", "user_of", "way_back",
]  # fmt: skip
