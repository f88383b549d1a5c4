"""``docs/operations/environment.md``, written from ``config.env.VARIABLES``.

``python -m config.env_docs > docs/operations/environment.md`` writes it; a test keeps it fresh.
"""

from __future__ import annotations

import sys

from .env import VARIABLES

_HEAD = """# Environment variables

This page is written by `python -m config.env_docs > docs/operations/environment.md`; a test keeps it fresh.

Configuration has three homes. The environment holds secrets and what belongs to the machine: the list below is complete. What was
agreed with a city is its [profile](../profiles.md). What staff change on an ordinary day has a screen.

| Variable | Meaning |
| --- | --- |
"""


def render() -> str:
    """The whole page as Markdown."""
    return _HEAD + "".join(f"| `{name}` | {text.replace('|', chr(92) + '|')} |\n" for name, text in VARIABLES.items())


if __name__ == "__main__":
    sys.stdout.write(render())
