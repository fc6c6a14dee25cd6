"""What a manifest says is written, all of it or nothing, and nothing else is touched."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from monorepo.syncing import sync
from monorepo.syncing.making import Made, Maker, Source
from monorepo.system import transaction
from monorepo.system.errors import UsageError
from tests.tooling.conftest import SOURCES

Write = Callable[[dict[str, str]], None]
MakePackage = Callable[..., Path]
Tree = Callable[[], dict[str, tuple[int, bytes]]]

CORE, AUDIO, WEB = "shared/py/core", "shared/py/audio", "shared/js/web"


def python(name: str, *lines: str, version: str = "1.0") -> str:
    """Return a package.edn of a package in Python."""
    head = f'{{:package/name "tiny-{name}" :package/version "{version}" :lang :python'
    return "\n ".join([head, ':runtimes/targets ["python>=3.11"]', *lines]) + "}\n"


def node(name: str, *lines: str) -> str:
    """Return a package.edn of a package in JavaScript."""
    return "\n ".join([f'{{:package/name "@tiny/{name}" :lang :node', *lines]) + "}\n"


@pytest.fixture
def packages(root: Path, package: MakePackage, write: Write, javascript: Path) -> Path:
    """Make a package in each language, each with a manifest that is followed."""
    package(CORE)
    package(AUDIO)
    write(
        {
            f"{CORE}/package.edn": python("core"),
            f"{AUDIO}/package.edn": python("audio"),
            f"{WEB}/package.edn": node("web"),
            f"{WEB}/package.json": '{\n  "name": "@tiny/web",\n  "monorepo": {}\n}\n',
            "pnpm-workspace.yaml": "packages: []\n\ncatalog:\n  left: ^1.0.0\n",
            ".venv/pyvenv.cfg": "",
        }
    )
    found = sync.sync(root)
    assert (found.mistakes, len(found.drift)) == ([], 3)
    assert sync.plan(root) == sync.Plan([], [])
    return root


def test_files_say_what_is_generated_in_them(packages: Path) -> None:
    first, blank, *_ = (packages / CORE / "pyproject.toml").read_text("utf-8").splitlines()
    assert first.startswith("# `make sync` writes here what package.edn says: name, version, ")
    assert blank == ""
    told = json.loads((packages / WEB / "package.json").read_text("utf-8"))
    assert next(iter(told)) == "//"
    assert told["//"].startswith("`make sync` writes here what package.edn says: name, version, ")


def test_without_manifests_there_is_nothing_to_do(root: Path, package: MakePackage) -> None:
    package(CORE)
    assert sync.plan(root) == sync.Plan([], [])
    assert not (root / sync.CACHE).exists()


def test_what_has_changed_is_written_and_only_that(
    packages: Path, write: Write, tree: Tree
) -> None:
    before = tree()
    write({f"{CORE}/package.edn": python("core", ':deps/base ["left>=1"]')})
    (drift,) = sync.plan(packages).drift
    assert str(drift) == (f"{CORE}/pyproject.toml:11: is not what package.edn says; run make sync")
    (done,) = sync.sync(packages).drift
    assert done == drift
    after = tree()
    changed = {path for path in after if after[path] != before[path]}
    assert changed == {f"{CORE}/package.edn", f"{CORE}/pyproject.toml"}
    assert 'dependencies = [\n    "left>=1",\n]\n' in (packages / drift.path).read_text("utf-8")
    assert sync.plan(packages) == sync.Plan([], [])


def test_an_edit_by_hand_of_what_is_generated_is_undone(packages: Path) -> None:
    file = packages / CORE / "pyproject.toml"
    text = file.read_text("utf-8")
    for edited in (
        text.replace('version = "1.0"', 'version = "2.0"'),
        text.replace("name, version", "nothing"),
        text.partition("\n\n")[2],
    ):
        assert edited != text
        file.write_text(edited, "utf-8")
        assert [each.path for each in sync.sync(packages).drift] == [f"{CORE}/pyproject.toml"]
        assert file.read_text("utf-8") == text
    # What is the team's is theirs.
    file.write_text(text + "\n[tool.ruff]\n", "utf-8")
    assert sync.plan(packages) == sync.Plan([], [])


def test_only_the_packages_that_are_named(packages: Path, write: Write) -> None:
    write({f"{path}/package.edn": python(path[10:], version="2.0") for path in (CORE, AUDIO)})
    assert [each.path for each in sync.sync(packages, [AUDIO]).drift] == [f"{AUDIO}/pyproject.toml"]
    assert [each.path for each in sync.plan(packages).drift] == [f"{CORE}/pyproject.toml"]


def test_line_breaks_and_modes_are_kept(packages: Path, write: Write) -> None:
    file = packages / CORE / "pyproject.toml"
    file.write_bytes(file.read_bytes().replace(b"\n", b"\r\n"))
    file.chmod(0o600)
    assert sync.plan(packages) == sync.Plan([], [])
    write({f"{CORE}/package.edn": python("core", ':deps/base ["left>=1"]').replace("\n", "\r\n")})
    sync.sync(packages)
    content = file.read_bytes()
    assert content.count(b"\n") == content.count(b"\r\n")
    assert b'"left>=1"' in content
    assert file.stat().st_mode & 0o777 == 0o600


def test_all_mistakes_are_told_with_their_places_and_the_others_are_followed(
    packages: Path, write: Write, tree: Tree
) -> None:
    write(
        {
            f"{CORE}/package.edn": python("core", ':deps/base ["a b"]', ":dve {}", version="x y"),
            f"{AUDIO}/package.edn": python("audio", ':deps/base [{:pkg "tiny-nobody"}]'),
            f"{WEB}/package.edn": node("web", ':deps/base {"left" "^1"}'),
        }
    )
    before = tree()
    found = sync.sync(packages)
    assert [line.split(": ")[0] for line in found.mistakes] == [
        f"{AUDIO}/package.edn:3:20",
        f"{CORE}/package.edn:1:45",
        f"{CORE}/package.edn:3:14",
        f"{CORE}/package.edn:4:2",
    ]
    assert found.mistakes[0].split(": ", 1)[1] == (
        "tiny-nobody is no package of this repository; correct the name, or add the package with"
        " make new"
    )
    after = tree()
    assert {path for path in after if before[path] != after[path]} <= {
        f"{WEB}/package.json",
        sync.CACHE,
    }
    with pytest.raises(UsageError) as error:
        sync.check(packages)
    assert [*error.value.mistakes] == found.mistakes


@pytest.mark.parametrize(
    ("path", "text", "mistake"),
    [
        (f"{CORE}/pyproject.toml", "[project\n", f"{CORE}/pyproject.toml:1: is not TOML"),
        (f"{CORE}/pyproject.toml", "project = 1\n", f"{CORE}/pyproject.toml: has project, which"),
        (f"{WEB}/package.json", "[]", f"{WEB}/package.json:1: is not a JSON object"),
        (f"{CORE}/package.edn", node("core"), f"{CORE}/package.edn:1:35: is not the language of"),
        (f"{WEB}/package.edn", python("web"), f"{WEB}/package.edn:1:56: is not the language of"),
        (f"{CORE}/package.edn", "", f"{CORE}/package.edn:1:1: "),
        (f"{CORE}/service.edn", "{}", f"{CORE}: has package.edn and service.edn; remove one"),
        (
            f"{CORE}/package.edn",
            '{:package/name "tiny-core" :lang :python}',
            f"{CORE}/package.edn:1:1: has no :package/version; write one",
        ),
        (
            f"{CORE}/pyproject.toml",
            '[project]\nname = "tiny-core"\ndynamic = ["version"]\n',
            f"{CORE}/package.edn:1:45: is dynamic in {CORE}/pyproject.toml; remove one",
        ),
        ("pnpm-workspace.yaml", "a: [\n", "pnpm-workspace.yaml:2: is not YAML"),
    ],
)
def test_what_is_broken_is_told_in_a_line_and_left_as_it_is(
    packages: Path, write: Write, path: str, text: str, mistake: str
) -> None:
    write({f"{WEB}/package.edn": node("web", ':deps/base {"left" "catalog:"}')})
    sync.sync(packages)
    write({path: text})
    found = sync.sync(packages)
    assert found.drift == []
    (line,) = found.mistakes
    assert line.startswith(mistake)
    assert (packages / path).read_text("utf-8") == text


@pytest.mark.parametrize("path", [f"{CORE}/pyproject.toml", f"{WEB}/package.json"])
def test_what_is_missing_is_told(packages: Path, path: str) -> None:
    (packages / path).unlink()
    fix = f"begin with make new AT={path.rpartition('/')[0]}, or restore it from git"
    assert sync.plan(packages).mistakes == [f"{path}: is missing beside package.edn; {fix}"]


def test_a_dynamic_version_needs_none(packages: Path, write: Write) -> None:
    text = '[project]\nname = "tiny-core"\ndynamic = ["version"]\n'
    manifest = '{:package/name "tiny-core" :lang :python}'
    write({f"{CORE}/pyproject.toml": text, f"{CORE}/package.edn": manifest})
    assert sync.sync(packages).mistakes == []
    assert (packages / CORE / "pyproject.toml").read_text("utf-8").endswith(text)


def test_a_package_whose_name_is_that_of_another_gets_its_own(packages: Path, write: Write) -> None:
    # Copied from another one: until it is written anew, it cannot be used.
    text = (packages / CORE / "pyproject.toml").read_text("utf-8")
    write({f"{AUDIO}/pyproject.toml": text})
    sync.sync(packages)
    assert 'name = "tiny-audio"' in (packages / AUDIO / "pyproject.toml").read_text("utf-8")


def test_packages_that_are_asked_for_need_no_manifest(
    packages: Path, package: MakePackage, write: Write
) -> None:
    package("shared/py/plain")
    asked = ':deps/base [{:pkg "tiny-plain" :extras ["x"]} {:pkg "Tiny_Core"}]'
    write({f"{AUDIO}/package.edn": python("audio", asked)})
    assert sync.sync(packages).mistakes == []
    assert '"tiny-plain[x]",' in (packages / AUDIO / "pyproject.toml").read_text("utf-8")
    # A broken one has a name still.
    write({"shared/py/plain/pyproject.toml": '[project]\nname = "tiny-plain"\nversion = 1\n'})
    write({f"{AUDIO}/package.edn": python("audio", asked, version="2.0")})
    assert sync.sync(packages).mistakes == []


def test_catalog_and_overrides_follow_those_that_ask_for_them(packages: Path, write: Write) -> None:
    settings = packages / "pnpm-workspace.yaml"
    before = settings.read_text("utf-8")
    manifest = node("web", ':dev {"ws" {:catalog "^8.18"}}', ':overrides {"left" ">=1"}')
    write({f"{WEB}/package.edn": manifest})
    found = sync.sync(packages)
    assert [each.path for each in found.drift] == [settings.name, f"{WEB}/package.json"]
    assert settings.read_text("utf-8") == (
        before + '  ws: ^8.18 # make sync\n\noverrides:\n  left: ">=1" # make sync\n'
    )
    # Another one that asks for the same, and for more.
    write(
        {
            "shared/js/ui/package.json": "{}",
            "shared/js/ui/package.edn": node("ui", ':dev {"ws" "catalog:" "react" "catalog:"}'),
        }
    )
    (line,) = sync.sync(packages).mistakes
    assert line == (
        "shared/js/ui/package.edn:2:32: pnpm-workspace.yaml has no react in its catalog; add it"
        ' there, or write {:catalog "^1.2"}'
    )
    write({"shared/js/ui/package.edn": node("ui", ':dev {"ws" {:catalog "^8.19"}}')})
    (line,) = sync.sync(packages).mistakes
    place = "shared/js/web/package.edn:2:23"
    assert line == f"{place}: ws is ^8.18 here, and ^8.19 in shared/js/ui/package.edn; agree on one"
    # A broken manifest may ask for it as well: nothing is taken out.
    write({"shared/js/ui/package.edn": "{", f"{WEB}/package.edn": node("web")})
    assert len(sync.sync(packages).mistakes) == 1
    assert "ws: ^8.18" in settings.read_text("utf-8")
    write({"shared/js/ui/package.edn": node("ui")})
    sync.sync(packages)
    assert settings.read_text("utf-8") == before


def test_what_a_sparse_checkout_leaves_out_is_not_missed(packages: Path, write: Write) -> None:
    asked = node("web", ':deps/base {"@tiny/ui" "workspace:*"}')
    ui = node("ui", ':dev {"ws" {:catalog "^8.18"}}')
    write({f"{WEB}/package.edn": asked, "shared/js/ui/package.edn": ui})
    write({"shared/js/ui/package.json": "{}", ".gitignore": ".venv\n.monorepo.*\n"})
    sync.sync(packages)
    git = ["git", "-c", "user.name=A", "-c", "user.email=a@b"]
    for words in (
        ["init", "--quiet"],
        ["add", "--all"],
        ["commit", "--quiet", "--message", "all"],
        ["sparse-checkout", "set", "--no-cone", "/*", "!/shared/js/ui/"],
    ):
        subprocess.run([*git, *words], cwd=packages, check=True)
    assert not (packages / "shared/js/ui").exists()
    assert sync.plan(packages) == sync.Plan([], [])
    more = node("web", ':deps/base {"@tiny/ui" "workspace:*"}', ':overrides {"left" "^1"}')
    write({f"{WEB}/package.edn": more})
    assert [each.path for each in sync.sync(packages).drift] == ["pnpm-workspace.yaml"]
    settings = (packages / "pnpm-workspace.yaml").read_text("utf-8")
    assert "  ws: ^8.18 # make sync\n" in settings
    assert "  left: ^1 # make sync\n" in settings


def test_what_is_known_is_forgotten_with_what_it_is_about(
    packages: Path, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = []
    real = Maker.make

    def make(self: Maker, source: Source) -> Made:
        read.append(source.package)
        return real(self, source)

    monkeypatch.setattr(Maker, "make", make)
    assert sync.plan(packages) == sync.Plan([], [])
    assert read == []
    # Of the same size, at the same time.
    file = packages / CORE / "pyproject.toml"
    was = file.stat()
    file.write_text(file.read_text("utf-8").replace('"1.0"', '"9.9"'), "utf-8")
    os.utime(file, ns=(was.st_atime_ns, was.st_mtime_ns))
    assert [each.path for each in sync.sync(packages).drift] == [f"{CORE}/pyproject.toml"]
    assert read == [CORE]
    sync.plan(packages)
    read.clear()
    (packages / sync.CACHE).write_text("not a cache", "utf-8")
    assert sync.plan(packages) == sync.Plan([], [])
    assert sorted(read) == [WEB, AUDIO, CORE]


def test_what_is_in_step_is_known_without_reading_edn(packages: Path) -> None:
    code = (
        "import sys, pathlib\nfrom monorepo.syncing import sync\n"
        "print(sync.plan(pathlib.Path(sys.argv[1])))\n"
        "print(sorted({'pydantic', 'monorepo.edn', 'yaml', 'tomlkit'} & sys.modules.keys()))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, packages],
        env={**os.environ, "PYTHONPATH": str(SOURCES)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "Plan(drift=[], mistakes=[])\n[]\n"


def test_without_pydantic_it_says_what_to_add(
    packages: Path, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in sys.modules if name.startswith("monorepo.edn")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "pydantic", None)
    # What is in step can be told without.
    assert sync.plan(packages) == sync.Plan([], [])
    write({f"{path}/package.edn": python(path[10:], version="2.0") for path in (CORE, AUDIO)})
    (line,) = sync.plan(packages).mistakes
    assert line == (
        "pyproject.toml: pydantic, which reads package.edn, is not installed; add it to"
        " [dependency-groups] dev in pyproject.toml, and run make lock"
    )


SERVICE = """\
{:service/name "api"
 :runtime {:lang :python :entry "tiny_svc_api.main"}
 :deps {:python ["tiny-core"]}
 :endpoints [{:method :get :path "/greet" :handler "tiny_core.routes:greet"}]}
