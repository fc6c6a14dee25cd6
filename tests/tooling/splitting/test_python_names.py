"""The names of a module follow it in Python: in each form of import, and what they bind."""

import pytest

from monorepo.splitting import python_names
from monorepo.splitting.python_names import Move, Place

MOVE = Move("acme_core.audio", "acme_audio", {"acme_core": {"Player": "Player", "P": "Player"}})
NESTED = Move("acme_core.a.b", "acme_b", {"acme_core.a": {"X": "X"}})
ELSEWHERE = Place("", is_package=False)
INSIDE = Place("acme_core.mix", is_package=False)
INIT = Place("acme_core.audio", is_package=True)
PART = Place("acme_core.audio.codec", is_package=False)
FILE = Place("acme_core.audio", is_package=False)
ABOVE = Place("acme_core", is_package=True)


def follow(text: str, at: Place = ELSEWHERE, move: Move = MOVE) -> str:
    """Return the text of a file that has followed."""
    return python_names.follow(text, at, move, "it.py").text


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("from acme_core.audio import x", "from acme_audio import x"),
        ("from acme_core.audio.codec import x", "from acme_audio.codec import x"),
        ("from acme_core . audio import x", "from acme_audio import x"),
        ("from acme_core.audiovisual import x", "from acme_core.audiovisual import x"),
        ("import acme_core.audio as a", "import acme_audio as a"),
        ("import acme_core.audio.codec as a", "import acme_audio.codec as a"),
        ("from acme_core import audio", "import acme_audio as audio"),
        ("from acme_core import audio as a", "import acme_audio as a"),
        ("from acme_core import Player", "from acme_audio import Player"),
        ("from acme_core import P", "from acme_audio import Player as P"),
        ("from acme_core import P as Q", "from acme_audio import Player as Q"),
        (
            "from acme_core import a, audio, b",
            "import acme_audio as audio\nfrom acme_core import a, b",
        ),
        ("from acme_core import audio, b", "import acme_audio as audio\nfrom acme_core import b"),
        ("from acme_core import b, audio", "import acme_audio as audio\nfrom acme_core import b"),
        (
            "from acme_core import b, Player, audio",
            "from acme_audio import Player\nimport acme_audio as audio\nfrom acme_core import b",
        ),
        (
            "from acme_core import (\n    audio,\n    b,  # why\n)",
            "import acme_audio as audio\nfrom acme_core import (\n    b,  # why\n)",
        ),
        (
            "from acme_core import (\n    b,  # why\n    audio\n)",
            "import acme_audio as audio\nfrom acme_core import (\n    b,  # why\n)",
        ),
        (
            "def f():\n    from acme_core import audio, b",
            "def f():\n    import acme_audio as audio\n    from acme_core import b",
        ),
        (
            "x = 1; from acme_core import a, audio",
            "x = 1; import acme_audio as audio; from acme_core import a",
        ),
        ("é = 1; from acme_core.audio import x", "é = 1; from acme_audio import x"),
        (
            "if TYPE_CHECKING:\n    from acme_core.audio import x",
            "if TYPE_CHECKING:\n    from acme_audio import x",
        ),
        ("from acme_core import *", "from acme_core import *"),
    ],
)
def test_imports_follow(before: str, after: str) -> None:
    assert follow(before) == after
    assert follow(f"{before}\n") == f"{after}\n"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("import acme_core.audio\n\nacme_core.audio.f()", "import acme_audio\n\nacme_audio.f()"),
        ("import acme_core\n\nacme_core.audio.f()", "import acme_audio\n\nacme_audio.f()"),
        ("import acme_core as c\n\nc.audio.f()", "import acme_audio\n\nacme_audio.f()"),
        ("import acme_core as c\n\nc.P()", "import acme_audio\n\nacme_audio.Player()"),
        ("import acme_core as c\n\nc.f()", "import acme_core as c\n\nc.f()"),
        ("import acme_core as c\n\nx.c.audio", "import acme_core as c\n\nx.c.audio"),
        (
            "import acme_core\n\nacme_core.audio, acme_core.b",
            "import acme_audio\nimport acme_core\n\nacme_audio, acme_core.b",
        ),
        (
            "import acme_core.audio\n\nacme_core.audio, acme_core.b",
            "import acme_core\nimport acme_audio\n\nacme_audio, acme_core.b",
        ),
        (
            "import acme_core\nimport acme_core.audio\n\nacme_core.audio",
            "import acme_audio\n\nacme_audio",
        ),
        (
            "import acme_core.b\n\nacme_core.audio, acme_core.b",
            "import acme_audio\nimport acme_core.b\n\nacme_audio, acme_core.b",
        ),
        (
            "def f():\n    import acme_core\n    return acme_core.audio\n"
            "def g():\n    import acme_core\n    return acme_core.audio, acme_core.b",
            "def f():\n    import acme_audio\n    import acme_core\n    return acme_audio\n"
            "def g():\n    import acme_audio\n    import acme_core\n"
            "    return acme_audio, acme_core.b",
        ),
        (
            "def f():\n    import acme_core.audio\n    return acme_core.audio, acme_core.b",
            "def f():\n    import acme_core\n    import acme_audio\n"
            "    return acme_audio, acme_core.b",
        ),
        (
            "import acme_core\nimport acme_core\n\nacme_core.audio",
            "import acme_audio\n\nacme_audio",
        ),
    ],
)
def test_what_imports_bind_follows(before: str, after: str) -> None:
    assert follow(before) == after


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('patch("acme_core.audio.f")', 'patch("acme_audio.f")'),
        ('patch("acme_core.Player")', 'patch("acme_audio.Player")'),
        ('load("acme_core:P")', 'load("acme_audio:Player")'),
        ('"acme_core.audiovisual"', '"acme_core.audiovisual"'),
        ("# See acme_core.audio.", "# See acme_audio."),
        ('import_module("acme_core.audio")', 'import_module("acme_audio")'),
        ("not python: acme_core.audio", "not python: acme_audio"),
    ],
)
def test_strings_and_comments_follow(before: str, after: str) -> None:
    assert follow(before) == after


