import { start } from "@{{ cookiecutter.namespace }}/service";

// A bootstrap: what this service does lives in shared packages, which register their routes here.
await start(new URL("../package.json", import.meta.url), (app) => {
  app.get("/", () => ({ service: "{{ cookiecutter.name }}" }));
});
