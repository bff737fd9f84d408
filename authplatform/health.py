"""Says whether the platform lives, whether it can serve, and what it measures."""

from __future__ import annotations

import hmac
import ipaddress
from typing import TYPE_CHECKING

import structlog
from django.conf import settings
from django.db import DatabaseError, connection
from django.http import HttpRequest, HttpResponse, HttpResponseNotFound, JsonResponse
from django.utils import timezone
from kombu.exceptions import OperationalError
from prometheus_client import CONTENT_TYPE_LATEST

from authplatform import metrics
from authplatform.celery import app
from authplatform.middleware import is_within
from tokens import partitions

if TYPE_CHECKING:
    from collections.abc import Callable

BROKER_TIMEOUT_SECONDS = 2
FORWARDING_HEADERS = ("HTTP_FORWARDED", "HTTP_X_FORWARDED_FOR", "HTTP_VIA")

logger = structlog.get_logger(__name__)


def healthz(_request: HttpRequest) -> HttpResponse:
    """Answer 200 as long as the process answers at all."""
    return HttpResponse("ok\n", content_type="text/plain")


def readyz(request: HttpRequest) -> HttpResponse:
    """Answer 200 when every readiness check passes, else 503, with the outcome of each."""
    if not is_operations_request(request):
        return HttpResponseNotFound()
    outcomes = {name: "ok" if _passes(name, check) else "failed" for name, check in CHECKS.items()}
    status = 503 if "failed" in outcomes.values() else 200
    return JsonResponse(outcomes, status=status, headers={"Cache-Control": "no-store"})


def metrics_text(request: HttpRequest) -> HttpResponse:
    """Answer the metrics in the text format of Prometheus."""
    if not is_operations_request(request):
        return HttpResponseNotFound()
    return HttpResponse(metrics.write_exposition(), content_type=CONTENT_TYPE_LATEST)


def is_operations_request(request: HttpRequest) -> bool:
    """Tell whether the caller may see the inside: by token, or by a direct connection.

    What a proxy has passed on may come from anywhere, so it needs the token.
    """
    presented = request.META.get("HTTP_AUTHORIZATION", "").encode()
    token = settings.AUTHPLATFORM_OPERATIONS_TOKEN
    if token and hmac.compare_digest(presented, f"Bearer {token}".encode()):
        return True
    if any(name in request.META for name in FORWARDING_HEADERS):
        return False
    networks = [ipaddress.ip_network(text) for text in settings.AUTHPLATFORM_OPERATIONS_ADDRESSES]
    return is_within(request.META.get("REMOTE_ADDR", ""), networks)


def is_database_ready() -> bool:
    """Tell whether the database answers and takes writes; one that stands by is let go."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('transaction_read_only')")
        is_primary = bool(cursor.fetchone() == ("off",))
    if not is_primary:
        connection.close()
    return is_primary


def is_broker_ready() -> bool:
    """Tell whether the task queue can take a task."""
    if settings.AUTHPLATFORM_IS_QUEUE_IN_DATABASE:
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) >= 0 FROM pgmq.meta")
            return bool(cursor.fetchone() == (True,))
    with app.connection_for_write(connect_timeout=BROKER_TIMEOUT_SECONDS) as broker:
        broker.ensure_connection(max_retries=1, timeout=BROKER_TIMEOUT_SECONDS)
    return True


def are_keys_configured() -> bool:
    """Tell whether there is a pepper and a key encryption key to make new secrets with."""
    return bool(settings.TENANTS_TOKEN_PEPPERS and settings.TENANTS_KEY_ENCRYPTION_KEYS)


def are_partitions_ahead() -> bool:
    """Tell whether the longest token that the platform allows has its partition."""
    return partitions.reaches_far_enough(timezone.now())


# Name -> check. A check returns False, or raises, when the platform should get no requests.
CHECKS: dict[str, Callable[[], bool]] = {
    "database": is_database_ready,
    "broker": is_broker_ready,
    "keys": are_keys_configured,
    "partitions": are_partitions_ahead,
}


def _passes(name: str, check: Callable[[], bool]) -> bool:
    try:
        return check()
    except (DatabaseError, OperationalError, OSError) as error:
        logger.warning("not ready", check=name, error=type(error).__name__)
        return False
