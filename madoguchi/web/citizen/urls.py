"""Addresses of citizen."""

app_name = "citizen"
urlpatterns: list = []
