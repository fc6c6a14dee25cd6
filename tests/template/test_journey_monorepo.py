"""The first job, as a person does it: make a monorepo, then set up, check, build and prove it."""

import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from http.client import HTTPConnection, HTTPException
from pathlib import Path

import pytest

from tests.template.baking import SHAPES, bake, changed, commit, environment, run

pytestmark = pytest.mark.slow

HOSTILE = {
    "project_name": 'Zoë "Q" \\ ${{ x }} {{ x }} << x >> </script> %s',
    "description": "It's *all* [here](x)\n\\end 😀",
    "author_name": 'O\'Brien "Bob" <bob> \\ & Söhne',
    "author_email": "o'brien+bob@example.com",
}
JOURNEYS = {
    "default": {},
    "python": {"packages": SHAPES["python"], "license": "Apache-2.0"},
    "javascript": {"packages": SHAPES["javascript"], "license": "Proprietary"},
    "shared": {"packages": SHAPES["shared"], "license": "BSD-3-Clause"},
    "hostile": {**HOSTILE, "repo_name": "zoe", "namespace": "a-b", "python_env": "per-package"},
}


@pytest.mark.parametrize("name", JOURNEYS)
def test_from_nothing_to_proven(name: str, tmp_path: Path, path_without_uv: str) -> None:
    out = tmp_path / "a folder with späces"
    out.mkdir()
    root = bake(out, **JOURNEYS[name])
    commit(root)
    # With a hostile locale, too, and on a machine that has Python alone.
    env = {"LC_ALL": "C", "PATH": path_without_uv} if name == "hostile" else {}
    if name == "default":
        # With mypy's cache where a person has it, and nothing in it.
        env = {"MYPY_CACHE_DIR": ""}
    packages = {str(file.parent.relative_to(root)) for file in root.glob("*/*/*/Makefile")}
    # All of them once; where less or other things are around them, one of each language.
    cores = [path for path in packages if path.endswith("/core")]
    proven = packages if name == "default" else cores
    chosen = f"PKG={' '.join(proven)}"

    run(root, "make", "setup", "install", env=env)
    run(root, "make", "check", env=env)
    # What has succeeded is not run again; then not even a package is looked at.
    again = run(root, "make", "check", env=env)
    assert re.search(r"^test: (\d+) ok, \1 of them cached$", again, re.MULTILINE)
    assert not re.search("^ok ", again, re.MULTILINE)
    assert run(root, "make", "check", env=env) == again
    assert run(root, "make", "guard", env=env).endswith("nothing found\n")
    covered = run(root, "make", "test-coverage", chosen, env=env)
    assert len(re.findall(r"^ok .* s  [\d.]+ % covered$", covered, re.MULTILINE)) == len(proven)
    for package in (root / path for path in proven):
        report = "coverage" if (package / "package.json").exists() else "htmlcov"
        assert "<html" in (package / report / "index.html").read_text("utf-8")
    run(root, "make", "build", env=env)
    if services := [path for path in packages if path.startswith("services/")]:
        smoked = run(root, "make", "smoke", env=env)
        assert f"\nsmoke: {len(services)} ok\n" in f"\n{smoked}"
    run(root, "make", "lock-check")
    if name != "default":
        # Not in that locale, in which Python cannot start from a folder with an ä: Make sees to
        # that. All sessions of the default one are tried in a test of their own. Where less is
        # around them, the tools are those of `make check`.
        tests = f"test-{sys.version_info.major}.{sys.version_info.minor}"
        sessions = [
            f"{task}({path})"
            for path in cores
            for task in ("lint", "type-check", "test" if "/js/" in path else tests)
            if name == "hostile" or task.startswith("test")
        ]
        run(root, ".venv/bin/nox", "-j", "2", "-s", *sessions)
    assert changed(root) == "", "a command has changed what git tracks"

    run(root, "make", "format")
    assert changed(root) == "", "a new monorepo is not as its own formatter would have it"
    run(root, "make", "lock")
    assert changed(root) == "", "a new monorepo's locks are not in step"
    run(root, "make", "clean")
    left = run(root, "git", "status", "--porcelain", "--ignored").split()[1::2]
    assert {path.rpartition("/")[0].rpartition("/")[2] or path for path in left} <= {
        ".nox",
        ".venv",
        "node_modules",
    }


