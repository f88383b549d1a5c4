"""Verbs about keys: ``key new``, ``key rotate-contract``, ``key rotate-master``."""

from __future__ import annotations

import argparse
import base64
import os
from typing import Any

from .complaint import say, set_up_django
from .contracts import find_contract


def add(verbs: Any) -> None:
    key = verbs.add_parser("key", help="keys that seal personal data")
    kinds = key.add_subparsers(dest="what", required=True, metavar="new|rotate-contract|rotate-master")
    new = kinds.add_parser("new", help="print a new random key for MADOGUCHI_MASTER_KEY")
    new.set_defaults(do=_new)
    rotate = kinds.add_parser("rotate-contract", help="give a contract a new data key and seal its data anew")
    rotate.add_argument("contract", metavar="CONTRACT")
    rotate.set_defaults(do=_rotate_contract)
    master = kinds.add_parser(
        "rotate-master",
        help="wrap all contract keys with MADOGUCHI_MASTER_KEY; the former one in MADOGUCHI_MASTER_KEYS_OLD",
    )
    master.set_defaults(do=_rotate_master)


def _new(arguments: argparse.Namespace) -> int:
    say(base64.b64encode(os.urandom(32)).decode())
    return 0


def _rotate_contract(arguments: argparse.Namespace) -> int:
    set_up_django()
    from madoguchi.ground.kit import clock
    from madoguchi.ground.privacy import services

    contract = find_contract(arguments.contract)
    services.rotate_contract_key(contract, now=clock.now())
    say(f"{contract.code}: new key in use; the worker seals older data anew")
    return 0


def _rotate_master(arguments: argparse.Namespace) -> int:
    set_up_django()
    from madoguchi.ground.kit import clock
    from madoguchi.ground.privacy import services

    count = services.rotate_master(now=clock.now())
    say(f"{count} key(s) wrapped with the new master key")
    return 0
