"""What names packages by a path follows them when they move, and comes back."""

import posixpath
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monorepo.core import naming
from monorepo.layout.rewriting import Rewriting

PLACES = {
    "shared/py/core": "packages/acme-core",
    "shared/js/core": "packages/acme-core-js",
    "services/py/api": "packages/acme-svc-api",
    "services/js/web": "packages/acme-svc-web",
}
STAYS = ("shared/py/core-io", "shared/js/ui")
TOPS = ("tools", "docs", "node_modules", "run", "LICENSE", "README.md", "tsconfig.base.json")
THERE = Rewriting(PLACES, (*PLACES, *STAYS), TOPS)
BACK = Rewriting({new: old for old, new in PLACES.items()}, (*PLACES.values(), *STAYS), TOPS)


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        # From the root, wherever it stands.
        ("README.md", 'PKG="shared/py/core services/js/web"', None),
        (
            "README.md",
            "`shared/py/core`, shared/py/core.",
            "`packages/acme-core`, packages/acme-core.",
        ),
        ("Dockerfile", "COPY --link ./shared/py/core /app/shared/py/core", None),
        (".github/CODEOWNERS", "/shared/py/core/ @audio", "/packages/acme-core/ @audio"),
        ("noxfile.py", '"test-3.11(shared/py/core)"', '"test-3.11(packages/acme-core)"'),
        ("docs/a.md", "[a](https://host/blob/main/shared/py/core/a.py#L3)", None),
        # Another package whose name begins so, and other paths.
        ("a", "shared/py/core-io my-shared/py/core shared/py/core.py shared/py/corep", "="),
        # Relative: from the file, or from the package, in which its tests run.
        ("shared/py/core/Makefile", "include ../../../tools/make/py.mk", None),
        ("shared/js/core/tsconfig.json", '"extends": "../../../tsconfig.base.json"', None),
        ("shared/js/core/tests/tsconfig.json", '"../../../../tsconfig.base.json"', None),
        ("shared/js/core/tests/a.ts", 'resolve("../../../node_modules/.bin")', None),
        ("shared/js/core/tests/a.ts", 'join(folder, "../../node_modules/a")', "="),
        ("shared/js/core/tests/a.ts", 'symlink("../../../made", link)', "="),
        ("shared/js/core/tests/a.ts", 'import "../src/index.ts"; cd("..")', "="),
        ("services/js/web/a.json", '"../../../shared/js/core/a.json"', '"../acme-core-js/a.json"'),
        ("shared/js/ui/a.json", '"../core/a.json"', '"../../../packages/acme-core-js/a.json"'),
        ("shared/js/core/a.md", "`../core/a.json`", "`../acme-core-js/a.json`"),
        ("shared/js/core/tests/a.json", '"../../core"', '"../../acme-core-js"'),
        ("shared/js/core/a.json", '"../ui/a.json"', '"../../shared/js/ui/a.json"'),
        (
            "services/py/api/uv.lock",
            'editable = "../../../shared/py/core"',
            'editable = "../acme-core"',
        ),
        (
            "services/py/api/scripts/a.sh",
            'cd "$(dirname "$0")/../../../.."',
            'cd "$(dirname "$0")/../../.."',
        ),
        ("services/py/api/scripts/a.sh", 'cd "$(dirname "$0")/.."; ../../../run x', None),
        ("docs/a.md", "[a](../shared/py/core/README.md) [b](../../issues)", None),
        ("shared/py/README.md", "[a](core/README.md)", "[a](../../packages/acme-core/README.md)"),
        ("shared/py/core/a.md", "... 0..5 a..b [x](../gone/README.md)", "="),
        # In parts, and computed from the file.
        (
            "tests/a.py",
            'ROOT / "shared" / "py" / "core" / "src"',
            'ROOT / "packages" / "acme-core" / "src"',
        ),
        ("tests/a.py", "join('shared', 'py', 'core')", "join('packages', 'acme-core')"),
        ("tests/a.py", 'ROOT / "shared" / "py"', "="),
        (
            "shared/js/core/tests/a.ts",
            'join(here, "..", "..", "..", "..")',
            'join(here, "..", "..", "..")',
        ),
        ("shared/js/core/tests/a.ts", 'join(here, "..", "..")', "="),
        ("shared/py/core/noxfile.py", "Path(__file__).resolve().parents[3]", None),
        ("shared/py/core/tests/unit/a.py", "Path(__file__).parents[2]", "="),
        ("shared/py/core/tests/a.py", "Path(__file__).parent.parent.parent.parent.parent", None),
        ("shared/py/core/tests/a.py", "Path(__file__).parent.parent / 'a'", "="),
    ],
)
def test_a_text_follows_and_comes_back(file: str, old: str, new: str | None) -> None:
    there = THERE.text(file, old)
    if new is not None:
        assert there == (old if new == "=" else new)
    else:
        assert there != old
        assert "../../../.." not in there
        assert not re.search(r"(shared/py|services/js)/\w|shared/js/core", there)
    assert BACK.text(THERE.path(file), there) == old


