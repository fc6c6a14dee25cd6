"""The bootstrap: settings, application, server. Everything else belongs in shared packages."""

from fastapi import FastAPI

{% if cookiecutter.example %}
from {{ cookiecutter.namespace|replace("-", "_") }}_notes import Notes
from {{ cookiecutter.namespace|replace("-", "_") }}_notes.fastapi import DEFAULT_DATABASE, DatabaseUrl, migrate, router
{% endif %}
from {{ cookiecutter.namespace|replace("-", "_") }}_service import Settings
from {{ cookiecutter.namespace|replace("-", "_") }}_service.fastapi import create_app, serve


class ServiceSettings(Settings):
    """What this service reads from its environment."""
{% if cookiecutter.example %}

    database_url: DatabaseUrl = DEFAULT_DATABASE
{% endif %}


def create(settings: ServiceSettings) -> FastAPI:
    """Return the application. Nothing is opened before it is served."""
{% if cookiecutter.example %}
    notes = Notes(settings.database_url.get_secret_value())
    app = create_app(settings, lifespan=notes.lifespan, checks={"database": notes.check})
    app.include_router(router)
    return app
{% else %}
    return create_app(settings)
{% endif %}


if __name__ == "__main__":
    settings = ServiceSettings.from_environment(
        "{{ cookiecutter.distribution }}",
        port={{ cookiecutter.port }},
    )
    serve(create, settings{{ ', commands={"migrate": migrate}' if cookiecutter.example }})
