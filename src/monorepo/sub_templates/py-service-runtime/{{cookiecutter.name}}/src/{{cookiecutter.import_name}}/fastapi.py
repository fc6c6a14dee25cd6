"""The web application and its server. This submodule needs the extra `fastapi`."""

import logging
import signal
import socket
import sys
from types import FrameType

from .settings import Settings

try:
    import uvicorn
    from fastapi import FastAPI
    from uvicorn.supervisors import Multiprocess
except ImportError as error:
    raise ImportError(
        '{{ cookiecutter.import_name }}.fastapi needs the extra "fastapi"; '
        'add "{{ cookiecutter.distribution }}[fastapi]" '
        "to the dependencies in your pyproject.toml and run make install"
    ) from error

logger = logging.getLogger(__name__)

# What a handler that can't be cancelled gets, beyond the limit of the settings.
_LAST_SECONDS = 5
# A worker answers its parent once it has imported the program, and is killed if that takes longer.
_IMPORT_SECONDS = 30
# uvicorn's exit code for an application that fails to start.
_NOT_STARTED = 3


class _Server(uvicorn.Server):
    """A server that ends in time, whatever its handlers do."""

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        # uvicorn cancels what still runs at its limit, but a handler in a thread can't be
        # cancelled: then the alarm ends the process.
        signal.alarm((self.config.timeout_graceful_shutdown or 0) + _LAST_SECONDS)
        super().handle_exit(sig, frame)


class _Workers(Multiprocess):
    """Several servers, each in a process of its own, that end in time as well."""

    def join_all(self) -> None:
        for worker in self.processes:
            worker.process.join((self.config.timeout_graceful_shutdown or 0) + _LAST_SECONDS)
            worker.process.kill()
            worker.process.join()


def create_app(settings: Settings) -> FastAPI:
    """Return an application that answers GET /health; add your routes to it."""
    app = FastAPI(title=settings.name)

    @app.get("/health")
    async def health() -> dict[str, str]:
        return {"status": "ok", "name": settings.name}

    return app


def serve(app: FastAPI, settings: Settings) -> None:
    """Serve `app` until SIGTERM or Ctrl-C, then finish open requests and exit with code 0.

    Requests that are still open after `settings.shutdown_seconds` are cancelled; a process that
    even so does not end within five more seconds is killed. Call it in the main thread: only
    there Python delivers signals. With more than one worker, each imports the program anew:
    `app` has to be called that in the file that Python was started with, and the call of `serve`
    has to stand below `if __name__ == "__main__"`.

    Raises:
        SystemExit: At the end; with code 1 when it can't listen (one line on stderr says why),
            with uvicorn's code 3 when the application fails to start (the logs say why).
    """
    for number in (signal.SIGTERM, signal.SIGINT):
        # uvicorn raises the signal once more when it is done, which would end in code -15.
        signal.signal(number, lambda *_: sys.exit(0))
    listener = _listen(settings)
    logger.info("%s listens", settings.name, extra={"port": listener.getsockname()[1]})
    config = uvicorn.Config(
        app if settings.workers == 1 else "__main__:app",
        workers=settings.workers,
        timeout_worker_healthcheck=_IMPORT_SECONDS,
        log_config=None,
        log_level=None,
        timeout_graceful_shutdown=settings.shutdown_seconds,
    )
    if settings.workers == 1:
        _Server(config).run(sockets=[listener])
    else:
        workers = _Workers(config, sockets=[listener])
        workers.run()
        if any(worker.exitcode == _NOT_STARTED for worker in workers.processes):
            sys.exit(_NOT_STARTED)


def _listen(settings: Settings) -> socket.socket:
    """Return a listening socket. uvicorn would log a traceback when the port is taken."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    try:
        listener = socket.create_server((settings.host, settings.port), family=family)
    except OSError as error:
        # create_server adds the address in its own words.
        reason = str(error.strerror).partition(" (while")[0]
        raise SystemExit(
            f"{settings.name}: cannot listen on {settings.host} port {settings.port}: {reason}; "
            "set HOST and PORT to an address that is free"
        ) from None
    # Connections inherit it. asyncio sets it on its own listeners only, and without it the body of
    # an answer waits until the client has acknowledged the headers: 40 ms on Linux.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener
