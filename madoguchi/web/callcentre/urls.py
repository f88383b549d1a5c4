"""Addresses of callcentre."""

app_name = "callcentre"
urlpatterns: list = []
