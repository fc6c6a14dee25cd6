const logLevels = ["silent", "fatal", "error", "warn", "info", "debug", "trace"] as const;

export type LogLevel = (typeof logLevels)[number];

/** What a service reads from its environment, and nothing else. */
export interface Settings {
  readonly host: string;
  readonly port: number;
  readonly logLevel: LogLevel;
}

/** The environment holds values that the service cannot use; the message names them all. */
export class SettingsError extends Error {
  override readonly name = "SettingsError";
}

/** Read HOST, PORT and LOG_LEVEL; an empty variable counts as unset. */
export function readSettings(env: NodeJS.ProcessEnv, defaultPort?: number): Settings {
  const problems: string[] = [];

  const port = env.PORT || String(defaultPort ?? "");
  if (port === "") {
    problems.push("PORT is not set");
  } else if (!/^\d+$/.test(port) || Number(port) > 65535) {
    problems.push(`PORT=${port} is not a port; use 0 to 65535 (0: any free one)`);
  }

  const level = env.LOG_LEVEL || "info";
  const logLevel = logLevels.find((known) => known === level);
  if (logLevel === undefined) {
    problems.push(`LOG_LEVEL=${level} is none of ${logLevels.join(", ")}`);
  }

  if (logLevel === undefined || problems.length > 0) throw new SettingsError(problems.join("; "));
  return { host: env.HOST || "127.0.0.1", port: Number(port), logLevel };
}
