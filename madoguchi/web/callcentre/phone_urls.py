"""Addresses of the telephone, under ``/staff/<contract>/phone/``: figures, calls, call-backs, contacts, the second line."""

from django.urls import URLPattern

app_name = "phone"
urlpatterns: list[URLPattern] = []
