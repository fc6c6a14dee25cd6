"""What services rely on. A failure here means that they have to change as well."""

import inspect
import subprocess
import sys

import pytest

import {{ cookiecutter.import_name }} as package
from {{ cookiecutter.import_name }} import Settings, client
from {{ cookiecutter.import_name }} import fastapi as web

WITHOUT = """
import sys
for name in {{ '{names}' }}:
    sys.modules[name] = None
from {{ cookiecutter.import_name }} import Settings, configure_logging
configure_logging(Settings.from_environment("api"))
try:
    import {{ cookiecutter.import_name }}.{{ '{module}' }}
except ImportError as error:
    sys.exit(str(error))
"""


def test_public_names() -> None:
    assert sorted(package.__all__) == [
        "Address",
        "JsonFormatter",
        "Settings",
        "SettingsError",
        "configure_logging",
    ]
{% if cookiecutter.manifests %}
    assert sorted(web.__all__) == ["Check", "Service", "create_app", "serve"]
{% else %}
    assert sorted(web.__all__) == ["Check", "create_app", "serve"]
{% endif %}


def test_an_application_is_made_from_settings_and_served_with_them() -> None:
    assert [*inspect.signature(web.create_app).parameters] == ["settings", "lifespan", "checks"]
    assert [*inspect.signature(web.serve).parameters] == ["create", "settings", "commands"]
    assert callable(client.client)
    assert callable(client.async_client)


def test_the_variables_have_the_names_that_operators_know() -> None:
    assert [name.upper() for name in Settings.model_fields if name != "name"] == [
        "HOST",
        "PORT",
        "LOG_LEVEL",
        "WORKERS",
        "SHUTDOWN_TIMEOUT",
        "SHUTDOWN_DELAY",
        "DOCS",
        "OTEL_EXPORTER_OTLP_ENDPOINT",
    ]


@pytest.mark.parametrize(
    ("extra", "names"),
    [
        ("fastapi", ["fastapi", "starlette", "uvicorn"]),
        ("client", ["httpx2"]),
        ("otel", ["opentelemetry.sdk"]),
    ],
)
def test_without_an_extra_the_error_says_what_to_install(extra: str, names: list[str]) -> None:
    program = WITHOUT.format(names=names, module=extra)
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)

    assert done.returncode == 1
    assert f'"{{ cookiecutter.distribution }}[{extra}]"' in done.stderr
    assert len(done.stderr.splitlines()) == 1
