from django.apps import AppConfig


class CounterConfig(AppConfig):
    name = "madoguchi.web.counter"
    label = "counter"
