"""Somebody else's branch: to look at it runs nothing of it, and writes nothing.

A canary is code that leaves a mark when it runs, in a place from which tools are known to run
code. All of them stand in one branch, which is looked at with each verb; with FAULTS=all each
canary has a branch of its own as well.
"""

import json
import os
import py_compile
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.template.baking import bake, changed, commit, own_template, run

pytestmark = pytest.mark.slow

Write = Callable[[Path], object]

# What the README says runs nothing of the branch.
LOOKS = (
    "make help",
    "make doctor",
    "make list",
    "make graph",
    "make graph FORMAT=html BASE=HEAD",
    "make export TO=nx CHECK=1",
    "make affected",
    "make template KIND=shared-py",
    "make sync",
    "make sync-docs",
    "make explain RULE=pins",
    "make guard",
    "make lock-check",
    "make audit",
    "make matrix",
    "make phase",
    "make ratchet",
    "make new AT=shared/py/looked DRY_RUN=1",
    "make remove AT=shared/py/core DRY_RUN=1",
    "make docker DRY_RUN=1",
    "make derive PKG=shared/py/core DRY_RUN=1",
    "make stop",
    "nox -l",
)
CORE = "shared/py/core"
WEB = "services/js/web"
# Modules that Python, its libraries or ours ask for: some there are, and some are optional.
MODULES = "json tomllib yaml nox jinja2 cookiecutter monorepo sitecustomize usercustomize".split()
OPTIONAL = "sitecustomize usercustomize json colorama rfc3987 webcolors fqdn".split()
MADE_BY_TOOLS = [
    *(f"{way}{name}/*" for name in (".venv", "node_modules") for way in ("", "*/")),
    *("*/__pycache__/*", "*.egg-info/*"),
]
YAML = 'x: !!python/object/apply:os.system ["SH"]\n'
JINJA = "{{ lipsum.__globals__['os'].system('SH') }}"
MADE = "{{cookiecutter.name}}"
MANIFEST = '[project]\nname = "acme-NAME"\nversion = "1"\nrequires-python = ">=3.11"\n'
BACKEND = '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'

