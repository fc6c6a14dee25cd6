import { readFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import type { FastifyInstance } from "fastify";
import { type Checks, createApp } from "./app.ts";
import {
  common,
  readSettings,
  type Schema,
  type Settings,
  SettingsError,
  settingsTable,
  type Values,
} from "./settings.ts";

export interface StartOptions<S extends Schema> {
  /** Variables of the environment besides the common ones. */
  readonly settings?: S;
  /** What has to be there for requests to be answered, by name: see GET /ready. */
  readonly checks?: Checks;
}

interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly monorepo?: { readonly port?: number };
}

/**
 * Run a service until SIGTERM or SIGINT: its name and default port come from its package.json,
 * the rest from the environment. A mistake of whoever starts it is a line for each, and exit code 1.
 * After an unhandled error, the requests in flight are answered, and the exit code is 1. With the
 * option --settings, which `make settings` gives, it prints the table of all variables instead.
 */
export async function start<S extends Schema>(
  manifest: URL,
  configure: (app: FastifyInstance, settings: Settings & Values<S>) => void | Promise<void>,
  { settings: own, checks = {} }: StartOptions<S> = {},
): Promise<void> {
  const { name, version, monorepo }: Manifest = JSON.parse(await readFile(manifest, "utf8"));
  const schema = { ...common(monorepo?.port), ...own } as ReturnType<typeof common> & S;
  if (process.argv.length === 3 && process.argv[2] === "--settings") {
    process.stdout.write(`${settingsTable(schema)}\n`);
    return;
  }
  try {
    const settings = readSettings(process.env, schema) as Settings & Values<S>;
    const state = { stopping: false };
    const isStopping = () => state.stopping;
    const app = createApp({ name, version, settings, checks, isStopping });
    endInTime(app, settings, state);
    await configure(app, settings);
    await app.listen({ host: settings.host, port: settings.port });
  } catch (error) {
    const lines = explain(error).map((line) => `${name}: ${line}\n`);
    process.stderr.write(lines.join(""));
    process.exit(1);
  }
}

/** Explain configuration errors, a line for each; any other error is a bug, and keeps its trace. */
function explain(error: unknown): readonly string[] {
  if (error instanceof SettingsError) return error.problems;
  const { code, syscall, address, port } = error as NodeJS.ErrnoException & {
    address?: string;
    port?: number;
  };
  if (syscall === "listen" || syscall === "getaddrinfo") {
    if (code === "EADDRINUSE") {
      return [`port ${port} is taken on ${address}; stop what listens there or set PORT`];
    }
    return [`${(error as Error).message}; set HOST and PORT to an address of this machine`];
  }
  throw error;
}

/**
 * End on a signal or on an unhandled error, once the requests in flight are answered:
 * after such an error the state of the process is unknown, so it takes no new ones.
 */
function endInTime(
  app: FastifyInstance,
  { shutdownDelay, shutdownTimeout }: Settings,
  state: { stopping: boolean },
): void {
  let ending: Promise<void> | undefined;
  const onSignal = async (signal: NodeJS.Signals): Promise<void> => {
    // It has not begun to answer: there is nothing to finish.
    if (!app.server.listening && !state.stopping) process.exit(0);
    app.log.info({ signal }, "stopping");
    state.stopping = true;
    // Load balancers see that it is not ready before it stops listening.
    await sleep(shutdownDelay * 1000);
    ending ??= stop(app, signal, shutdownTimeout);
  };
  // Once: a second Ctrl-C ends the process at once.
  process.once("SIGTERM", onSignal).once("SIGINT", onSignal);
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
  // Fastify closes the connections that are idle now; others become so when their request is answered.
  setInterval(() => app.server.closeIdleConnections(), 100).unref();
  try {
    await app.close();
  } catch (err) {
    app.log.error({ exception: err }, "closing failed");
    process.exitCode = 1;
  }
}
