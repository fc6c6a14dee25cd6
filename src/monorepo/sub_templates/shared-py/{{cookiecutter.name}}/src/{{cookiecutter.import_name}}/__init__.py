"""The public names of this package; other packages import from here only."""

{% if cookiecutter.example %}
from .retries import delays

__all__ = ["delays"]
{% else %}
__all__: list[str] = []
{% endif %}
