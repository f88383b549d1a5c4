"""Tags of the residents' site: ``{% load citizen %}``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms, template
from django.utils.html import format_html

from madoguchi.web.ui.templatetags.ui import errors

register = template.Library()


@register.inclusion_tag("ui/forms/errors.html")
def errors_of(bound_forms: Sequence[forms.Form]) -> dict[str, Any]:
    """``{% errors_of list %}``: the error summary of several forms, their ``caption`` before the labels."""
    items: list[dict[str, str]] = []
    for form in bound_forms:
        caption = getattr(form, "caption", "")
        for item in errors(form)["items"]:
            label = item.get("label", "")
            items.append({**item, "label": format_html("{} {}", caption, label) if caption and label else label})
    return {"items": items}
