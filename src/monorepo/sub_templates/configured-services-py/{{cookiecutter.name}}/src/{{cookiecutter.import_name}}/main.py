"""The bootstrap: service.json, which `make sync` writes from service.edn, says what is served."""

from {{ cookiecutter.namespace|replace("-", "_") }}_service.fastapi import Service

service = Service(__spec__.parent)

if __name__ == "__main__":
    service.run()
