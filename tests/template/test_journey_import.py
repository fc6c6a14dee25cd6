"""Old code comes in as packages, one folder after another; each step leaves everything working."""

from pathlib import Path

import pytest

from tests.template.baking import bake, commit, edit, run

pytestmark = pytest.mark.slow

# A flat layout that finds itself by sys.path, with data beside the code.
FLAT = {
    "audiolib/__init__.py": (
        '"""Sounds, and how loud they are."""\n\nfrom .levels import loudness\n\n'
        '__all__ = ["loudness"]\n'
    ),
    "audiolib/levels.py": (
        '"""How loud something is."""\n\nimport os\nimport sys\n\n'
        'sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))\n\n'
        "import audiolib.names\nfrom idna import encode\n\n\n"
        'def loudness(name: str) -> int:\n    """Return how loud a sound is, by its name."""\n'
        "    return len(encode(audiolib.names.full(name)))\n"
    ),
    "audiolib/names.py": (
        '"""Names of sounds."""\n\nfrom pathlib import Path\n\n'
        'PREFIX = (Path(__file__).parent / "data" / "prefix.txt").read_text("utf-8").strip()\n\n\n'
        'def full(name: str) -> str:\n    """Return the whole name of a sound."""\n'
        '    return f"{PREFIX}.{name}"\n'
    ),
    "audiolib/data/prefix.txt": "sound\n",
    "tests/__init__.py": "",
    "tests/test_levels.py": (
        "from unittest.mock import patch\n\nfrom audiolib import loudness\n\n\n"
        'def test_a_sound_is_as_loud_as_its_name() -> None:\n    assert loudness("a") == 7\n\n\n'
        "def test_the_name_can_be_another_one() -> None:\n"
        '    with patch("audiolib.names.full", return_value="abc"):\n'
        '        assert loudness("a") == 3\n'
    ),
    "setup.py": (
        "from setuptools import find_packages, setup\n\n"
        'setup(name="audiolib", packages=find_packages(), install_requires=["idna>=3.4"])\n'
    ),
    "README.md": "# Audio\n",
}
# A job that is no package, and finds it by a path.
SCRIPT = (
    '"""Print how loud a sound is."""\n\nimport sys\n\nsys.path.append("legacy/audio")\n\n'
    'import audiolib\n\nif __name__ == "__main__":\n'
    '    sys.stdout.write(str(audiolib.loudness("a")))\n'
)
# A src layout, which has an optional dependency and tests in more than one folder.
SRC = {
    "pyproject.toml": (
        '[project]\nname = "waves"\nversion = "3.1"\ndependencies = ["idna>=3.4"]\n'
        '[project.optional-dependencies]\nfast = ["certifi>=2024"]\n'
        '[project.scripts]\nwaves = "waves.table:main"\n'
    ),
    "src/waves/__init__.py": (
        '"""Waves."""\n\nfrom waves.table import main\n\n__all__ = ["main"]\n'
    ),
    "src/waves/table.py": (
        '"""A table of waves."""\n\nimport idna\n\nfrom audiolib import loudness\n\n'
        "try:\n    import certifi\nexcept ImportError:\n"
        "    certifi = None  # type: ignore[assignment]\n"
        '\n\ndef main() -> int:\n    """Return how many waves there are."""\n'
        '    return loudness("a") + len(idna.encode("b")) + (certifi is None)\n'
    ),
    "tests/unit/test_table.py": (
        "from waves.table import main\n\n\ndef test_there_are_waves() -> None:\n"
        "    assert main() >= 8\n"
    ),
    "LICENSE": "The license of somebody else.\n",
}
# Loose modules with a main, and a test beside them.
SCRIPTS = {
    "main.py": (
        '"""Print the report."""\n\nimport sys\n\n'
        "from model.user import User\nfrom words import WORDS\n"
        '\n\ndef main() -> int:\n    """Write the report, and return its length."""\n'
        "    return sys.stdout.write(User(WORDS[0]).name)\n\n\n"
        'if __name__ == "__main__":\n    main()\n'
    ),
    "words.py": '"""Words."""\n\nWORDS = ["hello"]\n',
    "model/user.py": (
        '"""Users."""\n\nfrom dataclasses import dataclass\n\n\n@dataclass\nclass User:\n'
        '    """A user, who has a name."""\n\n    name: str\n'
    ),
    "model/__init__.py": '"""What there is."""\n',
    "test_main.py": (
        "import pytest\n\nfrom main import main\n\n\n"
        "def test_it_reports(capsys: pytest.CaptureFixture[str]) -> None:\n"
        '    assert main() == 5\n    assert capsys.readouterr().out == "hello"\n'
    ),
}

