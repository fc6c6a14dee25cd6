export { type AppOptions, type Checks, createApp } from "./app.ts";
export { request } from "./context.ts";
export {
  address,
  common,
  type LogLevel,
  readSettings,
  type Schema,
  Secret,
  type Settings,
  SettingsError,
  secret,
  settingsTable,
  text,
  type Values,
  type Variable,
  wholeNumber,
} from "./settings.ts";
export { type Configure, type StartOptions, start } from "./start.ts";
