"""Addresses of the ledger of obligations, under ``/staff/<contract>/obligations/``."""

from django.urls import path

from . import obligations

app_name = "obligations"
urlpatterns = [
    path("", obligations.ledger, name="ledger"),
    path("year/", obligations.year, name="year"),
    path("preparation/", obligations.preparation, name="preparation"),
    path("since/", obligations.since, name="since"),
    path("duty/<slug:code>/", obligations.duty, name="duty"),
    path("duty/<slug:code>/meet/", obligations.enter, name="meet"),
    path("duty/<slug:code>/event/", obligations.event, name="event"),
    path("event/<int:pk>/withdraw/", obligations.event_withdraw, name="event_withdraw"),
    path("evidence/<int:pk>/withdraw/", obligations.evidence_withdraw, name="evidence_withdraw"),
    path("evidence/<int:pk>/confirm/", obligations.evidence_confirm, name="evidence_confirm"),
    path("breach/<int:pk>/explain/", obligations.breach_explain, name="breach_explain"),
    path("breach/<int:pk>/close/", obligations.breach_close, name="breach_close"),
]
