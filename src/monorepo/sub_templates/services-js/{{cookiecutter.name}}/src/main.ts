{% if cookiecutter.example %}
import * as notes from "@{{ cookiecutter.namespace }}/notes";
import { secret, start } from "@{{ cookiecutter.namespace }}/service";

{% else %}
import { start } from "@{{ cookiecutter.namespace }}/service";

{% endif %}
// A bootstrap: what this service does lives in shared packages, which register their routes here.
{% if cookiecutter.example %}
await start(
  new URL("../package.json", import.meta.url),
  (app, { databaseUrl }) => {
    app.get("/", () => ({ service: "{{ cookiecutter.name }}" }));
    const db = notes.connect(databaseUrl.reveal());
    app.addHook("onClose", () => db.destroy());
    app.register(notes.routes, { db });
    return { database: () => notes.checkSchema(db) };
  },
  {
    settings: { databaseUrl: secret(...notes.databaseUrl) },
    commands: { migrate: ({ databaseUrl }) => notes.migrate(databaseUrl.reveal()) },
  },
);
{% else %}
await start(new URL("../package.json", import.meta.url), (app) => {
  app.get("/", () => ({ service: "{{ cookiecutter.name }}" }));
});
{% endif %}
