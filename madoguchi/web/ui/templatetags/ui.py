"""Tags of the interface: ``{% load ui %}``. What each draws is shown on the style page (``ui/kit.html``)."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Sequence
from typing import Any

from django import forms, template
from django.contrib.staticfiles import finders
from django.forms.boundfield import BoundField
from django.template.loader import render_to_string
from django.templatetags.static import static
from django.utils import timezone
from django.utils.html import format_html_join
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from madoguchi.ground.kit import dates
from madoguchi.web.ui import charts, icons

register = template.Library()

_TAGS = {"ja-easy": "ja", "zh-hans": "zh-Hans", "zh-hant": "zh-Hant"}
_PLAIN_CHOICES = (forms.RadioSelect, forms.CheckboxSelectMultiple)


@register.simple_tag
def icon(name: str, label: str = "") -> SafeString:
    """``{% icon "phone" %}``: inline SVG, decorative unless ``label`` is given."""
    return icons.svg(name, label)


@register.filter
def html_lang(code: str | None) -> str:
    """A language code of ours as BCP 47 for ``lang=``: ``ja-easy`` is ``ja``, ``zh-hans`` is ``zh-Hans``."""
    return _TAGS.get(code or "ja", code or "ja")


@register.filter
def day(date: dt.date | None) -> str:
    """A day as the reader of the page expects it (``令和8年7月1日(水)`` in Japanese); empty for nothing."""
    return dates.show_for(_as_day(date), get_language() or "ja") if date else ""


@register.filter
def day_short(date: dt.date | None) -> str:
    """``7月1日(水)``, for staff pages; empty for nothing."""
    return dates.show_short(_as_day(date)) if date else ""


@register.filter
def day_from(date: dt.date | None, today: dt.date) -> str:
    """A day as ``day_short``, with its year when that is not the present one: ``2028年7月14日(金)``."""
    if not date:
        return ""
    day = _as_day(date)
    return dates.show_short(day) if day.year == _as_day(today).year else dates.show_western(day)


@register.filter
def grouped(number: float | None) -> str:
    """``12,345``; ``−`` for none."""
    return "−" if number is None else f"{round(number):,}"


def _as_day(date: dt.date) -> dt.date:
    return timezone.localtime(date).date() if isinstance(date, dt.datetime) else date


@register.filter
def soft_breaks(text: str) -> SafeString:
    """Lets a name break where katakana meets kanji (マイナンバーカード｜窓口予約); ``keep-all`` bars other places."""
    parts = re.split(r"(?<=[ァ-ヶー])(?=[一-龠])", str(text))
    return format_html_join(mark_safe("<wbr>"), "{}", ((part,) for part in parts))


@register.simple_tag
def tokens_url() -> str:
    """URL of the design tokens' CSS, or an empty text when the front-end build has not run (fall-backs then apply)."""
    try:
        return static("vendor/design-tokens.css") if finders.find("vendor/design-tokens.css") else ""
    except ValueError:
        return ""


@register.simple_tag
def field(
    bound: BoundField,
    width: str = "",
    layout: str = "",
    label: str = "",
    help: str = "",
    unit: str = "",
    hide_label: bool = False,
    optional_badge: bool = True,
) -> SafeString:
    """Label, 必須/任意 badge, help, error and control of one form field, tied together for screen readers.

    ``width``: ``xs`` ``s`` ``m`` ``l`` or nothing (full). ``layout`` of radio buttons and checkboxes: ``list``,
    ``inline``, ``cards`` (default; ``list`` for more than six) or ``cards-2`` (two columns). ``unit``: text after the
    control (分, 人). ``label`` and ``help`` replace those of the form (``help=" "``: none). ``optional_badge=False``
    leaves 任意 out (search forms, toolbars). A choice widget may carry ``hints``: value → text shown under the choice.
    """
    widget = bound.field.widget
    if bound.is_hidden:
        return bound.as_widget()
    grouped = isinstance(widget, _PLAIN_CHOICES)
    parts = bool(getattr(widget, "is_parts", False))
    checkbox = isinstance(widget, forms.CheckboxInput)
    help_text = help.strip() if help else bound.help_text
    described = [f"{bound.auto_id}_helptext"] if help_text else []
    if bound.errors:
        described.append(f"{bound.auto_id}_error")
    attrs: dict[str, Any] = {"aria-describedby": " ".join(described)} if described else {}
    if bound.errors:
        attrs["aria-invalid"] = "true"
    if not (grouped or parts or checkbox):
        attrs["class"] = " ".join(
            filter(None, [widget.attrs.get("class"), _css_class(widget), f"w-{width}" if width else ""])
        )
    context: dict[str, Any] = {
        "bound": bound,
        "label": label or bound.label,
        "help": help_text,
        "unit": unit,
        "hide_label": hide_label,
        "optional_badge": optional_badge,
        "required": bound.field.required,
        "described": attrs.get("aria-describedby", ""),
        "messages": _messages(bound, label),
        "kind": "choices" if grouped else "parts" if parts else "checkbox" if checkbox else "single",
    }
    if grouped:
        options = list(bound.subwidgets)
        wanted = layout or ("cards" if len(options) <= 6 else "list")
        context["layout"] = {"cards-2": "cards choices-2"}.get(wanted, wanted)
        context["hints"] = getattr(widget, "hints", {})
        context["options"] = [
            {
                "id": o.id_for_label,
                "label": o.choice_label,
                "control": o.tag(),
                "hint": context["hints"].get(str(o.data["value"]), ""),
            }
            for o in options
        ]
        context["role"] = "radiogroup" if isinstance(widget, forms.RadioSelect) else "group"
    else:
        context["control"] = bound.as_widget(attrs=attrs)
    return render_to_string("ui/forms/field.html", context)


