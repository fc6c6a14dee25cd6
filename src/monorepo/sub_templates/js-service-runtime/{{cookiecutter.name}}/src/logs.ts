import type { FastifyServerOptions } from "fastify";
import type { LogLevel } from "./settings.ts";

// What pino calls the levels.
const NAMES = {
  DEBUG: "debug",
  INFO: "info",
  WARNING: "warn",
  ERROR: "error",
  CRITICAL: "fatal",
} as const;
const LEVELS: Readonly<Record<string, LogLevel>> = {
  trace: "DEBUG",
  debug: "DEBUG",
  info: "INFO",
  warn: "WARNING",
  error: "ERROR",
  fatal: "CRITICAL",
};

export interface Service {
  readonly name: string;
  readonly version: string;
}

/** Return how a service logs: JSON, one object on a line, with the fields that Python services have. */
export function logger(
  { name, version }: Service,
  level: LogLevel,
): NonNullable<FastifyServerOptions["logger"]> {
  return {
    level: NAMES[level],
    base: { service: name, version },
    messageKey: "message",
    errorKey: "exception",
    timestamp,
    formatters: {
      level: (label: string) => ({ level: LEVELS[label] ?? "INFO" }),
      // What a caller passes does not take the place of what each line has.
      log: ({ level, time, service, version, message, request_id, trace_id, ...rest }) => rest,
    },
    serializers: { exception: traceOf },
  };
}

let now = 0;
let written = "";

/** Return the field with the time. It is written once for all lines of a millisecond. */
function timestamp(): string {
  const time = Date.now();
  if (time !== now) {
    now = time;
    written = `,"time":"${new Date(time).toISOString()}"`;
  }
  return written;
}

function traceOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? String(error)) : String(error);
}
