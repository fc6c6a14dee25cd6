"""Guess the modules of a distribution that is not installed, from its name."""

import re
from functools import lru_cache

from monorepo.core.naming import fold

# These bring types for what others bring.
STUBS = re.compile("types-|.*-stubs$")
# What neither the name nor mypy's table of stubs tells.
_MODULES = {
    "beautifulsoup4": "bs4",
    "kingfisher-secret-scanner": "kingfisher_sdk",
    "opencv-contrib-python": "cv2",
    "opencv-python": "cv2",
    "opencv-python-headless": "cv2",
    "pillow": "PIL",
    "protobuf": "google.protobuf",
    "pycryptodome": "Crypto",
    "pyjwt": "jwt",
    "scikit-image": "skimage",
    "scikit-learn": "sklearn",
}


def guess(name: str) -> str:
    """Return, folded, the module that a distribution which is not installed most likely brings."""
    if told := _MODULES.get(name) or _from_stubs().get(name):
        return fold(told.replace(".", "-"))
    return name.removeprefix("python-").removesuffix("-python").removesuffix("-py")


@lru_cache(maxsize=1)
def _from_stubs() -> dict[str, str]:
    """Return mypy's table of distributions with types, turned round; nothing without mypy."""
    try:
        from mypy import stubinfo
    except ModuleNotFoundError:
        return {}
    table = stubinfo.non_bundled_packages_flat.items()
    return {fold(stubs.removeprefix("types-")): module for module, stubs in table}
