"""The task queue and the one place that says what runs when."""

from __future__ import annotations

import os
from datetime import timedelta

from celery import Celery

from authplatform.tracing import TaskSpans

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "authplatform.settings")

# Task -> cadence. A task's name is its dotted path.
SCHEDULE: dict[str, timedelta] = {
    "tokens.tasks.maintain_partitions": timedelta(minutes=1),  # A raised ceiling waits for it.
    "tokens.tasks.purge_expired": timedelta(minutes=1),  # Answers for retries leave soon.
    "tokens.tasks.rotate_keys": timedelta(hours=1),
    "tokens.tasks.deliver_due_logouts": timedelta(minutes=1),
    "tenants.tasks.continue_offboardings": timedelta(minutes=1),
    "tenants.tasks.remove_idle_clients": timedelta(minutes=10),
}

app = Celery("authplatform")
TaskSpans().connect()
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
app.conf.beat_schedule = {
    # A run that could not start before the next one is due is dropped: the next one does its work.
    task: {"task": task, "schedule": cadence, "options": {"expires": cadence.total_seconds()}}
    for task, cadence in SCHEDULE.items()
}
