"""The workflow that publishes what `make release` has prepared, when its tag is pushed.

It is written with the first release, so that a repository whose packages are all private has none.
It is the team's from then on, and Dependabot keeps its actions up to date.
"""

from collections.abc import Collection

from monorepo.core.languages import Language

PATH = ".github/workflows/release.yml"
# The environments that the workflow publishes from, and what of its text does so.
ENVIRONMENTS = {Language.PYTHON: "pypi", Language.JAVASCRIPT: "npm"}
PUBLISHES = {Language.PYTHON: "gh-action-pypi-publish", Language.JAVASCRIPT: "npm publish"}
_TEXT = """\
# A tag of `make release` publishes that version of that one package: <tag>.
# There is no token: the index has to know this workflow, and its environment <environment>, as a
# trusted publisher of the package.
name: Release

on:
  push:
    tags: [<tags>]

permissions: {}

concurrency:
  group: release-${{ github.ref }}
  cancel-in-progress: false

jobs:
  build:
    name: Test and build
    runs-on: ubuntu-latest
    timeout-minutes: 30
    permissions:
      contents: read
    outputs:
      package: ${{ steps.tagged.outputs.package }}
    steps:
      - uses: actions/checkout@3d3c42e5aac5ba805825da76410c181273ba90b1 # v7.0.1
        with:
          persist-credentials: false
      - uses: actions/setup-python@5fda3b95a4ea91299a34e894583c3862153e4b97 # v7.0.0
        with:
          python-version: "<python>"
      - name: Find the package that the tag names
        id: tagged
        env:
          TAG: ${{ github.ref_name }}
        run: |
          package="$(make --silent tagged TAG="$TAG")"
          echo "package=$package" | tee -a "$GITHUB_OUTPUT"
      - name: Test and build it
        env:
          PACKAGE: ${{ steps.tagged.outputs.package }}
        run: |
          make test PKG="$PACKAGE"
          make build PKG="$PACKAGE"
      - uses: actions/upload-artifact@bbbca2ddaa5d8feaa63e36b76fdaad77386f024f # v7.0.0
        with:
          name: distributions
          path: ${{ steps.tagged.outputs.package }}/<built>
          if-no-files-found: error
"""
_PYTHON = """
  # What may publish runs no code of the repository.
  pypi:
    name: Attest and publish to PyPI
    needs: [build]
<only>
    runs-on: ubuntu-latest
    timeout-minutes: 15
    environment: pypi
    permissions:
      id-token: write # proves to Sigstore and to the index which workflow this is
      attestations: write # keeps where the distributions were built
    steps:
      - uses: actions/download-artifact@3e5f45b2cfb9172054b4087a40e8e0b5a5461e7c # v8.0.1
        with:
          name: distributions
          path: dist
      - uses: actions/attest-build-provenance@a2bbfa25375fe432b6a289bc6b6cd05ecd0c4c32 # v4.1.0
        with:
          subject-path: dist/*
      - uses: pypa/gh-action-pypi-publish@cef221092ed1bacb1cc03d23a2d87d1d172e277b # v1.14.0
"""
_JAVASCRIPT = """
  # What may publish runs no code of the repository.
  npm:
    name: Publish to npm
    needs: [build]
<only>
    runs-on: ubuntu-latest
    timeout-minutes: 15
    environment: npm
    permissions:
      id-token: write # proves to Sigstore and to npm which workflow this is
    steps:
      - uses: actions/download-artifact@3e5f45b2cfb9172054b4087a40e8e0b5a5461e7c # v8.0.1
        with:
          name: distributions
          path: dist
      - uses: actions/setup-node@820762786026740c76f36085b0efc47a31fe5020 # v7.0.0
        with:
          node-version: "24" # its npm is trusted without a token
          package-manager-cache: false
      - run: npm publish --provenance --ignore-scripts ./dist/*.tgz
"""
_JOBS = {Language.PYTHON: _PYTHON, Language.JAVASCRIPT: _JAVASCRIPT}
# The names of npm may have a scope, and an asterisk matches no slash.
_TAGS = {Language.PYTHON: ['"*-v[0-9]*"'], Language.JAVASCRIPT: ['"*-v[0-9]*"', '"@*/*-v[0-9]*"']}
_EXAMPLES = {Language.PYTHON: "acme-core-v1.4.0", Language.JAVASCRIPT: "@acme/core-v1.4.0"}
_BUILT = {Language.PYTHON: "dist/*", Language.JAVASCRIPT: "build/*.tgz"}


def text(python: str, languages: Collection[Language]) -> str:
    """Return the text of the workflow.

    Args:
        python: the version of Python that it builds with, such as `3.11`.
        languages: those of the repository, one or both.
    """
    chosen = [language for language in Language if language in languages]
    built, only = _BUILT[chosen[-1]], ""
    if len(chosen) > 1:
        is_node = "contains(steps.tagged.outputs.package, '/js/')"
        built = f"${{{{ {is_node} && 'build/*.tgz' || 'dist/*' }}}}"
        only = "    if: contains(needs.build.outputs.package, '/{}/')\n"
    jobs = (_JOBS[one].replace("<only>\n", only.format(one)) for one in chosen)
    values = {
        "tag": " or ".join(_EXAMPLES[one] for one in chosen),
        "environment": " or ".join(f"`{ENVIRONMENTS[one]}`" for one in chosen),
        "tags": ", ".join(_TAGS[chosen[-1]]),
        "python": python,
        "built": built,
    }
    made = _TEXT + "".join(jobs)
    for name, value in values.items():
        made = made.replace(f"<{name}>", value)
    return made


def publishes(workflow: str, language: Language) -> bool:
    """Return whether the text of a workflow publishes packages of a language."""
    return PUBLISHES[language] in workflow