@pytest.mark.parametrize(
    ("at", "before", "after"),
    [
        (INSIDE, "from .audio import x", "from acme_audio import x"),
        (INSIDE, "from .audio.codec import x", "from acme_audio.codec import x"),
        (INSIDE, "from . import audio, b", "import acme_audio as audio\nfrom . import b"),
        (INSIDE, "from . import Player", "from acme_audio import Player"),
        (INSIDE, "from .other import x", "from .other import x"),
        (INIT, "from .codec import x", "from .codec import x"),
        (INIT, "from . import codec", "from . import codec"),
        (INIT, "from ..retries import x", "from acme_core.retries import x"),
        (INIT, "from .. import retries", "from acme_core import retries"),
        (INIT, "from ..audio.codec import x", "from ..audio.codec import x"),
        (PART, "from . import x", "from . import x"),
        (PART, "from ..retries import x", "from acme_core.retries import x"),
        (PART, "from acme_core.audio import x", "from acme_audio import x"),
        (FILE, "from .retries import x", "from acme_core.retries import x"),
        (FILE, "from . import retries", "from acme_core import retries"),
        (FILE, "from.retries import x", "from acme_core.retries import x"),
        (ELSEWHERE, "from .audio import x", "from .audio import x"),
        (INSIDE, "from ....x import y", "from ....x import y"),
    ],
)
def test_relative_imports_follow(at: Place, before: str, after: str) -> None:
    assert follow(before, at) == after


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("from acme_core.a import b, c", "import acme_b as b\nfrom acme_core.a import c"),
        ("from acme_core.a import X", "from acme_b import X"),
        ("from acme_core import a\n\na.b.x", "import acme_b\nfrom acme_core import a\n\nacme_b.x"),
        ("import acme_core.a\n\nacme_core.a.b.x", "import acme_b\n\nacme_b.x"),
        (
            "import acme_core.a as a\n\na.b.x, a.c",
            "import acme_b\nimport acme_core.a as a\n\nacme_b.x, a.c",
        ),
    ],
)
def test_a_nested_module_is_followed(before: str, after: str) -> None:
    assert follow(before, move=NESTED) == after


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('["P", "b"] == p.__all__', '["b"] == p.__all__'),
        ('sorted(p.__all__) == ["P"]', "sorted(p.__all__) == []"),
        ('set(p.__all__) == {"P"}', "set(p.__all__) == set()"),
        ('p.__all__ == (\n    "a",\n    "P",\n)', 'p.__all__ == (\n    "a",\n)'),
        ('x.__all__ == ["P"]', 'x.__all__ == ["P"]'),
        ('p.names == ["P"]', 'p.names == ["P"]'),
    ],
)
def test_what_a_test_expects_of_all_follows(before: str, after: str) -> None:
    head = "import acme_core as p\n\nassert "
    assert follow(head + before) == head + after


