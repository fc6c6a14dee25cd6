"""The web application and its server. This submodule needs the extra `fastapi`."""

try:
    import starlette as _starlette  # noqa: F401
    import uvicorn as _uvicorn  # noqa: F401
    from fastapi import FastAPI as _FastAPI  # noqa: F401
except ImportError as error:
    raise ImportError(
        '{{ cookiecutter.import_name }}.fastapi needs the extra "fastapi"; '
        'add "{{ cookiecutter.distribution }}[fastapi]" '
        "to the dependencies in your pyproject.toml and run make install"
    ) from error

from .application import Check, create_app
{% if cookiecutter.manifests %}
from .configured import Service
{% endif %}
from .server import serve

{% if cookiecutter.manifests %}
__all__ = ["Check", "Service", "create_app", "serve"]
{% else %}
__all__ = ["Check", "create_app", "serve"]
{% endif %}
