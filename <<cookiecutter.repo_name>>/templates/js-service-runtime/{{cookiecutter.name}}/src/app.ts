import type { FastifyInstance } from "fastify";
import { fastify } from "./fastify.ts";
import type { Settings } from "./settings.ts";

export interface AppOptions {
  /** The service, as its logs and GET /health name it. */
  readonly name: string;
  readonly settings: Pick<Settings, "logLevel">;
}

/** Make a service that logs JSON and answers GET /health; the caller adds its routes. */
export function createApp({ name, settings }: AppOptions): FastifyInstance {
  const app = fastify({ logger: { name, level: settings.logLevel } });
  // Probes ask every few seconds: only their failures are worth a line.
  app.get("/health", { logLevel: "error" }, () => ({ status: "ok", name }));
  return app;
}
