"""The verb that becomes the telephone exchange: ``callengine``."""

from __future__ import annotations

import argparse
import os
import sys
from typing import Any


def add(verbs: Any) -> None:
    # No character begins an option here, so every argument is handed on as it is, ``--help`` too.
    engine = verbs.add_parser("callengine", help="the telephone exchange", add_help=False, prefix_chars="\0")
    engine.add_argument("options", nargs=argparse.REMAINDER)
    engine.set_defaults(do=_become)


def _become(arguments: argparse.Namespace) -> int:
    """Replace this process: the exchange runs without Django, and signals reach it alone."""
    sys.stdout.flush()
    os.execv(sys.executable, [sys.executable, "-m", "madoguchi.voice", *arguments.options])  # noqa: S606
