"""A target is made in many packages: each is told of, and none is left running."""

import io
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from textwrap import dedent

import pytest

from monorepo.core import workspace
from monorepo.environments import node, virtualenv
from monorepo.environments.virtualenv import Environment
from monorepo.programs.git import Git
from monorepo.system import subprocesses, transaction
from monorepo.system.errors import TaskError, UsageError
from monorepo.tasks import fan_out

Write = Callable[[dict[str, str]], None]
MakePackage = Callable[..., Path]

# Each opens the named pipe `up` for as long as it runs: its reader knows when it is, and when not.
SERVICE = 'dev test:\n\t@echo up as $$$$; exec 9>"../../../up"; exec sleep 600\n'


@pytest.fixture
def services(root: Path, package: MakePackage, write: Write) -> Path:
    """Make two services that run until they are stopped."""
    for name in ("a", "bb"):
        package(f"services/py/{name}")
        write({f"services/py/{name}/Makefile": SERVICE})
    os.mkfifo(root / "up")
    return root


def monorepo(root: Path, *words: str) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "monorepo", "--root", str(root), *words]
    pipe = subprocess.PIPE
    # A shell has what it runs in the background ignore Ctrl-C, and that would be inherited.
    was = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        return subprocess.Popen(
            command, stdout=pipe, stderr=pipe, text=True, start_new_session=True
        )
    finally:
        signal.signal(signal.SIGINT, was)


def test_each_package_is_told_of(
    root: Path, package: MakePackage, write: Write, capfd: pytest.CaptureFixture[str]
) -> None:
    for path, recipe in {
        "shared/py/good": "@echo fine; cat",
        "shared/py/bad": "@echo broken; exit 3",
        "services/py/api": '@test "$(VENV)" = ../../../.venv && test $(MAKELEVEL) = 0',
    }.items():
        package(path)
        write({f"{path}/Makefile": f"test:\n\t{recipe}\n"})
    space = workspace.load(root)
    assert not fan_out.run(space, "test", list(space.packages.values()))
    out = capfd.readouterr().out
    assert re.search(r"^ok      shared/py/good   +\d+\.\d s$", out, re.MULTILINE)
    assert re.search(r"^ok      services/py/api  +\d+\.\d s$", out, re.MULTILINE)
    assert re.search(r"^FAILED  shared/py/bad    +\d+\.\d s\nbroken$", out, re.MULTILINE)
    again = "make test PKG=shared/py/bad V=1 shows each command\n"
    assert out.endswith(f"test: 2 ok, 1 failed: shared/py/bad\n{again}")
    assert "fine" not in out
    good = space.select(["shared/py/good", "services/py/api"])
    assert fan_out.run(space, "test", good)
    assert capfd.readouterr().out.endswith("test: 2 ok\n")
    assert not fan_out.run(space, "no-such-target", good[:1])
    assert "no-such-target" in capfd.readouterr().out


PYTHON = """\
Name              Stmts   Miss Branch BrPart  Cover   Missing
TOTAL                57      3     10      1    93.5%   7-9
"""
JAVASCRIPT = """\
File      | % Stmts | % Branch | % Funcs | % Lines | Uncovered Line #s
\x1b[32mAll files\x1b[0m |      90 |       75 |     100 |\x1b[32;1m   91.25 \x1b[0m|
 a.ts     |      90 |       75 |     100 |      90 | 3
"""


def test_what_tests_cover_is_told(
    root: Path, package: MakePackage, write: Write, capfd: pytest.CaptureFixture[str]
) -> None:
    for path, report in {
        "shared/py/a": PYTHON,
        "shared/py/b": JAVASCRIPT,
        "shared/py/c": "3%",
    }.items():
        package(path)
        recipe = "test-coverage:\n\t@cat report; [ ! -e fails ]\n"
        write({f"{path}/Makefile": recipe, f"{path}/report": report})
    write({"shared/py/b/fails": ""})
    space = workspace.load(root)
    assert not fan_out.run(space, "test-coverage", list(space.packages.values()))
    out = capfd.readouterr().out
    assert re.search(r"^ok      shared/py/a +\d+\.\d s  93\.5 % covered$", out, re.MULTILINE)
    assert re.search(r"^FAILED  shared/py/b +\d+\.\d s  91\.25 % covered$", out, re.MULTILINE)
    assert re.search(r"^ok      shared/py/c +\d+\.\d s$", out, re.MULTILINE)


