export { type AppOptions, type Checks, createApp } from "./app.ts";
{% if cookiecutter.manifests %}
export { startConfigured } from "./configured.ts";
{% endif %}
export { request } from "./context.ts";
{% if cookiecutter.manifests %}
export type { Context } from "./routes.ts";
{% endif %}
export {
  address,
  common,
  type LogLevel,
  readSettings,
  type Schema,
  Secret,
  type Settings,
  SettingsError,
  StartError,
  secret,
  settingsTable,
  text,
  type Values,
  type Variable,
  wholeNumber,
} from "./settings.ts";
export { type Configure, type StartOptions, start } from "./start.ts";
