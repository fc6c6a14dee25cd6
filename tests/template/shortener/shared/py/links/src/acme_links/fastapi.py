"""Routes that make, list and follow short links."""

try:
    from fastapi import APIRouter, HTTPException
    from fastapi.responses import RedirectResponse
    from pydantic import BaseModel, HttpUrl
except ImportError as error:
    raise ImportError("routes need acme-links[fastapi]") from error

from .store import Link, Links


class NewLink(BaseModel):
    """Where a link is to lead."""

    url: HttpUrl


def routes(links: Links) -> APIRouter:
    """Return the routes of these links, for `app.include_router`."""
    router = APIRouter()

    @router.get("/links")
    def read_all() -> list[Link]:
        """Return all links, the newest first."""
        return links.all()

    @router.post("/links", status_code=201)
    def add(new: NewLink) -> Link:
        """Make a link."""
        return links.add(str(new.url))

    @router.get("/r/{code}", status_code=307, response_class=RedirectResponse)
    def follow(code: str) -> str:
        """Lead to where the link leads."""
        url = links.follow(code)
        if url is None:
            raise HTTPException(404, "There is no such link.")
        return url

    return router
