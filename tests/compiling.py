"""Lets a process compile each Jinja template once: that takes most of the time of a bake."""

from typing import Any

import jinja2

# What the code of a template depends on, beside the template itself.
_SETTINGS = (
    *("block_start_string", "block_end_string", "variable_start_string", "variable_end_string"),
    *("comment_start_string", "comment_end_string", "line_statement_prefix", "line_comment_prefix"),
    *("trim_blocks", "lstrip_blocks", "newline_sequence", "keep_trailing_newline"),
    *("optimized", "autoescape", "undefined", "finalize", "is_async", "sandboxed"),
)
# Answers are templates as well, and properties have thousands of them.
_MANY = 4000
_compile: Any = jinja2.Environment.compile
_known: dict[object, object] = {}


def once() -> None:
    """Have Jinja return the same code for the same template, from now on."""
    environment: Any = jinja2.Environment
    environment.compile = _compiled


def _compiled(
    self: jinja2.Environment,
    source: object,
    name: str | None = None,
    filename: str | None = None,
    raw: bool = False,
    defer_init: bool = False,
) -> object:
    if raw or defer_init or not isinstance(source, str):
        return _compile(self, source, name, filename, raw, defer_init)
    # Constants are filtered and tested when a template is compiled. Extensions define functions
    # anew for each environment.
    functions = (
        frozenset(
            (name, getattr(function, "__code__", function)) for name, function in kind.items()
        )
        for kind in (self.filters, self.tests)
    )
    settings = (getattr(self, setting) for setting in _SETTINGS)
    key = (type(self), *self.extensions, *settings, *functions, source, name, filename)
    if key not in _known:
        if len(_known) >= _MANY:
            _known.clear()
        _known[key] = _compile(self, source, name, filename)
    return _known[key]
