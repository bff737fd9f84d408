from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from queue import Queue
from typing import TYPE_CHECKING, Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from authplatform import tracing
from authplatform.celery import app
from authplatform.tracing import TaskSpans, TracedApplication

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pytest_django import Settings

TRACE_ID = "4bf92f3577b34da6a3ce929d0e0e4736"
TRACEPARENT = f"00-{TRACE_ID}-00f067aa0ba902b7-01"
SECRET = "Basic c2VjcmV0OnNlY3JldA=="
WAIT_SECONDS = 10.0


class Collector:
    """Takes spans as an OpenTelemetry collector does: protobuf over HTTP."""

    def __init__(self) -> None:
        self.requests: Queue[bytes] = Queue()
        requests = self.requests

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                assert self.path == "/v1/traces"
                requests.put(self.rfile.read(int(self.headers["Content-Length"])))
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name.
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}"

    def take(self) -> tuple[Span, bytes]:
        raw = self.requests.get(timeout=WAIT_SECONDS)
        read = ExportTraceServiceRequest.FromString(raw)
        return read.resource_spans[0].scope_spans[0].spans[0], raw


@pytest.fixture
def collector(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Collector]:
    collector = Collector()
    thread = threading.Thread(target=collector.server.serve_forever, daemon=True)
    thread.start()
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "50")
    settings.AUTHPLATFORM_TRACES_ENDPOINT = collector.url
    yield collector
    collector.server.shutdown()
    thread.join()
    collector.server.server_close()


def answering(route: str, status: int) -> tracing.Application:
    def answer(_environ: dict[str, Any], _start: Callable[..., Any]) -> list[bytes]:
        tracing.describe_request(route, status, "request-1")
        return [b"ok"]

    return answer


def call(application: tracing.Application, **variables: str) -> list[bytes]:
    environ = {"REQUEST_METHOD": "POST", "HTTP_AUTHORIZATION": SECRET, **variables}

    def start(_status: str, _headers: list[tuple[str, str]], _error: object = None) -> Any:  # noqa: ANN401 - the interface's type.
        return None

    return list(application(environ, start))


def attributes(span: Span) -> dict[str, str | int]:
    return {
        a.key: a.value.string_value or a.value.int_value  # One of the two is set.
        for a in span.attributes
    }


def test_without_an_endpoint_nothing_is_wrapped(settings: Settings) -> None:
    settings.AUTHPLATFORM_TRACES_ENDPOINT = ""
    application = answering("token", 200)
    assert tracing.trace(application) is application


def test_request_is_a_span_of_its_callers_trace(collector: Collector) -> None:
    application = tracing.trace(answering("token", 200))
    assert call(application, HTTP_TRACEPARENT=TRACEPARENT) == [b"ok"]
    span, raw = collector.take()
    assert (span.name, span.trace_id.hex(), span.kind) == ("token", TRACE_ID, Span.SPAN_KIND_SERVER)
    assert attributes(span) == {
        "http.request.method": "POST",
        "http.route": "token",
        "http.response.status_code": 200,
        "authplatform.request_id": "request-1",
    }
    assert SECRET.encode() not in raw


@pytest.mark.parametrize(
    "traceparent",
    [
        pytest.param("", id="empty"),
        pytest.param("00-zz-zz-zz", id="no hexadecimal digits"),
        pytest.param("00-" + "0" * 32 + "-00f067aa0ba902b7-01", id="zero"),
        pytest.param("a" * 100_000, id="huge"),
    ],
)
def test_hostile_parent_begins_a_trace_of_its_own(collector: Collector, traceparent: str) -> None:
    application = tracing.trace(answering("token", 200))
    assert call(application, HTTP_TRACEPARENT=traceparent) == [b"ok"]
    span, _ = collector.take()
    assert len(span.trace_id) == 16
    assert span.parent_span_id == b""


def test_server_error_marks_its_span(collector: Collector) -> None:
    call(tracing.trace(answering("token", 503)))
    span, _ = collector.take()
    assert span.status.code == 2


def test_request_is_answered_while_the_collector_is_away(settings: Settings) -> None:
    settings.AUTHPLATFORM_TRACES_ENDPOINT = "http://127.0.0.1:9"
    provider = tracing.make_provider()
    assert provider is not None
    application = TracedApplication(answering("token", 200), provider.get_tracer("test"))
    assert call(application) == [b"ok"]
    provider.shutdown()


def test_task_is_a_span(collector: Collector) -> None:
    app.loader.import_default_modules()
    task = app.tasks["tokens.tasks.rotate_keys"]
    spans = TaskSpans()
    spans.start()
    spans.begin(task_id="1", task=task)
    spans.end(task_id="1", state="FAILURE")
    span, _ = collector.take()
    assert (span.name, span.kind) == ("tokens.tasks.rotate_keys", Span.SPAN_KIND_CONSUMER)
    assert span.status.code == 2
