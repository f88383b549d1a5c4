"""``python -m madoguchi.voice``: the exchange as a process."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import datetime as dt
import ipaddress
import logging
import os
import signal
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from . import passes
from .door import Door, open_door
from .exchange import Exchange
from .flows import Flows
from .phones import Telephones, password_of
from .rtp import Ports
from .sip.endpoint import Network, open_endpoint
from .sip.messages import Address
from .sip.registrar import Registrar
from .spool import Spool, new_run

log = logging.getLogger("madoguchi.voice")

SECRET: Final = "MADOGUCHI_VOICE_SECRET"  # noqa: S105 - the name of the variable
JST: Final = dt.timezone(dt.timedelta(hours=9), "JST")


def _address(text: str) -> Address:
    host, _, port = text.rpartition(":")
    if not host or not port.isdigit():
        raise argparse.ArgumentTypeError(f"{text!r} is not HOST:PORT")
    ipaddress.ip_address(host.strip("[]"))
    return host.strip("[]"), int(port)


def _ports(text: str) -> tuple[int, int]:
    first, _, last = text.partition("-")
    if not (first.isdigit() and last.isdigit() and 1024 <= int(first) < int(last) < 65536):
        raise argparse.ArgumentTypeError(f"{text!r} is not FIRST-LAST")
    return int(first), int(last)


def _network(text: str) -> Network:
    return ipaddress.ip_network(text)


def options(parser: argparse.ArgumentParser) -> None:
    """The options of the process."""
    parser.add_argument("--folder", type=Path, required=True, help="flows: FOLDER/CONTRACT/flow.json")
    parser.add_argument("--spool", type=Path, help="where events wait for the courier (default: FOLDER/spool)")
    parser.add_argument("--bind", default="127.0.0.1", help="address of SIP and RTP")
    parser.add_argument("--address", default="", help="address that others reach it at, when it is another than --bind")
    parser.add_argument("--port", type=int, default=5060, help="UDP port of SIP")
    parser.add_argument("--rtp-ports", type=_ports, default=(20000, 29998), metavar="FIRST-LAST")
    parser.add_argument(
        "--trunk", type=_network, action="append", required=True, metavar="CIDR", help="addresses that may bring calls; may be repeated"
    )
    parser.add_argument("--carrier", type=_address, metavar="HOST:PORT", help="where call-backs are sent; none are made without it")
    parser.add_argument("--capacity", type=int, default=200, help="calls above which the automatic answer is given at once")
    parser.add_argument("--drain", type=float, default=300.0, metavar="SECONDS", help="how long calls may go on after SIGTERM")
    parser.add_argument("--door-host", default="127.0.0.1", help="address of the operators' WebSocket")
    parser.add_argument("--door-port", type=int, help="port of the operators' WebSocket")
    parser.add_argument("--door-media-port", type=int, default=0, help="UDP port of the browsers' audio (default: any)")
    parser.add_argument(
        "--door-origin", action="append", metavar="URL", help="the web site whose pages may come in (default: MADOGUCHI_URL)"
    )
    parser.add_argument("--clock-offset-file", type=Path, help="a file with seconds by which the clock is moved (demo and tests)")
    parser.add_argument("--log-level", default="INFO", choices=("DEBUG", "INFO", "WARNING", "ERROR"))


def moved_clock(file: Path | None) -> Callable[[], dt.datetime]:
    """The time in Japan, moved by what a file says; the file is read at most once a second."""
    read_at, offset = float("-inf"), 0.0

    def now() -> dt.datetime:
        nonlocal read_at, offset
        if file is not None and time.monotonic() - read_at > 1:
            read_at = time.monotonic()
            try:
                offset = float(file.read_text())
            except (OSError, ValueError):
                offset = 0.0
        return dt.datetime.fromtimestamp(time.time() + offset, JST)

    return now


async def serve(given: argparse.Namespace, secret: str) -> None:
    """Run until SIGTERM or SIGINT, then drain."""
    loop = asyncio.get_running_loop()
    clock = moved_clock(given.clock_offset_file)
    flows = Flows(given.folder)
    flows.refresh()
    if not flows.loaded:
        log.error("%s holds no flow that can be used; callers hear that the telephone is out of order until one appears", given.folder)
    waiting = given.spool or given.folder / "spool"
    run = new_run(waiting, clock())
    spool = Spool(waiting, passes.derive(secret, "spool"), run=run, now=clock())
    endpoint, transport = await open_endpoint((given.bind, given.port), trunks=given.trunk, advertised=given.address)
    exchange = Exchange(
        endpoint=endpoint, flows=flows, spool=spool, ports=Ports(given.bind, *given.rtp_ports), clock=clock, run=run,
        advertised=given.address, capacity=given.capacity, carrier=given.carrier,
    )  # fmt: skip
    registrar = Registrar(secret=password_of(flows), seconds=time.monotonic)
    endpoint.registry = registrar
    telephones = Telephones(exchange, registrar)
    beside = [
        loop.create_task(exchange.media.run()),
        loop.create_task(flows.watch(lambda changed: telephones.look())),
        loop.create_task(_look(exchange, telephones)),
    ]
    door = await _open_door(exchange, given, secret, clock)
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    log.info("SIP on %s:%d, %d contracts, run %s", *endpoint.here, len(flows.loaded), run)
    try:
        await stop.wait()
        log.info("draining %d calls", len(exchange.calls))
        await exchange.drain(given.drain)
    finally:
        if door is not None:
            await door.close()
        for task in beside:
            task.cancel()
        endpoint.close()
        transport.close()
        await asyncio.to_thread(spool.close)


async def _look(exchange: Exchange, telephones: Telephones) -> None:
    """What is looked at once a second."""
    while True:
        await asyncio.sleep(1)
        telephones.look()
        exchange.check()
        if (late := exchange.media.late()) > 0.1:
            log.warning("the audio clock was late by %.0f ms", 1000 * late)


async def _open_door(exchange: Exchange, given: argparse.Namespace, secret: str, clock: Callable[[], dt.datetime]) -> Door | None:
    """The operators' WebSocket, where a port was given."""
    if given.door_port is None:
        return None
    origins = given.door_origin or [os.environ.get("MADOGUCHI_URL", "http://127.0.0.1:8000")]
    return await open_door(
        exchange, host=given.door_host, port=given.door_port, key=passes.derive(secret, "pass"), clock=clock,
        origins=[origin.rstrip("/") for origin in origins], media_host=given.bind, media_port=given.door_media_port,
        media_address=given.address,
    )  # fmt: skip


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the process; returns the exit code."""
    parser = argparse.ArgumentParser(prog="madoguchi callengine", description="The telephone exchange of Madoguchi.")
    options(parser)
    return start(parser.parse_args(arguments))


def start(given: argparse.Namespace) -> int:
    """Check what cannot be checked by the options, then serve."""
    logging.basicConfig(level=given.log_level, format="%(asctime)s %(levelname)s %(name)s: %(message)s", stream=sys.stderr)
    logging.getLogger("aiosipua").setLevel(logging.ERROR)
    secret = os.environ.get(SECRET, "")
    if len(secret) < 16:
        log.error("%s is needed, at least 16 characters, the same as the web site has", SECRET)
        return 2
    if ipaddress.ip_address(given.bind).is_unspecified and not given.address:
        log.error("--bind %s needs --address: what should callers be told?", given.bind)
        return 2
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(serve(given, secret))
    return 0
