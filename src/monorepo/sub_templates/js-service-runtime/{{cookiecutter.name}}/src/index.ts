export { type AppOptions, type Checks, createApp } from "./app.ts";
export { startConfigured } from "./configured.ts";
export { request } from "./context.ts";
export type { Context } from "./routes.ts";
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
