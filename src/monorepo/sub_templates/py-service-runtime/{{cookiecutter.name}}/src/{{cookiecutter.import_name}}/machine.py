"""What this machine has, and what of it a service lacks."""

import os
import platform
from collections.abc import Mapping
from pathlib import Path

# A file in /dev for each of them, or one for all.
_DEVICES = {
    "gpu": ("nvidia[0-9]*", "kfd"),
    "npu": ("accel/accel*", "apex_*", "davinci[0-9]*", "neuron[0-9]*"),
}
_WORDS = {"true": 1, "false": 0}


def lacks(needed: Mapping[str, int], environment: Mapping[str, str] = os.environ) -> str:
    """Return what this machine has too little of; "" for nothing.

    Args:
        needed: How many are needed, of `cpu`, `gpu` and `npu`.
        environment: Where GPU and NPU say how many there are, whatever is found.
    """
    missing = []
    for name, number in needed.items():
        there = _cpus() if name == "cpu" else _devices(name, environment.get(name.upper(), ""))
        if there < number:
            how = "" if name == "cpu" else f" ({name.upper()}=<n> overrides what is found)"
            missing.append(f"needs {number} {name}, this machine has {there}{how}")
    return ", ".join(missing)


def _cpus() -> int:
    """Return how many processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _devices(name: str, said: str) -> int:
    """Return how many devices the environment says, or else /dev has."""
    word = said.strip().lower()
    if word in _WORDS:
        return _WORDS[word]
    if word.isascii() and word.isdecimal():
        return int(word)
    if name == "gpu" and (platform.system(), platform.machine()) == ("Darwin", "arm64"):
        return 1
    return sum(len([*Path("/dev").glob(pattern)]) for pattern in _DEVICES[name])
