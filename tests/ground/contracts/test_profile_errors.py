"""Broken profiles: each mistake gives exactly the line that mends it."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from madoguchi.ground.contracts.profile import ProfileError, load_all, load_profile, parse_profile

EXAMPLE = (Path(__file__).parent / "example.toml").read_text()

BROKEN = tomllib.loads((Path(__file__).parent / "broken.toml").read_text())


@pytest.mark.req("CON-01")
def test_the_example_itself_is_right():
    assert parse_profile(EXAMPLE, name="example.toml", code="example").code == "example"


@pytest.mark.req("CON-01")
@pytest.mark.parametrize("case", BROKEN)
def test_a_mistake_gives_its_line(case):
    old, new, lines = (BROKEN[case][key] for key in ("change", "into", "says"))
    assert old in EXAMPLE
    with pytest.raises(ProfileError) as caught:
        parse_profile(EXAMPLE.replace(old, new, 1), name="example.toml", code="example")
    assert list(caught.value.lines) == lines
    assert str(caught.value) == "\n".join(caught.value.lines)


@pytest.mark.req("CON-01")
def test_a_file_that_is_missing_or_not_text_is_named(tmp_path):
    with pytest.raises(ProfileError) as caught:
        load_profile(tmp_path / "none.toml")
    assert str(caught.value) == f"none.toml: file: expected a profile at {tmp_path}/none.toml (got nothing)"
    (tmp_path / "sjis.toml").write_bytes('title = "業務"'.encode("cp932"))
    with pytest.raises(ProfileError) as caught:
        load_profile(tmp_path / "sjis.toml")
    assert str(caught.value) == "sjis.toml: byte 9: expected UTF-8 text (got other bytes)"


@pytest.mark.req("CON-01")
def test_a_folder_reports_all_its_broken_files_at_once(tmp_path):
    with pytest.raises(ProfileError, match=r"expected at least one profile \*\.toml \(got none\)"):
        load_all(tmp_path)
    (tmp_path / "example.toml").write_text(EXAMPLE)
    assert list(load_all(tmp_path)) == ["example"]
    (tmp_path / "first.toml").write_text(EXAMPLE)
    (tmp_path / "second.toml").write_text("code = ")
    with pytest.raises(ProfileError) as caught:
        load_all(tmp_path)
    assert list(caught.value.lines) == [
        'first.toml: code: expected "first" like the file name (got "example")',
        "second.toml:1: expected valid TOML, Invalid value (got code =)",
    ]
