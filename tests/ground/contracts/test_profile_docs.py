"""The reference of keys is what the models say."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from madoguchi.ground.contracts.profile import Profile
from madoguchi.ground.contracts.profile_docs import render_profile_docs

PAGE = Path(__file__).parents[3] / "docs" / "profiles.md"


@pytest.mark.req("CON-01")
def test_the_page_is_fresh():
    assert PAGE.read_text() == render_profile_docs(), (
        "python -m madoguchi.ground.contracts.profile_docs > docs/profiles.md"
    )


@pytest.mark.req("CON-01")
def test_every_key_has_a_description_and_every_link_a_heading():
    schema = Profile.model_json_schema()
    for model in (schema, *schema["$defs"].values()):
        assert [key for key, value in model["properties"].items() if not value.get("description")] == []
    page = render_profile_docs()
    headings = {line.removeprefix("## ").lower() for line in page.splitlines() if line.startswith("## ")}
    assert {name.lower() for name in ("Profile", *schema["$defs"])} == headings
    assert set(re.findall(r"\]\(#([a-z]+)\)", page)) <= headings
