"""Which files a monorepo has: these, for each shape, and no others."""

import tomllib

import pytest

from monorepo.core import workspace
from monorepo.locking import locks
from monorepo.scaffold.answers import QUESTIONS
from tests.template.baking import SHAPES, TEMPLATE, files, rendered

ROOT = """
.editorconfig .env.example .gitattributes .github/dependabot.yml .github/workflows/ci.yml
.github/workflows/lock.yml .github/workflows/upgrade.yml .github/workflows/watch.yml .gitignore
.pre-commit-config.yaml
.python-version .schemas/structure.yaml .vscode/extensions.json .vscode/settings.json AGENTS.md
CLAUDE.md CONTRIBUTING.md LICENSE Makefile README.md constraints.txt docs/recipes.md noxfile.py
pyproject.toml
tools/README.md tools/hashes.txt tools/requirements.txt tools/make/common.mk tools/make/engine.py
tools/make/environment.sh tools/make/monorepo.sh tools/make/run.sh run
""".split()
VERSION = tomllib.loads((TEMPLATE / "pyproject.toml").read_text("utf-8"))["project"]["version"]
WHEEL = f"tools/cookiecutter_monorepo-{VERSION}-py3-none-any.whl"
JAVASCRIPT = """
biome.json package.json pnpm-lock.yaml pnpm-workspace.yaml tsconfig.base.json tsconfig.browser.json
tsconfig.json
tools/make/js.mk tools/make/sources.test.ts tools/pnpm-lock.yaml
""".split()
PACKAGES = {
    "shared/py/core": """
        Makefile README.md noxfile.py pyproject.toml src/acme_core/__init__.py
        src/acme_core/py.typed src/acme_core/retries.py tests/contract/test_public_names.py
        tests/integration/test_installed.py tests/unit/test_retries.py
    """,
    "shared/py/notes": """
        Makefile README.md noxfile.py pyproject.toml src/acme_notes/__init__.py
        src/acme_notes/fastapi.py src/acme_notes/py.typed
        src/acme_notes/migrations/env.py src/acme_notes/migrations/script.py.mako
        src/acme_notes/migrations/versions/v0001_notes.py src/acme_notes/store.py
        tests/contract/test_notes.py tests/integration/test_database.py
    """,
    "shared/py/service": """
        Makefile README.md noxfile.py pyproject.toml src/acme_service/__init__.py
        src/acme_service/client.py src/acme_service/context.py
        src/acme_service/fastapi/__init__.py src/acme_service/fastapi/application.py
        src/acme_service/fastapi/problems.py src/acme_service/fastapi/requests.py
        src/acme_service/fastapi/server.py src/acme_service/logs.py src/acme_service/otel.py
        src/acme_service/py.typed src/acme_service/settings.py
        tests/contract/test_public_names.py tests/integration/test_otel.py
        tests/integration/test_process.py tests/log_line.schema.json tests/unit/test_app.py
        tests/unit/test_client.py tests/unit/test_logs.py tests/unit/test_settings.py
    """,
    "services/py/api": """
        Makefile README.md noxfile.py pyproject.toml scripts/smoke.sh
        src/acme_svc_api/__init__.py src/acme_svc_api/main.py src/acme_svc_api/py.typed
        tests/contract/test_health.py tests/contract/test_notes.py
        tests/contract/test_settings.py tests/integration/test_process.py tests/unit/test_app.py
    """,
    "apps/py/report": """
        Makefile README.md noxfile.py pyproject.toml src/acme_app_report/__init__.py
        src/acme_app_report/cli.py src/acme_app_report/py.typed tests/integration/test_command.py
        tests/unit/test_cli.py
    """,
    "apps/js/site": """
        Makefile README.md index.html noxfile.py package.json src/App.tsx src/duration.ts
        src/main.tsx tests/browser.ts tests/duration.test.ts tests/journey.test.ts
        tests/tsconfig.json tsconfig.json vite.config.ts
    """,
    "shared/js/core": """
        Makefile README.md noxfile.py package.json src/index.ts tests/index.test.ts
        tsconfig.build.json tsconfig.json
    """,
    "shared/js/service": """
        Makefile README.md noxfile.py package.json src/app.ts src/context.ts src/ending.ts
        src/fastify.ts src/index.ts src/logs.ts src/otel.ts src/problems.ts src/settings.ts
        src/start.ts src/workers.ts tests/fixtures/manifest.json tests/fixtures/service.ts
        tests/log_line.schema.json tests/otel.test.ts tests/process.ts tests/settings.test.ts
        tests/start.test.ts tests/workers.test.ts tsconfig.build.json tsconfig.json
    """,
    "shared/js/notes": """
        Makefile README.md noxfile.py package.json src/database.ts src/index.ts src/migrations.ts
        src/routes.ts tests/notes.test.ts tsconfig.build.json tsconfig.json
    """,
    "services/js/web": """
        Makefile README.md noxfile.py package.json scripts/smoke.sh src/main.ts
        tests/main.test.ts tsconfig.build.json tsconfig.json
    """,
}