def test_a_second_install_has_nothing_to_do(ready: Path) -> None:
    # A test that ran before, in whichever order, may have left other manifests installed.
    run(ready, "make", "install")
    assert run(ready, "make", "install") == ""


# Lets Biome write no more than a kibibyte of a file, as on a full disk; Biome itself says nothing.
FULL = """\
#!/bin/sh
trap '' XFSZ
case " $* " in *" --write "*) ulimit -f 1 ;; esac
exec "$(dirname "$0")/whole-biome" "$@"
"""


def test_format_leaves_no_file_by_half(ready: Path) -> None:
    biome = ready / "node_modules/.bin/biome"
    file = ready / "shared/js/core/src/long.ts"
    lines = [f"export const name{number}={number}\n" for number in range(99)]
    file.write_text("".join(lines), encoding="utf-8")
    broken = ready / "shared/js/core/src/broken.ts"
    broken.write_text("export const = 1", encoding="utf-8")
    biome.rename(biome.with_name("whole-biome"))
    try:
        biome.write_text(FULL, encoding="utf-8")
        biome.chmod(0o755)
        for folder in (ready, ready / "shared/js/core"):
            output = run(folder, "make", "format", code=2)
            assert "wrote incomplete files; nothing has changed" in output
            assert file.read_text(encoding="utf-8") == "".join(lines)
    finally:
        biome.with_name("whole-biome").replace(biome)
    # What can be formatted is, beside what cannot.
    assert "broken.ts" in run(ready, "make", "format", code=2)
    assert file.read_text(encoding="utf-8").startswith("export const name0 = 0;\n")
    broken.unlink()
    file.chmod(0o600)
    run(ready, "make", "format")
    assert file.stat().st_mode & 0o777 == 0o600
    file.unlink()
    assert changed(ready) == ""


@pytest.fixture
def ports(ready: Path) -> Iterator[dict[str, int]]:
    """Give each service a port that is free, and take back all that a test changes."""
    found = {path: free_port() for path in ("services/py/api", "services/js/web")}
    for path, port in found.items():
        manifest = ready / path / ("pyproject.toml" if "/py/" in path else "package.json")
        text = manifest.read_text(encoding="utf-8")
        manifest.write_text(re.sub(r'(port"?\s*[:=]\s*)\d+', rf"\g<1>{port}", text), "utf-8")
    try:
        yield found
    finally:
        run(ready, "make", "stop")
        run(ready, "git", "checkout", "--quiet", ".")
        assert all(refused(port) for port in found.values())


