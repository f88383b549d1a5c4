"""The addresses of an installation in demo mode, for tests that switch the demo on."""

from django.urls import include, path

from config.urls import handler400, handler403, handler404, handler500
from config.urls import urlpatterns as usual

__all__ = ["handler400", "handler403", "handler404", "handler500", "urlpatterns"]
urlpatterns = [path("demo/", include("madoguchi.web.office.demo_urls")), *usual]
