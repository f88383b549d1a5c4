"""Icons of the interface: name → SVG paths on a 24 × 24 grid, stroked with the text colour (drawn for Madoguchi)."""

from __future__ import annotations

from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

PATHS: dict[str, str] = {
    "alert": '<path d="M12 3.5 22 20.5H2Z"/><path d="M12 10v5"/><path d="M12 17.8v.2"/>',
    "arrow-left": '<path d="M20 12H4"/><path d="m10 6-6 6 6 6"/>',
    "arrow-right": '<path d="M4 12h16"/><path d="m14 6 6 6-6 6"/>',
    "bell": '<path d="M6 16.5V11a6 6 0 0 1 12 0v5.5l1.5 1.5h-15Z"/><path d="M10 21h4"/>',
    "calendar": '<rect x="3.5" y="5" width="17" height="15.5" rx="2"/><path d="M3.5 10h17M8 2.5V7M16 2.5V7"/>',
    "card": '<rect x="2.5" y="5" width="19" height="14" rx="2"/><circle cx="8" cy="11" r="2"/>'
    '<path d="M5 16c.6-1.6 5.4-1.6 6 0M14 10h4.5M14 14h4.5"/>',
    "check": '<path d="m4 12.5 5.5 5.5L20 7"/>',
    "check-circle": '<circle cx="12" cy="12" r="9.5"/><path d="m7.5 12.5 3 3 6-6.5"/>',
    "chevron-down": '<path d="m6 9 6 6 6-6"/>',
    "chevron-left": '<path d="m15 5-7 7 7 7"/>',
    "chevron-right": '<path d="m9 5 7 7-7 7"/>',
    "clock": '<circle cx="12" cy="12" r="9.5"/><path d="M12 6.5V12l4 2.5"/>',
    "close": '<path d="m5 5 14 14M19 5 5 19"/>',
    "copy": '<rect x="8.5" y="8.5" width="12" height="12" rx="2"/>'
    '<path d="M15.5 8.5V5a1.5 1.5 0 0 0-1.5-1.5H5A1.5 1.5 0 0 0 3.5 5v9'
    'A1.5 1.5 0 0 0 5 15.5h3.5"/>',
    "download": '<path d="M12 3.5v12M7 11l5 5 5-5M4 20.5h16"/>',
    "edit": '<path d="M4 20l1-4.5L16 4.5l3.5 3.5-11 11Z"/><path d="m13.5 7 3.5 3.5"/>',
    "empty": '<path d="M3.5 13 6 5h12l2.5 8v6.5h-17Z"/><path d="M3.5 13H9l1.5 2.5h3L15 13h5.5"/>',
    "globe": '<circle cx="12" cy="12" r="9.5"/>'
    '<path d="M2.5 12h19M12 2.5c5.5 5.5 5.5 13.5 0 19M12 2.5c-5.5 5.5-5.5 13.5 0 19"/>',
    "info": '<circle cx="12" cy="12" r="9.5"/><path d="M12 11v6M12 7v.2"/>',
    "keyboard": '<rect x="2" y="6" width="20" height="12.5" rx="2"/>'
    '<path d="M6 10h.1M10 10h.1M14 10h.1M18 10h.1M7.5 14.5h9"/>',
    "lock": '<rect x="4.5" y="10.5" width="15" height="10" rx="2"/><path d="M8 10.5V7a4 4 0 0 1 8 0v3.5"/>',
    "mail": '<rect x="2.5" y="5" width="19" height="14" rx="2"/><path d="m3 6.5 9 7 9-7"/>',
    "menu": '<path d="M3.5 6.5h17M3.5 12h17M3.5 17.5h17"/>',
    "person": '<circle cx="12" cy="8" r="4.5"/><path d="M3.5 20.5c1-4.5 4.5-6 8.5-6s7.5 1.5 8.5 6"/>',
    "people": '<circle cx="9" cy="8.5" r="3.5"/><path d="M2 19.5c.6-4 3.5-5.5 7-5.5s6.4 1.5 7 5.5"/>'
    '<path d="M15.5 5.3a3.5 3.5 0 0 1 0 6.400M18 14.5c2.2.7 3.6 2.3 4 5"/>',
    "phone": '<path d="M6.5 3.5 10 8l-2 2.5c1 2.5 3 4.5 5.5 5.5l2.5-2 4.5 3.5'
    'c-.5 2-2 3.5-4 3.5C9.5 21 3 14.5 3 7.5c0-2 1.5-3.5 3.5-4Z"/>',
    "pin": '<path d="M12 21.5c4.5-5 7-8.5 7-11.5a7 7 0 0 0-14 0c0 3 2.5 6.5 7 11.5Z"/>'
    '<circle cx="12" cy="10" r="2.5"/>',
    "plus": '<path d="M12 4.5v15M4.5 12h15"/>',
    "printer": '<path d="M7 8V3.5h10V8M7 17H3.5V8h17v9H17"/><path d="M7 14h10v6.5H7Z"/>',
    "search": '<circle cx="10.5" cy="10.5" r="6.5"/><path d="m15.5 15.5 5.5 5.5"/>',
    "stop": '<circle cx="12" cy="12" r="9.5"/><path d="m5.5 5.5 13 13"/>',
    "tool": '<path d="M14 6.5a4.5 4.5 0 0 1 6-2.5l-3 3 .5 2 2 .5 2-3a4.5 4.5 0 0 1-6.5 5L8 19.5a2 2 0 0 1-3-3Z"/>',
}


def svg(name: str, label: str = "") -> SafeString:
    """An inline SVG. Without ``label`` it is hidden from screen readers. ``KeyError`` on an unknown name."""
    body = mark_safe(PATHS[name])  # noqa: S308 - constants of this module
    if label:
        return format_html('<svg class="icon" viewBox="0 0 24 24" role="img" aria-label="{}">{}</svg>', label, body)
    return format_html('<svg class="icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false">{}</svg>', body)
