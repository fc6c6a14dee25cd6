export { type AppOptions, createApp } from "./app.ts";
export { type LogLevel, readSettings, type Settings, SettingsError } from "./settings.ts";
export { type StartOptions, start } from "./start.ts";
