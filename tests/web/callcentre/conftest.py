"""A contract with slots, and staff of every role at a browser."""

from __future__ import annotations

from tests.web.staff_site import at_desk, sign_in, site  # noqa: F401
