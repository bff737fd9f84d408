"""OpenTelemetry traces of requests and tasks, where an endpoint for them is set.

Each request is one server span, a child of the caller's where that sends `traceparent` (W3C Trace
Context). Spans name routes, statuses and our request ids; never bodies, headers, queries, clients
or addresses. Without an endpoint nothing is wrapped, and nothing costs anything.
"""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, Final

from celery.signals import task_postrun, task_prerun, worker_process_init
from django.conf import settings
from opentelemetry import trace as opentelemetry
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_NAME, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import SpanKind, Status, StatusCode, Tracer
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from wsgiref.types import StartResponse

    from celery import Task

    Environ = dict[str, Any]
    Application = Callable[[Environ, StartResponse], Iterable[bytes]]

SERVICE: Final = "authplatform"
TRACES_PATH: Final = "/v1/traces"
EXPORT_TIMEOUT_SECONDS: Final = 2  # A stopping process waits for so long, too.
SERVER_ERROR: Final = 500
_PROPAGATOR: Final = TraceContextTextMapPropagator()


class TracedApplication:
    """Wraps the web application in one server span for each request."""

    def __init__(self, application: Application, tracer: Tracer) -> None:
        """Keep the application and what makes the spans."""
        self._application = application
        self._tracer = tracer

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Answer a request within its span."""
        carrier = {
            name: environ[key]
            for name, key in (
                ("traceparent", "HTTP_TRACEPARENT"),
                ("tracestate", "HTTP_TRACESTATE"),
            )
            if key in environ
        }
        method = environ["REQUEST_METHOD"]
        with self._tracer.start_as_current_span(
            method,
            context=_PROPAGATOR.extract(carrier),
            kind=SpanKind.SERVER,
            attributes={"http.request.method": method},
        ):
            return self._application(environ, start_response)


def trace(application: Application) -> Application:
    """Wrap the web application where traces have an endpoint; call it after the fork."""
    provider = make_provider()
    if provider is None:
        return application
    return TracedApplication(application, provider.get_tracer(SERVICE))


def make_provider() -> TracerProvider | None:
    """Make what sends this process's spans away in batches; None without an endpoint.

    Where the endpoint is away, spans are dropped and requests go on.
    """
    if not settings.AUTHPLATFORM_TRACES_ENDPOINT:
        return None
    provider = TracerProvider(resource=Resource.create({SERVICE_NAME: SERVICE}))
    exporter = OTLPSpanExporter(
        endpoint=settings.AUTHPLATFORM_TRACES_ENDPOINT + TRACES_PATH, timeout=EXPORT_TIMEOUT_SECONDS
    )
    provider.add_span_processor(BatchSpanProcessor(exporter))
    return provider


def describe_request(route: str, status: int, request_id: str) -> None:
    """Say of the current span what only the answer tells."""
    span = opentelemetry.get_current_span()
    if not span.is_recording():
        return
    span.update_name(route)
    span.set_attribute("http.route", route)
    span.set_attribute("http.response.status_code", status)
    span.set_attribute("authplatform.request_id", request_id)
    if status >= SERVER_ERROR:
        span.set_status(Status(StatusCode.ERROR))


class TaskSpans:
    """One span for each task of this worker process."""

    def __init__(self) -> None:
        """Begin without a tracer: a worker makes its own after its fork."""
        self._tracer: Tracer | None = None
        self._open: dict[str, ExitStack] = {}

    def connect(self) -> None:
        """Listen to the worker's signals."""
        worker_process_init.connect(self.start, weak=False)
        task_prerun.connect(self.begin, weak=False)
        task_postrun.connect(self.end, weak=False)

    def start(self, **_: object) -> None:
        """Make the tracer of this worker process, after its fork."""
        provider = make_provider()
        self._tracer = provider.get_tracer(SERVICE) if provider else None

    def begin(self, task_id: str, task: Task[Any, Any], **_: object) -> None:
        """Open the span of a task."""
        if self._tracer is None:
            return
        stack = self._open[task_id] = ExitStack()
        stack.enter_context(
            self._tracer.start_as_current_span(str(task.name), kind=SpanKind.CONSUMER)
        )

    def end(self, task_id: str, state: str | None = None, **_: object) -> None:
        """Close the span of a task, marked where the task failed."""
        stack = self._open.pop(task_id, None)
        if stack is None:
            return
        if state == "FAILURE":
            opentelemetry.get_current_span().set_status(Status(StatusCode.ERROR))
        stack.close()