@pytest.mark.parametrize(
    ("before", "after", "names"),
    [
        ("from .audio import a\n", "", {"a": ("acme_core.audio", "a")}),
        ("from .audio.codec import a as b\n", "", {"b": ("acme_core.audio.codec", "a")}),
        ("from .audio import *\n", "", {"one": ("acme_core.audio", "one")}),
        ("from . import audio\n", "", {}),
        ("from . import audio, b\n", "from . import b\n", {}),
        ("from .audio import a\n\nprint(a)\n", None, {}),
        ("from .b import a\n", None, {}),
        ("try:\n    from .audio import a\nexcept ImportError:\n    pass\n", None, {}),
        ("import acme_core.audio\n", None, {}),
        (
            'from .audio import a\nfrom .b import b\n\n__all__ = ["a", "b"]\n',
            'from .b import b\n\n__all__ = ["b"]\n',
            {"a": ("acme_core.audio", "a")},
        ),
        (
            'from .audio import a\n\n__all__ = ("a",)\n',
            "\n__all__: list[str] = []\n",
            {"a": ("acme_core.audio", "a")},
        ),
        (
            'from .audio import a\n\n__all__: list[str] = ["a"]\n',
            "\n__all__: list[str] = []\n",
            {"a": ("acme_core.audio", "a")},
        ),
        ("not python", None, {}),
    ],
)
def test_what_is_exported_again_is_taken_out(
    before: str, after: str | None, names: dict[str, tuple[str, str]]
) -> None:
    at = Place("acme_core", is_package=True)
    found, taken = python_names.take_out(before, at, "acme_core.audio", lambda _: ["one"], {})
    assert found.text == (before if after is None else after)
    assert taken == names


def test_what_was_exported_again_further_in_is_taken_out() -> None:
    at = Place("acme_core", is_package=True)
    inner = {"acme_core.a": {"X": ("acme_core.a.b", "X")}}
    found, taken = python_names.take_out(
        "from .a import X, y\n", at, "acme_core.a.b", lambda _: [], inner
    )
    assert found.text == "from .a import y\n"
    assert taken == {"X": ("acme_core.a.b", "X")}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", "from .x import k as k\n"),
        ('"""Doc."""\n', '"""Doc."""\n\nfrom .x import k as k\n'),
        ("import a\n", "import a\nfrom .x import k as k\n"),
        (
            '"""Doc."""\n\n__all__: list[str] = []\n',
            '"""Doc."""\n\nfrom .x import k\n\n__all__ = ["k"]\n',
        ),
        ('__all__ = ["z"]\n', 'from .x import k\n__all__ = ["k", "z"]\n'),
    ],
)
def test_a_module_exports_what_its_package_did(before: str, after: str) -> None:
    row = ("acme_audio.x", "k", "k")
    assert python_names.with_exports(before, "acme_audio", [row]).text == after
    assert python_names.with_exports(before, "acme_audio", []).text == before


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ('__all__ = ["a"]\nb = 1\n', ["a"]),
        ('__all__: list[str] = ["a"]\n', ["a"]),
        (
            "import x.y\nfrom z import a as b\n_c = d = 1\ndef f(): e = 1\nclass G: ...\n",
            ["x", "b", "d", "f", "G"],
        ),
    ],
)
def test_public_names_are_those_that_a_star_has(text: str, names: list[str]) -> None:
    assert python_names.public_names(text) == names