def expected(packages: list[str]) -> set[str]:
    """Return the files of a monorepo that has these packages."""
    languages = {path.split("/")[1] for path in packages}
    services = any(path.startswith("services/") for path in packages)
    found = {*ROOT, WHEEL, *(JAVASCRIPT if "js" in languages else [])}
    if "py" in languages:
        found |= {".schemas/base_manifest.json", "tools/lowest.txt", "tools/make/py.mk"}
    found |= {f"tools/make/services-{one}.mk" for one in languages if services}
    apps = {path.split("/")[1] for path in packages if path.startswith("apps/")}
    found |= {f"tools/make/apps-{language}.mk" for language in apps}
    for path in packages:
        found |= {f"{path}/{file}" for file in PACKAGES[path].split()}
    return found


@pytest.mark.parametrize("shape", SHAPES)
def test_files(shape: str) -> None:
    packages = SHAPES[shape].split()
    needed = {path.split("/")[1] for path in packages if path.startswith("services/")}
    packages += [f"shared/{language}/service" for language in needed]
    packages += [f"shared/{language}/notes" for language in needed]
    assert files(rendered(packages=SHAPES[shape])) == expected(packages)


def test_what_manifests_in_edn_add() -> None:
    plain, edn = (rendered(manifests=name) for name in ("none", "edn"))
    more = {
        *(f"shared/{where}/package.edn" for where in ("py/core", "py/notes", "py/service")),
        *(f"shared/{where}/package.edn" for where in ("js/core", "js/notes", "js/service")),
        *("services/py/api/service.edn", "services/py/api/src/acme_svc_api/service.json"),
        *("services/js/web/service.edn", "services/js/web/service.json"),
        *("shared/js/notes/src/service.ts", "shared/js/notes/tests/service.test.ts"),
    }
    runtimes = {
        "py": """
            src/acme_service/configuration.py src/acme_service/fastapi/configured.py
            src/acme_service/jobs.py src/acme_service/machine.py tests/unit/test_configured.py
            tests/unit/test_jobs.py tests/unit/test_machine.py
        """,
        "js": """
            src/configuration.ts src/configured.ts src/handlers.ts src/jobs.ts src/resources.ts
            src/routes.ts src/websockets.ts tests/configured.test.ts tests/fixtures/handlers.ts
            tests/jobs.test.ts
        """,
    }
    for language, names in runtimes.items():
        more |= {f"shared/{language}/service/{name}" for name in names.split()}
    assert files(edn) == files(plain) | more
    assert locks.check(workspace.load(edn)) == []


@pytest.mark.slow
@pytest.mark.parametrize("python_version", QUESTIONS["python_version"])
@pytest.mark.parametrize("shape", SHAPES)
def test_what_is_locked_fits_each_shape(shape: str, python_version: str) -> None:
    root = rendered(packages=SHAPES[shape], python_version=python_version)
    assert locks.check(workspace.load(root)) == []


def test_log_lines_have_one_schema_in_both_languages() -> None:
    root = rendered()
    python, javascript = (
        root / f"shared/{language}/service/tests/log_line.schema.json" for language in ("py", "js")
    )
    assert python.read_bytes() == javascript.read_bytes()


def test_modes() -> None:
    root = rendered()
    runnable = {file for file in files(root) if (root / file).stat().st_mode & 0o111}
    smoke = {"services/py/api/scripts/smoke.sh", "services/js/web/scripts/smoke.sh"}
    assert runnable == {*smoke, "run", "tools/make/monorepo.sh"}


def test_a_monorepo_is_its_packages_and_little_else() -> None:
    root = rendered()
    assert len(files(root)) < 165
    lines = {
        name: len((root / name).read_text(encoding="utf-8").splitlines())
        for name in files(root)
        if name.endswith(".py")
    }
    theirs = sum(lines[name] for name in lines if name.startswith(("shared/", "services/")))
    assert theirs >= 0.9 * sum(lines.values())
