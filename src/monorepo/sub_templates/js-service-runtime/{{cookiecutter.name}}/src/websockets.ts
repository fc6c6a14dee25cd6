import type { FastifyInstance } from "fastify";
import { StartError } from "./settings.ts";

// As bodies of requests have.
const MAX_MESSAGE = 1024 * 1024;
// How long clients have to close their side at the end.
const CLOSING_MS = 1000;
// RFC 6455, 7.4.1.
const GOING_AWAY = 1001;

/** Have an application take WebSockets, by @fastify/websocket, an optional peer dependency. */
export async function addWebSockets(app: FastifyInstance): Promise<void> {
  const { default: plugin } = await import("@fastify/websocket").catch(
    (error: NodeJS.ErrnoException) => {
      if (error.code !== "ERR_MODULE_NOT_FOUND") throw error;
      throw new StartError(["WebSockets need @fastify/websocket; add it to package.json"]);
    },
  );
  await app.register(plugin, {
    options: { maxPayload: MAX_MESSAGE },
    preClose: async () => {
      const { clients } = app.websocketServer;
      for (const client of clients) client.close(GOING_AWAY);
      setTimeout(() => {
        for (const client of clients) client.terminate();
      }, CLOSING_MS).unref();
    },
  });
}
