"""The bootstrap: settings, application, server. Everything else belongs in shared packages."""

from {{ cookiecutter.namespace|replace("-", "_") }}_service import Settings, configure_logging
from {{ cookiecutter.namespace|replace("-", "_") }}_service.fastapi import create_app, serve

settings = Settings.from_environment(
    "{{ cookiecutter.distribution }}",
    port={{ cookiecutter.port }},
)
configure_logging(settings.log_level)
app = create_app(settings)

if __name__ == "__main__":
    serve(app, settings)