def test_a_line_is_known_by_its_old_number() -> None:
    text = "import a\nfrom acme_core import audio, b\nimport z\n"
    found = python_names.follow(text, ELSEWHERE, MOVE, "it.py")
    lines = found.text.splitlines()
    assert [found.line(lines.index(line) + 1) for line in ("import a", "import z")] == [1, 3]
    assert found.line(lines.index("from acme_core import b") + 1) == 2


@pytest.mark.parametrize(
    ("before", "after", "at"),
    [
        # From outside, it is named by its whole name.
        ('import_module(".audio", __package__)', 'import_module("acme_audio")', INSIDE),
        ('import_module(".audio.codec", __package__)', 'import_module("acme_audio.codec")', INSIDE),
        ('find_spec(".audio", package=__package__)', 'find_spec("acme_audio")', INSIDE),
        ('import_module(".audio", "acme_core")', 'import_module("acme_audio")', ELSEWHERE),
        ('import_module("..audio", "acme_core.mix")', 'import_module("acme_audio")', ELSEWHERE),
        ('import_module(".audio", __spec__.parent)', 'import_module("acme_audio")', INSIDE),
        # `__name__` is the package where it is that.
        ('import_module(".audio", __name__)', 'import_module("acme_audio")', ABOVE),
        ('import_module(".x", __name__)', 'import_module(".x", __name__)', INSIDE),
        # Inside, what is relative goes along.
        ('import_module(".codec", __package__)', 'import_module(".codec", __package__)', PART),
        ('import_module(".codec", __name__)', 'import_module(".codec", __name__)', INIT),
        ('find_spec(".x", "acme_core.audio")', 'find_spec(".x", "acme_audio")', PART),
        ('import_module(".audio.a", "acme_core")', 'import_module("acme_audio.a")', PART),
        ('import_module("..audio.a", __package__)', 'import_module("acme_audio.a")', PART),
        # What stays is named by its whole name.
        ('import_module("..io", __package__)', 'import_module("acme_core.io")', PART),
        ('import_module(".io", "acme_core")', 'import_module("acme_core.io")', PART),
        ('import_module(".io", __package__)', 'import_module("acme_core.io")', FILE),
        # Nothing of it goes.
        ('import_module(".io", __package__)', 'import_module(".io", __package__)', INSIDE),
        ('import_module(".audio", "acme_other")', 'import_module(".audio", "acme_other")', PART),
        ('import_module(".audio")', 'import_module(".audio")', ELSEWHERE),
    ],
)
def test_what_is_imported_by_a_call_follows(before: str, after: str, at: Place) -> None:
    assert follow(f"x = {before}\n", at) == f"x = {after}\n"


@pytest.mark.parametrize(
    ("text", "at", "lines"),
    [
        ('x = 1\nimport_module(f".{x}", __package__)', INSIDE, [2]),
        ("import_module(__package__ + x)", PART, [1]),
        ('import_module("." + x, __name__)', INIT, [1]),
        ("__import__(x)", INSIDE, [1]),
        ('find_spec(f"acme_core.{x}")', ELSEWHERE, [1]),
        ('import_module("acme_core." + x)', ELSEWHERE, [1]),
        ('m.import_module(name=".audio", package="acme_core")', INSIDE, [1]),
        ('import_module(".audio", x)', INSIDE, [1]),
        ('import_module(".audio", __package__)', INSIDE, []),
        ('import_module("acme_core.audio")', ELSEWHERE, []),
        ("import_module(x)", ELSEWHERE, []),
        ('import_module(f"acme_other.{x}")', ELSEWHERE, []),
        ("import_module()", INSIDE, []),
    ],
)
def test_a_call_that_computes_what_it_imports_is_told(
    text: str, at: Place, lines: list[int]
) -> None:
    assert python_names.follow(text, at, MOVE, "it.py").unclear == lines
