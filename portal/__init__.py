"""The composition root: puts the apps together."""

from portal.celery import app as celery_app

__all__ = ["celery_app"]
