"""The bootstrap: settings, application, server. Everything else belongs in shared packages."""

from pathlib import Path

from fastapi import FastAPI
from pydantic import Field

from acme_links import Links
from acme_links.fastapi import routes
from acme_service import Settings
from acme_service.fastapi import create_app, serve


class ServiceSettings(Settings):
    """What this service reads from its environment."""

    database: Path = Field(default=Path("links.db"), description="the file of the database")


def create(settings: ServiceSettings) -> FastAPI:
    """Return the application. Nothing is opened before it is served."""
    links = Links(settings.database)
    app = create_app(settings, checks={"database": links.check})
    app.include_router(routes(links))
    return app


if __name__ == "__main__":
    settings = ServiceSettings.from_environment(
        "acme-svc-api",
        port=8000,
    )
    serve(create, settings, commands={"migrate": lambda given: Links(given.database).migrate()})
