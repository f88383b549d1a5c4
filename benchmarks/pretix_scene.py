"""Runs inside pretix's own environment (``pretix shell`` is not needed): an event series with 320 dates of one free ticket each.

Prints JSON: token, item, sub-event ids, and the month. Nothing of pretix is kept in this repository.
"""

import datetime as dt
import json
import os
from decimal import Decimal
from zoneinfo import ZoneInfo

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "pretix.settings")

ZONE = ZoneInfo("Europe/Berlin")
PLACES = 1_000_000


def build() -> dict[str, object]:
    """Organizer, team with every right, token, event, item, 20 days of 16 half hours with a quota each."""
    import django

    django.setup()
    from django.db.models import BooleanField
    from django.utils.timezone import make_aware
    from pretix.base.models import Event, Organizer, Team
    from pretix.base.models.organizer import TeamAPIToken

    organizer = Organizer.objects.create(slug="city", name="City")
    team = Team.objects.create(organizer=organizer, name="all", all_events=True)
    for field in Team._meta.get_fields():
        rights = getattr(field, "name", "").startswith(("can_", "all_event_permissions", "all_organizer_permissions"))
        if isinstance(field, BooleanField) and rights:
            setattr(team, field.name, True)
    team.save()
    token = TeamAPIToken.objects.create(team=team, name="benchmarks")
    first = (dt.date.today().replace(day=1) + dt.timedelta(days=32)).replace(day=1)
    event = Event.objects.create(
        organizer=organizer,
        slug="hall",
        name="Town hall",
        live=True,
        has_subevents=True,
        currency="EUR",
        date_from=make_aware(dt.datetime.combine(first, dt.time(9)), ZONE),
        plugins="pretix.plugins.banktransfer",
        testmode=False,
    )
    event.set_defaults()
    for name, value in {
        "timezone": "Europe/Berlin",
        "locales": ["en"],
        "locale": "en",
        "show_quota_left": True,
        "attendee_names_asked": False,
        "event_list_type": "calendar",
        "max_items_per_order": 10,
        "payment_free_enabled": True,
    }.items():
        event.settings.set(name, value)
    item = event.items.create(name="Passport renewal", default_price=Decimal("0.00"), admission=True, active=True)
    for day in range(20):
        for half in range(16):
            start = dt.datetime.combine(first + dt.timedelta(days=day), dt.time(9 + half // 2, 30 * (half % 2)))
            date = event.subevents.create(
                name="Slot",
                active=True,
                date_from=make_aware(start, ZONE),
                date_to=make_aware(start + dt.timedelta(minutes=30), ZONE),
            )
            event.quotas.create(name="q", size=PLACES, subevent=date).items.add(item)
    ids = list(event.subevents.order_by("date_from").values_list("pk", flat=True))
    return {"token": token.token, "item": item.pk, "subevents": ids, "month": first.isoformat()[:7]}


if __name__ == "__main__":
    from django_scopes import scopes_disabled

    with scopes_disabled():
        print(json.dumps(build()))
