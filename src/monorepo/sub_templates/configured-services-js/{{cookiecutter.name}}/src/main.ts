import { startConfigured } from "@{{ cookiecutter.namespace }}/service";

// The bootstrap: service.json, which `make sync` writes from service.edn, says what is served.
await startConfigured(new URL("../service.json", import.meta.url), (name) => import(name));
