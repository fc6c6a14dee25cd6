"""Commands with which the fault tests are tested themselves. They work in the current folder."""

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path


def careless() -> int:
    """Make a project straight where it belongs."""
    project = Path("project")
    for folder in ("a", "b"):
        (project / folder).mkdir(parents=True)
        (project / folder / "file").write_text("text" * 9, encoding="utf-8")
    return 0


def silent() -> int:
    """Do so, and keep errors to itself."""
    with contextlib.suppress(OSError):
        careless()
    return 0


def careful() -> int:
    """Make it aside and rename it, after clearing what was left there: the least that passes."""
    shutil.rmtree("aside", ignore_errors=True)
    if not os.path.exists("project"):
        os.mkdir("aside")
        os.chdir("aside")
        careless()
        os.chdir("..")
        os.rename("aside/project", "project")
        os.rmdir("aside")
    return 0


def every() -> int:
    """Change something in each way there is."""
    with open("text", "w", encoding="utf-8") as text:
        text.write("a")
        text.flush()
        os.fsync(text.fileno())
    Path("bytes").write_bytes(b"b")
    with open("text", "r+b") as both:
        both.write(b"c")
    with os.fdopen(os.open("low", os.O_WRONLY | os.O_CREAT), "wb", 0) as low:
        low.write(b"d")
    descriptor = os.open("low", os.O_WRONLY)
    os.write(descriptor, b"e")
    os.close(descriptor)
    with tempfile.NamedTemporaryFile(dir=".") as named:
        named.write(b"f")
    shutil.copy2("text", "copy")
    os.chmod("copy", 0o600)
    os.utime("copy")
    os.truncate("copy", 0)
    os.symlink("copy", "symlink")
    os.link("copy", "link")
    os.mkdir("folder")
    os.rename("folder", "renamed")
    os.replace("copy", "renamed/copy")
    os.unlink("link")
    os.rmdir(tempfile.mkdtemp(dir="."))
    shutil.rmtree("renamed")
    subprocess.run([sys.executable, "-S", "-c", ""], check=True)
    # These change nothing.
    Path("text").read_bytes()
    os.listdir()
    Path("text").stat()
    print("done")  # noqa: T201
    return 0
