"""``python -m madoguchi.voice``."""

from .serve import main

raise SystemExit(main())
