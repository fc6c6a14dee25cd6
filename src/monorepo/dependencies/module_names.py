"""Guess the module of a distribution that is not installed, from its name."""

import re
from functools import cache

from monorepo.core.naming import fold

# Distributions with type stubs for others.
STUBS = re.compile("types-|.*-stubs$")
# Modules that follow neither from the name nor from mypy's table of stubs.
_MODULES = {
    "beautifulsoup4": "bs4",
    "dnspython": "dns",
    "faiss-cpu": "faiss",
    "gitpython": "git",
    "kingfisher-secret-scanner": "kingfisher_sdk",
    "opencv-contrib-python": "cv2",
    "opencv-python": "cv2",
    "opencv-python-headless": "cv2",
    "pillow": "PIL",
    "protobuf": "google.protobuf",
    "psycopg2-binary": "psycopg2",
    "pycryptodome": "Crypto",
    "pyjwt": "jwt",
    "python-json-logger": "pythonjsonlogger",
    "pyzmq": "zmq",
    "scikit-image": "skimage",
    "scikit-learn": "sklearn",
}


def guess(name: str) -> str:
    """Return the module that a distribution most likely provides, as a normalized name."""
    if module := _MODULES.get(name) or _from_stubs().get(name):
        return fold(module.replace(".", "-"))
    return name.removeprefix("python-").removesuffix("-python").removesuffix("-py")


@cache
def _from_stubs() -> dict[str, str]:
    """Return the modules in mypy's table of stubs, by distribution; empty without mypy."""
    try:
        from mypy import stubinfo
    except ModuleNotFoundError:
        return {}
    table = stubinfo.non_bundled_packages_flat.items()
    return {fold(stubs.removeprefix("types-")): module for module, stubs in table}
