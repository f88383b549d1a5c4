"""Every template compiles and is formatted as djade would; prints each problem and exits 1."""

from __future__ import annotations

import os
import sys
from pathlib import Path

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.demo")

import django

django.setup()

from django.template import TemplateSyntaxError, engines

ROOT = Path(__file__).resolve().parent.parent / "madoguchi"
bad = 0
for path in sorted(ROOT.glob("**/templates/**/*.html")):
    try:
        engines["django"].from_string(path.read_text())
    except TemplateSyntaxError as error:
        print(f"{path.relative_to(ROOT.parent)}: {error}")
        bad += 1
sys.exit(1 if bad else 0)
