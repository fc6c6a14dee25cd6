"""The manifests in EDN of JavaScript packages say what package.json has now."""

import pytest

from monorepo.splitting import edn_manifests
from monorepo.system.errors import UsageError

MOVED = {"dependencies": {"@tiny/audio": "workspace:*", "@tiny/core": None}}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('["@tiny/core"]', '["@tiny/audio"]'),
        ('[{:pkg "@tiny/core"} "@tiny/io"]', '["@tiny/io" "@tiny/audio"]'),
        ('[{"@tiny/core" "workspace:*" "x" "^1"}]', '[{"x" "^1"} "@tiny/audio"]'),
        ('[{"@tiny/core" "workspace:*"}]', '["@tiny/audio"]'),
    ],
)
def test_a_service_names_the_new_package(before: str, after: str) -> None:
    text = f"{{:deps {{:node {before}}}}}"
    found = edn_manifests.node(text, "services/js/web/service.edn", MOVED, {})
    assert found == f"{{:deps {{:node {after}}}}}"


def test_a_package_has_ranges_and_exports() -> None:
    text = '{:deps/base {"@tiny/core" "workspace:*"} :entry {"./audio" "./a.js"}}'
    found = edn_manifests.node(text, "shared/js/x/package.edn", MOVED, {"./audio": None})
    assert found == '{:deps/base {"@tiny/audio" "workspace:*"}}'


@pytest.mark.parametrize(
    ("text", "after"),
    [
        ('{:peers {"@tiny/core" "^1"} :dev {}}', "{:dev {}}"),
        ('{:peers {"@tiny/core" "^1" "x" "^1"}}', '{:peers {"x" "^1"}}'),
        # A comment is something.
        (
            '{:peers {; Why.\n "@tiny/core" "^1"}}',
            "{:peers {; Why.\n }}",
        ),
    ],
)
def test_a_map_without_anything_goes(text: str, after: str) -> None:
    changes = {"peerDependencies": {"@tiny/core": None}}
    assert edn_manifests.node(text, "shared/js/x/package.edn", changes, {}) == after


def test_entry_points_that_are_no_more_leave_nothing() -> None:
    text = '{:extras {:a ["left"]}\n :entry {:entry-points {"x" {"it" "a:b"}}}\n :lang :python}\n'
    project = {"dependencies": [], "optional-dependencies": {"a": ["left"]}}
    points = {"entry-points": {"x": {"it": "a:b"}}}
    before = {"project": project | points, "dependency-groups": {}}
    after = {
        "project": {"dependencies": [], "optional-dependencies": {}, "entry-points": {"x": {}}},
        "dependency-groups": {},
    }
    found = edn_manifests.python(text, "shared/py/x/package.edn", before, after, ())
    assert found == "{:lang :python}\n"


def test_what_is_no_edn_is_refused() -> None:
    with pytest.raises(UsageError, match=r"package\.edn:1:1"):
        edn_manifests.node("}", "shared/js/x/package.edn", MOVED, {})
