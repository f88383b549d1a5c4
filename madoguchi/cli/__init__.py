"""``madoguchi``: the command line. Each verb explains itself with ``--help``; errors are one line on stderr and exit code 1 or 2."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

import madoguchi
from config import env

from . import asterisk, bringing, callengine, contracts, run, secrets, verify

VERBS = (run, callengine, contracts, asterisk, bringing, verify, secrets)


def parser() -> argparse.ArgumentParser:
    """The whole command line; documentation tests walk it."""
    top = argparse.ArgumentParser(
        prog="madoguchi",
        description="マイナンバーカード窓口業務のシステム。Reservation, call centre and counter for My Number Card contracts.",
        epilog="Environment variables: docs/operations/environment.md",
    )
    top.add_argument("--version", action="version", version=f"madoguchi {madoguchi.__version__}")
    verbs = top.add_subparsers(dest="verb", metavar="VERB", required=True)
    for module in VERBS:
        module.add(verbs)
    return top


def main(argv: Sequence[str] | None = None) -> int:
    """Run one verb; returns the exit code."""
    arguments = parser().parse_args(argv)
    mode = getattr(arguments, "mode", None) or env.get("MADOGUCHI_MODE", "development")
    os.environ["MADOGUCHI_MODE"] = mode
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", f"config.settings.{mode}")
    try:
        return int(arguments.do(arguments) or 0)
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        sys.stderr.close()
        return 0
    except Complaint as complaint:
        print(complaint, file=sys.stderr)  # noqa: T201
        return complaint.code


from .complaint import Complaint
