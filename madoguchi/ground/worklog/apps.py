from django.apps import AppConfig


class WorklogConfig(AppConfig):
    name = "madoguchi.ground.worklog"
    label = "worklog"
