"""The command as its users meet it: installed, and run from somewhere else."""

import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

COMMAND = Path(sys.executable).with_name("{{ cookiecutter.namespace }}-{{ cookiecutter.name }}")


def run(*arguments: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([COMMAND, *arguments], cwd=cwd, capture_output=True, text=True)


def test_it_tells_its_version(tmp_path: Path) -> None:
    done = run("--version", cwd=tmp_path)

    assert done.returncode == 0
    assert done.stdout.strip() == version("{{ cookiecutter.distribution }}")


def test_its_exit_code_tells_whether_all_went_well(tmp_path: Path) -> None:
{% if cookiecutter.example %}
    (tmp_path / "file").write_text("two words", encoding="utf-8")

    assert (run("file", cwd=tmp_path).returncode, run("missing", cwd=tmp_path).returncode) == (0, 1)
{% else %}
    assert (run(cwd=tmp_path).returncode, run("--nonsense", cwd=tmp_path).returncode) == (0, 2)
{% endif %}
