"""Addresses of the demo's mailbox."""

from django.urls import path

from . import mailbox

urlpatterns = [
    path("", mailbox.inbox, name="mailbox"),
    path("<slug:name>/", mailbox.mail, name="mailbox_mail"),
]
