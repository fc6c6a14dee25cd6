"""`make schemas`: write the JSON Schemas of manifests in EDN, from their models, into docs."""

from pathlib import Path

from monorepo.edn import package_manifest, schema

DOCS = Path(__file__).resolve().parent.parent / "docs"


def schemas() -> dict[str, str]:
    """Return the text of each schema, by the name of its file."""
    adapters = {package_manifest.FILE: package_manifest.ADAPTER}
    return {
        f"{Path(file).stem}.schema.json": schema.text(adapter, file)
        for file, adapter in adapters.items()
    }


if __name__ == "__main__":
    for name, text in schemas().items():
        (DOCS / name).write_text(text, encoding="utf-8")
