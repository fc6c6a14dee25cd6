"""Jinja filters that quote free text, so that it enters generated files as data."""

import json
import re

from jinja2 import Environment
from jinja2.ext import Extension

from monorepo.templating import template

# CommonMark 0.31 and GitHub's extensions: markup anywhere, or at the start of a line.
_MARKUP = re.compile(r"[\\`*_\[\]<>#|~&$]|\A[-+=]")
_NUMBER = re.compile(r"\A([0-9]+)([.)])")
_EDGE = re.compile(r"\A\s+|\s+\Z|[\r\n]")
# Characters that JSON allows raw, but TOML 1.0 (DEL) or YAML 1.1 do not.
_UNSEEN = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")


def quote(text: object) -> str:
    r"""Return `text` as a double-quoted literal.

    JSON strings are also TOML basic strings, YAML flow scalars, and Python and JavaScript
    literals, if characters beyond ASCII are not escaped (TOML 1.0 has no surrogate pairs), except
    for the few that one of these languages does not allow raw.
    """
    literal = json.dumps(str(text), ensure_ascii=False)
    return _UNSEEN.sub(lambda match: f"\\u{ord(match[0]):04x}", literal)


def markdown(text: object) -> str:
    """Escape `text` for one line of CommonMark; line breaks and edge spaces become entities."""
    escaped = _NUMBER.sub(r"\1\\\2", _MARKUP.sub(r"\\\g<0>", str(text)))
    return _EDGE.sub(
        lambda match: "".join(f"&#{ord(character)};" for character in match[0]), escaped
    )


def oneline(text: object) -> str:
    """Replace line breaks by spaces, which fields of Python's core metadata do not allow."""
    return " ".join(str(text).splitlines())


class Escapes(Extension):
    """The functions above as Jinja filters."""

    def __init__(self, environment: Environment) -> None:
        """Register them in `environment`."""
        super().__init__(environment)
        environment.filters.update(quote=quote, markdown=markdown, oneline=oneline)


class TemplateEscapes(Escapes):
    """The filters and `template_version`, for the template itself."""

    def __init__(self, environment: Environment) -> None:
        """Register them in `environment`."""
        super().__init__(environment)
        environment.globals["template_version"] = template.version()
