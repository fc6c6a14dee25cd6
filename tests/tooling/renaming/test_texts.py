"""Names change where they are one, and nowhere else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monorepo.renaming import texts
from monorepo.renaming.names import Names

PYTHON = Names(("acme_core", "acme_base"), {}, {"acme-core": "acme-base"}, {})
NODE = Names(None, {"@acme/core": "@acme/base"}, {}, {"js-api": "js-gate"})
ENGLISH = Names(("open_source", "open_code"), {}, {"open-source": "open-code"}, {})

CHANGES = {
    # Python: imports, and the name that one binds.
    "a.py": (
        (
            "import acme_core\nacme_core.x(acme_core.y)\n",
            "import acme_base\nacme_base.x(acme_base.y)\n",
        ),
        ("from acme_core.a import b\n", "from acme_base.a import b\n"),
        (
            "import os, acme_core.a as c\nacme_core = 1\n",
            "import os, acme_base.a as c\nacme_core = 1\n",
        ),
        ("from . import acme_core\nacme_core.x\n", "from . import acme_core\nacme_core.x\n"),
        (
            "import acme_core\nx.acme_core\nf(acme_core=1)\n",
            "import acme_base\nx.acme_core\nf(acme_core=1)\n",
        ),
        ("from .acme_core import a\n", "from .acme_core import a\n"),
        (
            "from x import (\n    a,  # b\n    acme_core,\n)\n",
            "from x import (\n    a,  # b\n    acme_core,\n)\n",
        ),
        ("import acme_core\nx = {acme_core: 1}\n", "import acme_base\nx = {acme_base: 1}\n"),
        ("import acme_core_b\nacme_core_b.c\n", "import acme_core_b\nacme_core_b.c\n"),
        (
            "try: import acme_core\nexcept E: raise X from acme_core.y\n",
            "try: import acme_base\nexcept E: raise X from acme_base.y\n",
        ),
        ('patch("acme_core.x:y", "acme_core")\n', 'patch("acme_base.x:y", "acme_base")\n'),
        (
            'x = f"{acme_core.x!r} acme_core {{acme_core}}"\n',
            'x = f"{acme_base.x!r} acme_base {{acme_base}}"\n',
        ),
        ('x = "import os\\nacme_core.x"\n', 'x = "import os\\nacme_base.x"\n'),
        (
            'x = ["pip", "acme-core[io]>=1", "acme-core-b"]\n',
            'x = ["pip", "acme-base[io]>=1", "acme-core-b"]\n',
        ),
        (
            '"""Of acme_core: `acme-core`, acme-core."""\n',
            '"""Of acme_base: `acme-base`, acme-core."""\n',
        ),
        ("x = 1  # acme_core.x, not my_acme_core\n", "x = 1  # acme_base.x, not my_acme_core\n"),
        # A parameter is another thing, also where the function uses it; its default is not.
        (
            "import acme_core\ndef f(acme_core=acme_core):\n    if acme_core:\n        acme_core\n"
            "    return 1\n\nacme_core.x\n",
            "import acme_base\ndef f(acme_core=acme_base):\n    if acme_core:\n        acme_core\n"
            "    return 1\n\nacme_base.x\n",
        ),
        (
            "import acme_core\nclass A:\n    def f(self, *,\n"
            "        acme_core: acme_core.T) -> {}: return acme_core\n    def g(a): acme_core\n",
            "import acme_base\nclass A:\n    def f(self, *,\n"
            "        acme_core: acme_base.T) -> {}: return acme_core\n    def g(a): acme_base\n",
        ),
        (
            "@fixture\ndef acme_core():\n    import acme_core\n    return acme_core\n",
            "@fixture\ndef acme_core():\n    import acme_base\n    return acme_base\n",
        ),
        ("import acme_core\ndef f(acme_core):", "import acme_base\ndef f(acme_core):"),
        ("import acme_core\ndef acme_core", "import acme_base\ndef acme_core"),
        ("\ufeffimport acme_core\r\n", "\ufeffimport acme_base\r\n"),
        ("def broken(:\n  import acme_core ''' \n", "def broken(:\n  import acme_base ''' \n"),
    ),
    "pyproject.toml": (
        (
            'd = ["acme-core[io]>=1", "Acme.Core", "acme-core-b"]\n',
            'd = ["acme-base[io]>=1", "acme-base", "acme-core-b"]\n',
        ),
        (
            '[project.scripts]\nrun = "acme_core.cli:main"\n',
            '[project.scripts]\nrun = "acme_base.cli:main"\n',
        ),
        ('u = "https://github.com/acme/acme-core"\n', 'u = "https://github.com/acme/acme-core"\n'),
        ("x = 'acme_core-1.0-py3-none-any.whl'\n", "x = 'acme_base-1.0-py3-none-any.whl'\n"),
    ),
    "a.ini": (
        (
            "[mypy-acme_core.*,acme_core_b]\n[logger_acme_core]\n[handler_acme_core]\n-acme_core\n",
            "[mypy-acme_base.*,acme_core_b]\n[logger_acme_base]\n[handler_acme_core]\n-acme_core\n",
        ),
        ("keys=root,acme_core,acme_core.io\n", "keys=root,acme_base,acme_base.io\n"),
    ),
    ".github/CODEOWNERS": (
        (
            "/x/acme_core/ @acme/acme-core acme-core@acme.io  # acme_core\n",
            "/x/acme_base/ @acme/acme-core acme-core@acme.io  # acme_base\n",
        ),
    ),
    "a.md": (
        (
            "Of `acme-core` and acme-core, `` a`acme-core ``.\n",
            "Of `acme-base` and acme-core, `` a`acme-base ``.\n",
        ),
        (
            "# acme-core\n\n```sh\npip install acme-core\n```\n",
            "# acme-base\n\n```sh\npip install acme-base\n```\n",
        ),
        ("[it](src/acme_core/a.md)\n", "[it](src/acme_base/a.md)\n"),
    ),
}
NODE_CHANGES = {
    "a.ts": (
        ('import { a } from "@acme/core/b";\n', 'import { a } from "@acme/base/b";\n'),
        ("const x = `@acme/core ${y} @acme/core`;\n", "const x = `@acme/base ${y} @acme/base`;\n"),
        ("const x = /@acme\\/core$/;\n", "const x = /@acme\\/base$/;\n"),
        ('// @acme/core "\nimport "@acme/core-b";\n', '// @acme/base "\nimport "@acme/core-b";\n'),
        (
            'const x = a / b; /* @acme/core */ f("@acme/core");\n',
            'const x = a / b; /* @acme/base */ f("@acme/base");\n',
        ),
        ('fetch("http://js-api:3000/@acme/core");\n', 'fetch("http://js-gate:3000/@acme/core");\n'),
    ),
    "package.json": (
        ('{ "@acme/core": "workspace:*" }', '{ "@acme/base": "workspace:*" }'),
        ('{ "@acme/core2": "1" }', '{ "@acme/core2": "1" }'),
        (
            '{ "description": "@acme/core",\n  "owners": [\n    "@acme/core"], "a": "@acme/core" }',
            '{ "description": "@acme/base",\n  "owners": [\n    "@acme/core"], "a": "@acme/base" }',
        ),
    ),
    "a.py": (('x = "@acme/core"\n', 'x = "@acme/base"\n'),),
}


@pytest.mark.parametrize(("file", "old", "new"), [(f, *c) for f, cs in CHANGES.items() for c in cs])
def test_names_of_a_python_package_change(file: str, old: str, new: str) -> None:
    assert texts.rename(file, old, PYTHON) == new


@pytest.mark.parametrize(
    ("file", "old", "new"), [(f, *c) for f, cs in NODE_CHANGES.items() for c in cs]
)
def test_names_of_a_javascript_package_change(file: str, old: str, new: str) -> None:
    assert texts.rename(file, old, NODE) == new


def test_english_stays() -> None:
    prose = 'description = "open-source, `open-source`"\nname = "open-source"\n'
    assert texts.rename("pyproject.toml", prose, ENGLISH) == (
        'description = "open-source, `open-code`"\nname = "open-code"\n'
    )
    comment = "# an open-source library\n"
    assert texts.rename("a.py", comment, ENGLISH) == comment


PIECES = st.sampled_from(
    [
        *("import acme_core\n", "from acme_core.a import b\n", "acme_core.x()\n", "x.acme_core\n"),
        *(
            "f(acme_core=1)\n",
            "y = 'acme_core.x'\n",
            '"""`acme-core`, acme-core"""\n',
            "# acme_core\n",
        ),
        *(
            "z = f'{acme_core.a} acme-core'\n",
            "from . import acme_core\n",
            "if x:\n    acme_core\n",
        ),
        *(
            "w = rb'\\nacme_core'\n",
            "v = [\n  'acme-core[io]',  # acme-core\n]\n",
            "é = '@acme/core'\n",
        ),
        *(
            "`a ${ '@acme/core' } @acme/core`\n",
            "/@acme\\/core/\n",
            "// @acme/core\n",
            "`acme-core`\n",
        ),
        *("'''\n", '"', "`", "/", "\\\n", "\r\n", "\t", "(", "}", "https://a.b/acme-core\n"),
    ]
)


@given(
    st.lists(PIECES | st.text(max_size=3)).map("".join),
    st.sampled_from(["a.py", "a.ts", "a.md", "a.toml", "a.json", "a.sh"]),
    st.sampled_from([PYTHON, NODE]),
)
def test_there_and_back_is_the_identity(text: str, file: str, names: Names) -> None:
    there = texts.rename(file, text, names)
    assert texts.rename(file, there, names.back) == text
