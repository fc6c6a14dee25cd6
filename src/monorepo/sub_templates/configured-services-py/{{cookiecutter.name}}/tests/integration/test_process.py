"""The service as an operator meets it: a process that starts, answers and stops."""

import json
import os
import subprocess
import sys
from pathlib import Path
from urllib.request import ProxyHandler, build_opener

# The service runs on this machine: a proxy that the environment names is not asked.
OPENER = build_opener(ProxyHandler({}))


def test_it_starts_answers_and_stops(tmp_path: Path) -> None:
    with subprocess.Popen(
        [
            sys.executable,
            "-m",
            "{{ cookiecutter.import_name }}.main",
        ],
        cwd=tmp_path,
        env=os.environ | {"HOST": "127.0.0.1", "PORT": "0", "LOG_LEVEL": "INFO"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None and process.stderr is not None
            first = process.stdout.readline()
            assert first, process.stderr.read()
            port = json.loads(first)["port"]
            with OPENER.open(f"http://127.0.0.1:{port}/health", timeout=10) as answer:
                assert json.load(answer)["status"] == "ok"
            process.terminate()
            _, errors = process.communicate(timeout=20)
        finally:
            process.kill()

    assert (process.returncode, errors) == (0, "")
