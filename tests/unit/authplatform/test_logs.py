import json
import logging

import pytest
import structlog
from django.conf import settings

from authplatform import logs


def _format(caplog: pytest.LogCaptureFixture) -> dict[str, object]:
    chosen = settings.LOGGING["formatters"]["json"]
    formatter = structlog.stdlib.ProcessorFormatter(
        processors=chosen["processors"], foreign_pre_chain=chosen["foreign_pre_chain"]
    )
    line: dict[str, object] = json.loads(formatter.format(caplog.records[-1]))
    return line


def test_line_is_json_with_the_request_id(caplog: pytest.LogCaptureFixture) -> None:
    reset_token = logs.current_request_id.set("abc")
    try:
        structlog.get_logger("tokens.example").warning("refused", client_id="gateway")
        line = _format(caplog)
    finally:
        logs.current_request_id.reset(reset_token)
    assert line["event"] == "refused"
    assert line["request_id"] == "abc"
    assert line["client_id"] == "gateway"
    assert line["level"] == "warning"


def test_secret_field_is_redacted(caplog: pytest.LogCaptureFixture) -> None:
    structlog.get_logger("tokens.example").warning("x", client_secret="s3", token="t0", jti="j")
    line = _format(caplog)
    assert (line["client_secret"], line["token"], line["jti"]) == ("[redacted]", "[redacted]", "j")


def test_line_of_a_library_is_json_too(caplog: pytest.LogCaptureFixture) -> None:
    logging.getLogger("somewhere").warning("plain %s", "words")
    assert _format(caplog)["event"] == "plain words"
