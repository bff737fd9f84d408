"""Says which processes make the platform, starts them in order and announces what there is."""

from __future__ import annotations

import http.client
import os
import shutil
import subprocess
import sys
import time
from typing import TYPE_CHECKING

from authplatform import child_signals, provider_certificate
from authplatform.env import (
    PROVIDER_ADDRESS,
    PROVIDER_FOLDER,
    Environment,
    Stage,
    read_assignments,
)
from authplatform.supervisor_children import ROOT, Child
from authplatform.supervisor_installation import StartRefused

if TYPE_CHECKING:
    from collections.abc import Mapping

READY_TIMEOUT_SECONDS = 60.0
POLL_SECONDS = 0.05
OK = 200
MANAGE = (sys.executable, str(ROOT / "manage.py"))
GRANIAN = (sys.executable, "-m", "granian", "--interface", "wsgi", "--no-access-log")
ROOT_WARNING = "ignore:You're running the worker"  # Root is what a container often has.
CELERY = (
    sys.executable,
    "-W",
    ROOT_WARNING,
    "-m",
    "celery",
    "--quiet",
    "--app",
    "authplatform.celery",
)


def prepare_database(environment: Environment) -> None:
    """Bring the database to this release's state.

    Raises:
        StartRefused: It can't be reached or changed.
    """
    command = [*MANAGE, "prepare_database", "--verbosity=0"]
    if environment.is_database_embedded:
        command.append("--first-operator")
    outcome = _call(command, _variables(environment))
    if outcome.returncode:
        raise StartRefused(f"The database can't be prepared: {_last_line(outcome.stderr)}")


def start_all(environment: Environment, children: list[Child]) -> None:
    """Start every process, adding each to the children, and print what there is once it answers.

    The web server comes first, so that the first token needn't wait for the task queue.
    """
    variables = _variables(environment)
    web = _web(environment, variables)
    _start(web, children)
    demo = _load_demo(environment, variables)
    for example in _examples(environment, variables):
        _start(example, children)
    _wait_until_it_answers(environment, web)
    _announce(environment, demo)
    for child in _task_queue(environment, variables):
        _start(child, children)


def _start(child: Child, children: list[Child]) -> None:
    children.append(child)
    child.start()


def _variables(environment: Environment) -> dict[str, str]:
    """Return the variables for commands, the same in whatever folder they run."""
    return {
        **os.environ,
        "AUTHPLATFORM_ENVIRONMENT": environment.stage,
        "DATA_DIR": str(environment.data_directory),
        "PORT": str(environment.port),
        "PYTHONUNBUFFERED": "1",
        child_signals.SUPERVISOR: str(os.getpid()),
    }


def _web(environment: Environment, variables: Mapping[str, str]) -> Child:
    metrics = environment.data_directory / "metrics"
    shutil.rmtree(metrics, ignore_errors=True)  # They count since the start.
    metrics.mkdir(parents=True)
    command = [
        *GRANIAN,
        "authplatform.wsgi:application",
        f"--host={environment.bind_address}",
        f"--port={environment.port}",
        f"--workers={os.cpu_count() or 1}",
        "--blocking-threads=2",  # More threads only make the slowest answers slower.
        "--blocking-threads-idle-timeout=600",
        "--respawn-failed-workers",
        "--log-level=warning",
    ]
    return Child("The web server", command, {**variables, "PROMETHEUS_MULTIPROC_DIR": str(metrics)})


def _task_queue(environment: Environment, variables: Mapping[str, str]) -> list[Child]:
    folder = environment.data_directory / "celery"
    folder.mkdir(exist_ok=True)
    worker = ["worker", "--concurrency=2", "--without-gossip", "--without-mingle"]
    beat = ["beat", f"--schedule={folder / 'schedule'}", "--pidfile="]
    return [
        Child("The task worker", [*CELERY, *worker, "--loglevel=WARNING"], variables),
        Child("The task schedule", [*CELERY, *beat, "--loglevel=WARNING"], variables),
    ]


