"""Heavy dependencies are in extras or peerDependencies, and never required by default.

Heavy dependencies are those in `heavy = ["torch", …]` in the root's [tool.monorepo], by default
torch, tensorflow, jax, transformers, opencv-python and similar ones. The base of a shared package
does not request an extra with a heavy dependency either; a service or an app may, which is what
extras are for. In JavaScript the rule applies to shared packages only, because nobody could provide
the peerDependencies of a service or an app.

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

from monorepo.core import workspace
from monorepo.core.naming import fold
from monorepo.core.workspace import Package
from monorepo.dependencies import providers
from monorepo.dependencies.providers import asks
from monorepo.guard.findings import Finding
from monorepo.guard.repository import Sources

HEAVY = """
    accelerate catboost cupy-cuda12x cupy-cuda13x deepspeed jax jaxlib keras lightgbm mxnet nltk
    onnxruntime onnxruntime-gpu opencv-contrib-python opencv-python opencv-python-headless
    paddlepaddle pyspark pytorch-lightning sentence-transformers spacy tensorflow tensorflow-cpu
    tensorflow-gpu torch torchaudio torchvision transformers triton vllm xgboost
    @huggingface/transformers @tensorflow/tfjs @tensorflow/tfjs-node @tensorflow/tfjs-node-gpu
    @xenova/transformers electron onnxruntime-node playwright puppeteer
""".split()


def subjects(sources: Sources) -> Sequence[str]:
    """Return the packages."""
    return list(sources.space.packages)


def check(sources: Sources, subject: str) -> Iterator[Finding]:
    """Look for heavy names in the base of a package."""
    package = sources.space.packages[subject]
    told = sources.space.facts.get("heavy", HEAVY)
    heavy = {fold(str(name)) for name in told} if isinstance(told, list) else set[str]()
    manifest = package.manifest_path
    if package.is_javascript:
        for group in ("dependencies", "optionalDependencies"):
            for name in package.manifest.get(group, {}):
                if fold(name) in heavy and package.is_shared:
                    line = sources.line_of(manifest, f'"{group}"', f'"{name}"')
                    message = f"{name} is heavy, and in {group}"
                    advice = "move it to peerDependencies, and to devDependencies for the tests"
                    yield Finding(manifest, line, "heavy", message, advice)
        return
    anywhere = heavy & providers.of(sources).asked.keys()
    for text in package.requirements():
        line = sources.line_of(manifest, "[project]", "dependencies", text)
        name, extras = workspace.requirement(text)
        if name in heavy:
            message = f"{name} is heavy, and in dependencies"
            imported = ", imported by a submodule of its own" if package.has_code else ""
            advice = f"move it to an extra{imported}"
            yield Finding(manifest, line, "heavy", message, advice)
        elif not anywhere or not package.is_shared:
            continue
        elif brought := heavy & _through(sources, name, extras):
            message = f"{text} requires heavy packages by default: {', '.join(sorted(brought))}"
            advice = "ask for it in an extra"
            yield Finding(manifest, line, "heavy", message, advice)


def _through(sources: Sources, name: str, extras: Sequence[str]) -> set[str]:
    """Return the dependencies in requested extras of an internal package, also indirect ones."""
    space = sources.space
    found: set[str] = set()
    if other := space.by_name.get(name):
        for path, wanted in space.closure({other.path: extras}).items():
            found |= _beyond_base(space.packages[path], wanted)
    return found


def _beyond_base(package: Package, extras: set[str]) -> set[str]:
    """Return the dependencies in extras only; heavy ones in the base are reported there."""
    return set(asks(package, extras)) - set(asks(package)) if package.is_python else set()