def _messages(bound: BoundField, label: str = "") -> list[str]:
    """Errors of a field; Django's bare "required" becomes a sentence that names the field and says what to do."""
    texts = []
    for error in bound.errors.as_data():
        text = str(error.messages[0])
        if error.code == "required" and text == str(forms.Field.default_error_messages["required"]):
            if isinstance(bound.field.widget, forms.CheckboxInput):
                text = _("「%(label)s」にチェックを入れてください。")
            elif isinstance(bound.field, forms.ChoiceField | forms.ModelChoiceField | forms.FileField):
                text = _("「%(label)s」を選んでください。")
            else:
                text = _("「%(label)s」を入力してください。")
            text %= {"label": label or bound.label}
        texts.append(text)
    return texts


def _css_class(widget: forms.Widget) -> str:
    if isinstance(widget, forms.Textarea):
        return "textarea"
    if isinstance(widget, forms.SelectMultiple):
        return "input"
    if isinstance(widget, forms.Select):
        return "select"
    return "input-file" if isinstance(widget, forms.FileInput) else "input"


@register.inclusion_tag("ui/forms/errors.html")
def errors(*bound_forms: Any) -> dict[str, Any]:
    """Error summary of one or several forms or formsets, each line a link to its field; nothing when all are right."""
    items: list[dict[str, str]] = []
    for form in bound_forms:
        if isinstance(form, forms.BaseFormSet):
            items += [{"href": "", "text": text} for text in form.non_form_errors()] if form.is_bound else []
            for child in form.forms:
                items += _form_errors(child)
        elif form is not None:
            items += _form_errors(form)
    return {"items": items}


def _form_errors(form: forms.BaseForm) -> list[dict[str, str]]:
    if not form.is_bound:
        return []
    items = [{"href": "", "label": "", "text": text} for text in form.non_field_errors()]
    for bound in form:
        first = bound.id_for_label or bound.auto_id
        if isinstance(bound.field.widget, _PLAIN_CHOICES):
            first = f"{bound.auto_id}_0"
        items += [{"href": f"#{first}", "label": str(bound.label), "text": text} for text in _messages(bound)]
    return items


@register.simple_tag
def page_numbers(page: Any, around: int = 1) -> Iterable[int | str]:
    """Page numbers of a ``Paginator`` page with ``…`` for what is left out."""
    return page.paginator.get_elided_page_range(page.number, on_each_side=around, on_ends=1)


@register.inclusion_tag("ui/components/bar_chart.html")
def bar_chart(
    rows: Sequence[tuple[str, float]] | Sequence[tuple[str, float, float]],
    title: str,
    unit: str = "",
    target: float | None = None,
    height: int = 200,
    shares: Sequence[float | None] = (),
    share_label: str = "",
    share_target: float | None = None,
) -> dict[str, Any]:
    """Bars for ``(label, value)`` or ``(label, value, second value behind it)``; screen readers get a table.

    ``shares``: a line over the bars, 0…1 per row, the whole height being 100 %.
    """
    return charts.bars(
        rows, title=title, unit=unit, target=target, height=height, shares=shares, share_label=share_label, share_target=share_target
    )


@register.filter
def percent(share: float | None) -> str:
    """A share as ``84.3%``; ``―`` where nothing could be divided."""
    return "―" if share is None else f"{share * 100:.1f}%"


@register.filter
def clock(seconds: float | None) -> str:
    """A length of time as ``1:05`` (minutes and seconds) or ``1:02:05``; ``―`` for none."""
    if seconds is None:
        return "―"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


@register.inclusion_tag("ui/components/line_chart.html")
def line_chart(
    rows: Sequence[Sequence[Any]],
    title: str,
    name: str,
    series: Sequence[str],
    unit: str = "",
    head: str = "",
    target: float | None = None,
    top: float | None = None,
) -> dict[str, Any]:
    """One or two lines for rows ``(label, value, …)``, None leaving a gap; ``name`` is unique on the page; the figures in a table."""
    return charts.lines(rows, name=name, title=title, series=series, unit=unit, head=head, target=target, top=top)


@register.inclusion_tag("ui/components/band_chart.html")
def band_chart(rows: Sequence[Sequence[Any]], title: str, name: str, unit: str = "") -> dict[str, Any]:
    """Bars of what came, a band of what may come with its middle, and a dashed plan, for rows ``(label, actual, low, middle, high, plan)``."""
    return charts.bands(rows, name=name, title=title, unit=unit)


@register.inclusion_tag("ui/components/meter.html")
def meter(value: float, maximum: float, label: str, tone: str = "") -> dict[str, Any]:
    """A thin bar ``value / maximum``; ``tone``: ``ok``, ``warn``, ``bad`` or nothing; ``label`` is read aloud."""
    share = 0.0 if maximum <= 0 else max(0.0, min(1.0, value / maximum))
    return {"width": f"{share * 100:.1f}", "label": label, "tone": tone}


@register.simple_tag
def current_language() -> str:
    """The active language code in our spelling (``ja-easy``, ``zh-hans``)."""
    return get_language() or "ja"
