"""Every audit action has a name, a sentence for people, and says whether it is a read of personal data.

Apps register theirs at import of their ``audit_actions`` module; an unregistered name is a programming error.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Action:
    """``label`` is shown in the log search; ``reads_personal_data`` marks a look at a resident's record."""

    name: str
    label: str
    reads_personal_data: bool = False


_actions: dict[str, Action] = {}


def register(*actions: Action) -> None:
    """Make actions known. Registering the same name twice with another meaning raises ``ValueError``."""
    for action in actions:
        if _actions.setdefault(action.name, action) != action:
            raise ValueError(f"audit action {action.name} is registered twice")


def require_registered(name: str) -> Action:
    """The action of a name; ``KeyError`` says how to register it."""
    try:
        return _actions[name]
    except KeyError:
        raise KeyError(f"audit action {name!r} is not registered: add it to the app's audit_actions.py") from None


def all_actions() -> list[Action]:
    """All registered actions by name."""
    return [_actions[name] for name in sorted(_actions)]
