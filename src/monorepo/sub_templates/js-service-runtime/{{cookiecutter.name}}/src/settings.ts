import { inspect } from "node:util";

/** A variable of the environment: what it is for, its default if it need not be set, and how it is read. */
export interface Variable<T> {
  readonly what: string;
  readonly fallback?: string;
  /** Whether nothing shows its default. */
  readonly isSecret?: boolean;
  /** Return the value of a text; throws an error whose message completes "PORT: …". */
  readonly read: (text: string) => T;
}

/** The variables of a service by the names of its settings: `databaseUrl` is read from DATABASE_URL. */
export type Schema = Readonly<Record<string, Variable<unknown>>>;

/** The settings that a schema describes. */
export type Values<S extends Schema> = {
  readonly [Key in keyof S]: S[Key] extends Variable<infer T> ? T : never;
};

/** A service cannot start, for reasons that whoever starts it can mend. */
export class StartError extends Error {
  override readonly name: string = "StartError";
  /** A line for each. */
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(problems.join("; "));
    this.problems = problems;
  }
}

/** The environment holds values that the service cannot use; none of them is shown, as it may be secret. */
export class SettingsError extends StartError {
  override readonly name = "SettingsError";
}

/** A value that is shown by nothing but `reveal`. */
export class Secret {
  readonly #value: string;

  constructor(value: string) {
    this.#value = value;
  }

  reveal(): string {
    return this.#value;
  }

  toString(): string {
    return "***";
  }

  toJSON(): string {
    return "***";
  }

  [inspect.custom](): string {
    return "***";
  }
}

/** Any text. */
export function text(what: string, fallback?: string): Variable<string> {
  return variable(what, fallback, (value) => value);
}

/**
 * A text that is not printed, nor is its default. `check` throws an error about a text that cannot
 * be used; its message completes "DATABASE_URL: …", without the text.
 */
export function secret(
  what: string,
  fallback?: string,
  check: (text: string) => void = () => {},
): Variable<Secret> {
  const read = (value: string) => {
    check(value);
    return new Secret(value);
  };
  return { ...variable(what, fallback, read), isSecret: true };
}

/** A whole number. */
export function wholeNumber(
  what: string,
  fallback?: number,
  { min = 0, max = 999_999_999 } = {},
): Variable<number> {
  return variable(what, fallback?.toString(), (value) => {
    if (!/^[0-9]{1,9}$/.test(value)) throw new Error("should be a whole number");
    const number = Number(value);
    if (number < min) throw new Error(`should be greater than or equal to ${min}`);
    if (number > max) throw new Error(`should be less than or equal to ${max}`);
    return number;
  });
}

/** The address of another service, without a slash at its end. */
export function address(what: string, fallback?: string): Variable<string> {
  return variable(what, fallback, (value) => {
    const url = URL.parse(value);
    if (!url || !/^https?:\/\/\S+$/.test(value) || url.port === "0") {
      throw new Error("should be an address such as http://127.0.0.1:8000");
    }
    return value.replace(/\/+$/, "");
  });
}

const levels = ["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"] as const;

export type LogLevel = (typeof levels)[number];

function logLevel(value: string): LogLevel {
  const upper = value.toUpperCase();
  const name = upper === "WARN" ? "WARNING" : upper === "FATAL" ? "CRITICAL" : upper;
  const level = levels.find((known) => known === name);
  if (level === undefined) throw new Error(`should be ${list(levels)}`);
  return level;
}

/** What every service reads from its environment; the arguments are the defaults of PORT and WORKERS. */
export function common(port?: number, workers = 1) {
  return {
    host: variable(
      "the address to listen on; in a container usually 0.0.0.0",
      "127.0.0.1",
      (value) => {
        if (value !== value.trim()) throw new Error("should have no space around it");
        return value;
      },
    ),
    port: wholeNumber("the port to listen on; 0 is a free one", port, { max: 65_535 }),
    logLevel: variable(list(levels), "INFO", logLevel),
    workers: wholeNumber("the number of worker processes", workers, { min: 1 }),
    shutdownTimeout: wholeNumber("how many seconds requests in flight have at the end", 10),
    shutdownDelay: wholeNumber(
      "how many seconds it still listens once it is not ready any more",
      0,
    ),
    otelExporterOtlpEndpoint: variable(
      "where traces and metrics go (OTLP over HTTP); needs the packages of OpenTelemetry",
      "",
      (value) => (value ? address("").read(value) : undefined),
    ),
  } satisfies Schema;
}

/** What every service reads from its environment. */
export type Settings = Values<ReturnType<typeof common>>;

/**
 * Read settings from an environment, in which an empty variable counts as one that is not set.
 * Throws a SettingsError, which names every bad variable.
 */
export function readSettings<S extends Schema>(env: NodeJS.ProcessEnv, schema: S): Values<S> {
  const problems: string[] = [];
  const values = Object.entries(schema).map(([key, { fallback, read }]) => {
    const name = variableOf(key);
    const value = env[name] || fallback;
    try {
      if (value === undefined) throw new Error("is not set");
      return [key, read(value)];
    } catch (error) {
      problems.push(`${name}: ${(error as Error).message}`);
      return [key, undefined];
    }
  });
  if (problems.length > 0) throw new SettingsError(problems);
  return Object.fromEntries(values) as Values<S>;
}

/** Return the Markdown table of the variables of a schema. */
export function settingsTable(schema: Schema): string {
  const rows = Object.entries(schema).map(([key, { what, fallback, isSecret }]) => {
    const shown = isSecret && fallback ? "not shown" : fallback;
    const cells = [`\`${variableOf(key)}\``, shown ?? "has to be set", what];
    const row = `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
    return row.replaceAll("  ", " ");
  });
  return ["| variable | default | what |", "| --- | --- | --- |", ...rows].join("\n");
}

function variable<T>(
  what: string,
  fallback: string | undefined,
  read: (text: string) => T,
): Variable<T> {
  return fallback === undefined ? { what, read } : { what, fallback, read };
}

function variableOf(key: string): string {
  return key.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase();
}

export function list(names: readonly string[]): string {
  return `${names.slice(0, -1).join(", ")} or ${names.at(-1)}`;
}
