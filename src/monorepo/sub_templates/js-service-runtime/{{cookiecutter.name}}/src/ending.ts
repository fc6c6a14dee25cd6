import { Server } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import type { FastifyInstance } from "fastify";
import type { Settings } from "./settings.ts";

// How long requests are held before the port closes.
export const HELD_MS = 100;
// How long connections that wait for another request are left open at the end.
const IDLE_MS = 500;
// What a worker tells its supervisor when it holds requests.
export const HELD = "held";

/**
 * End on a signal or on an unhandled error, once the requests in flight are answered:
 * after such an error the state of the process is unknown, so it takes no new ones.
 */
export function endInTime(
  app: FastifyInstance,
  { workers, shutdownDelay, shutdownTimeout }: Settings,
  state: { stopping: boolean },
): void {
  let ending: Promise<void> | undefined;
  const isWorker = workers > 1;
  const port = closeLast(app);
  const onSignal = async (signal: NodeJS.Signals): Promise<void> => {
    // It has not begun to answer: there is nothing to finish.
    if (!app.server.listening && !state.stopping) process.exit(0);
    app.log.info({ signal }, "stopping");
    state.stopping = true;
    // Load balancers see that it is not ready before it stops listening.
    await sleep(shutdownDelay * 1000);
    port.hold();
    if (isWorker && process.connected) process.send?.(HELD);
    // The supervisor closes the port of a worker, and ends one that it cannot wait for. Whoever went
    // ahead would send clients to a port that is about to close.
    await (isWorker ? port.closed : sleep(HELD_MS));
    ending ??= stop(app, signal, shutdownTimeout);
    await ending;
    if (isWorker) process.exit();
  };
  // A terminal or systemd sends a signal to all processes, and what supervises them sends another.
  process.once("SIGTERM", onSignal).on("SIGTERM", () => {});
  if (isWorker) {
    process.on("SIGINT", () => {});
  } else {
    // Once: a second Ctrl-C ends the process at once.
    process.once("SIGINT", onSignal);
  }
  // Node raises an unhandled rejection as such an error, too.
  process.on("uncaughtException", (err: unknown) => {
    app.log.fatal({ exception: err }, "unhandled error");
    state.stopping = true;
    ending ??= stop(app, "an unhandled error", shutdownTimeout);
    ending.finally(() => process.exit(1));
  });
}

async function stop(app: FastifyInstance, reason: string, seconds: number): Promise<void> {
  // Unreferenced, so that it ends a service that hangs, and does not hold up one that is done. Even
  // without requests, closing takes a moment.
  setTimeout(
    () => {
      app.log.error(`not done ${seconds} s after ${reason}`);
      process.exit(1);
    },
    Math.max(seconds * 1000, 500),
  ).unref();
  // A connection becomes idle when its request is answered.
  const closeIdle = () => app.server.closeIdleConnections();
  const later = Math.min(seconds * 1000, IDLE_MS);
  setTimeout(() => setInterval(closeIdle, 100).unref(), later).unref();
  try {
    await app.close();
  } catch (err) {
    app.log.error({ exception: err }, "closing failed");
    process.exitCode = 1;
  }
}

/**
 * Have the port of an application close without losing a request. Node accepts one connection at a
 * time, and what waits is reset when the port closes: `hold` keeps clients from making more of them,
 * until it is closed. Idle connections stay open then, because a request may be on its way there.
 */
function closeLast(app: FastifyInstance): { hold: () => void; closed: Promise<void> } {
  const { server } = app;
  const { promise: closed, resolve: release } = Promise.withResolvers<void>();
  let held: Promise<void> | undefined;
  let ended: Promise<void> | undefined;
  app.addHook("onRequest", (_request, _reply, done) => {
    if (held) void held.then(() => done());
    else done();
  });
  server.close = (done) => {
    ended ??= new Promise((resolve) => Server.prototype.close.call(server, () => resolve()));
    release();
    if (done) void ended.then(() => done());
    return server;
  };
  return {
    hold: () => {
      held = closed;
    },
    closed,
  };
}