def dev(root: Path, **env: str) -> "subprocess.Popen[str]":
    """Start `make dev` as in a terminal of its own."""
    return subprocess.Popen(
        ["make", "dev"],
        cwd=root,
        env=environment(**env),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def test_a_service_reloads_when_a_shared_package_changes(
    ready: Path, ports: dict[str, int]
) -> None:
    edits = {
        "services/py/api": (
            "shared/py/service/src/acme_service/fastapi/application.py",
            '"ok"',
            '"fine"',
        ),
        "services/js/web": ("shared/js/service/src/app.ts", '"ok"', '"fine"'),
    }
    # A shell's PORT is about one service.
    process = dev(ready, PORT=str(free_port()))
    try:
        for path, port in ports.items():
            assert wait_for(port, '"ok"'), path
        for path, (file, old, new) in edits.items():
            source = ready / file
            source.write_text(source.read_text(encoding="utf-8").replace(old, new), "utf-8")
            assert wait_for(ports[path], new), path
        assert "services run already" in run(ready, "make", "dev", code=2)
        assert run(ready, "make", "stop") == "stopped\n"
        output, _ = process.communicate(timeout=60)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
    assert "services/py/api | " in output and "services/js/web | " in output
    assert "PORT applies to one service" in output
    assert all(refused(port) for port in ports.values())
    assert run(ready, "make", "stop") == "nothing runs\n"


def test_what_a_killed_dev_left_is_ended(ready: Path, ports: dict[str, int]) -> None:
    first = dev(ready)
    assert all(wait_for(port, '"ok"') for port in ports.values())
    os.killpg(first.pid, signal.SIGKILL)
    # What is left is in the way of nobody.
    second = dev(ready)
    for line in second.stdout or ():
        if "that an earlier make dev left" in line:
            break
    assert all(wait_for(port, '"ok"') for port in ports.values())
    os.killpg(second.pid, signal.SIGKILL)
    assert "that an earlier make dev left" in run(ready, "make", "stop")
    assert all(refused(port) for port in ports.values())
    for process in (first, second):
        process.communicate()


def test_services_end_with_their_terminal(ready: Path, ports: dict[str, int]) -> None:
    process = dev(ready)
    assert all(wait_for(port, '"ok"') for port in ports.values())
    os.killpg(process.pid, signal.SIGHUP)
    process.communicate(timeout=60)
    assert run(ready, "make", "stop") == "nothing runs\n"
    assert all(refused(port) for port in ports.values())


SERVERS = {
    "services/py/api": [".venv/bin/python", "-m", "acme_svc_api.main"],
    "services/js/web": [".venv/bin/node", "--conditions=source", "src/main.ts"],
}


@pytest.mark.parametrize("workers", ["1", "2"])
@pytest.mark.parametrize("service", SERVERS)
def test_a_service_that_stops_under_load_loses_no_request(
    ready: Path, service: str, workers: str, tmp_path: Path
) -> None:
    program, *words = SERVERS[service]
    port = free_port()
    settings = {"PORT": str(port), "WORKERS": workers, "SHUTDOWN_DELAY": "1"}
    settings["DATABASE_URL"] = f"sqlite:///{tmp_path}/notes.db"
    run(ready / service, ready / program, *words, "migrate", env=settings)
    answers: dict[str, list[tuple[float, int]]] = {"/nowhere": [], "/ready": []}
    lost: list[str] = []

    def ask(path: str) -> None:
        """Ask again and again, on connections that are kept, until nobody listens."""
        connection = HTTPConnection("127.0.0.1", port, timeout=20)
        while True:
            try:
                connection.request("GET", path)
                answer = connection.getresponse()
                answer.read()
                answers[path].append((time.monotonic(), answer.status))
            except ConnectionRefusedError:
                return
            except (OSError, HTTPException) as error:
                lost.append(repr(error))
                connection.close()

    with subprocess.Popen(
        [ready / program, *words],
        cwd=ready / service,
        env=environment(**settings),
        stdout=subprocess.DEVNULL,
    ) as process:
        try:
            assert wait_for(port, '"ok"')
            clients = [threading.Thread(target=ask, args=[path]) for path in [*answers] * 5]
            for client in clients:
                client.start()
            time.sleep(1)
            process.terminate()
            stopped = time.monotonic()
            for client in clients:
                client.join(20)
            code = process.wait(20)
        finally:
            process.kill()

    assert (code, lost) == (0, [])
    assert {status for _, status in answers["/nowhere"]} == {404}
    # It is seen not to be ready long before it stops listening.
    answered = [when for when, status in answers["/ready"] if status == 503]
    assert answered[0] - stopped < 0.7 < answered[-1] - stopped
    assert answers["/nowhere"][-1][0] - stopped > 0.7
    assert max(when for when, status in answers["/ready"] if status == 200) - stopped < 0.7


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def refused(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0


def wait_for(port: int, text: str) -> bool:
    """Return whether /health comes to answer with `text` within a minute."""
    for _ in range(600):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=5) as answer:
                if text in answer.read().decode():
                    return True
        except OSError:
            pass
        time.sleep(0.1)
    return False


def test_a_dependency_is_added_by_an_edit_and_make_lock(ready: Path) -> None:
    manifest = ready / "shared/py/core/pyproject.toml"
    text = manifest.read_text(encoding="utf-8")
    manifest.write_text(
        text.replace("dependencies = []", 'dependencies = ["tomlkit>=0.15"]'), "utf-8"
    )
    try:
        failed = run(ready, "make", "lock-check", code=2)
        assert "shared/py/core/pyproject.toml: tomlkit>=0.15 is not pinned; run make lock" in failed
        run(ready, "make", "lock")
        diff = run(ready, "git", "diff", "--unified=0", "constraints.txt").splitlines()
        assert [line for line in diff if line[0] in "+-" and line[:3] not in ("+++", "---")] == [
            next(line for line in diff if line.startswith("+tomlkit==0.15"))
        ]
        run(ready, "make", "lock-check")
    finally:
        run(ready, "git", "checkout", "--quiet", ".")


def test_a_failing_package_is_shown_whole_and_the_others_go_on(ready: Path) -> None:
    test = ready / "shared/py/core/tests/unit/test_failing.py"
    test.write_text("def test_it() -> None:\n    assert 'reason' == ''\n", "utf-8")
    try:
        output = run(ready, "make", "test", "PKG=shared/py/core shared/js/core", code=2)
    finally:
        test.unlink()
    assert "FAILED  shared/py/core" in output and "AssertionError" in output
    assert "ok      shared/js/core" in output
    assert "test: 1 ok, 1 failed: shared/py/core" in output


def test_arguments_choose_tests_in_both_languages(ready: Path) -> None:
    command = ("make", "test", "PKG=shared/py/core shared/js/core")
    output = run(ready, *command, "ARGS=-k chunks")
    assert "ok      shared/js/core" in output and "none    shared/py/core" in output
    output = run(ready, *command, "ARGS=-k retries")
    assert "none    shared/js/core" in output and "ok      shared/py/core" in output
    output = run(ready, *command, "ARGS=-m gpu", code=2)
    assert "monorepo: ARGS: selects no test in any package; correct it\n" in output


def test_the_runtimes_pass_their_slow_tests(ready: Path) -> None:
    said = run(ready, "make", "-C", "shared/py/service", "test", "ARGS=-m slow")
    assert " passed" in said and "skipped" not in said
    said = run(ready, "make", "-C", "shared/js/service", "test", env={"SLOW": "true"})
    assert "skipped 0" in said


def test_no_test_collected_is_an_error_with_a_sentence(ready: Path) -> None:
    core = ready / "shared/py/core"
    output = run(core, "make", "test", "ARGS=-k nothing_is_called_that", code=2)
    assert "monorepo: tests: no test was collected; add one, or correct ARGS" in output
    core = ready / "shared/js/core"
    (core / "tests").rename(core / "checks")
    try:
        assert "monorepo: tests: has no test; add tests/" in run(core, "make", "test", code=2)
    finally:
        (core / "checks").rename(core / "tests")


def test_a_setting_of_its_own_is_documented(ready: Path) -> None:
    path = "services/py/api"
    main, readme = ready / path / "src/acme_svc_api/main.py", ready / path / "README.md"
    text = main.read_text(encoding="utf-8")
    own = (
        "DEFAULT_DATABASE\n\n\nclass Own(ServiceSettings):\n"
        "    mail_key: str = Field(description='the key')\n"
    )
    text = text.replace("DEFAULT_DATABASE\n", own, 1).replace("ServiceSettings.from", "Own.from")
    main.write_text(
        text.replace("import FastAPI\n", "import FastAPI\nfrom pydantic import Field\n")
    )
    before = readme.read_text(encoding="utf-8")
    try:
        assert "run make settings" in run(ready, "make", "test", f"PKG={path}", code=2)
        row = "| `MAIL_KEY` | has to be set | the key |\n"
        assert f"+{row}" in run(ready, "make", "settings", f"PKG={path}", "DRY_RUN=1")
        assert readme.read_text(encoding="utf-8") == before
        run(ready, "make", "-C", path, "settings")
        assert readme.read_text(encoding="utf-8").replace(row, "") == before
        run(ready, "make", "test", f"PKG={path}", "ARGS=-k readme")
        output = run(ready, "make", "test", f"PKG={path}", "ARGS=-k starts", code=2)
        assert "acme-svc-api: MAIL_KEY: is not set" in output
    finally:
        run(ready, "git", "checkout", "--quiet", ".")


def test_smoke_runs_from_anywhere(ready: Path, tmp_path: Path) -> None:
    for path in ("services/py/api", "services/js/web"):
        assert f"smoke: {path}: ok" in run(tmp_path, ready / path / "scripts/smoke.sh")


def test_smoke_catches_a_dependency_that_is_not_declared(ready: Path) -> None:
    main = ready / "services/py/api/src/acme_svc_api/main.py"
    text = main.read_text(encoding="utf-8")
    # The shared environment has it, for the tools; the service has not.
    main.write_text(text.replace('"""\n', '"""\n\nimport jinja2  # noqa: F401\n', 1), "utf-8")
    try:
        output = run(ready, "make", "smoke", "PKG=services/py/api", code=2)
    finally:
        run(ready, "git", "checkout", "--quiet", ".")
    assert "No module named 'jinja2'" in output
    assert "smoke: 0 ok, 1 failed: services/py/api" in output


def test_an_import_without_its_extra_says_which(ready: Path, tmp_path: Path) -> None:
    uv = ready / ".venv/bin/uv"
    run(tmp_path, uv, "venv", "--quiet", tmp_path / "venv")
    python = tmp_path / "venv/bin/python"
    run(ready, uv, "pip", "install", "--quiet", "--python", python, "./shared/py/service")
    output = run(tmp_path, python, "-c", "import acme_service.fastapi", code=1)
    assert "acme-service[fastapi]" in output.splitlines()[-1]


def test_data_in_make_variables_is_never_run(ready: Path, tmp_path: Path) -> None:
    mark = tmp_path / "P"
    for payload in (
        f"$(shell touch {mark})",
        f"`touch {mark}`",
        f"$(touch {mark})",
        f"'; touch {mark}; '",
        f'"; touch {mark}; "',
        f"x; touch {mark}",
        f"$$(touch {mark})",
        f"${{shell touch {mark}}}",
        f"\n\ttouch {mark}\n",
    ):
        for target, variables in {
            "lint": ["PKG"],
            "new": ["AT", "DEPS", "SET", "TEMPLATE"],
            "lock": ["UPGRADE"],
            "test": ["ARGS"],
        }.items():
            command = ["make", target, *(f"{variable}={payload}" for variable in variables)]
            if target == "test":
                command.append("PKG=shared/js/core shared/py/core")
            subprocess.run(command, cwd=ready, env=environment(), capture_output=True, check=False)
            assert not mark.exists(), command
    run(ready, "git", "checkout", "--quiet", ".")
    assert changed(ready) == ""


def test_plain_pip_gives_the_same_environment(ready: Path) -> None:
    root = bake(ready.parent, repo_name="plain", packages="shared/py/core services/py/api")
    shown = run(root, "make", "install", "PRINT=1")
    pip = next(line for line in shown.splitlines() if " -m pip install " in line)
    made = next(line for line in shown.splitlines() if line.startswith("python -m venv "))
    run(root, "sh", "-c", made.replace("python ", "python3 ", 1))
    run(root, "sh", "-c", pip)
    theirs = run(root, ".venv/bin/python", "-m", "pip", "freeze", "--exclude-editable")
    run(root, "rm", "-r", ".venv")
    run(root, "make", "install")
    ours = run(root, ".venv/bin/uv", "pip", "freeze", "--exclude-editable")
    # Of the wheel, pip tells the hash as well.
    theirs = re.sub(r"#sha256=\w+", "", theirs)
    same = [set(text.lower().replace("_", "-").split()) for text in (theirs, ours)]
    assert same[0] - {one for one in same[0] if one.startswith("pip==")} <= same[1]
    # uv is shown with the very command that verifies hashes.
    filled = next(line for line in shown.splitlines() if "/uv pip install " in line)
    run(root, ".venv/bin/uv", "pip", "uninstall", "anyio")
    run(root, "sh", "-c", filled)
    assert run(root, ".venv/bin/uv", "pip", "freeze", "--exclude-editable") == ours
    pins = root / "tools/hashes.txt"
    text = pins.read_text(encoding="utf-8")
    pins.write_text(re.sub(r"sha256:[0-9a-f]{64}", f"sha256:{'0' * 64}", text), encoding="utf-8")
    run(root, ".venv/bin/uv", "pip", "uninstall", "anyio")
    told = run(root, "sh", "-c", filled, code=1, env={"UV_CACHE_DIR": str(root / ".venv/cache")})
    assert "Hash mismatch" in told
