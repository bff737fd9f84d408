"""The web application for servers that speak ASGI; `make run` uses WSGI, which is faster here."""

from __future__ import annotations

import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "authplatform.settings")

from django.core.asgi import get_asgi_application

import authplatform.celery  # noqa: F401 - tasks are published through its broker.

application = get_asgi_application()
