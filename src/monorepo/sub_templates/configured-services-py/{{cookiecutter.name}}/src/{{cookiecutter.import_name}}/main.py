"""The bootstrap: service.json, which `make sync` writes from service.edn, says what is served."""

from {{ cookiecutter.namespace|replace("-", "_") }}_service.fastapi import Service

service = Service.of(__spec__)

if __name__ == "__main__":
    service.run()
