"""A number box with a slider beside it, for values that one tries out."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.html import format_html
from django.utils.safestring import SafeString


class SliderInput(forms.NumberInput):
    """The number box is what is sent and what keyboards and screen readers use; the slider appears with scripts and moves it.

    ``reach``: smallest and largest value of the slider, which may be narrower than what the box takes; ``step`` of the slider.
    """

    def __init__(self, reach: tuple[int, int], step: int = 1, attrs: dict[str, Any] | None = None) -> None:
        super().__init__({"inputmode": "numeric", "autocomplete": "off", **(attrs or {})})
        self.reach = reach
        self.step = step

    def render(self, name: str, value: Any, attrs: dict[str, Any] | None = None, renderer: Any = None) -> SafeString:
        box = super().render(name, value, attrs, renderer)
        return format_html(
            '{}<input type="range" class="slider" min="{}" max="{}" step="{}" value="{}" data-slider="{}" data-needs-script hidden'
            ' tabindex="-1" aria-hidden="true" autocomplete="off">',
            box, *self.reach, self.step, "" if value is None else value, (attrs or {}).get("id", ""),
        )  # fmt: skip
