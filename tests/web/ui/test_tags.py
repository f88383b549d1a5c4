"""Form tags: label, badge, help, error and control belong together."""

from __future__ import annotations

import re

import pytest
from django import forms
from django.template import Context, Template
from django.template.loader import get_template, render_to_string
from django.test import RequestFactory

from madoguchi.web.ui import charts, icons
from madoguchi.web.ui.kit import KitForm, kit_context
from madoguchi.web.ui.templatetags import ui
from madoguchi.web.ui.templatetags.ui import html_lang


class SmallForm(forms.Form):
    kana = forms.CharField(label="フリガナ", help_text="カタカナで")
    who = forms.ChoiceField(label="来る人", choices=[("self", "本人"), ("agent", "代理人")], widget=forms.RadioSelect)
    mail = forms.EmailField(label="メール", required=False)
    consent = forms.BooleanField(label="同意します")


def drawn(source: str, form: forms.Form) -> str:
    return Template("{% load ui %}" + source).render(Context({"form": form}))


def test_text_field_is_tied_to_label_help_and_error() -> None:
    html = drawn("{% field form.kana %}", SmallForm({}))
    assert 'for="id_kana"' in html
    assert 'aria-describedby="id_kana_helptext id_kana_error"' in html
    assert 'aria-invalid="true"' in html
    assert 'id="id_kana_helptext"' in html
    assert 'id="id_kana_error"' in html
    assert '<span class="req">必須</span>' in html
    assert "「フリガナ」を入力してください。" in html


def test_optional_field_says_so_unless_told_not_to() -> None:
    assert "任意" in drawn("{% field form.mail %}", SmallForm())
    assert "任意" not in drawn("{% field form.mail optional_badge=False %}", SmallForm())


def test_radio_buttons_are_a_group_with_a_legend() -> None:
    html = drawn("{% field form.who %}", SmallForm({"who": "agent"}))
    assert 'role="radiogroup" aria-required="true"' in html
    assert re.search(r'<legend class="field-label">\s*来る人', html)
    assert len(re.findall(r'type="radio"', html)) == 2
    assert re.search(r'value="agent"[^>]*checked', html)


def test_summary_links_to_the_first_control_of_each_field() -> None:
    html = drawn("{% errors form %}", SmallForm({"mail": "x"}))
    assert re.findall(r'href="(#[^"]+)"', html) == ["#id_kana", "#id_who_0", "#id_mail", "#id_consent"]
    assert "直すところが4か所あります" in html
    assert drawn("{% errors form %}", SmallForm()).strip() == ""


def test_typed_values_are_escaped() -> None:
    html = drawn("{% field form.kana %}", SmallForm({"kana": '"><script>x</script>'}))
    assert "<script>" not in html


@pytest.mark.req("BOOK-04")
@pytest.mark.parametrize("name", ["ui/kit.html", "ui/kit_staff.html", "ui/error.html"])
def test_pages_obey_the_content_security_policy(name: str, rf: RequestFactory) -> None:
    context = kit_context(staff="staff" in name) | {"status": 404, "heading": "ページが見つかりません"}
    html = render_to_string(name, context, request=rf.get("/ui-kit/"))
    assert not re.search(r"<script(?![^>]*\bsrc=)", html)
    assert not re.search(r"""<[^>]+\s(style|on[a-z]+)=["']""", html)
    assert not re.search(r"""(src|href|action)=["'](https?:)?//""", html)
    ids = re.findall(r'\sid="([^"]+)"', html)
    if name == "ui/error.html":
        assert sorted(ids) == sorted(set(ids))


@pytest.mark.req("BOOK-03")
@pytest.mark.parametrize(
    ("mark", "words"), [("open", "○ 空き"), ("few", "△ 残り2"), ("full", "× 満席"), ("closed", "− 受付なし")]
)
def test_every_sign_stands_beside_its_words(mark: str, words: str) -> None:
    html = get_template("ui/components/mark_text.html").render({"mark": mark, "left": 2})
    text = " ".join(re.sub(r"<span data-left>(\d+)</span>", r"\1", html).replace("</span>", " ").split())
    assert re.sub(r"<[^>]+> ?", "", text) == words


def test_language_codes_become_valid_lang_attributes() -> None:
    assert [html_lang(code) for code in ("ja", "ja-easy", "zh-hans", "vi", None)] == ["ja", "ja", "zh-Hans", "vi", "ja"]


def test_icons_are_silent_unless_named() -> None:
    assert 'aria-hidden="true"' in icons.svg("phone")
    assert 'role="img" aria-label="電話"' in icons.svg("phone", "電話")


