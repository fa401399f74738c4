"""The Celery application, and the schedule in code."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")

app = Celery("portal")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
# `expires`: a tick that waited for a worker has been overtaken by the next one.
app.conf.beat_schedule = {
    "take-up-deploys": {
        "task": "deployments.tasks.take_up",
        "schedule": 3.0,
        "kwargs": {"rollbacks": False},
        "options": {"queue": "deploys", "expires": 6},
    },
    "take-up-rollbacks": {
        "task": "deployments.tasks.take_up",
        "schedule": 3.0,
        "kwargs": {"rollbacks": True},
        "options": {"queue": "rollbacks", "expires": 6},
    },
}
