"""How the counter's pages name things: ``{% load counter %}``."""

from __future__ import annotations

from collections.abc import Mapping

from django import template

register = template.Library()


@register.filter
def named(labels: Mapping[str, str], code: str) -> str:
    """The label of a code; the code itself when nothing is agreed for it any more."""
    return labels.get(code, code)