TYPESCRIPT = {
    "package.json": (
        '{"name": "old-colors", "main": "dist/index.js", "dependencies": {"fastify": "^5.0.0"}}\n'
    ),
    "src/index.ts": (
        'import Fastify from "fastify";\nimport { mix } from "./deep";\n\n'
        "export function half(value: number): number {\n  return mix(value, 0);\n}\n\n"
        "export { Fastify };\n"
    ),
    "src/deep/index.ts": (
        "export function mix(a: number, b: number): number {\n  return (a + b) / 2;\n}\n"
    ),
    "test/colors.spec.ts": (
        'import assert from "node:assert/strict";\nimport test from "node:test";\n'
        'import { half } from "../src";\n\n'
        'test("half is a half", () => {\n  assert.equal(half(2), 1);\n});\n'
    ),
}
# CommonJS, which others of this repository import.
COMMON = {
    "package.json": '{"name": "old-words", "main": "./index.js"}\n',
    "index.js": ('const { upper } = require("./lib/upper");\n\nmodule.exports = { upper };\n'),
    "lib/upper.js": "module.exports.upper = (text) => text.toUpperCase();\n",
    "test/words.test.ts": (
        'import assert from "node:assert/strict";\nimport test from "node:test";\n'
        'import { upper } from "../index.js";\n\n'
        'test("upper is upper", () => {\n  assert.equal(upper("a"), "A");\n});\n'
    ),
}
# Services as they are: they start by themselves, and know nothing of a runtime.
SERVICE = {
    "main.py": (
        '"""A service."""\n\nimport os\n\nimport handlers\nimport uvicorn\n'
        "from fastapi import FastAPI\n\n"
        'app = FastAPI()\napp.get("/pages/{title}")(handlers.page)\n'
        'app.get("/health")(handlers.health)\n\nif __name__ == "__main__":\n'
        '    uvicorn.run("main:app", port=int(os.environ.get("PORT", "8080")))\n'
    ),
    "handlers.py": (
        '"""What the service answers."""\n\n\ndef page(title: str) -> dict[str, str]:\n'
        '    """Return a page."""\n    return {"page": title.upper()}\n\n\n'
        'def health() -> dict[str, str]:\n    """Say that it lives."""\n'
        '    return {"status": "ok"}\n'
    ),
    "tests/test_pages.py": (
        "from fastapi.testclient import TestClient\n\nfrom main import app\n\n\n"
        "def test_a_page_has_its_title() -> None:\n"
        '    assert TestClient(app).get("/pages/a").json() == {"page": "A"}\n'
    ),
}
JOB = {
    "job.py": (
        '"""A job."""\n\nimport sys\n\n\ndef main() -> None:\n    """Run it."""\n'
        '    sys.stdout.write("done")\n'
    ),
    "test_job.py": (
        "import pytest\n\nfrom job import main\n\n\n"
        "def test_it_ends(capsys: pytest.CaptureFixture[str]) -> None:\n"
        '    main()\n    assert capsys.readouterr().out == "done"\n'
    ),
    "setup.py": (
        "from setuptools import setup\n\n"
        'setup(entry_points={"console_scripts": ["job=job:main"]})\n'
    ),
}
WEB = {
    "package.json": '{"name": "old-web", "dependencies": {"fastify": "^5.0.0"}}\n',
    "main.ts": (
        'import Fastify from "fastify";\nimport { status } from "./status";\n\n'
        'const app = Fastify();\napp.get("/health", () => ({ status: status() }));\n'
        "await app.listen({ port: Number(process.env.PORT) });\n"
    ),
    "status.ts": 'export function status(): string {\n  return "ok";\n}\n',
    "test/status.test.ts": (
        'import assert from "node:assert/strict";\nimport test from "node:test";\n'
        'import { status } from "../status";\n\n'
        'test("it is well", () => {\n  assert.equal(status(), "ok");\n});\n'
    ),
}


def write(folder: Path, files: dict[str, str]) -> None:
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, encoding="utf-8")


