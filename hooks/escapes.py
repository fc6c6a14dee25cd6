"""The filters of the generated monorepo's sub-templates, for the template itself."""

from hooks import tooling  # isort: skip

from monorepo.escapes import Escapes

__all__ = ["Escapes", "tooling"]
