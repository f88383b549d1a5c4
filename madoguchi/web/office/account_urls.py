"""Addresses of a person's own account; the rest comes from django-allauth."""

from django.urls import path, re_path

from . import accounts

urlpatterns = [
    path("second-factor/", accounts.second_factor, name="staff_second_factor"),
    path("invitation/<str:token>/", accounts.invitation, name="invitation_accept"),
    re_path(r"^(signup|email|confirm-email|inactive-email|password/set)/", accounts.closed),
]