# In each file of a canary PY, JS and SH stand for the code that leaves the mark.
FILES: dict[str, dict[str, str]] = {
    **{f"root-{name}": {f"{name}.py": "PY\n"} for name in (*MODULES, "conftest", "setup")},
    "root-packaging": {"packaging/__init__.py": "PY\n"},
    **{f"source-{name}": {f"{CORE}/src/{name}.py": "PY\n"} for name in OPTIONAL},
    # pickle asks for it.
    "source-org": {f"{CORE}/src/org/python/core.py": "PY\n"},
    "package-conftest": {f"{CORE}/conftest.py": "PY\n"},
    "package-test": {f"{CORE}/tests/unit/test_canary.py": "PY\n"},
    "package-setup": {f"{CORE}/setup.py": "PY\n"},
    "package-noxfile": {f"{CORE}/noxfile.py": "PY\n"},
    "package-makefile": {
        f"{CORE}/Makefile": "x := $(shell SH)\ninclude ../../../tools/make/py.mk\n"
    },
    "package-backend": {
        "shared/py/backend/pyproject.toml": BACKEND + MANIFEST.replace("NAME", "backend"),
        "shared/py/backend/backend.py": "PY\n",
    },
    "package-settings": {
        "shared/py/settings/pyproject.toml": MANIFEST.replace("NAME", "settings")
        + '[tool.monorepo]\nport = "$(SH)"\nsessions = { "`SH`" = "$(SH)" }\n',
    },
    "package-name": {"shared/py/name/pyproject.toml": MANIFEST.replace("acme-NAME", "$(SH)")},
    "package-npm-name": {"shared/js/name/package.json": '{"name": "$(SH)"}'},
    "folder-dollar": {"shared/py/$(FOLDER)/pyproject.toml": MANIFEST},
    "folder-backtick": {"shared/py/`FOLDER`/pyproject.toml": MANIFEST},
    "folder-semicolon": {"shared/py/;FOLDER;/pyproject.toml": MANIFEST},
    "folder-make": {"shared/py/$(shell FOLDER)/pyproject.toml": MANIFEST},
    "folder-js": {"shared/js/$(FOLDER)/package.json": "{}"},
    "folder-service": {"services/py/$(FOLDER)/pyproject.toml": MANIFEST},
    "schema": {".schemas/structure.yaml": YAML},
    "workflow": {".github/workflows/canary.yml": YAML},
    "action": {".github/actions/canary/action.yml": YAML},
    "dependabot": {".github/dependabot.yml": YAML},
    "pre-commit": {
        ".pre-commit-config.yaml": "repos:\n  - repo: local\n    hooks:\n      - id: x\n"
        "        name: x\n        language: system\n        entry: SH\n        always_run: true\n"
    },
    "tag": {"services/js/web/.config.yaml": YAML, ".config.yml": YAML},
    **{
        f"template-{hook}": {
            f"tools/templates/{hook}/cookiecutter.json": '{"title": "x"}',
            f"tools/templates/{hook}/{MADE}/pyproject.toml": MANIFEST,
            f"tools/templates/{hook}/hooks/{hook}_gen_project.py": "PY\n",
        }
        for hook in ("pre", "post")
    },
    "template-manifest": {
        "tools/templates/manifest/cookiecutter.json": '{"title": "x"}',
        f"tools/templates/manifest/{MADE}/pyproject.toml": JINJA,
    },
    "template-default": {
        "tools/templates/default/cookiecutter.json": json.dumps({"title": JINJA}),
        f"tools/templates/default/{MADE}/pyproject.toml": MANIFEST,
    },
    "template-extension": {
        "tools/templates/extension/cookiecutter.json": (
            '{"title": "x", "_extensions": ["evil.Evil"]}'
        ),
        f"tools/templates/extension/{MADE}/pyproject.toml": MANIFEST,
        "evil.py": "PY\n",
    },
    # What `new` makes here.
    "template-text": {f"tools/templates/shared-py/{MADE}/CANARY.md": JINJA},
    "template-name": {f"tools/templates/shared-py/{MADE}/{JINJA.replace('SH', 'FOLDER')}": ""},
    "pnpmfile": {".pnpmfile.cjs": "JS\n"},
    "pnpmfile-module": {".pnpmfile.mjs": "JS\n"},
    "package-manager": {"evil/package.json": '{"name": "pnpm", "bin": "x"}', "evil/x": "SH\n"},
    "npmrc": {
        ".npmrc": "node-options=--require ./evil.cjs\nscript-shell=./evil.sh\n"
        "global-pnpmfile=evil.cjs\n",
        "evil.cjs": "JS\n",
        "evil.sh": "#!/bin/sh\nSH\n",
    },
    "npmrc-package": {f"{WEB}/.npmrc": "node-options=--require ./e.cjs\n", f"{WEB}/e.cjs": "JS\n"},
    "uv": {"uv.toml": '[pip]\nindex-url = "file:///dev/null"\n'},
    "pip": {"pip.conf": "[global]\nindex-url = file:///dev/null\n"},
    "mypy": {"mypy.ini": "[mypy]\nplugins = plugin.py\n", "plugin.py": "PY\n"},
    "pytest": {"pytest.ini": "[pytest]\naddopts = -p plugged\n", "plugged.py": "PY\n"},
    "coverage": {".coveragerc": "[run]\nplugins = covered\n", "covered.py": "PY\n"},
    "tsconfig": {
        f"{WEB}/tsconfig.json": '{"compilerOptions": {"plugins": [{"name": "./p.cjs"}]}}',
        f"{WEB}/p.cjs": "JS\n",
    },
    "zizmor": {"zizmor.yml": YAML, ".github/zizmor.yml": YAML},
    "ruff": {"ruff.toml": 'extend = "$(SH)"\n', ".ruff.toml": 'builtins = ["`SH`"]\n'},
    "git-attributes": {"docs/.gitattributes": "* filter=canary diff=canary\n", "docs/x": "x"},
    "git-config": {
        ".gitconfig": "[core]\n\tfsmonitor = SH\n\thooksPath = .githooks\n",
        "config": "[core]\n\tfsmonitor = SH\n\tbare = false\n",
        "HEAD": "ref: refs/heads/main\n",
    },
    "git-modules": {".gitmodules": '[submodule "x"]\n\tpath = x\n\turl = ./x\n\tupdate = !SH\n'},
    "git-hooks": {f"{one}/pre-commit": "#!/bin/sh\nSH\n" for one in (".githooks", ".husky")},
    "environment": {".env": "PYTHONSTARTUP=x.py\nBASH_ENV=.envrc\n", ".envrc": "SH\n"},
    "baseline": {"guard-baseline.json": '{"x": "$(SH)"}'},
}
# With these, nothing is added to the branch.
SPOILING = {"package-name", "package-npm-name", "package-settings"}
SPOILING |= {name for name in FILES if name.startswith(("folder", "template"))}
# What a commit can bring, and no verb goes on with: it would be started.
REFUSED = {
    "python": ".venv/bin/python",
    "pth": ".venv/lib/python3.11/site-packages/evil.pth",
    "link": ".venv",
    "pnpm": "node_modules/.bin/pnpm",
    "biome": "node_modules/@biomejs/biome/bin/biome",
    "case": ".Venv/bin/python",
    "bytecode": "tools/src/monorepo/__pycache__/cli.cpython-311.pyc",
}


