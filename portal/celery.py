"""The Celery application, and the schedule in code."""

import os

from celery import Celery
from celery.schedules import crontab

from portal.heartbeat import WorkerHeartbeat

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")

app = Celery("portal")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
app.steps["worker"].add(WorkerHeartbeat)
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
    "check-targets": {"task": "deployments.tasks.check_targets", "schedule": 60.0, "options": {"expires": 60}},
    "observe": {
        "task": "deployments.tasks.observe_due",
        "schedule": 2.0,
        "options": {"queue": "observations", "expires": 4},
    },
    "fetch": {
        "task": "portal.tasks.fetch_due",
        "schedule": 5.0,
        "options": {"queue": "observations", "expires": 5},
    },
    "check-images": {
        "task": "deployments.tasks.check_images",
        "schedule": 3600.0,
        "options": {"queue": "observations", "expires": 3600},
    },
    "record-assets": {"task": "portal.tasks.record_due_assets", "schedule": 10.0, "options": {"expires": 10}},
    "lift-holds": {"task": "portal.tasks.lift_holds", "schedule": 15.0, "options": {"expires": 15}},
    "send-alerts": {
        "task": "deployments.tasks.send_alerts",
        "schedule": 5.0,
        "options": {"queue": "observations", "expires": 5},
    },
    "remind": {
        "task": "deployments.tasks.remind",
        "schedule": 60.0,
        "options": {"queue": "observations", "expires": 60},
    },
    "collect": {"task": "portal.tasks.collect", "schedule": crontab(minute=41), "options": {"expires": 1800}},
    "survey": {
        "task": "portal.tasks.survey",
        "schedule": crontab(minute=52),
        "options": {"queue": "observations", "expires": 1800},
    },
    "purge": {"task": "portal.tasks.purge", "schedule": crontab(hour=3, minute=17), "options": {"expires": 3600}},
}
