"""The workflow that publishes what `make release` has prepared, when its tag is pushed.

It is written with the first release, so that a repository whose packages are all private has none.
It is the team's from then on, and Dependabot keeps its actions up to date.
"""

PATH = ".github/workflows/release.yml"
_PYTHON = "PYTHON_VERSION"
_TEXT = """\
# A tag of `make release`, such as acme-core-v1.4.0, publishes that version of that one package.
# There is no token: the index has to know this workflow, and its environment `pypi`, as a trusted
# publisher of the package.
name: Release

on:
  push:
    tags: ["*-v[0-9]*"]

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
    steps:
      - uses: actions/checkout@3d3c42e5aac5ba805825da76410c181273ba90b1 # v7.0.1
        with:
          persist-credentials: false
      - uses: actions/setup-python@5fda3b95a4ea91299a34e894583c3862153e4b97 # v7.0.0
        with:
          python-version: "PYTHON_VERSION"
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
          path: ${{ steps.tagged.outputs.package }}/dist/*
          if-no-files-found: error

  # What may publish runs no code of the repository.
  publish:
    name: Attest and publish
    needs: [build]
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


def text(python: str) -> str:
    """Return the text of the workflow, which builds with a version of Python such as `3.11`."""
    return _TEXT.replace(_PYTHON, python)
