"""Writes one JSON object per log line, with the request's id and without secrets."""

from __future__ import annotations

from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

import structlog

if TYPE_CHECKING:
    from structlog.typing import EventDict, Processor, WrappedLogger

REDACTED = "[redacted]"
SECRET_NAMES = frozenset(
    {
        "api_key",
        "assertion",
        "authorization",
        "client_assertion",
        "client_secret",
        "code",
        "code_verifier",
        "cookie",
        "password",
        "refresh_token",
        "secret",
        "set-cookie",
        "subject_token",
        "token",
    }
)

current_request_id: ContextVar[str] = ContextVar("current_request_id", default="")


def add_request_id(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Name the request in which the line was written."""
    if request_id := current_request_id.get():
        event["request_id"] = request_id
    return event


def redact(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Replace the values of fields whose name says that they are secret."""
    for name in event.keys() & SECRET_NAMES:
        event[name] = REDACTED
    return event


def configure() -> dict[str, Any]:  # Django types its LOGGING no better.
    """Set up structlog and return Django's LOGGING, so that both write the same lines."""
    shared: list[Processor] = [
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.stdlib.ExtraAdder(),  # What the standard library's loggers are given as extra.
        add_request_id,
        redact,
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    return _logging(shared)


def _logging(shared: list[Processor]) -> dict[str, Any]:
    final = [
        structlog.stdlib.ProcessorFormatter.remove_processors_meta,
        structlog.processors.format_exc_info,
        structlog.processors.JSONRenderer(),
    ]
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "json": {
                "()": structlog.stdlib.ProcessorFormatter,
                "processors": final,
                "foreign_pre_chain": shared,
            }
        },
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "json"}},
        "root": {"handlers": ["stderr"], "level": "WARNING"},
        "loggers": {
            "authplatform": {"level": "INFO"},
            "tenants": {"level": "INFO"},
            "tokens": {"level": "INFO"},
            # A refused request is an answer, not an event: only 5xx is worth a line.
            "django.request": {"level": "ERROR"},
            "django": {"handlers": [], "level": "WARNING", "propagate": True},
        },
    }
