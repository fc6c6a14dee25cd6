import { STATUS_CODES } from "node:http";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
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
  app.setErrorHandler(hideFaults);
  // Probes ask every few seconds: only their failures are worth a line.
  app.get("/health", { logLevel: "error" }, () => ({ status: "ok", name }));
  return app;
}

/** Respond as Fastify does, but put the text of a server error into the log only. */
function hideFaults(error: unknown, request: FastifyRequest, reply: FastifyReply): unknown {
  const { statusCode, status } = Object(error) as { statusCode?: unknown; status?: unknown };
  const known = [statusCode, status].find((code) => Number(code) >= 400 && Number(code) <= 599);
  const code = reply.statusCode >= 400 ? reply.statusCode : Number(known ?? 500);
  // A client error: the response explains it.
  if (code < 500) return reply.send(error);
  request.log.error({ req: request, res: reply.code(code), err: error }, "request failed");
  const message = STATUS_CODES[code] ?? "Server Error";
  return reply.send({ statusCode: code, error: message, message });
}
