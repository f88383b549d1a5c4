"""Verbs about keys: ``key new``, ``key rotate-contract``, ``key drop-retired``, ``key erase``, ``key rotate-master``."""

from __future__ import annotations

import argparse
import base64
import os
from typing import Any

from .complaint import say, set_up_django
from .contracts import find_contract


def add(verbs: Any) -> None:
    key = verbs.add_parser("key", help="keys that seal personal data")
    kinds = key.add_subparsers(dest="what", required=True, metavar="new|rotate-contract|drop-retired|erase|rotate-master")
    new = kinds.add_parser("new", help="print a new random key for MADOGUCHI_MASTER_KEY")
    new.set_defaults(do=_new)
    rotate = kinds.add_parser("rotate-contract", help="give a contract a new data key and seal its data anew")
    rotate.add_argument("contract", metavar="CONTRACT")
    rotate.set_defaults(do=_rotate_contract)
    drop = kinds.add_parser("drop-retired", help="delete a contract's old keys once nothing is sealed with them")
    drop.add_argument("contract", metavar="CONTRACT")
    drop.set_defaults(do=_drop_retired)
    erase = kinds.add_parser("erase", help="erase a contract's personal data for good by dropping its keys")
    erase.add_argument("contract", metavar="CONTRACT")
    erase.add_argument("--reason", required=True, help="kept in the audit log, e.g. the paper that asks for the erasure")
    erase.set_defaults(do=_erase)
    master = kinds.add_parser(
        "rotate-master",
        help="move all contract keys and second factors to MADOGUCHI_MASTER_KEY; the former one in MADOGUCHI_MASTER_KEYS_OLD",
    )
    master.set_defaults(do=_rotate_master)


def _new(arguments: argparse.Namespace) -> int:
    say(base64.b64encode(os.urandom(32)).decode())
    return 0


def _rotate_contract(arguments: argparse.Namespace) -> int:
    set_up_django()
    from madoguchi import keeping
    from madoguchi.ground.kit import clock
    from madoguchi.ground.kit.actors import SYSTEM

    contract = find_contract(arguments.contract)
    version = keeping.rotate_contract_key(contract, by=SYSTEM, now=clock.now())
    say(f"{contract.code}: key {version} is in use; the worker seals older data anew tonight")
    return 0


def _drop_retired(arguments: argparse.Namespace) -> int:
    set_up_django()
    from madoguchi import keeping
    from madoguchi.ground.kit import clock
    from madoguchi.ground.kit.actors import SYSTEM
    from madoguchi.ground.privacy.services import KeyDeedError

    contract = find_contract(arguments.contract)
    try:
        count = keeping.drop_retired_keys(contract, by=SYSTEM, now=clock.now())
    except KeyDeedError as error:
        say(str(error))
        return 1
    say(f"{contract.code}: {count} retired key(s) deleted")
    return 0


def _erase(arguments: argparse.Namespace) -> int:
    set_up_django()
    from madoguchi import keeping
    from madoguchi.ground.kit import clock
    from madoguchi.ground.kit.actors import SYSTEM
    from madoguchi.ground.privacy.services import KeyDeedError

    contract = find_contract(arguments.contract)
    typed = input(f"This makes all personal data of {contract.name} unreadable for good. Type the contract's code: ")
    try:
        count = keeping.erase_contract_keys(
            contract, typed_code=typed, reason=arguments.reason, by=SYSTEM, now=clock.now()
        )
    except KeyDeedError as error:
        say(str(error))
        return 1
    say(f"{contract.code}: {count} key(s) erased; its sealed data can never be opened again")
    return 0


def _rotate_master(arguments: argparse.Namespace) -> int:
    set_up_django()
    from madoguchi import keeping
    from madoguchi.ground.accounts.services import reseal_second_factors
    from madoguchi.ground.kit import clock
    from madoguchi.ground.kit.actors import SYSTEM

    counts = keeping.rotate_master(by=SYSTEM, now=clock.now())
    for code, count in counts.items():
        say(f"{code}: {count} key(s) wrapped with the new master key")
    say(f"staff: {reseal_second_factors()} second factor(s) sealed with the new master key")
    return 0