def test_bars_fit_the_plot() -> None:
    chart = charts.bars([("9時", 31, 40), ("10時", 0)], title="予約", target=30)
    assert chart["target"] == "30"
    for drawing in chart["drawings"]:
        assert drawing["grid"][-1]["text"] == "40"
        first, second = drawing["bars"]
        assert first["y"] + first["height"] == pytest.approx(drawing["base"], abs=0.2)
        assert second["height"] == 0


def test_shares_are_a_line_that_breaks_where_there_is_none() -> None:
    chart = charts.bars([("1日", 8), ("2日", 0), ("3日", 6), ("4日", 7)], title="着信", shares=[1.0, None, 0.5, 0.75], share_label="応答率", share_target=0.8)
    assert [row["share"] for row in chart["rows"]] == ["100.0%", "", "50.0%", "75.0%"]
    for drawing in chart["drawings"]:
        top, base = drawing["grid"][-1]["y"], drawing["base"]
        assert [y for _, y in drawing["points"]] == [top, pytest.approx((top + base) / 2, abs=0.1), pytest.approx(base - (base - top) * 0.75, abs=0.1)]
        assert drawing["path"].count("M") == 2
        assert drawing["share_y"] == pytest.approx(base - (base - top) * 0.8, abs=0.1)
        assert not drawing["show_values"]


@pytest.mark.parametrize(("seconds", "shown"), [(None, "―"), (0, "0:00"), (59.6, "1:00"), (65, "1:05"), (3725, "1:02:05")])
def test_lengths_of_time(seconds: float | None, shown: str) -> None:
    assert ui.clock(seconds) == shown


def test_shares_in_percent() -> None:
    assert (ui.percent(0.8434), ui.percent(1.0), ui.percent(None)) == ("84.3%", "100.0%", "―")


@pytest.mark.parametrize(
    ("value", "whole", "axis"),
    [
        (0, True, (1, 1)),
        (1, True, (1, 1)),
        (8, True, (2, 4)),
        (39, True, (10, 4)),
        (101, True, (50, 3)),
        (0.3, False, (0.1, 3)),
        (2.5, False, (0.5, 5)),
    ],
)
def test_an_axis_has_round_steps_and_people_are_whole(value: float, whole: bool, axis: tuple[float, int]) -> None:
    step, count = charts.steps(value, whole=whole)
    assert (pytest.approx(step), count) == axis


def test_labels_that_would_touch_are_left_out() -> None:
    chart = charts.bars([(f"11/{n}（火）", n) for n in range(10, 24)], title="予約")
    wide, narrow = ([bar["show_label"] for bar in drawing["bars"]] for drawing in chart["drawings"])
    assert wide.count(True) > narrow.count(True) >= 3


def test_lines_break_at_gaps_and_fit_the_plot() -> None:
    rows = [("1人", 0, 50), ("2人", 40, None), ("3人", 100, 80), ("4人", 100, 90)]
    chart = charts.lines(rows, name="x", title="応答率", series=["甲", "乙"], unit="％", target=80, top=100)
    assert chart["rows"][1] == ("2人", ["40", ""])
    for drawing in chart["drawings"]:
        first, second = drawing["lines"]
        assert len(first["dots"]) == 4
        assert [len(line["parts"]) for line in (first, second)] == [1, 1]
        assert len(second["dots"]) == 3
        assert first["dots"][0][1] == drawing["base"]
        assert first["dots"][2][1] == drawing["grid"][-1]["y"]
        assert drawing["target_y"] == second["dots"][1][1]


def test_a_line_chart_is_named_and_has_its_figures_in_a_table() -> None:
    html = str(Template('{% load ui %}{% line_chart rows "応答率" name="r" series=series unit="％" head="人数" %}').render(
        Context({"rows": [("1人", 55), ("2人", None)], "series": ["予測"]})
    ))  # fmt: skip
    ids = set(re.findall(r' id="([^"]+)"', html))
    used = set(re.findall(r'aria-(?:labelledby|describedby)="([^"]+)"', html))
    assert len(used) == 4
    assert used <= ids
    assert "<details" in html
    assert '<th scope="row">1人</th><td class="num">55％</td>' in html
    assert '<th scope="row">2人</th><td class="num">−</td>' in html


def test_the_style_page_shows_every_kind_of_field(rf: RequestFactory) -> None:
    html = render_to_string("ui/kit.html", kit_context(), request=rf.get("/ui-kit/"))
    for name in KitForm.base_fields:
        assert f'name="{name}' in html
