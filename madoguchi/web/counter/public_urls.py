"""Addresses for visitors at the counter, without an account: opened by the link of a screen or of a ticket."""

from django.urls import path

from . import public

app_name = "visitor"
MACHINE = "<slug:contract>/machine/<int:terminal>/<slug:token>/"
DISPLAY = "<slug:contract>/display/<int:terminal>/<slug:token>/"
urlpatterns = [
    path("<slug:contract>/ticket/<slug:token>/", public.ticket, name="ticket"),
    path(MACHINE, public.machine, name="machine"),
    path(f"{MACHINE}booked/", public.machine_booked, name="machine_booked"),
    path(f"{MACHINE}which/", public.machine_which, name="machine_which"),
    path(f"{MACHINE}bring/", public.machine_bring, name="machine_bring"),
    path(f"{MACHINE}issue/", public.machine_issue, name="machine_issue"),
    path(f"{MACHINE}ticket/<slug:ticket>/", public.machine_ticket, name="machine_ticket"),
    path(DISPLAY, public.display, name="display"),
    path(f"{DISPLAY}state.json", public.display_state, name="display_state"),
    path(f"{DISPLAY}sound/<int:summons>/<slug:language>.wav", public.display_sound, name="display_sound"),
]
