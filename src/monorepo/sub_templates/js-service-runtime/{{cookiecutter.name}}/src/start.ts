import { readFile } from "node:fs/promises";
import type { FastifyInstance } from "fastify";
import { createApp } from "./app.ts";
import { readSettings, SettingsError } from "./settings.ts";

export interface StartOptions {
  /** How long requests in flight may take to finish once the service is to stop. */
  readonly stopWithinSeconds?: number;
}

interface Manifest {
  readonly name: string;
  readonly monorepo?: { readonly port?: number };
}

/**
 * Run a service until SIGTERM or SIGINT: its name and default port come from its package.json,
 * the rest from the environment. A mistake of whoever starts it is one line and exit code 1. After
 * an unhandled error, the requests in flight are answered, and the exit code is 1.
 */
export async function start(
  manifest: URL,
  configure: (app: FastifyInstance) => void | Promise<void>,
  { stopWithinSeconds = 10 }: StartOptions = {},
): Promise<void> {
  const { name, monorepo }: Manifest = JSON.parse(await readFile(manifest, "utf8"));
  try {
    const settings = readSettings(process.env, monorepo?.port);
    const app = createApp({ name, settings });
    endInTime(app, stopWithinSeconds);
    await configure(app);
    await app.listen({ host: settings.host, port: settings.port });
  } catch (error) {
    process.stderr.write(`${name}: ${explain(error)}\n`);
    process.exit(1);
  }
}

/** Print configuration errors in one line; any other error is a bug, and keeps its trace. */
function explain(error: unknown): string {
  if (error instanceof SettingsError) return error.message;
  const { code, syscall, address, port } = error as NodeJS.ErrnoException & {
    address?: string;
    port?: number;
  };
  if (syscall === "listen" || syscall === "getaddrinfo") {
    if (code === "EADDRINUSE") {
      return `port ${port} is taken on ${address}; stop what listens there or set PORT`;
    }
    return `${(error as Error).message}; set HOST and PORT to an address of this machine`;
  }
  throw error;
}

/**
 * End on a signal or on an unhandled error, once the requests in flight are answered:
 * after such an error the state of the process is unknown, so it takes no new ones.
 */
function endInTime(app: FastifyInstance, seconds: number): void {
  let stopping: Promise<void> | undefined;
  const onSignal = (signal: NodeJS.Signals): void => {
    app.log.info({ signal }, "stopping");
    stopping ??= stop(app, signal, seconds);
  };
  // Once: a second Ctrl-C ends the process at once.
  process.once("SIGTERM", onSignal).once("SIGINT", onSignal);
  // Node raises an unhandled rejection as such an error, too.
  process.on("uncaughtException", (err: unknown) => {
    app.log.fatal({ err }, "unhandled error");
    stopping ??= stop(app, "an unhandled error", seconds);
    stopping.finally(() => process.exit(1));
  });
}

async function stop(app: FastifyInstance, reason: string, seconds: number): Promise<void> {
  // Unreferenced, so that it ends a service that hangs, and does not hold up one that is done.
  setTimeout(() => {
    app.log.error(`not done ${seconds} s after ${reason}`);
    process.exit(1);
  }, seconds * 1000).unref();
  // Fastify closes the connections that are idle now; others become so when their request is answered.
  setInterval(() => app.server.closeIdleConnections(), 100).unref();
  try {
    await app.close();
  } catch (error) {
    app.log.error(error, "closing failed");
    process.exitCode = 1;
  }
}
