"""Makes the engine importable for the template itself, and has its filters."""

import sys
from pathlib import Path

from jinja2 import Environment

TEMPLATE = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(TEMPLATE / "src"))
# Another run would copy what this one is compiling.
sys.dont_write_bytecode = True

# Found by the path above alone.
from monorepo.templating import jinja_filters  # noqa: E402


class Escapes(jinja_filters.TemplateEscapes):
    """The filters, and `template_folder`: what cookiecutter tells of it may be a relative path."""

    def __init__(self, environment: Environment) -> None:
        """Register them in `environment`."""
        super().__init__(environment)
        environment.globals["template_folder"] = str(TEMPLATE)
