"""The service."""

import os
import sys
from pathlib import Path

import uvicorn
from fastapi import FastAPI

from acme_links import Links
from acme_links.fastapi import routes


def create(database: Path) -> FastAPI:
    """Return the application. Nothing is opened before it is served."""
    links = Links(database)
    app = FastAPI()
    app.include_router(routes(links))

    @app.get("/ready")
    async def ready() -> None:
        """Answer once the database has its schema."""
        await links.check()

    return app


if __name__ == "__main__":
    path = Path(os.environ.get("DATABASE", "links.db"))
    if sys.argv[1:] == ["migrate"]:
        print(Links(path).migrate())
    else:
        uvicorn.run(create(path), port=int(os.environ.get("PORT", "8000")))
