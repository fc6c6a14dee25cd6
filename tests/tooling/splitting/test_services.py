"""A module of a service becomes a shared package, which the service imports."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from monorepo.core import workspace
from monorepo.guard import runner
from monorepo.layout import flatten
from monorepo.programs.git import Git
from monorepo.splitting import split
from monorepo.system.errors import UsageError
from tests.examples import UNTIL

MakePackage = Callable[..., Path]
Write = Callable[[dict[str, str]], None]
Save = Callable[[], str]
NEWS, SHARED = "services/py/news", "shared/py/news"
SOURCE = f"{NEWS}/src/tiny_svc_news"
TEMPLATE = "tools/templates/shared-py/{{cookiecutter.name}}"
FILES = {
    "Makefile": "",
    "tools/make/py.mk": "",
    "tools/make/js.mk": "",
    f"{SOURCE}/main.py": "import outer\nfrom tiny_svc_news.handlers import read\n\nread(outer)\n",
    f"{SOURCE}/handlers.py": (
        "import left\nfrom tiny_core import delays\nfrom .store import rows\n\n\n"
        "def read(one): return left, delays, rows\n"
    ),
    f"{SOURCE}/store.py": "def rows(): ...\n",
    f"{NEWS}/tests/unit/test_handlers.py": (
        "from tiny_svc_news.handlers import read\n\n\ndef test_it(): ...\n"
    ),
    f"{NEWS}/tests/unit/test_main.py": "from tiny_svc_news import main\n",
    f"{NEWS}/Procfile": "web: python -m tiny_svc_news.main\n",
    f"{TEMPLATE}/src/{{{{cookiecutter.import_name}}}}/__init__.py": "",
    "shared/py/core/src/tiny_core/__init__.py": "def delays(): ...\n",
}
STORE = "from tiny_store import rows\n"


@pytest.fixture
def tree(
    root: Path, templates: Path, package: MakePackage, write: Write, save: Save, git: Git
) -> Path:
    """Write a monorepo with a service of three modules."""
    (templates / TEMPLATE / "src/{{cookiecutter.import_name}}.py").unlink()
    package("shared/py/core")
    package(NEWS, "left>=1", "outer", "tiny-core[fast]")
    (root / NEWS / "backend.py").unlink()
    write(FILES)
    save()
    return root


def text(root: Path, path: str) -> str:
    return (root / path).read_text(encoding="utf-8")


def dependencies(root: Path, path: str) -> list[str]:
    project: Mapping[str, Any] = workspace.load_whole(root).packages[path].manifest["project"]
    return list(project["dependencies"])


def allow(root: Path, *adapters: str, more: str = "") -> None:
    """List modules in `adapters` of the settings of the rule `thin`."""
    table = f"\n[tool.monorepo.thin]\n{more}adapters = {json.dumps(adapters)}\n"
    place = root / "pyproject.toml"
    place.write_text(place.read_text(encoding="utf-8") + table, encoding="utf-8")


@pytest.mark.parametrize("is_flat", [False, True])
def test_its_modules_go_one_after_the_other(tree: Path, save: Save, is_flat: bool) -> None:
    if is_flat:
        flatten.flatten(tree)
        save()
    news, at = ("packages/tiny-svc-news", "packages/tiny-news") if is_flat else (NEWS, SHARED)
    split.split(tree, news, "store")
    store = "packages/tiny-store" if is_flat else "shared/py/store"
    assert text(tree, f"{store}/src/tiny_store/__init__.py") == FILES[f"{SOURCE}/store.py"]
    assert STORE in text(tree, f"{news}/src/tiny_svc_news/handlers.py")
    assert dependencies(tree, news) == ["left>=1", "outer", "tiny-core[fast]", "tiny-store"]
    save()
    said = split.split(tree, news, "handlers", at).lines
    assert STORE in text(tree, f"{at}/src/tiny_news/__init__.py")
    assert text(tree, f"{news}/src/tiny_svc_news/main.py") == (
        "import outer\nfrom tiny_news import read\n\nread(outer)\n"
    )
    assert dependencies(tree, at) == ["left>=1", "tiny-core[fast]", "tiny-store"]
    assert dependencies(tree, news) == ["outer", "tiny-news"]
    assert text(tree, f"{at}/tests/unit/test_handlers.py").startswith("from tiny_news import read")
    assert (tree / news / "tests/unit/test_main.py").is_file()
    assert f"{news} does not declare left, tiny-core, tiny-store any more" in said
    save()
    space = workspace.load(tree)
    assert [one.message for one in runner.found(space, ["thin", "layers", "declared"])] == []


def test_a_module_that_imports_the_rest_is_refused(tree: Path, git: Git) -> None:
    with pytest.raises(UsageError) as error:
        split.split(tree, NEWS, "handlers", SHARED)
    assert error.value.mistakes == (
        f"{SOURCE}/handlers.py:3: imports tiny_svc_news.store.rows, which stays in {NEWS}, and "
        "nothing may need a service; split tiny_svc_news.store off first, or move "
        "tiny_svc_news.store.rows into tiny_svc_news.handlers",
        f"{SOURCE}/main.py:2: stays and imports tiny_svc_news.handlers.read, so that each would "
        "need the other",
    )
    assert git.changed() == []


def test_modules_that_need_each_other_are_told_what_to_move(
    tree: Path, write: Write, save: Save
) -> None:
    write({f"{SOURCE}/store.py": "from .handlers import read\n\n\ndef rows(): ...\n"})
    save()
    with pytest.raises(UsageError) as error:
        split.split(tree, NEWS, "store")
    assert error.value.mistakes[0] == (
        f"{SOURCE}/store.py:1: imports tiny_svc_news.handlers.read, which stays in {NEWS}, and "
        "nothing may need a service; move tiny_svc_news.handlers.read into tiny_svc_news.store"
    )


def test_names_of_the_service_itself_are_refused_also_if_nobody_imports_the_module(
    tree: Path, write: Write, save: Save
) -> None:
    write({f"{SOURCE}/job.py": "from tiny_svc_news import NAME\n"})
    save()
    with pytest.raises(UsageError) as error:
        split.split(tree, NEWS, "job")
    assert error.value.mistakes == (
        f"{SOURCE}/job.py:1: imports tiny_svc_news.NAME, which stays in {NEWS}, and nothing may "
        "need a service; move tiny_svc_news.NAME into tiny_svc_news.job",
    )


@pytest.mark.parametrize("word", ["main", "tiny_svc_news.main"])
def test_the_entry_point_stays(tree: Path, git: Git, word: str) -> None:
    with pytest.raises(UsageError) as error:
        split.split(tree, NEWS, word)
    assert error.value.mistakes == (
        f"{SOURCE}/main.py: starts {NEWS}, and stays; move code of it to a module of its own, and "
        "split that off",
    )
    assert git.changed() == []


def test_the_module_of_a_command_of_an_app_stays(
    tree: Path, package: MakePackage, write: Write, save: Save
) -> None:
    app = package("apps/py/tool")
    script = '\n[project.scripts]\ntool = "tiny_app_tool.play.it:run"\n'
    manifest = (app / "pyproject.toml").read_text(encoding="utf-8") + script
    source = "apps/py/tool/src/tiny_app_tool"
    files = {
        "apps/py/tool/pyproject.toml": manifest,
        f"{source}/play/it.py": "from .. import sound\n",
        f"{source}/sound.py": "import left\n",
    }
    write(files)
    save()
    with pytest.raises(UsageError, match=r"play/it\.py: starts apps/py/tool, and stays"):
        split.split(tree, "apps/py/tool", "play")
    split.split(tree, "apps/py/tool", "sound")
    assert text(tree, f"{source}/play/it.py") == "import tiny_sound as sound\n"
    assert dependencies(tree, "apps/py/tool") == ["tiny-sound"]


@pytest.mark.parametrize(
    ("adapters", "left"),
    [
        ([f"{SOURCE}/store.py"], None),
        ([f"{SOURCE}/st*.py"], None),
        ([f"{SOURCE}/handlers.py", f"{SOURCE}/store.py"], [f"{SOURCE}/handlers.py"]),
        # It is about other modules as well.
        ([f"{SOURCE}/*.py"], [f"{SOURCE}/*.py"]),
        # Nobody knows what this was about.
        (["services/py/x/*"], ["services/py/x/*"]),
    ],
)
def test_what_allowed_it_goes(
    tree: Path, save: Save, adapters: list[str], left: list[str] | None
) -> None:
    allow(tree, *adapters)
    save()
    split.split(tree, NEWS, "store")
    facts = workspace.load_whole(tree).facts
    assert facts.get("thin") == (None if left is None else {"adapters": left})
    assert ("[tool.monorepo.thin]" in text(tree, "pyproject.toml")) == (left is not None)


def test_its_exception_goes_with_the_last_module(tree: Path, save: Save) -> None:
    entry = '[[tool.monorepo.allow]]\nrule = "{}"\npath = "{}"\nreason = "why"\n'
    entry += f"until = {UNTIL}\n"
    place = tree / "pyproject.toml"
    before = place.read_text("utf-8") + "\n" + entry.format("names", NEWS)
    place.write_text(before + "\n" + entry.format("thin", NEWS), "utf-8")
    save()
    split.split(tree, NEWS, "store")
    assert entry.format("thin", NEWS) in text(tree, "pyproject.toml")
    save()
    split.split(tree, NEWS, "handlers", SHARED)
    assert text(tree, "pyproject.toml") == before


def test_other_settings_beside_it_stay(tree: Path, save: Save) -> None:
    more = "# For now.\nstatements = 60\n"
    allow(tree, f"{SOURCE}/store.py", more=more)
    save()
    split.split(tree, NEWS, "store")
    assert text(tree, "pyproject.toml").endswith(f"\n[tool.monorepo.thin]\n{more}")


def test_a_service_with_an_edn_manifest(tree: Path, write: Write, save: Save) -> None:
    edn = (
        '{:service/name "news"\n :runtime {:lang :python :entry "tiny_svc_news.main"}\n'
        ' :deps {:python ["left>=1" "outer" {:pkg "tiny-core" :extras ["fast"]}]}}\n'
    )
    write({f"{NEWS}/service.edn": edn, f"{SOURCE}/store.py": "import left\n\n\nrows = left\n"})
    save()
    split.split(tree, NEWS, "store")
    assert text(tree, f"{NEWS}/service.edn").endswith(
        ':python ["left>=1" "outer" {:pkg "tiny-core" :extras ["fast"]} {:pkg "tiny-store"}]}}\n'
    )


WEB = "services/js/web"


@pytest.fixture
def web(root: Path, javascript: Path, write: Write, save: Save, git: Git) -> Path:
    """Write a monorepo with a service in JavaScript of three modules."""
    build = '{\n  "include": ["src"],\n  "references": []\n}\n'
    path = '[\n    {\n      "path": "../../../shared/js/core/tsconfig.build.json"\n    }\n  ]'
    template = "tools/templates/shared-js/{{cookiecutter.name}}"
    export = {".": {"source": "./src/index.ts", "default": "./dist/index.js"}}
    files = {
        "Makefile": "",
        "tools/make/js.mk": "",
        f"{template}/package.json": json.dumps(
            {"name": "{{ cookiecutter.npm_name }}", "version": "1.0.0", "exports": export}
        ),
        f"{template}/src/index.ts": "export {};\n",
        f"{template}/tsconfig.build.json": build,
        "shared/js/core/package.json": json.dumps({"name": "@tiny/core", "exports": export}),
        "shared/js/core/src/index.ts": "export const delays = 1;\n",
        "shared/js/core/tsconfig.build.json": build,
        f"{WEB}/package.json": json.dumps(
            {
                "name": "@tiny/svc-web",
                "main": "./dist/main.js",
                "dependencies": {"@tiny/core": "workspace:*", "left": "^1", "outer": "^2"},
            }
        ),
        f"{WEB}/tsconfig.build.json": build.replace("[]", path),
        f"{WEB}/src/main.ts": 'import "outer";\nimport { read } from "./handlers.ts";\nread();\n',
        f"{WEB}/src/handlers.ts": (
            'import left from "left";\nimport { delays } from "@tiny/core";\n'
            'import { rows } from "./store.ts";\nexport const read = () => [left, delays, rows];\n'
        ),
        f"{WEB}/src/store.ts": "export const rows = 1;\n",
        f"{WEB}/tests/handlers.test.ts": 'import { read } from "../src/handlers.ts";\nread();\n',
    }
    write(files)
    save()
    return root


def node(root: Path, path: str) -> dict[str, Any]:
    return dict(workspace.load_whole(root).packages[path].manifest)


def test_modules_of_a_service_in_javascript_go(web: Path, save: Save) -> None:
    split.split(web, WEB, "store")
    save()
    split.split(web, WEB, "handlers", "shared/js/pages")
    assert text(web, f"{WEB}/src/main.ts") == (
        'import "outer";\nimport { read } from "@tiny/pages";\nread();\n'
    )
    assert 'from "@tiny/store"' in text(web, "shared/js/pages/src/index.ts")
    assert (web / "shared/js/pages/tests/handlers.test.ts").is_file()
    assert node(web, WEB)["dependencies"] == {"@tiny/pages": "workspace:*", "outer": "^2"}
    assert node(web, "shared/js/pages")["dependencies"] == {
        "@tiny/core": "workspace:*",
        "@tiny/store": "workspace:*",
        "left": "^1",
    }
    # What is compiled before it.
    built = text(web, f"{WEB}/tsconfig.build.json")
    assert "pages/tsconfig" in built
    assert "core/tsconfig" not in built
    built = text(web, "shared/js/pages/tsconfig.build.json")
    assert '"../core/tsconfig.build.json"' in built
    assert '"../store/tsconfig.build.json"' in built


def test_a_module_in_javascript_that_imports_the_rest_is_refused(web: Path, git: Git) -> None:
    with pytest.raises(UsageError) as error:
        split.split(web, WEB, "handlers")
    assert error.value.mistakes == (
        f"{WEB}/src/handlers.ts:3: imports rows, which stays in {WEB}, and nothing may need a "
        "service; split store off first, or move rows into handlers",
        f"{WEB}/src/main.ts:2: stays and imports read, so that each would need the other",
    )
    assert git.changed() == []


def test_the_entry_point_in_javascript_stays(web: Path) -> None:
    with pytest.raises(UsageError, match=rf"{WEB}/src/main\.ts: starts {WEB}, and stays"):
        split.split(web, WEB, "main")
