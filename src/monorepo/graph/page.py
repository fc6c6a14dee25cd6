"""The graph as one page of HTML, which needs no network: it is drawn by Graphviz, in the browser.

`viz.js.gz` is `dist/viz-global.js` of the npm package @viz-js/viz, compressed; `viz.LICENSE` has
its licence and those of what is in it. The browser unpacks it, and runs only scripts whose hashes
the page names. What manifests say enters the page as JSON, and is shown as text.
"""

import base64
import hashlib
import html
import json
from importlib import resources

from monorepo.graph.rendering import described
from monorepo.graph.view import View

# The version of @viz-js/viz, and the sha256 of that file.
VIZ = "3.31.0"
VIZ_HASH = "yeCzEPmIORDgHGYFS0i3/0vj2GlRQRFmNecrCvFSaS4="


def as_html(view: View) -> str:
    """Return the graph as a page: pan, zoom, search, filters, and details of each package."""
    space = view.space
    told = {
        "project": str(space.facts.get("project-name", "")),
        "focus": view.focus,
        "base": view.base,
        "packages": [
            {**described(one), "affected": [*view.affected.get(one.path, ())]}
            for one in view.packages
        ],
        "arrows": [
            {
                "source": arrow.source,
                "target": arrow.target,
                "asked": arrow.asked,
                "declared": arrow.declared,
                "inner": arrow.is_inner,
            }
            for arrow in view.arrows()
        ],
        "problems": [str(problem) for problem in space.problems],
    }
    style, script = _file("page.css").decode(), _file("page.js").decode()
    parts = {
        "policy": _policy(style, script),
        "style": style,
        "licence": html.escape(_file("viz.LICENSE").decode().strip()),
        # In a script, only these characters could end it.
        "data": json.dumps(told).replace("<", "\\u003c"),
        "library": base64.b64encode(_file("viz.js.gz")).decode(),
        "script": script,
    }
    head, *marks = _file("page.html").decode().split("{{")
    # In one pass: what is put in may have marks as well.
    filled = (parts[name] + rest for name, _, rest in (mark.partition("}}") for mark in marks))
    return "".join([head, *filled]).rstrip()


def _policy(style: str, script: str) -> str:
    """Return the policy of the page (CSP): nothing is loaded, and only what is named here runs."""
    return "; ".join(
        [
            "default-src 'none'",
            f"script-src '{_hash(script)}' 'sha256-{VIZ_HASH}' 'wasm-unsafe-eval'",
            f"style-src '{_hash(style)}'",
            "base-uri 'none'",
            "form-action 'none'",
        ]
    )


def _hash(text: str) -> str:
    """Return the hash of a text as a policy names it."""
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


def _file(name: str) -> bytes:
    """Return a file of this room."""
    return resources.files(__package__).joinpath(name).read_bytes()
