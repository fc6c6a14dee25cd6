"""The bootstrap: settings, application, server. Everything else belongs in shared packages."""

from fastapi import FastAPI

from {{ cookiecutter.namespace|replace("-", "_") }}_service import Settings
from {{ cookiecutter.namespace|replace("-", "_") }}_service.fastapi import create_app, serve


def create(settings: Settings) -> FastAPI:
    """Return the application. Nothing is opened before it is served."""
    return create_app(settings)


if __name__ == "__main__":
    serve(
        create,
        Settings.from_environment(
            "{{ cookiecutter.distribution }}",
            port={{ cookiecutter.port }},
        ),
    )
