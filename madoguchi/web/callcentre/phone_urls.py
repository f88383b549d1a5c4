"""Addresses of the telephone, under ``/staff/<contract>/phone/``: figures, calls, call-backs, contacts, the second line."""

from django.urls import path

from . import board, callbacks, calls, contacts, second

app_name = "phone"
urlpatterns = [
    path("callbacks/", callbacks.callbacks, name="callbacks"),
    path("callbacks/new/", callbacks.new, name="callback_new"),
    path("callbacks/<int:callback>/", callbacks.callback, name="callback"),
    path("callbacks/<int:callback>/take/", callbacks.take, name="callback_take"),
    path("callbacks/<int:callback>/tried/", callbacks.tried, name="callback_tried"),
    path("callbacks/<int:callback>/end/", callbacks.end, name="callback_end"),
    path("contacts/", contacts.contacts, name="contacts"),
    path("contacts/export/", contacts.export, name="contacts_export"),
    path("contacts/new/", contacts.new, name="contact_new"),
    path("contacts/<int:contact>/", contacts.contact, name="contact"),
    path("second/", second.second, name="second"),
    path("second/new/", second.new, name="second_new"),
    path("second/<int:escalation>/", second.matter, name="second_matter"),
    path("second/<int:escalation>/step/", second.step, name="second_step"),
    path("", board.board, name="board"),
    path("figures/", board.figures, name="figures"),
    path("figures.json", board.figures_file, {"form": "json"}, name="figures_json"),
    path("figures.csv", board.figures_file, {"form": "csv"}, name="figures_csv"),
    path("calls/", calls.calls, name="calls"),
    path("calls/export/", calls.export, name="calls_export"),
    path("calls/<int:pk>/", calls.call, name="call"),
    path("calls/<int:pk>/callback/", calls.promise, name="promise"),
]
