import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { requestContext, requestIdOf, traceIdOf, traceOf } from "./context.ts";
import { fastify, LogController } from "./fastify.ts";
import { logger, type Service } from "./logs.ts";
import { handleError, handleNotFound } from "./problems.ts";
import type { Settings } from "./settings.ts";

/** What has to be there for requests to be answered: one that rejects makes GET /ready 503. */
export type Checks = Readonly<Record<string, () => Promise<unknown>>>;

export interface AppOptions extends Service {
  readonly settings: Pick<Settings, "logLevel">;
  readonly checks?: Checks;
  /** Whether the service is about to stop: then it is not ready, and keeps no connection. */
  readonly isStopping?: () => boolean;
}

// Probes ask every few seconds: only their failures are worth a line.
export const PROBES = ["/health", "/ready"];
const CHECK_SECONDS = 2;

/** Make a service that logs JSON and answers GET /health and GET /ready; the caller adds its routes. */
export function createApp({
  name,
  version,
  settings,
  checks = {},
  isStopping = () => false,
}: AppOptions): FastifyInstance {
  const app = fastify({
    logger: logger({ name, version }, settings.logLevel),
    logController: new LogController({
      disableRequestLogging: true,
      requestIdLogLabel: "request_id",
    }),
    genReqId: ({ headers }) => requestIdOf(headers),
    frameworkErrors: handleError,
    // A client on a connection that it keeps is answered to the end.
    return503OnClosing: false,
  });
  app.setErrorHandler(handleError);
  app.setNotFoundHandler(handleNotFound);
  app.addHook("onRequest", (request, reply, done) => {
    reply.header("x-request-id", request.id);
    if (isStopping()) reply.header("connection", "close");
    const trace_id = traceIdOf(request.headers.traceparent);
    // Fastify checks each logger that a factory makes, so that there is none for requests without a trace.
    if (trace_id) {
      request.log = request.log.child({ trace_id });
      reply.log = request.log;
    }
    const trace = trace_id ? traceOf(request.headers) : {};
    requestContext.run({ requestId: request.id, trace }, done);
  });
  app.addHook("onResponse", (request, reply, done) => {
    tell(request, reply, isStopping());
    done();
  });
  app.get("/health", () => ({ status: "ok", name, version }));
  app.get("/ready", async (request, reply) => {
    if (isStopping()) return reply.code(503).send({ status: "stopping", checks: {} });
    const entries = await Promise.all(
      Object.entries(checks).map(async ([what, check]) => {
        try {
          await inTime(check());
          return [what, "ok"];
        } catch (err) {
          request.log.warn({ exception: err }, `check ${what} failed`);
          return [what, "failed"];
        }
      }),
    );
    const failed = entries.some(([, result]) => result === "failed");
    const body = { status: failed ? "failed" : "ok", checks: Object.fromEntries(entries) };
    return reply.code(failed ? 503 : 200).send(body);
  });
  return app;
}

/** Log that a request was answered. */
function tell(request: FastifyRequest, reply: FastifyReply, stopping: boolean): void {
  const status = reply.statusCode;
  if (PROBES.includes(pathOf(request.url)) && (status < 500 || stopping)) return;
  logAnswer(request, status, reply.elapsedTime);
}

/** Write the line of a request, which has taken so many milliseconds. */
export function logAnswer(request: FastifyRequest, status: number, elapsed: number): void {
  const { method } = request;
  // The query may hold secrets.
  const path = pathOf(request.url);
  const duration_ms = Math.round(elapsed * 1000) / 1000;
  request.log.info({ method, path, status, duration_ms }, `${method} ${path} ${status}`);
}

/** Return a URL of a request without its query. */
export function pathOf(url: string): string {
  const end = url.indexOf("?");
  return end < 0 ? url : url.slice(0, end);
}

/** Reject if something takes too long. */
async function inTime(result: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise((_, reject) => {
    const error = new Error(`takes more than ${CHECK_SECONDS} s`);
    timer = setTimeout(reject, CHECK_SECONDS * 1000, error);
  });
  try {
    await Promise.race([result, late]);
  } finally {
    clearTimeout(timer);
  }
}
