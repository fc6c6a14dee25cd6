"""The command line as one that a fault strikes, in an environment that counts as complete."""

import copy
from typing import Any
from unittest import mock

from monorepo import __main__, cli
from monorepo.core.workspace import Package, Workspace
from monorepo.delivery import sbom

BOM: dict[str, Any] = {
    "metadata": {"component": {"name": "tiny-svc-api", "version": "1.0", "bom-ref": "api"}},
    "components": [],
    "dependencies": [],
}


def _python(space: Workspace, package: Package) -> dict[str, Any]:
    """Return what cyclonedx-py says of a package that needs nothing."""
    return copy.deepcopy(BOM)


def main(words: list[str]) -> int:
    """Run a verb; neither the root's environment nor that of cyclonedx-py is installed."""
    with (
        mock.patch.object(cli, "_equip", lambda options: None),
        mock.patch.object(sbom, "_python", _python),
    ):
        return __main__.main(words)
