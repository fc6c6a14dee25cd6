"""Guess the module of a distribution that is not installed, from its name."""

import re
from functools import cache

from monorepo.core.naming import fold

# Distributions with type stubs for others.
STUBS = re.compile("types-|.*-stubs$")
# Modules that follow neither from the name nor from mypy's table of stubs.
_MODULES = {
    "attrs": "attr",
    "beautifulsoup4": "bs4",
    "dnspython": "dns",
    "faiss-cpu": "faiss",
    "faiss-gpu": "faiss",
    "gitpython": "git",
    "kingfisher-secret-scanner": "kingfisher_sdk",
    "opencv-contrib-python": "cv2",
    "opencv-python": "cv2",
    "opencv-python-headless": "cv2",
    "opentelemetry-api": "opentelemetry",
    "pillow": "PIL",
    "protobuf": "google.protobuf",
    "onnxruntime-gpu": "onnxruntime",
    "psycopg2-binary": "psycopg2",
    "pycryptodome": "Crypto",
    "pyjwt": "jwt",
    "pysocks": "socks",
    "python-docx": "docx",
    "python-json-logger": "pythonjsonlogger",
    "pyzmq": "zmq",
    "scikit-image": "skimage",
    "scikit-learn": "sklearn",
    "tensorflow-cpu": "tensorflow",
}


def guess(name: str) -> str:
    """Return the module that a distribution most likely provides, as a normalized name."""
    if module := _MODULES.get(name) or min(_from_stubs().get(name, ()), default=""):
        return fold(module.replace(".", "-"))
    return name.removeprefix("python-").removesuffix("-python").removesuffix("-py")


def likely(name: str) -> set[str]:
    """Return the modules that a distribution may provide by its name, as normalized names."""
    modules = {fold(one.replace(".", "-")) for one in _from_stubs().get(name, ())}
    return {name, guess(name), *modules}


@cache
def _from_stubs() -> dict[str, list[str]]:
    """Return the modules in mypy's table of stubs, by distribution; empty without mypy."""
    try:
        from mypy import stubinfo
    except ModuleNotFoundError:
        return {}
    found: dict[str, list[str]] = {}
    for module, stubs in stubinfo.non_bundled_packages_flat.items():
        found.setdefault(fold(stubs.removeprefix("types-")), []).append(module)
    return found
