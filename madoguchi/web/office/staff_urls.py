"""The entrance of the staff side."""

from django.urls import path

from . import home

urlpatterns = [path("", home.contracts, name="staff")]
