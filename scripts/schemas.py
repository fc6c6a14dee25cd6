"""`make schemas`: write the JSON Schemas of manifests in EDN, from their models, into docs."""

from pathlib import Path

from monorepo.edn import package_manifest, schema, service_manifest

DOCS = Path(__file__).resolve().parent.parent / "docs"


def schemas() -> dict[str, str]:
    """Return the text of each schema, by the name of its file."""
    manifests = (package_manifest, service_manifest)
    return {
        f"{Path(one.FILE).stem}.schema.json": schema.text(one.ADAPTER, one.FILE)
        for one in manifests
    }


if __name__ == "__main__":
    for name, text in schemas().items():
        (DOCS / name).write_text(text, encoding="utf-8")