def marking(name: str, marks: Path) -> dict[str, str]:
    """Return what leaves the mark `name`, by the word that stands for it."""
    mark = str(marks / name)
    return {
        "PY": f"open({mark!r}, 'w').close()",
        "JS": f'require("node:fs").writeFileSync({json.dumps(mark)}, "");',
        "SH": f"touch {mark}",
        # A name of a folder has no slash.
        "FOLDER": f"cd${{IFS}}${{MARKS}};touch${{IFS}}{name}",
    }


def filed(name: str, marks: Path) -> Write:
    """Return what writes the files of a canary."""

    def write(root: Path) -> None:
        for path, text in FILES[name].items():
            codes = marking(name, marks)
            path = path.replace("FOLDER", codes["FOLDER"])
            for word, code in codes.items():
                text = text.replace(word, code)
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_text(text, encoding="utf-8")

    return write


def scripted(path: str, name: str, marks: Path) -> Write:
    """Return what adds scripts to a package.json."""

    def write(root: Path) -> None:
        file = root / path
        manifest = json.loads(file.read_text(encoding="utf-8"))
        names = "preinstall install postinstall prepare pnpm:devPreinstall test build".split()
        manifest["scripts"] = dict.fromkeys(names, marking(name, marks)["SH"])
        file.write_text(json.dumps(manifest), encoding="utf-8")

    return write


def managed(files: Write) -> Write:
    """Return what has pnpm come from a folder, beside writing that folder."""

    def write(root: Path) -> None:
        files(root)
        file = root / "package.json"
        manifest = json.loads(file.read_text(encoding="utf-8"))
        manifest["packageManager"] = "pnpm@file:./evil"
        file.write_text(json.dumps(manifest), encoding="utf-8")

    return write


def compiled(name: str, marks: Path) -> Write:
    """Return what writes bytecode that Python takes for that of noxfile.py, unseen."""

    def write(root: Path) -> None:
        (python,) = root.glob(".venv/lib/python3*")
        file = root / f"__pycache__/noxfile.{python.name.replace('python3.', 'cpython-3')}.pyc"
        source = marks.parent / "noxfile.py"
        source.write_text(marking(name, marks)["PY"], encoding="utf-8")
        mode = py_compile.PycInvalidationMode.UNCHECKED_HASH
        py_compile.compile(str(source), str(file), invalidation_mode=mode)

    return write


def journals(home: Path) -> Write:
    """Return what writes records of an interrupted command that would replace a user's file."""

    def write(root: Path) -> None:
        inode = root.stat().st_ino
        steps = [{"path": str(home / ".bashrc"), "old": "x", "new": "x", "parents": [str(home)]}]
        steps += [{**steps[0], "path": os.path.relpath(home / ".bashrc", root)}]
        staged = root / ".monorepo.txn-0123456789abcdef"
        for folder in (root / ".monorepo.txn", staged):
            folder.mkdir()
            (folder / "x").write_text("evil", encoding="utf-8")
        (root / ".monorepo.txn/journal").write_text(json.dumps(steps), encoding="utf-8")
        record = json.dumps({"staging": staged.name, "steps": steps})
        (root / f".monorepo.{inode}.journal").write_text(record, encoding="utf-8")
        (root / f".monorepo.{inode}.staging").symlink_to(staged.name)

    return write


