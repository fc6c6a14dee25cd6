"""Commands that install are found in every file that can carry one, however they are spelt."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monorepo.parsing import requirements_txt, shell_commands


def packages(path: str, text: str) -> list[str]:
    return [f"{one.line} {' '.join(one.packages)}" for one in shell_commands.commands(path, text)]


PYTHON = """\
pip install X
pip3 install -U X
pip3.11 --quiet install -r x.txt -c y.txt X
python -m pip --no-input download -d wheels X
python3.12 -mpip wheel --wheel-dir=w X
.venv/bin/pip install --index-url https://x X
.venv\\Scripts\\pip.exe install X
py -3 -m pip install "X"
pip install -ry.txt -Ucz.txt X
pip install --python-version 3.11 --platform any X
pip install -e X
uv pip install X
uv --directory a pip install --system X
uv add --dev X
uv add --script x.py X
uv run --with X pytest
uv run --with=X -m pytest
uv --offline run -w X --python 3.12 x
uv run --with-editable X x
uv tool install X
uv tool run X --flag
uv tool run --from X y
uvx X
uvx --from X y
uvx --python 3.12 X
pipx install X
pipx run X --version
pipx run --spec X y
pipx inject X
pipx runpip app install X
poetry add -G dev X
poetry self add X
pdm add -G dev X
pdm add -d X
poetry add -n X
uv -n add X
pipx install -f X
python -c 'os.system("pip install X")'
rye add X
pixi add X
pipenv install X
conda install -y -n env -c forge X
mamba create -n env X
easy_install X
FOO=1 pip install X
sudo -H -u me env A=b pip install X
time exec pip install X
cd a && pip install X
true; pip install X
(pip install X)
if pip install X; then true; fi
! pip install X
pip install X >log 2>&1
pip install X|tee log
pip install X # why
sh -c "pip install X"
bash -lc 'cd a && pip install X'
eval "pip install X"
su me -c 'pip install X'
sh -c 'sh -c "pip install X"'
echo X | xargs pip install
echo X | xargs -n 1 pip install
printf X | pip install -r /dev/stdin
echo "pip install X" | bash
a=$(pip install X)
a=`pip install X`
P=X; pip install $P
P=X && pip install "${P}"
pip install ${P:-X}
for p in X; do pip install $p; done
P=(X); pip install "${P[@]}"
A=X; P=$A; pip install $P
P="pip install"; $P X
docker run image pip install X
uv run pip install X
"""
NODE = """\
npm install X
npm --prefix a i -D X
npm add X
npm exec X
npm exec -- X
npm exec --package=X -- y
npm x -p X y
npm exec -c "npx --yes X"
npx X
npx --yes X --flag
npx -p X y
pnpm add -D X
pnpm --dir a add X
pnpm -C a -F b add X
pnpm add -w X
pnpm dlx X
pnpm --package=X dlx y
pnpx X
yarn add X
yarn workspace a add X
yarn --cwd a global add X
yarn dlx X
bun add X
bun x X
bunx X
deno add npm:X
deno run -A npm:X
deno run npm:X/cli
npx pnpm@9 add X
corepack pnpm add X
"""


@pytest.mark.parametrize("command", PYTHON.splitlines())
def test_installers_of_python(command: str) -> None:
    found = shell_commands.commands("x.sh", f"\n{command.replace('X', 'acme-core')}")
    (one,) = (one for one in found if one.packages)
    assert (one.line, one.packages, one.is_python) == (2, ["acme-core"], True)


@pytest.mark.parametrize("command", NODE.splitlines())
def test_installers_of_npm(command: str) -> None:
    found = shell_commands.commands("x.sh", f"\n{command.replace('X', '@acme/core')}")
    one = [one for one in found if one.packages][-1]
    assert (one.line, one.packages, one.is_python) == (2, ["@acme/core"], False)


@pytest.mark.parametrize(
    "command",
    [
        "# pip install a",
        "pip list a",
        "pip uninstall a",
        "pip",
        "brew install pip",
        "echo pip install a",
        "@echo 'pip install a'",
        "printf '%s' 'pip install a'",
        "grep 'pip install' a",
        "cat <<EOF\npip install a\nEOF",
        "git commit -m 'pip install a'",
        "npm run a",
        "yarn a",
        "pnpm exec a",
        "pipeline install a",
    ],
)
def test_other_commands(command: str) -> None:
    assert packages("x.sh", command) == []


@pytest.mark.parametrize(
    ("command", "asked"),
    [
        ("npm create a@1", "create-a@1"),
        ("npm init @a", "@a/create"),
        ("yarn create @a/b x", "@a/create-b"),
        ("uv run --with a,b --with c x", "a b c"),
        ("uv run pytest", ""),
        ("uv sync --group a", ""),
        ("uvx --with a b c", "b a"),
        ("pip install a; pip install b", "a b"),
        ("pip install \\\n  a \\\n  b", "a b"),
        ("uv build a", ""),
        ("pip install $(cat x) a", "$_ a"),
        ("bash <<'EOF'\npip install a\nEOF", "a"),
        ('bash -c "\n  pip install a\n"', "a"),
    ],
)
def test_what_is_asked_for(command: str, asked: str) -> None:
    found = shell_commands.commands("x.sh", command)
    assert " ".join(one for command in found for one in command.packages) == asked


@pytest.mark.parametrize(
    ("path", "text", "expected"),
    [
        ("Dockerfile", "ARG P=a\nRUN pip install $P", "2 a"),
        ("Dockerfile.dev", "ENV P a\nRUN --mount=type=cache,target=/x pip install ${P}", "2 a"),
        ("x.dockerfile", 'RUN ["pip", "install", "a"]', "1 a"),
        ("Containerfile", 'CMD ["sh", "-c", "pip install a"]', "1 a"),
        ("Dockerfile", "RUN <<EOF\npip install a\nEOF", "2 a"),
        ("Dockerfile", "RUN x && \\\n  # why\n  pip install \\\n  a", "1 a"),
        ("Makefile", "P := a\nx:\n\t@pip install $(P)", "3 a"),
        ("Makefile.local", "x:\n\t-@uvx a", "2 a"),
        ("x.mk", "PIP = python -m pip\nx:\n\t$(PIP) install $(FLAGS) a", "3 $FLAGS a"),
        ("makefile", "P := $(shell pip install a)", "1 a"),
        ("justfile", 'p := "a"\nx:\n    pip install {{p}}', "3 a"),
        ("Justfile", "x:\n    @pip install a", "2 a"),
        ("Taskfile.yml", "vars: {P: a}\ntasks: {x: {cmds: ['pip install {{.P}}']}}", "2 a"),
        ("Procfile", "web: uvx a", "1 a"),
        ("tox.ini", "[testenv]\ncommands =\n    pip install a", "3 a"),
        (".github/workflows/x.yml", "jobs: {a: {steps: [{run: pip install a}]}}", "1 a"),
        (".github/workflows/x.yml", "a:\n- run: |\n    x\n    pip install a", "4 a"),
        (".github/workflows/x.yml", "a:\n- run: >-\n    pip install\n    a", "3 a"),
        (".github/workflows/x.yml", "env:\n  P: a\nb:\n- run: pip install ${{ env.P }}", "4 a"),
        ("x.yml", "matrix: {p: [a, b]}\nrun: pip install ${{ matrix.p }}", "2 a b"),
        (".gitlab-ci.yml", "a:\n  script:\n  - !reference [x]\n  - pip install a", "4 a"),
        ("azure-pipelines.yml", "steps:\n- script: pip install a", "2 a"),
        (".circleci/config.yml", "steps:\n- run:\n    command: pip install a", "3 a"),
        ("bitbucket-pipelines.yml", "script: [pip install a]", "1 a"),
        ("compose.yaml", "a:\n  command: [pip, install, a]", "2 a"),
        ("compose.yaml", "a:\n  command:\n  - pip\n  - install\n  - a", "3 a"),
        ("compose.yaml", "a:\n  entrypoint: [sh, -c]\n  command: ['pip install a']", "2 a"),
        ("x.yaml", "command: [pip]\nargs: [install, a]", "1 a"),
        (".pre-commit-config.yaml", "- entry: uvx\n  args: [a]", "1 a"),
        ("x.yaml", "{{ if }}\nrun: pip install a", "2 a"),
        ("Jenkinsfile", "sh 'pip install a'", "1 a"),
        ("Jenkinsfile", "sh '''\n  pip install a\n'''", "2 a"),
        ("Jenkinsfile", 'sh(script: "pip install a")', "1 a"),
        (".githooks/pre-push", "pip install a", "1 a"),
        (".husky/pre-commit", "npx a", "1 a"),
        ("run", "#!/bin/sh\npip install a", "2 a"),
        ("x.sh", "V=$(pip show a | grep V)\npip install a==$V", "2 a==$V"),
        ("run", "#!/usr/bin/env python3\nos.system('pip install a')", "2 a"),
        ("x.zsh", "pip install a", "1 a"),
        ("x.ps1", '$P = "a"\npip install $P', "2 a"),
        ("package.json", '{\n"scripts": {"x": "cd y && npx a"}}', "2 a"),
        (".devcontainer/devcontainer.json", '{"postCreateCommand": "pip install a"} // x', "1 a"),
        ("devcontainer.json", '{"postCreateCommand":\n ["pip", "install", "a"]}', "2 a"),
        ("pyproject.toml", "[tool.poe.tasks]\nx = 'pip install a'", "2 a"),
        ("pyproject.toml", "[tool.tox]\ncommands = [['pip', 'install', 'a']]", "2 a"),
        ("noxfile.py", "session.install('-q', 'a')", "1 a"),
        ("Vagrantfile", "x 'shell', inline: 'pip install a'", "1 a"),
        ("x.py", "CMD = ['pip', 'install', 'a']", "1 a"),
        ("x.sh", "python - <<EOF\nrun(['pip', 'install', 'a'])\nEOF", "2 a"),
        ("noxfile.py", "session.run(\n    'pip', 'install', 'a')", "2 a"),
        ("x.py", "subprocess.run([sys.executable, '-m', 'pip', 'install', 'a'])", "1 a"),
        ("x.mjs", "execSync('npx a')", "1 a"),
        ("x.ts", "spawn('npx', ['-p', 'a', 'b'])", "1 a"),
        ("x.ipynb", '{"cells": [{"cell_type": "code", "source": ["%pip install a"]}]}', "1 a"),
    ],
)
def test_files(path: str, text: str, expected: str) -> None:
    assert packages(path, text) == [expected]
    assert shell_commands.may_carry(path)


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("README.md", "pip install a"),
        ("x.py", "'''Run pip install a.'''\nx = 'pip install a'\n# run('pip install a')"),
        ("x.yml", "name: pip install a\ndescription: npx a\n# run: pip install a"),
        ("package.json", '{"description": "npx a"}'),
        ("pyproject.toml", "description = 'pip install a'\n# x = 'pip install a'"),
        ("LICENSE", "pip install a"),
        ("pnpm-lock.yaml", "a: npx a"),
        ("x.yml", "mechanism: >\n  npx a is work in progress."),
        ("deep.yml", "- " * 50_000 + "pip install a"),
    ],
)
def test_other_texts(path: str, text: str) -> None:
    assert packages(path, text) == []


def test_options_have_their_values() -> None:
    text = "uv pip install -c x.txt --index=https://x -q a"
    (one,) = shell_commands.commands("x.sh", text)
    assert one.options == [("-c", "x.txt"), ("--index", "https://x"), ("-q", "")]
    assert (one.program, one.verb, one.words[:2]) == ("uv", "pip install", ["pip", "install"])
    assert one.has("-c", "--constraint")
    assert not one.has("-r")
    assert not one.sets
    assert [one.sets for one in shell_commands.commands("x.sh", "npm config set a b")] == [True]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("COPY a b /c", [(1, "a"), (1, "b")]),
        ('ADD ["a b", "/c"]', [(1, "a b")]),
        ("COPY --chown=x a /c", [(1, "a")]),
        ("COPY --from=build a /c", []),
        ("RUN --mount=type=bind,source=../a,target=/a x", [(1, "../a")]),
        ("COPY", []),
    ],
)
def test_copies(text: str, expected: list[tuple[int, str]]) -> None:
    assert list(shell_commands.copies(text)) == expected


PATHS = st.sampled_from(["Dockerfile", "x.sh", "x.yml", "x.toml", "x.py", "package.json"])


@given(PATHS, st.text(alphabet="RUNCOPYpipnuv install-r[]{}\"',\\\n#&;$()./=:|>", max_size=60))
def test_any_text_is_read_without_a_crash(path: str, text: str) -> None:
    list(shell_commands.copies(text))
    for command in shell_commands.commands(path, f"{text}\npip install {text}"):
        list(requirements_txt.options(command.words))
