import cluster from "node:cluster";
import { readFile } from "node:fs/promises";
import type { FastifyInstance } from "fastify";
import { type Checks, createApp } from "./app.ts";
import { endInTime } from "./ending.ts";
import type { Service } from "./logs.ts";
import {
  common,
  readSettings,
  type Schema,
  type Settings,
  SettingsError,
  StartError,
  settingsTable,
  type Values,
} from "./settings.ts";
import { supervise } from "./workers.ts";

/**
 * Adds what a service answers, and opens what it needs; returns what GET /ready has to check.
 * `isStopping` tells whether the service is about to end.
 */
export type Configure<S extends Schema> = (
  app: FastifyInstance,
  settings: Settings & Values<S>,
  isStopping: () => boolean,
) => Checks | void | Promise<Checks> | Promise<void>;

export interface StartOptions<S extends Schema> {
  /** Variables of the environment besides the common ones. */
  readonly settings?: S;
  /** What `node dist/main.js <name>` does instead of serving; the sentence that it returns is printed. */
  readonly commands?: Commands<S>;
}

type Commands<S extends Schema> = Readonly<Record<string, Command<S>>>;

export type Command<S extends Schema = Schema> = (
  settings: Settings & Values<S>,
) => Promise<string | undefined>;

interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly monorepo?: { readonly port?: number };
}

/**
 * Run a service until SIGTERM or SIGINT: its name and default port come from its package.json,
 * the rest from the environment. A mistake of whoever starts it is a line for each, and exit code 1.
 * After an unhandled error, the requests in flight are answered, and the exit code is 1. With the
 * option --settings, which `make settings` gives, it prints the table of all variables instead; with
 * the name of a command, it runs that.
 */
export async function start<S extends Schema>(
  manifest: URL,
  configure: Configure<S>,
  { settings: own, commands = {} }: StartOptions<S> = {},
): Promise<void> {
  const { name, version, monorepo }: Manifest = JSON.parse(await readFile(manifest, "utf8"));
  const schema = { ...common(monorepo?.port), ...own } as Common & S;
  await run({ name, version }, schema, configure, commands);
}

type Common = ReturnType<typeof common>;

/** Run a service as `start` does. */
export async function run<S extends Schema>(
  { name, version }: Service,
  schema: Common & S,
  configure: Configure<S>,
  commands: Commands<S>,
): Promise<void> {
  const word = process.argv.slice(2).join(" ");
  if (word === "--settings") {
    process.stdout.write(`${settingsTable(schema)}\n`);
    return;
  }
  const command = Object.hasOwn(commands, word) ? commands[word] : undefined;
  if (word && !command) {
    const known = [...Object.keys(commands), "--settings"].join(", ");
    const what = `${JSON.stringify(word)} is no command; give one of ${known}, or none to serve`;
    fail(2, name, [what]);
  }
  try {
    const settings = readSettings(process.env, schema) as Settings & Values<S>;
    if (command) {
      const said = await command(settings);
      if (said) process.stdout.write(`${said}\n`);
      return;
    }
    const state = { stopping: false };
    const isStopping = () => state.stopping;
    const checks: Record<string, Checks[string]> = {};
    const app = createApp({ name, version, settings, checks, isStopping });
    if (settings.workers > 1 && cluster.isPrimary) {
      supervise(settings, app.log);
      return;
    }
    const { otelExporterOtlpEndpoint: endpoint } = settings;
    if (endpoint) (await openTelemetry()).instrument(app, { name, version });
    endInTime(app, settings, state);
    Object.assign(checks, await configure(app, settings, isStopping));
    await app.listen({ host: settings.host, port: settings.port });
  } catch (error) {
    const failed = command && !(error instanceof StartError);
    fail(1, name, failed ? [`${word}: ${reasonOf(error)}`] : explain(error));
  }
}

/** Load what needs the packages of OpenTelemetry, which are optional peer dependencies. */
async function openTelemetry(): Promise<typeof import("./otel.ts")> {
  return import("./otel.ts").catch((error: NodeJS.ErrnoException) => {
    const missing = /'(@opentelemetry\/[^']+)'/.exec(error.message)?.[1];
    if (error.code !== "ERR_MODULE_NOT_FOUND" || !missing) throw error;
    const what = `needs ${missing}; add the optional peer dependencies of the runtime to package.json`;
    throw new SettingsError([`OTEL_EXPORTER_OTLP_ENDPOINT: ${what}`]);
  });
}

export function fail(code: number, name: string, lines: readonly string[]): never {
  process.stderr.write(lines.map((line) => `${name}: ${line}\n`).join(""));
  process.exit(code);
}

/** Return on one line why a command failed. An error of several connections has no message. */
function reasonOf(error: unknown): string {
  const { message, code } = Object(error) as Partial<NodeJS.ErrnoException>;
  return (message || code || String(error)).replaceAll(/\s+/g, " ");
}

/** Explain configuration errors, a line for each; any other error is a bug, and keeps its trace. */
function explain(error: unknown): readonly string[] {
  if (error instanceof StartError) return error.problems;
  const { code, syscall, address, port } = error as NodeJS.ErrnoException & {
    address?: string;
    port?: number;
  };
  // A worker has the second of them.
  if (["listen", "bind", "getaddrinfo"].includes(syscall ?? "")) {
    if (code === "EADDRINUSE") {
      return [`port ${port} is taken on ${address}; stop what listens there or set PORT`];
    }
    return [`${(error as Error).message}; set HOST and PORT to an address of this machine`];
  }
  throw error;
}
