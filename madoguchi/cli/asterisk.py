"""The verb ``asterisk``: take in the calls of an Asterisk or FreePBX."""

from __future__ import annotations

import argparse
import asyncio
import datetime as dt
import ssl
from pathlib import Path
from typing import Any

from config import env

from .complaint import Complaint, say, set_up_django
from .contracts import date_argument, find_contract
from .run import data_dir


def add(verbs: Any) -> None:
    asterisk = verbs.add_parser("asterisk", help="take in the calls of an Asterisk or FreePBX, live and from its queue_log, until stopped")
    asterisk.add_argument("contract", metavar="CONTRACT")
    asterisk.add_argument("--ami", metavar="HOST:PORT", help="the Manager Interface; the secret is MADOGUCHI_AMI_SECRET")
    asterisk.add_argument("--ami-user", default="madoguchi", metavar="NAME", help="account in manager.conf; default: madoguchi")
    asterisk.add_argument("--tls", action="store_true", help="the Manager Interface by TLS (tlsenable in manager.conf)")
    asterisk.add_argument("--plain", action="store_true", help="send the secret as it is, not by MD5; with --tls only")
    asterisk.add_argument("--queue-log", type=Path, metavar="PATH", help="the log, or a copy of it that is kept up to date")
    asterisk.add_argument("--state", type=Path, metavar="PATH", help="where the position is kept; default: in the data folder")
    asterisk.add_argument(
        "--since", type=date_argument, metavar="YYYY-MM-DD", help="at the first start: pass over earlier events of the log; default: today"
    )
    asterisk.add_argument(
        "--callback-keys", default="1", metavar="KEYS", help="keys that leave a queue to be called back; default: 1; '' for none"
    )
    asterisk.set_defaults(do=_asterisk)


def _asterisk(arguments: argparse.Namespace) -> int:
    if not arguments.ami and not arguments.queue_log:
        raise Complaint("name --ami, --queue-log or both", 2)
    if arguments.plain and not arguments.tls:
        raise Complaint("--plain sends the secret as it is: add --tls", 2)
    from madoguchi.voice.adapters.ami import AmiRefused, Manager

    manager = None
    if arguments.ami:
        host, _, port = arguments.ami.rpartition(":")
        secret = env.get("MADOGUCHI_AMI_SECRET")
        if not host or not port.isdigit():
            raise Complaint(f"{arguments.ami!r} is no HOST:PORT", 2)
        if not secret:
            raise Complaint("MADOGUCHI_AMI_SECRET is empty: it holds the secret of the account in manager.conf", 2)
        tls = ssl.create_default_context() if arguments.tls else None
        manager = Manager(host.strip("[]"), int(port), arguments.ami_user, secret, plain=arguments.plain, tls=tls)
    from madoguchi.supervisor import Supervisor

    keeper = Supervisor([], data_dir=data_dir(), say=say)
    keeper.hold_database()
    try:
        set_up_django()
        from django.conf import settings

        from madoguchi.asterisk import carry
        from madoguchi.ground.kit import clock

        contract = find_contract(arguments.contract)
        state = arguments.state or Path(settings.DATA_DIR) / f"asterisk-{contract.code}.json"
        first = arguments.since or clock.today()
        state.parent.mkdir(parents=True, exist_ok=True)
        work = carry(
            contract,
            state=state,
            manager=manager,
            queue_log=arguments.queue_log,
            since=dt.datetime.combine(first, dt.time(), clock.JST),
            callback_keys=frozenset(arguments.callback_keys),
        )
        asyncio.run(work)
    except AmiRefused as refused:
        raise Complaint(f"{arguments.ami} does not let {arguments.ami_user} in: {refused}") from None
    finally:
        keeper.release_database()
    return 0