class Desk:
    """A monorepo with its environment, and a home: where somebody looks at branches."""

    def __init__(self, place: Path) -> None:
        """Make both."""
        self.marks, self.home = place / "marks", place / "home"
        for folder in (self.marks, self.home):
            folder.mkdir()
        (self.home / ".bashrc").write_text("mine", encoding="utf-8")
        self.root = bake(place)
        own_template(self.root, "shared-py")
        run(self.root, "make", "install")
        commit(self.root)

    def canaries(self) -> dict[str, Write]:
        """Return all canaries, by name."""
        found = {name: filed(name, self.marks) for name in FILES}
        found["scripts"] = scripted("package.json", "scripts", self.marks)
        found["package-scripts"] = scripted(f"{WEB}/package.json", "package-scripts", self.marks)
        found["package-manager"] = managed(found["package-manager"])
        found["bytecode"] = compiled("bytecode", self.marks)
        found["journal"] = journals(self.home)
        return found

    def branch(self, *writes: Write) -> None:
        """Check out a branch that has what `writes` write."""
        run(self.root, "git", "checkout", "--quiet", "-B", "stranger", "HEAD")
        for write in writes:
            write(self.root)
        made = [f":(exclude){one}" for one in MADE_BY_TOOLS]
        run(self.root, "git", "add", "--all", "--force", "--", ".", *made)
        commit(self.root)

    def back(self) -> None:
        """Go back to where the branch started."""
        run(self.root, "git", "checkout", "--quiet", "--force", "-")
        run(self.root, "git", "clean", "--quiet", "-ffd")

    def look(self, verb: str) -> str:
        """Look with `verb`, and return what was printed.

        It may say that the branch is wrong, and that is all that it may do.
        """
        words = verb.split()
        if words[0] == "nox":
            words[0] = str(self.root / ".venv/bin/nox")
        before = changed(self.root)
        env = {"HOME": str(self.home), "MARKS": str(self.marks), "UV_OFFLINE": "1"}
        shown = run(self.root, "sh", "-c", '"$@" 2>&1 || [ $? -le 2 ]', "sh", *words, env=env)
        assert "Traceback" not in shown, shown
        marks = sorted(one.name for one in self.marks.iterdir())
        for one in self.marks.iterdir():
            one.unlink()
        assert marks == [], f"{verb} has run {marks}"
        assert (self.home / ".bashrc").read_text(encoding="utf-8") == "mine", verb
        assert changed(self.root) == before, verb
        return shown


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    return Desk(tmp_path_factory.mktemp("desk"))


@pytest.fixture
def clean(desk: Desk) -> Iterator[Desk]:
    """Return the desk, and clear it afterwards."""
    yield desk
    desk.back()


def test_the_readme_names_what_runs_nothing(desk: Desk) -> None:
    text = (desk.root / "README.md").read_text(encoding="utf-8")
    (row,) = re.findall(r"^\| (`make help`.*) \| nothing \|$", text, re.MULTILINE)
    named = set(re.findall(r"`(?:make )?([a-z-]+(?: -l)?)`", row))
    looks = {one if one == "nox -l" else one.split()[1] for one in LOOKS}
    assert named == looks


def test_to_look_at_a_branch_runs_nothing_of_it(clean: Desk) -> None:
    canaries = clean.canaries()
    assert len(canaries) >= 46
    clean.branch(*canaries.values())
    shown = {verb: clean.look(verb) for verb in LOOKS}
    # They did what they are for, and did not give up at the first file.
    for verb in ("make list", "make graph", "nox -l"):
        assert "services/py/api" in shown[verb], verb
    for problem in ("structure.shadow", "unreadable", "ignored.secret"):
        assert f": {problem}: " in shown["make guard"], problem


def test_to_see_what_would_be_added_runs_nothing_of_a_branch(clean: Desk) -> None:
    clean.branch(*(one for name, one in clean.canaries().items() if name not in SPOILING))
    shown = [clean.look(verb) for verb in LOOKS if "DRY_RUN" in verb]
    assert "+ shared/py/looked/pyproject.toml" in shown[0]
    assert "- shared/py/core/pyproject.toml" in shown[1]


def test_the_canaries_sing(clean: Desk) -> None:
    clean.branch(*clean.canaries().values())
    python = clean.root / ".venv/bin/python"
    run(clean.root, python, "-c", "import json, colorama, monorepo, packaging")
    heard = {one.name for one in clean.marks.iterdir()}
    for one in clean.marks.iterdir():
        one.unlink()
    assert heard >= {"root-json", "root-monorepo", "root-packaging", "source-colorama"}


@pytest.mark.skipif(os.environ.get("FAULTS") != "all", reason="takes minutes: FAULTS=all")
def test_each_canary_alone(desk: Desk) -> None:
    for write in desk.canaries().values():
        desk.branch(write)
        for verb in LOOKS:
            desk.look(verb)
        desk.back()


@pytest.mark.parametrize("path", REFUSED.values(), ids=REFUSED)
def test_what_would_be_started_is_refused_if_git_tracks_it(
    tmp_path: Path, path: str, desk: Desk
) -> None:
    root = tmp_path / "clone"
    run(tmp_path, "git", "clone", "--quiet", desk.root, root)
    mark = tmp_path / "mark"
    file = root / path
    if path == ".venv":
        file.symlink_to("docs")
        file = root / "docs/bin/python"
    file.parent.mkdir(parents=True)
    file.write_text(f"#!/bin/sh\ntouch {mark}\n", encoding="utf-8")
    file.chmod(0o755)
    run(root, "git", "add", "--all", "--force")
    commit(root)
    for verb in ("list", "guard", "lock-check", "setup"):
        shown = run(root, "make", verb, code=2)
        assert f"monorepo: {path}: is tracked by git, and would be started; remove" in shown
        assert "Traceback" not in shown
    assert not mark.exists()