def test_a_long_silence_is_explained(
    root: Path,
    package: MakePackage,
    write: Write,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(subprocesses, "SILENCE", 0.01)
    for path in ("shared/py/a", "shared/py/b"):
        package(path)
        write({f"{path}/Makefile": "test:\n\t@until [ -e ../../../go ]; do sleep 0.01; done\n"})
    said: list[str] = []

    def say(line: str) -> None:
        said.append(line)
        if len(said) == 2:
            (root / "go").touch()

    monkeypatch.setattr(fan_out, "say", say)
    space = workspace.load(root)
    assert fan_out.run(space, "test", list(space.packages.values()))
    assert all(
        re.fullmatch(r"test: \d+ s, [01] of 2 done, running: shared/py/[ab].*", one) for one in said
    )
    assert capfd.readouterr().out.endswith("test: 2 ok\n")


def test_the_make_that_called_has_no_say(
    root: Path, package: MakePackage, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    package("shared/py/a")
    write({"shared/py/a/Makefile": "test:\n\t@touch made\n"})
    monkeypatch.setenv("MAKEFLAGS", "n -- VENV=/elsewhere")
    monkeypatch.setenv("MAKELEVEL", "3")
    space = workspace.load(root)
    assert fan_out.run(space, "test", space.select(["shared/py/a"]))
    assert (root / "shared/py/a/made").exists()
    # Nor is it told that no test was chosen in here.
    write({"shared/py/a/Makefile": 'test:\n\t@[ -z "$(UNMATCHED)" ] || : > "$(UNMATCHED)"\n'})
    monkeypatch.setenv("UNMATCHED", str(root / "unmatched"))
    assert fan_out.run(space, "test", space.select(["shared/py/a"]))
    assert not (root / "unmatched").exists()


def test_each_package_has_its_own_environment_or_the_roots(
    root: Path, package: MakePackage, write: Write
) -> None:
    package("shared/py/a")
    recipe = "\t@test '$(VENV)' = {}\n"
    facts = (root / "pyproject.toml").read_text(encoding="utf-8")
    cases = {"shared": "../../../.venv", "per-package": ".venv"}
    for python_env, venv in cases.items():
        write({"pyproject.toml": facts.replace('"shared"', f'"{python_env}"')})
        write({"shared/py/a/Makefile": f"test:\n{recipe.format(venv)}"})
        space = workspace.load(root)
        assert fan_out.run(space, "test", list(space.packages.values()))


def test_one_process_does_it_for_all_of_a_language(
    root: Path, package: MakePackage, write: Write, capfd: pytest.CaptureFixture[str]
) -> None:
    for path in ("shared/py/a", "services/py/b"):
        package(path)
    recipe = '\t@echo "$@ $(VENV) $(PATHS)"; [ "$(PATHS)" != services/py/b ]\n'
    files = {
        f"tools/make/{language}.mk": f"lint type-check:\n{recipe}" for language in ("py", "js")
    }
    web = {"shared/js/w/package.json": '{"name": "w"}', "shared/js/x/package.json": '{"name": "x"}'}
    write({**files, **web})
    space = workspace.load(root)
    every = list(space.packages.values())
    assert fan_out.once(space, "lint", every)
    # The root's own files, too.
    assert capfd.readouterr().out.splitlines() == [
        "lint .venv shared/py/a services/py/b noxfile.py",
        "lint .venv .",
    ]
    assert fan_out.once(space, "lint", space.select(["shared/js/w", "shared/py/a"]))
    assert capfd.readouterr().out.splitlines() == [
        "lint .venv shared/py/a",
        "lint .venv shared/js/w",
    ]
    # One that fails does not hide what the other language has to say.
    assert not fan_out.once(space, "lint", space.select(["services/py/b", "shared/js/w"]))
    assert "lint .venv shared/js/w" in capfd.readouterr().out


def test_folders_of_the_teams_own_have_their_style_checked(
    root: Path, package: MakePackage, write: Write, capfd: pytest.CaptureFixture[str]
) -> None:
    package("shared/py/a")
    write({"tools/make/py.mk": 'format lint type-check:\n\t@echo "$(PATHS)"\n'})
    write({".gitignore": "/ignored/\n", "infra/main.tf": "", "with space/x.py": ""})
    own = ("scripts/deep/x.py", "notebooks/x.ipynb", "docs/conf.py")
    write(dict.fromkeys((*own, "ignored/x.py", ".hidden/x.py", "tools/x.py"), ""))
    subprocess.run(["git", "init", "--quiet", root], check=True)
    space = workspace.load(root)
    for target, expected in (
        ("lint", "shared/py/a noxfile.py docs notebooks scripts"),
        ("format", "shared/py/a noxfile.py docs notebooks scripts"),
        ("type-check", "shared/py/a noxfile.py"),
    ):
        assert fan_out.once(space, target, list(space.packages.values()))
        assert capfd.readouterr().out == f"{expected}\n"


def test_compiling_is_about_javascript_alone(
    root: Path, package: MakePackage, write: Write, capfd: pytest.CaptureFixture[str]
) -> None:
    package("shared/py/a")
    write({"shared/js/w/package.json": '{"name": "w"}'})
    write({"tools/make/js.mk": "compile:\n\t@echo $(PATHS)\n"})
    space = workspace.load(root)
    assert fan_out.once(space, "compile", list(space.packages.values()))
    assert capfd.readouterr().out == "shared/js/w\n"
    assert fan_out.once(space, "compile", space.select(["shared/py/a"]))
    assert capfd.readouterr().out == ""


def test_programs_with_other_options_are_checked_besides(
    root: Path, write: Write, capfd: pytest.CaptureFixture[str]
) -> None:
    for path in ("shared/js/w", "shared/js/x", "apps/js/site"):
        name = path.rpartition("/")[2]
        write({f"{path}/package.json": json.dumps({"name": f"@tiny/{name}"})})
    write({"shared/js/w/tsconfig.browser.json": "{}", "apps/js/site/tests/tsconfig.json": "{}"})
    write({"tools/make/js.mk": "lint type-check compile:\n\t@echo $(PATHS)\n"})
    space = workspace.load(root)
    every, some = list(space.packages.values()), space.select(["shared/js/x", "apps/js/site"])
    own = "shared/js/w/tsconfig.browser.json apps/js/site/tests/tsconfig.json"
    for target, packages, expected in (
        ("type-check", every, f". apps/js/site {own}"),
        ("type-check", some, "shared/js/x apps/js/site apps/js/site/tests/tsconfig.json"),
        ("lint", every, "."),
        ("compile", every, "shared/js/w shared/js/x"),
    ):
        assert fan_out.once(space, target, packages)
        assert capfd.readouterr().out == f"{expected}\n"


def test_types_are_checked_in_each_environment(
    root: Path, package: MakePackage, write: Write, capfd: pytest.CaptureFixture[str]
) -> None:
    package("shared/py/a")
    facts = (root / "pyproject.toml").read_text(encoding="utf-8")
    write({"pyproject.toml": facts.replace('"shared"', '"per-package"')})
    write({"shared/py/a/Makefile": "type-check:\n\t@[ $(VENV) = .venv ]\n"})
    space = workspace.load(root)
    assert fan_out.once(space, "type-check", space.select(["shared/py/a"]))
    assert "ok      shared/py/a" in capfd.readouterr().out


@pytest.mark.parametrize("target", ["type-check", "test", "test-coverage"])
@pytest.mark.parametrize("environments", ["shared", "per-package"])
def test_where_there_is_no_code_nothing_is_looked_at(
    root: Path,
    package: MakePackage,
    dependency_set: MakePackage,
    write: Write,
    capfd: pytest.CaptureFixture[str],
    target: str,
    environments: str,
) -> None:
    package("shared/py/a")
    dependency_set("shared/py/ml")
    facts = (root / "pyproject.toml").read_text(encoding="utf-8")
    write({"pyproject.toml": facts.replace('"shared"', f'"{environments}"')})
    write({f"shared/py/{name}/Makefile": f"{target}:\n\t@[ {name} = a ]\n" for name in ("a", "ml")})
    write({"tools/make/py.mk": f'{target}:\n\t@echo "$(PATHS)"\n'})
    space = workspace.load(root)
    run = fan_out.once if target == "type-check" else fan_out.run
    assert run(space, target, list(space.packages.values()))
    first, *rest = capfd.readouterr().out.splitlines()
    assert first == f"{target}: there is no code in shared/py/ml"
    # The files of the root are with those of all packages that have any code.
    alone = target == "type-check" and environments == "shared"
    assert rest[-1] == ("shared/py/a noxfile.py" if alone else f"{target}: 1 ok")
    assert run(space, target, space.select(["shared/py/ml"]))
    assert capfd.readouterr().out == f"{first}\n"


def test_services_and_apps_alone_are_proven(
    root: Path, package: MakePackage, write: Write, capfd: pytest.CaptureFixture[str]
) -> None:
    package("shared/py/a")
    package("services/py/s")
    package("apps/py/c")
    write({"services/py/s/Makefile": "smoke:\n", "apps/py/c/Makefile": "smoke:\n"})
    space = workspace.load(root)
    assert fan_out.run(space, "smoke", list(space.packages.values()))
    assert capfd.readouterr().out.endswith("\nsmoke: 2 ok\n")
    with pytest.raises(UsageError, match="PKG: no package has the target smoke"):
        fan_out.run(space, "smoke", space.select(["shared/py/a"]))


def test_a_package_may_have_no_test_that_is_chosen(
    root: Path,
    package: MakePackage,
    write: Write,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """ARGS reaches each package as it is, and only all together can it choose nothing."""
    data = "override ARGS := $(value ARGS)\nexport ARGS\n"
    for name, recipe in {
        "good": """@test "$$ARGS" = '-k $$(x) "y"'""",
        "none": '@: > "$(UNMATCHED)"; exit 5',
        "bad": "@exit 5",
    }.items():
        package(f"shared/py/{name}")
        write({f"shared/py/{name}/Makefile": f"{data}test:\n\t{recipe}\n"})
    monkeypatch.setenv("ARGS", '-k $(x) "y"')
    space = workspace.load(root)
    assert fan_out.run(space, "test", space.select(["tiny-good", "tiny-none"]))
    out = capfd.readouterr().out
    assert re.search(r"^none    shared/py/none +\d+\.\d s$", out, re.MULTILINE)
    assert out.endswith("test: 1 ok, 1 without a test that ARGS selects\n")
    assert not fan_out.run(space, "test", space.select(["tiny-bad", "tiny-none"]))
    with pytest.raises(UsageError, match="ARGS: selects no test in any package"):
        fan_out.run(space, "test", space.select(["tiny-none"]))
    # Without ARGS, a package without tests is one that fails.
    monkeypatch.delenv("ARGS")
    assert not fan_out.run(space, "test", space.select(["tiny-none"]))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_leaves_nothing_running(services: Path, number: int) -> None:
    process = monorepo(services, "run", "test", "services/py/a")
    with (services / "up").open("rb") as up:
        process.send_signal(number)
        assert up.read() == b""  # nobody has it open any more
    _, said = process.communicate()
    assert process.returncode == 130
    assert said == "monorepo: interrupted\n"


def test_what_starts_during_an_interruption_ends_too(
    services: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    start = fan_out._started
    begun: list[subprocess.Popen[bytes]] = []

    def start_late(command: list[str], **_: str) -> subprocess.Popen[bytes]:
        begun.append(start(command))
        time.sleep(0.2)  # until the others wait for it
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
        time.sleep(0.2)
        return begun[0]

    monkeypatch.setattr(fan_out, "_started", start_late)
    space = workspace.load(services)
    was = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            fan_out.run(space, "test", space.select(["services/py/a"]))
    finally:
        signal.signal(signal.SIGINT, was)
    assert begun[0].poll() is not None


def test_services_run_until_they_are_stopped(services: Path) -> None:
    process = monorepo(services, "dev", "services/py/a", "services/py/bb")
    with (services / "up").open("rb") as up:
        assert process.stdout
        lines = sorted(process.stdout.readline().rpartition(" ")[0] for _ in range(2))
        assert lines == ["services/py/a  | up as", "services/py/bb | up as"]
        space = workspace.load(services)
        with pytest.raises(UsageError, match="run already; `make stop` stops them"):
            fan_out.dev(space, list(space.packages.values()))
        assert fan_out.stop(services) == "stopped"
        assert up.read() == b""
    out, said = process.communicate()
    assert (process.returncode, out.splitlines()[0], said) == (0, "stopping", "")
    assert fan_out.stop(services) == "nothing runs"


def test_services_end_when_the_terminal_is_closed(services: Path) -> None:
    process = monorepo(services, "dev", "services/py/a")
    with (services / "up").open("rb") as up:
        process.send_signal(signal.SIGHUP)
        assert up.read() == b""
    process.communicate()
    assert process.returncode == 0


def test_stop_ends_what_a_killed_dev_left(services: Path) -> None:
    process = monorepo(services, "dev", "services/py/a", "services/py/bb")
    with (services / "up").open("rb") as up:
        process.kill()
        process.wait()
        assert re.fullmatch(
            r"stopped \d+ processes that an earlier make dev left", fan_out.stop(services)
        )
        assert up.read() == b""
    process.communicate()
    assert fan_out.stop(services) == "nothing runs"


def test_the_next_dev_ends_what_a_killed_one_left(services: Path, write: Write) -> None:
    process = monorepo(services, "dev", "services/py/a")
    with (services / "up").open("rb") as up:
        process.kill()
        process.wait()
        write({"services/py/bb/Makefile": "dev:\n\t@echo bye\n"})
        second = monorepo(services, "dev", "services/py/bb")
        out, said = second.communicate()
        assert (second.returncode, out) == (0, "services/py/bb | bye\n")
        assert re.search(r"^dev: stopped \d+ processes that an earlier", said)
        assert up.read() == b""
    process.communicate()


def test_what_has_left_its_group_ends_with_dev(services: Path, write: Write) -> None:
    code = "import os, sys; os.setsid(); os.execvp(sys.argv[1], sys.argv[1:])"
    away = f"dev:\n\t@exec 9>../../../up; '{sys.executable}' -c '{code}' sleep 600 & sleep 600\n"
    write({"services/py/a/Makefile": away})
    process = monorepo(services, "dev", "services/py/a")
    with (services / "up").open("rb") as up:
        process.terminate()
        assert up.read() == b""
    process.communicate()


def test_who_interrupts_twice_does_not_wait(
    services: Path, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Without the second interruption, this test would take an hour.
    monkeypatch.setattr(fan_out, "_GRACE", 3600.0)
    stubborn = "dev:\n\t@trap '' TERM; exec 9>\"../../../up\"; while :; do sleep 600; done\n"
    write({"services/py/a/Makefile": stubborn})
    command = ["make", "-s", "-C", str(services / "services/py/a")]
    process = subprocess.Popen(command, start_new_session=True)
    was = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with (services / "up").open("rb") as up:
            me = threading.main_thread().ident or 0
            threading.Timer(0.5, signal.pthread_kill, (me, signal.SIGINT)).start()
            fan_out._end([process])
            assert up.read() == b""
    finally:
        signal.signal(signal.SIGINT, was)
    assert process.returncode == -signal.SIGKILL


def test_no_file_says_what_is_to_be_stopped(services: Path) -> None:
    with subprocess.Popen(["sleep", "600"]) as other:
        record = transaction.record(services, "dev")
        for text in (str(other.pid), "", "-1", "x" * 100):
            record.write_text(text, encoding="utf-8")
            (services / ".monorepo.dev").write_text(text, encoding="utf-8")
            assert fan_out.stop(services) == "nothing runs"
        record.unlink()
        record.symlink_to(services / "pyproject.toml")
        with pytest.raises(OSError, match=r"symbolic|symlink"):
            fan_out.stop(services)
        assert other.poll() is None
        other.kill()


def test_a_line_is_written_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    class Written(io.StringIO):
        def write(self, text: str) -> int:
            if text:
                texts.append(text)
            return len(text)

    texts: list[str] = []
    monkeypatch.setattr(sys, "stdout", Written())
    pieces = [b"one\ntw", b"o\nthree\n", b"fo", b"ur"]
    source = io.BytesIO()
    monkeypatch.setattr(source, "read1", lambda _: pieces.pop(0) if pieces else b"", raising=False)
    fan_out._copy(source, "a | ")
    assert texts == ["a | one\n", "a | two\na | three\n", "a | four\n"]


ASK = "dev:\n\t@echo port=$$PORT\n"


@pytest.mark.parametrize(
    ("paths", "wanted"),
    [
        (["services/py/a"], ["services/py/a | port=7"]),
        (["services/py/a", "services/py/bb"], ["services/py/a  | port=", "services/py/bb | port="]),
    ],
)
def test_a_port_is_about_one_service(
    services: Path,
    write: Write,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    paths: list[str],
    wanted: list[str],
) -> None:
    write({f"{path}/Makefile": ASK for path in paths})
    monkeypatch.setenv("PORT", "7")
    space = workspace.load(services)
    fan_out.dev(space, space.select(paths))
    out, err = capfd.readouterr()
    assert sorted(out.splitlines()) == wanted
    assert err.count("PORT applies to one service and is ignored") == len(paths) - 1


def test_what_is_wrong_with_services_is_said_before_any_starts(
    services: Path, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PORT", raising=False)
    write({f"services/py/{name}/Makefile": "dev:\n\t@touch started\n" for name in ("a", "bb")})
    space = workspace.load(services)
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        write({f"services/py/{name}/.env": f"PORT={port}\n" for name in ("a", "bb")})
        with pytest.raises(UsageError) as caught:
            fan_out.dev(space, list(space.packages.values()))
    taken = f"port {port} is taken on 127.0.0.1; stop what listens there, or set PORT"
    same = f"port {port} is also that of services/py/a; set another one"
    assert caught.value.mistakes == (f"services/py/a: {taken}", f"services/py/bb: {same}")
    write({".env": "no setting\n", "services/py/bb/.env": "PORT\n"})
    with pytest.raises(UsageError) as caught:
        fan_out.dev(space, list(space.packages.values()))
    advice = "is not a setting; write NAME=value or NAME='some text'"
    assert caught.value.mistakes == (f".env:1: {advice}",)
    write({".env": ""})
    with pytest.raises(UsageError) as caught:
        fan_out.dev(space, list(space.packages.values()))
    assert caught.value.mistakes == (f"services/py/bb/.env:1: {advice}",)
    assert not list(services.rglob("started"))


def test_a_service_that_ends_is_told_of(
    services: Path, write: Write, capsys: pytest.CaptureFixture[str]
) -> None:
    write({"services/py/a/Makefile": "dev:\n\t@echo bye\n"})
    space = workspace.load(services)
    fan_out.dev(space, space.select(["services/py/a"]))
    assert capsys.readouterr().out == "services/py/a | bye\n"
    write({"services/py/a/Makefile": "dev:\n\t@exit 3\n"})
    with pytest.raises(TaskError, match="a service ended with an error"):
        fan_out.dev(space, space.select(["services/py/a"]))


def test_what_services_say_while_they_stop_is_shown(services: Path, write: Write) -> None:
    service = """
        import signal
        # Make passes the signal on to those that have had it.
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
        up = open("../../../up", "wb")
        signal.sigwait([signal.SIGTERM])
        print("\\n".join(map(str, range(50_000))))
    """
    recipe = f"dev:\n\t@'{sys.executable}' service.py\n"
    files = {"service.py": dedent(service), "Makefile": recipe}
    write({f"services/py/a/{name}": text for name, text in files.items()})
    process = monorepo(services, "dev", "services/py/a")
    with (services / "up").open("rb"):
        process.terminate()
        out, said = process.communicate()
    assert (process.returncode, said) == (0, "")
    assert "services/py/a | 49999\n" in out


def test_without_services_there_is_nothing_to_run(root: Path) -> None:
    with pytest.raises(UsageError, match="names no service"):
        fan_out.dev(workspace.load(root), [])


def test_a_service_that_does_not_end_is_killed(
    services: Path, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fan_out, "_GRACE", 0.0)
    stubborn = "dev:\n\t@trap '' TERM; exec 9>\"../../../up\"; while :; do sleep 600; done\n"
    write({"services/py/a/Makefile": stubborn})
    command = ["make", "-s", "-C", str(services / "services/py/a")]
    process = subprocess.Popen(command, start_new_session=True)
    with (services / "up").open("rb") as up:
        fan_out._end([process])
        assert up.read() == b""
    assert process.returncode == -signal.SIGKILL


@pytest.fixture
def installed(
    root: Path, package: MakePackage, write: Write, git: Git, fill: Callable[[Environment], None]
) -> Path:
    """Make a repository with packages whose tasks note that they ran, installed as it should be."""
    fragment = "lint type-check:\n\t@echo $@ of $$PATHS; ! grep -q wrong $$PATHS/Makefile\n"
    fragment = "export PATHS\n" + fragment.replace("$$PATHS/Makefile", "shared/py/*/Makefile")
    write({"tools/make/py.mk": f"override PATHS := $(value PATHS)\n{fragment}"})
    for path in ("shared/py/a", "shared/py/b"):
        package(path)
        recipe = "test test-coverage build:\n\t@echo ran; cat result; [ ! -e tests/fails ]\n"
        write({f"{path}/Makefile": recipe, f"{path}/result": PYTHON})
    write({"tools/hashes.txt": "", "constraints.txt": "", ".gitignore": ".venv/\n"})
    git.run("add", "--all")
    fill(virtualenv.environments(workspace.load(root), [])[0])
    return root


def made(root: Path, target: str, *, cache: bool = True, why: bool = False) -> bool:
    """Run a target in all packages of what is there now."""
    space = workspace.load(root)
    return fan_out.run(space, target, [*space.packages.values()], cache=cache, why=why)


def test_what_succeeded_on_the_same_content_is_not_run_again(
    installed: Path, write: Write, capfd: pytest.CaptureFixture[str]
) -> None:
    assert made(installed, "test")
    assert capfd.readouterr().out.endswith("test: 2 ok\n")
    assert made(installed, "test")
    out = capfd.readouterr().out
    assert out == (
        "cached  shared/py/a  93.5 % covered\ncached  shared/py/b  93.5 % covered\n"
        "test: 2 ok, 2 of them cached\n"
    )
    write({"shared/py/a/tests/test_it.py": ""})
    assert made(installed, "test", why=True)
    lines = capfd.readouterr().out.splitlines()
    assert lines[0] == "cached  shared/py/b  93.5 % covered"
    assert lines[1] == "shared/py/a: test: shared/py/a/tests/test_it.py is new"
    assert re.fullmatch(r"ok      shared/py/a +\d+\.\d s  93\.5 % covered", lines[2])
    assert lines[3:] == ["test: 2 ok, 1 of them cached"]
    assert made(installed, "test", cache=False)
    assert capfd.readouterr().out.endswith("test: 2 ok\n")


def test_v_shows_what_a_cached_task_printed(
    installed: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    assert made(installed, "test")
    capfd.readouterr()
    monkeypatch.setenv("V", "1")
    assert made(installed, "test")
    out = capfd.readouterr().out
    assert f"cached  shared/py/a  93.5 % covered\nran\n{PYTHON}cached" in out


def test_failures_run_again_and_what_writes_output_does_so_always(
    installed: Path, write: Write, capfd: pytest.CaptureFixture[str]
) -> None:
    write({"shared/py/b/tests/fails": ""})
    for _ in range(2):
        assert not made(installed, "test")
        assert "FAILED  shared/py/b" in capfd.readouterr().out
    (installed / "shared/py/b/tests/fails").unlink()
    assert made(installed, "test")
    assert capfd.readouterr().out.endswith("test: 2 ok, 1 of them cached\n")
    for _ in range(2):
        assert made(installed, "build")
        assert capfd.readouterr().out.endswith("build: 2 ok\n")


def test_a_success_that_has_failed_since_is_forgotten(
    installed: Path, fill: Callable[[Environment], None], capfd: pytest.CaptureFixture[str]
) -> None:
    """A flaky test, or one that asks more than the content."""
    recipe = "test:\n\t@[ ! -e ../../../.venv/down ]\n"
    (installed / "shared/py/a/Makefile").write_text(recipe, encoding="utf-8")
    fill(virtualenv.environments(workspace.load(installed), [])[0])
    assert made(installed, "test")
    (installed / ".venv/down").touch()
    assert made(installed, "test")
    assert not made(installed, "test", cache=False)
    capfd.readouterr()
    assert not made(installed, "test")
    out = capfd.readouterr().out
    assert "FAILED  shared/py/a" in out


def test_tests_that_arguments_select_have_results_of_their_own(
    installed: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    assert made(installed, "test")
    monkeypatch.setenv("ARGS", "-k it")
    capfd.readouterr()
    assert made(installed, "test")
    assert capfd.readouterr().out.endswith("test: 2 ok\n")
    assert made(installed, "test")
    assert capfd.readouterr().out.endswith("test: 2 ok, 2 of them cached\n")


def test_one_process_is_started_for_those_that_are_left(
    installed: Path, write: Write, capfd: pytest.CaptureFixture[str]
) -> None:
    def once(target: str, *paths: str, cache: bool = True, why: bool = False) -> str:
        space = workspace.load(installed)
        packages = space.select(paths) if paths else [*space.packages.values()]
        assert fan_out.once(space, target, packages, cache=cache, why=why)
        return capfd.readouterr().out

    assert once("lint", "shared/py/a") == "lint of shared/py/a\n"
    cached = "lint: 1 of 2 Python packages cached\n"
    assert once("lint") == f"{cached}lint of shared/py/b noxfile.py\n"
    assert once("lint") == "lint: 2 of 2 Python packages cached\n"
    write({"shared/py/a/tests/x.py": ""})
    why = "shared/py/a: lint: shared/py/a/tests/x.py is new\n"
    assert once("lint", why=True) == f"{why}{cached}lint of shared/py/a\n"
    assert once("lint", cache=False) == "lint of shared/py/a shared/py/b noxfile.py\n"
    assert once("type-check") == "type-check of shared/py/a shared/py/b noxfile.py\n"
    assert once("type-check") == "type-check: 2 of 2 Python packages cached\n"
    # Other files at the root that lint looks at.
    write({"docs/x.py": ""})
    assert once("lint") == ("lint: 2 of 2 Python packages cached\nlint of noxfile.py docs\n")
    write({"shared/py/b/Makefile": "# wrong\n"})
    space = workspace.load(installed)
    for _ in range(2):
        assert not fan_out.once(space, "lint", [*space.packages.values()])
        assert capfd.readouterr().out.endswith("lint of shared/py/b\n")


def test_of_javascript_those_that_are_left_are_checked_as_projects(
    installed: Path,
    write: Write,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(node, "is_installed", lambda _: True)
    for name in ("u", "v", "w"):
        write({f"shared/js/{name}/package.json": json.dumps({"name": f"@tiny/{name}"})})
    write({"tools/make/js.mk": "lint type-check:\n\t@echo $@ of $(PATHS)\n"})

    def once(target: str) -> str:
        space = workspace.load(installed)
        packages = [package for package in space.packages.values() if package.is_javascript]
        assert fan_out.once(space, target, packages)
        return capfd.readouterr().out

    for target in ("lint", "type-check"):
        assert once(target) == f"{target} of .\n"
        write({"shared/js/v/src/new.ts": target})
        assert once(target) == (
            f"{target}: 2 of 3 JavaScript packages cached\n{target} of shared/js/v\n"
        )