def test_old_code_comes_in_and_each_step_leaves_everything_working(tmp_path: Path) -> None:
    root = bake(tmp_path, packages="shared/py/core")
    run(root, "make", "install")
    # A place for old code, which nobody asks to be a package, or to have a style.
    docs = "  docs: { type: object }\n"
    edit(root / ".schemas/structure.yaml", docs, f"{docs}  legacy: {{ type: object }}\n")
    edit(root / "pyproject.toml", "extend-exclude = [", 'extend-exclude = ["legacy/*", ')
    write(root / "legacy/audio", FLAT)
    write(root / "legacy/jobs", {"job.py": SCRIPT})
    run(root, "git", "init", "--quiet")
    commit(root)
    # What it requires has no pin before it is a package: guide and phase say what to do.
    run(root, "sh", "tools/make/monorepo.sh", "guard", "--baseline")
    commit(root)
    run(root, "make", "guard", "lint")
    assert "Next: make migrate-import FROM=legacy/audio AT=…\n" in run(root, "make", "phase")

    # From a folder of this repository.
    words = ("FROM=legacy/audio", "AT=shared/py/audio")
    dry = run(root, "make", "migrate-import", *words, "DRY_RUN=1")
    assert run(root, "git", "status", "--porcelain") == ""
    said = run(root, "make", "migrate-import", *words)
    assert "legacy/audio is shared/py/audio, imported as acme_audio" in dry
    assert "idna>=3.4 (from legacy/audio/setup.py:3" in said
    run(root, "make", "lock")
    run(root, "make", "check", "guard", "lock-check")
    assert run(root, "./run", "python", "legacy/jobs/job.py") == "7"
    commit(root)
    file = "shared/py/audio/src/acme_audio/names.py"
    assert run(root, "git", "log", "--follow", "--oneline", file).count("\n") == 2

    # From another repository, whose code imports the package by the name that it had there.
    other = tmp_path / "other"
    write(other / "libs/waves", SRC)
    run(other, "git", "init", "--quiet")
    commit(other)
    edit(other / "libs/waves/src/waves/table.py", "from audiolib import", "from acme_audio import")
    commit(other)
    words = (f"FROM={other}/libs/waves", "AT=shared/py/waves")
    run(root, "make", "migrate-import", *words)
    run(root, "make", "lock")
    run(root, "make", "check", "guard", "lock-check")
    commit(root)
    file = "shared/py/waves/src/acme_waves/table.py"
    assert run(root, "git", "log", "--follow", "--format=%s", file).splitlines()[-2:] == ["all"] * 2
    assert run(root, ".venv/bin/waves", code=8) == ""
    run(root, ".venv/bin/nox", "-s", "test-3.11(shared/py/waves)")

    # From a folder that no git knows.
    write(tmp_path / "report", SCRIPTS)
    run(root, "make", "migrate-import", f"FROM={tmp_path}/report", "AT=shared/py/report")
    run(root, "make", "lock")
    run(root, "make", "check", "guard", "lock-check")
    run(root, "make", "build", "PKG=shared/py/report shared/py/audio")
    # It is a fixed point of the formatters.
    commit(root)
    run(root, "make", "format")
    assert run(root, "git", "status", "--porcelain") == ""


def test_services_and_apps_come_in_as_they_are(tmp_path: Path) -> None:
    root = bake(tmp_path, packages="shared/py/core")
    run(root, "make", "install")
    run(root, "git", "init", "--quiet")
    commit(root)
    for name in ("news", "more"):
        write(tmp_path / name, SERVICE)
    # The first service: what the template has for services comes before it.
    words = (f"FROM={tmp_path}/news", "AT=services/py/news")
    said = run(root, "make", "migrate-import", *words, code=2)
    assert "is staged: commit it, and run this again" in said
    commit(root)
    said = run(root, "make", "migrate-import", *words)
    allowed = "allowed in pyproject.toml: thin for services/py/news until "
    assert allowed in said and "Next: make lock" in said
    assert not (root / "shared/py/service").exists()
    run(root, "make", "lock")
    run(root, "make", "check", "guard", "lock-check")
    commit(root)
    said = run(root, "make", "phase")
    assert "services are thin (thin): 0 of 1" in said


def test_javascript_comes_in_where_packages_have_manifests(tmp_path: Path) -> None:
    packages = "shared/py/core services/py/api shared/js/core services/js/web apps/py/tool"
    root = bake(tmp_path, packages=packages, manifests="edn")
    run(root, "make", "install")
    docs = "  docs: { type: object }\n"
    edit(root / ".schemas/structure.yaml", docs, f"{docs}  legacy: {{ type: object }}\n")
    write(root / "legacy/colors", TYPESCRIPT)
    # A package that imports it, by the name that it had.
    two = 'import { half } from "old-colors";\n\nexport const two = half(4);\n'
    write(root / "shared/js/core", {"src/two.ts": two})
    for name, files in (("words", COMMON), ("old", SERVICE), ("job", JOB), ("oldweb", WEB)):
        write(tmp_path / name, files)
    run(root, "git", "init", "--quiet")
    commit(root)

    run(root, "make", "migrate-import", "FROM=legacy/colors", "AT=shared/js/colors")
    commit(root)
    deep = "shared/js/colors/src/deep/index.ts"
    assert run(root, "git", "log", "--follow", "--oneline", deep).count("\n") == 2
    assert '"@acme/colors" "workspace:*"' in (root / "shared/js/core/package.edn").read_text(
        "utf-8"
    )
    for name, path in (
        ("words", "shared/js/words"),
        ("old", "services/py/old"),
        ("job", "apps/py/job"),
        ("oldweb", "services/js/old"),
    ):
        run(root, "make", "migrate-import", f"FROM={tmp_path}/{name}", f"AT={path}")
        commit(root)
    run(root, "make", "lock")
    run(root, "make", "check", "guard", "lock-check")
    assert "as the manifests say" in run(root, "make", "sync", "CHECK=1")
    run(root, "make", "build", "PKG=shared/js/colors shared/js/words services/js/old")
    use = 'import("@acme/words").then(({ upper }) => console.log(upper("a")))'
    assert run(root / "shared/js/words", "node", "--eval", use) == "A\n"
    assert run(root, ".venv/bin/job") == "done"
