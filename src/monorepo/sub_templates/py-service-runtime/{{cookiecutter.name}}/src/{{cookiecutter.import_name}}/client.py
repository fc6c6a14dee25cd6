"""Calls of other services that belong to the request. This submodule needs the extra `client`."""

from typing import Any

from . import context

try:
    import httpx2
except ImportError as error:
    raise ImportError(
        '{{ cookiecutter.import_name }}.client needs the extra "client"; '
        'add "{{ cookiecutter.distribution }}[client]" '
        "to the dependencies in your pyproject.toml and run make install"
    ) from error


def async_client(**options: Any) -> httpx2.AsyncClient:  # noqa: ANN401
    """Return a client that passes the request's id and trace on with each call.

    Make one in the lifespan of the application and keep it: it has a pool of connections.

    Args:
        options: Those of `httpx2.AsyncClient`, such as `base_url` and `timeout`.
    """
    return httpx2.AsyncClient(**_hooked(options, _pass_on_async))


def client(**options: Any) -> httpx2.Client:  # noqa: ANN401
    """Return the same for handlers that are no coroutines.

    Args:
        options: Those of `httpx2.Client`.
    """
    return httpx2.Client(**_hooked(options, _pass_on))


def _hooked(options: dict[str, Any], hook: object) -> dict[str, Any]:
    """Return options with one more hook for requests."""
    hooks = dict(options.get("event_hooks") or {})
    return {**options, "event_hooks": {**hooks, "request": [hook, *hooks.get("request", ())]}}


def _pass_on(request: httpx2.Request) -> None:
    for name, value in context.headers().items():
        # What a caller gives to one call stays.
        request.headers.setdefault(name, value)


async def _pass_on_async(request: httpx2.Request) -> None:
    _pass_on(request)