def test_the_target_of_a_link_follows() -> None:
    assert THERE.link("shared/py/core/LICENSE", "../../../LICENSE") == "../../LICENSE"
    assert THERE.link("docs/core", "../shared/py/core") == "../packages/acme-core"
    assert THERE.link("shared/py/core/a", "src/b") == "src/b"
    assert THERE.link("docs/a", "/etc/hosts") == "/etc/hosts"


def test_what_names_a_folder_of_packages_is_for_people_to_look_at() -> None:
    text = "/shared/py/ @team\npaths: ['services/js/**', 'shared/py/core/**']\n/apps/py/ @others\n"
    assert [*THERE.unclear(".github/CODEOWNERS", text)] == [1, 2]
    code = "AREA = Path(__file__).parents[2]\nROOT = Path(__file__).parents[3]\nAREA = '../..'\n"
    assert [*THERE.unclear("shared/py/core/a.py", code)] == [1, 3]


def test_a_document_is_to_be_looked_at_where_a_folder_it_names_has_no_package_any_more() -> None:
    # In shared/py and shared/js, a package stays.
    text = "`shared/py/`\n`services/js/<name>`\nservices/py/     services\nservices/js/web, ../..\n"
    assert [*THERE.unclear("README.md", text)] == [2, 3]
    assert [*THERE.unclear("services/js/web/README.md", text)] == [2, 3]


NAME = st.from_regex(r"[a-z][a-z0-9]{0,4}(-[a-z0-9]{1,3})?", fullmatch=True)
PATH = st.builds(
    "/".join,
    st.tuples(st.sampled_from(["shared", "services"]), st.sampled_from(["py", "js"]), NAME),
)


@given(st.sets(PATH, min_size=1, max_size=5), st.data())
def test_each_relative_path_leads_to_the_same_file_after_a_move(
    packages: set[str], data: st.DataObject
) -> None:
    places = {
        path: naming.flat("acme", path, twin=naming.twin(path) in packages)
        for path in packages
        if data.draw(st.booleans())
    }
    if len({*places.values()}) < len(places):
        return
    there = Rewriting(places, packages, TOPS)
    file = data.draw(st.sampled_from(sorted(packages))) + data.draw(
        st.sampled_from(["/Makefile", "/tests/a.ts", "/src/a/b.py"])
    )
    target = data.draw(st.sampled_from([*sorted(packages), "tools", "docs/a"])) + "/x"
    old = posixpath.relpath(target, posixpath.dirname(file))
    new = there.text(file, f'"{old}"').strip('"')
    base = posixpath.dirname(there.path(file))
    assert posixpath.normpath(posixpath.join(base, new)) == there.path(target)
    back = Rewriting({new: old for old, new in places.items()}, [*map(there.path, packages)], TOPS)
    assert back.text(there.path(file), f'"{new}"') == f'"{old}"'