def _examples(environment: Environment, variables: Mapping[str, str]) -> list[Child]:
    """Return what the demo has around the platform; there is none without the demo."""
    found = (_resource_server(environment, variables), _provider(environment, variables))
    return [child for child in found if child is not None]


def _resource_server(environment: Environment, variables: Mapping[str, str]) -> Child | None:
    """Return the example that accepts the demo's tokens; there is none without the demo."""
    demo = read_assignments(environment.data_directory / "demo.env")
    if not environment.is_database_embedded or "RESOURCE_SERVER_ISSUER" not in demo:
        return None
    chosen = {name: text for name, text in demo.items() if name.startswith("RESOURCE_SERVER_")}
    command = [
        *GRANIAN,
        "authplatform.example_server:application",
        f"--host={environment.bind_address}",
        f"--port={environment.port + 1}",
        "--blocking-threads=1",
        "--respawn-failed-workers",
        "--log-level=warning",
    ]
    return Child("The example resource server", command, {**variables, **chosen})


def _provider(environment: Environment, variables: Mapping[str, str]) -> Child | None:
    """Return the outside provider that the demo asks about opaque tokens."""
    if not environment.demo_provider_url:
        return None
    folder = environment.data_directory / PROVIDER_FOLDER
    command = [
        *GRANIAN,
        "authplatform.demo_provider:make_application",
        "--factory",
        f"--host={PROVIDER_ADDRESS}",
        f"--port={environment.port + 2}",
        f"--ssl-certificate={folder / provider_certificate.CERTIFICATE}",
        f"--ssl-keyfile={folder / provider_certificate.PRIVATE_KEY}",
        "--blocking-threads=1",
        "--respawn-failed-workers",
        "--log-level=warning",
    ]
    return Child("The demo's outside provider", command, variables)


def _load_demo(environment: Environment, variables: Mapping[str, str]) -> str:
    """Load the demo configuration into an embedded database; return what it says about itself."""
    if not environment.is_database_embedded:
        return ""
    outcome = _call([*MANAGE, "demo"], variables)
    if outcome.returncode:
        return f"The demo could not be loaded: {_last_line(outcome.stderr)}\n"
    return outcome.stdout


def _call(command: list[str], variables: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603 - our own command.
        command, env=dict(variables), cwd=ROOT, capture_output=True, text=True, check=False
    )


def _last_line(text: str) -> str:
    return (text.strip().splitlines() or ["no reason given"])[-1]


def _wait_until_it_answers(environment: Environment, web: Child) -> None:
    deadline = time.monotonic() + READY_TIMEOUT_SECONDS
    while not _answers(environment):
        if not web.is_alive() or time.monotonic() > deadline:
            raise StartRefused("The web server did not start; its own words stand above.")
        time.sleep(POLL_SECONDS)


def _answers(environment: Environment) -> bool:
    address = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(  # noqa: S104 - translated away from.
        environment.bind_address, environment.bind_address
    )
    connection = http.client.HTTPConnection(address, environment.port, timeout=5)
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().status == OK
    except OSError:
        return False
    finally:
        connection.close()


def _announce(environment: Environment, demo: str) -> None:
    """Print what a person needs first, on standard output."""
    lines = [demo.rstrip("\n")] if demo else []
    lines.append(f"Admin: {environment.admin_base_url}/admin/")
    lines += _describe_sign_in(environment)
    lines.append(f"Running on port {environment.port}; Ctrl-C stops everything.")
    sys.stdout.write("\n".join(lines) + "\n")
    sys.stdout.flush()


def _describe_sign_in(environment: Environment) -> list[str]:
    if not environment.is_database_embedded or environment.stage is not Stage.EMBEDDED:
        return [f"Make the first operator with: {' '.join(MANAGE)} createsuperuser"]
    path = environment.data_directory / "demo.env"
    demo = read_assignments(path)
    name, password = demo.get("ADMIN_USERNAME", ""), demo.get("ADMIN_PASSWORD", "")
    return [f"Sign in as {name} with {password} (made at the first start, kept in {path})."]
