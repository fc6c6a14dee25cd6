"""Heavy dependencies are in extras or peerDependencies, and never required by default.

Heavy are the names in `heavy = ["torch", …]` in the root's [tool.monorepo], by default torch,
tensorflow, jax, transformers, opencv-python and similar ones. A shared package does not request an
extra with a heavy dependency in its base either; a service or an app may, that is what extras are
for. In JavaScript this is about shared packages only: nobody could provide the peerDependencies of
a service or an app.

Why: the base of a package is installed by everybody who needs any part of it, also on runners and
laptops without a GPU; a gigabyte there is in every environment and image.

Fix: move it to an extra, imported by a submodule of its own; in package.json, to peerDependencies,
and to devDependencies for the tests.

Passes::

    [project.optional-dependencies]
    ml = ["torch>=2.6"]

Fails::

    dependencies = ["torch>=2.6"]
"""

from collections.abc import Iterator, Sequence

from monorepo.core.naming import fold
from monorepo.dependencies.providers import asks
from monorepo.guard.findings import Finding
from monorepo.guard.manifest_lines import requested
from monorepo.guard.repository import Sources

HEAVY = """
    accelerate catboost cupy-cuda12x cupy-cuda13x deepspeed jax jaxlib keras lightgbm mxnet nltk
    onnxruntime onnxruntime-gpu opencv-contrib-python opencv-python opencv-python-headless
    paddlepaddle pyspark pytorch-lightning sentence-transformers spacy tensorflow tensorflow-cpu
    tensorflow-gpu torch torchaudio torchvision transformers triton vllm xgboost
    @huggingface/transformers @tensorflow/tfjs @tensorflow/tfjs-node @tensorflow/tfjs-node-gpu
    @xenova/transformers electron onnxruntime-node playwright puppeteer
""".split()
_BASE = (("project", "dependencies"), ("dependencies",), ("optionalDependencies",))


def subjects(sources: Sources) -> Sequence[str]:
    """Return the packages."""
    return list(sources.space.packages)


def check(sources: Sources, subject: str) -> Iterator[Finding]:
    """Look for heavy names in the base of a package."""
    space = sources.space
    package = space.packages[subject]
    told = space.facts.get("heavy", HEAVY)
    heavy = {fold(str(name)) for name in told} if isinstance(told, list) else set[str]()
    advice = "move it to peerDependencies, and to devDependencies for the tests"
    if package.is_python:
        submodule = ", imported by a submodule of its own" if package.has_code else ""
        advice = f"move it to an extra{submodule}"
    elif not package.is_shared:
        return
    for one in requested(sources, package.manifest_path, package.manifest):
        if one.place not in _BASE:
            continue
        other = space.by_name.get(one.needs.name)
        if one.needs.name in heavy:
            message = f"{one.needs.name} is heavy, and in {one.place[-1]}"
            yield Finding(package.manifest_path, one.line, "heavy", message, advice)
        elif other and one.needs.extras and package.is_shared:
            found = set[str]()
            for path, wanted in space.closure({other.path: one.needs.extras}).items():
                inner = space.packages[path]
                # What is heavy in a base is reported there.
                found |= set(asks(inner, wanted)) - set(asks(inner))
            if names := ", ".join(sorted(heavy & found)):
                message = f"{one.text} requires heavy packages by default: {names}"
                fix = "ask for it in an extra"
                yield Finding(package.manifest_path, one.line, "heavy", message, fix)
