import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { logAnswer } from "./app.ts";
import type { Handler } from "./handlers.ts";
import type { Settings } from "./settings.ts";
import { addWebSockets } from "./websockets.ts";

/** A route of a configured service: `GET`, `/notes/{id}`, and the name of its handler. */
export interface Route {
  readonly method: string;
  /** `/files/{rest:path}` is everything below `/files/`. */
  readonly path: string;
  readonly handler: string;
}

/** What handlers of a configured service get besides the request and the reply. */
export interface Context<
  State = Readonly<Record<string, unknown>>,
  Own = Readonly<Record<string, unknown>>,
> {
  readonly settings: Settings & Own;
  /** What the lifespan has returned. */
  readonly state: State;
}

// A path that has a WebSocket alone.
const NO_ANSWER: Handler = {
  call: (_request, reply) => (reply as FastifyReply).callNotFound(),
  options: {},
};

/** Add routes to an application. */
export async function addRoutes(
  app: FastifyInstance,
  routes: readonly Route[],
  handlerOf: (name: string) => Handler,
  context: Context,
): Promise<void> {
  const sockets = new Map<string, Handler>();
  for (const { method, path, handler } of routes) {
    if (method === "WEBSOCKET") sockets.set(path, handlerOf(handler));
  }
  if (sockets.size > 0) await addWebSockets(app);

  const add = (method: string, path: string, { call, options }: Handler) => {
    const socket = method === "GET" ? sockets.get(path) : undefined;
    if (socket) sockets.delete(path);
    const { url, named } = place(path);
    app.route({
      ...options,
      method,
      url,
      handler: (request, reply) => call(named(request), reply, context),
      ...(socket && {
        wsHandler: async (client, request) => {
          const began = performance.now();
          client.once("close", () => logAnswer(request, 101, performance.now() - began));
          await socket.call(client, named(request), context);
        },
      }),
    });
  };
  // Fastify adds HEAD to GET, unless it is there by then.
  for (const first of [true, false]) {
    for (const { method, path, handler } of routes) {
      if (method !== "WEBSOCKET" && (method === "HEAD") === first) {
        add(method, path, handlerOf(handler));
      }
    }
  }
  for (const path of [...sockets.keys()]) add("GET", path, NO_ANSWER);
}

/** Return the URL of a path as Fastify has it, and what names the parameters of a request. */
function place(path: string): {
  url: string;
  named: (request: FastifyRequest) => FastifyRequest;
} {
  const rest = /\{(\w+):path\}$/.exec(path)?.[1];
  const url = path.replace(/\{\w+:path\}$/, "*").replaceAll(/\{(\w+)\}/g, ":$1");
  if (!rest) return { url, named: (request) => request };
  const named = (request: FastifyRequest) => {
    const { "*": value, ...others } = request.params as Record<string, unknown>;
    request.params = { ...others, [rest]: value };
    return request;
  };
  return { url, named };
}
