"""The filters of the generated monorepo's sub-templates, for the template itself."""

from hooks import tooling  # isort: skip

from jinja2 import Environment

from monorepo.templating import jinja_filters


class Escapes(jinja_filters.Escapes):
    """The filters, and `template_folder`: what cookiecutter tells of it may be a relative path."""

    def __init__(self, environment: Environment) -> None:
        """Register them in `environment`."""
        super().__init__(environment)
        environment.globals["template_folder"] = str(tooling.TEMPLATE)
