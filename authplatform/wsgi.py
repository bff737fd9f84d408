"""The web application, loaded by each worker of the web server after its fork."""

from __future__ import annotations

import os

from authplatform import child_signals

# Without this, kill -9 of the server's main process leaves its workers serving.
child_signals.terminate_with_parent()
child_signals.leave_with_supervisor()
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "authplatform.settings")

import django  # noqa: E402 - the lines above come first.
from django.conf import settings  # noqa: E402 - as above.

import authplatform.celery  # noqa: E402, F401 - tasks are published through its broker.

django.setup(set_prefix=False)

from authplatform import metrics, tracing  # noqa: E402 - they need the models loaded.
from authplatform.lean_adapter import LeanAdapter  # noqa: E402 - as above.
from authplatform.wsgi_requests import UnicodeHandler  # noqa: E402 - as above.

served = UnicodeHandler()
application = tracing.trace(LeanAdapter(served) if settings.AUTHPLATFORM_LEAN_ADAPTER else served)

# Threads do not survive a fork, so they start here, where the worker has been forked already.
from tenants import snapshot_listener  # noqa: E402 - models are loaded by the lines above.
from tokens import claim_hook, refusal_counts, secret_uses  # noqa: E402 - as above.

claim_hook.require()  # Better no process than one that refuses every token.
snapshot_listener.start(renewed=metrics.observe_renewal)
secret_uses.start()
refusal_counts.start()
