"""Addresses of office."""

app_name = "office"
urlpatterns: list = []