"""
API = "services/py/api"


@pytest.fixture
def service(packages: Path, package: MakePackage, write: Write) -> Path:
    """Make a service that is configured, and as its manifest says."""
    package("shared/py/service", fastapi=[])
    package(API)
    routes = "def greet() -> str:\n    return 'hello'\n"
    write(
        {
            f"{CORE}/src/tiny_core/routes.py": routes,
            f"{API}/src/tiny_svc_api/main.py": "",
            f"{API}/service.edn": SERVICE,
        }
    )
    found = sync.sync(packages)
    assert found.mistakes == []
    assert [each.path for each in found.drift] == [
        f"{API}/pyproject.toml",
        f"{API}/src/tiny_svc_api/service.json",
    ]
    assert sync.plan(packages) == sync.Plan([], [])
    return packages


def test_a_service_has_its_dependencies_and_its_configuration(service: Path) -> None:
    text = (service / API / "pyproject.toml").read_text("utf-8")
    assert text.startswith("# `make sync` writes here what service.edn says: dependencies.\n\n")
    assert '"tiny-core",' in text
    assert '"tiny-service[fastapi]",' in text
    # All else is the team's.
    assert 'name = "tiny-svc-api"\nversion = "1.0"\n' in text
    told = json.loads((service / API / "src/tiny_svc_api/service.json").read_text("utf-8"))
    assert told["routes"] == [
        {"method": "GET", "path": "/greet", "handler": "tiny_core.routes:greet"}
    ]


@pytest.mark.parametrize(
    ("path", "old", "new", "mistake"),
    [
        (f"{CORE}/src/tiny_core/routes.py", "def greet", "def great", "service.edn:4:52: "),
        (f"{CORE}/src/tiny_core/routes.py", "greet()", "greet(a: int, /)", "service.edn:4:52: "),
        (f"{CORE}/src/tiny_core/routes.py", "", None, "service.edn:4:52: "),
        (f"{API}/service.edn", ":python :entry", ":node :entry", "service.edn:3:17: "),
        (f"{API}/service.edn", '"tiny-core"', '"left"', "service.edn:4:52: "),
        (f"{API}/service.edn", '"tiny-core"', '{:pkg "tiny-cor"}', "service.edn:"),
    ],
)
def test_a_handler_is_looked_for_again_when_its_source_changes(
    service: Path, path: str, old: str, new: str | None, mistake: str
) -> None:
    file = service / path
    text = file.read_text("utf-8")
    if new is None:
        file.unlink()
    else:
        file.write_text(text.replace(old, new, 1), "utf-8")
    found = sync.plan(service)
    assert found.drift == []
    assert found.mistakes[0].startswith(f"{API}/{mistake}")
    file.write_text(text, "utf-8")
    assert sync.plan(service) == sync.Plan([], [])


def test_a_handler_that_has_moved_is_followed(service: Path, write: Write) -> None:
    routes = f"{CORE}/src/tiny_core/routes.py"
    greet = (service / routes).read_text("utf-8")
    other = f"{CORE}/src/tiny_core/greetings.py"
    write({other: greet, routes: "from tiny_core.greetings import greet as greet\n"})
    assert sync.plan(service) == sync.Plan([], [])
    assert sync.plan(service) == sync.Plan([], [])
    write({other: ""})
    (line, *_) = sync.plan(service).mistakes
    assert line.startswith(f"{API}/service.edn:4:52: ")


def test_only_a_service_has_a_service_edn(service: Path, write: Write) -> None:
    write({f"{CORE}/service.edn": SERVICE.replace('"api"', '"core"')})
    (service / CORE / "package.edn").unlink()
    (line,) = sync.plan(service).mistakes
    assert line.startswith(f"{CORE}/service.edn: is about services, and {CORE} is none; write a")


def test_a_link_out_of_the_repository_is_not_followed(packages: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside.toml"
    outside.write_text('[project]\nname = "x"\n', "utf-8")
    (packages / CORE / "pyproject.toml").unlink()
    (packages / CORE / "pyproject.toml").symlink_to(outside)
    with pytest.raises(UsageError, match="leads out of the repository"):
        sync.sync(packages)
    assert outside.read_text("utf-8") == '[project]\nname = "x"\n'
    assert not transaction.is_interrupted(packages)


def test_a_device_is_not_read(packages: Path) -> None:
    (packages / CORE / "package.edn").unlink()
    (packages / CORE / "package.edn").symlink_to("/dev/zero")
    (line,) = sync.plan(packages).mistakes
    assert line.startswith(f"{CORE}/package.edn: leads to a device")


def test_the_flat_layout(packages: Path, write: Write) -> None:
    write(
        {
            "packages/tiny-flat/package.edn": python("flat"),
            "packages/tiny-flat/pyproject.toml": '[tool.monorepo]\nkind = "shared"\n',
            "packages/tiny-ui/package.edn": node("ui"),
            "packages/tiny-ui/package.json": "{}",
        }
    )
    found = sync.sync(packages)
    assert [each.path for each in found.drift] == [
        "packages/tiny-flat/pyproject.toml",
        "packages/tiny-ui/package.json",
    ]
    assert sync.plan(packages) == sync.Plan([], [])
