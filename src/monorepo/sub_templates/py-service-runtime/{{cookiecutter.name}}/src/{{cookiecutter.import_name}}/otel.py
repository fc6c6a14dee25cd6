"""Traces and metrics by OpenTelemetry. This submodule needs the extra `otel`.

FastAPI makes the spans and metrics of requests (semantic conventions for HTTP servers), exports
them as the environment says (OTEL_*), and flushes them at the end.
"""

import os

from . import context
from .settings import Settings

try:
    import opentelemetry.exporter.otlp.proto.http
    import opentelemetry.sdk  # noqa: F401
    from opentelemetry import propagate
except ImportError as error:
    raise ImportError(
        '{{ cookiecutter.import_name }}.otel needs the extra "otel"; '
        'add "{{ cookiecutter.distribution }}[otel]" '
        "to the dependencies in your pyproject.toml and run make install"
    ) from error

# How long an exporter tries: a collector that is gone must not keep a service from ending in time.
_EXPORT_SECONDS = "2"


def configure(settings: Settings) -> None:
    """Say which service this is, and have calls of other services carry the span that is current.

    What the environment says of it comes first.
    """
    os.environ.setdefault("OTEL_SERVICE_NAME", settings.name)
    attributes = [f"service.version={settings.version}", os.environ.get("OTEL_RESOURCE_ATTRIBUTES")]
    os.environ["OTEL_RESOURCE_ATTRIBUTES"] = ",".join(filter(None, attributes))
    os.environ.setdefault("OTEL_EXPORTER_OTLP_TIMEOUT", _EXPORT_SECONDS)
    context.inject = propagate.inject
