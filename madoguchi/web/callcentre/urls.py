"""Addresses of the call centre's desk, under ``/staff/<contract>/desk/``."""

from django.urls import path

from . import booking, console, desk, external, waiting

app_name = "callcentre"
urlpatterns = [
    path("", desk.desk, name="desk"),
    path("call/", console.console, name="console"),
    path("call/pass/", console.entry, name="console_pass"),
    path("call/seat/", console.seat, name="console_seat"),
    path("call/dial/", console.dial, name="console_dial"),
    path("call/caller/", console.pop, name="console_caller"),
    path("call/theirs/", console.others, name="console_theirs"),
    path("call/done/", console.done, name="console_done"),
    path("call/record/", console.record, name="console_record"),
    path("new/", desk.new, name="new"),
    path("external/", external.external, name="external"),
    path("b/<str:code>/", booking.show, name="booking"),
    path("b/<str:code>/change/", booking.change, name="change"),
    path("b/<str:code>/contact/", booking.contact, name="contact"),
    path("b/<str:code>/cancel/", booking.cancel, name="cancel"),
    path("b/<str:code>/note/", booking.note, name="note"),
    path("b/<str:code>/wait/", waiting.wait, name="wait"),
    path("b/<str:code>/answer/", waiting.answer, name="answer"),
]
