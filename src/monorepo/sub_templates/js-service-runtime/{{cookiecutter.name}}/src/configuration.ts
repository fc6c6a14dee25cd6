import type { At } from "./jobs.ts";
import type { Resources } from "./resources.ts";
import type { Route } from "./routes.ts";
import { address, list, type Schema, Secret, type Variable } from "./settings.ts";

/** What `service.json` says. `make sync` writes it from service.edn, and has checked all of it. */
export interface Configuration {
  readonly schema: number;
  readonly name: string;
  readonly port: number;
  readonly workers: number;
  readonly lifespan: string | null;
  readonly checks: Readonly<Record<string, string>>;
  readonly routes: readonly Route[];
  readonly jobs: readonly ConfiguredJob[];
  readonly resources: Resources;
  readonly settings: Readonly<Record<string, Setting>>;
}

interface ConfiguredJob {
  readonly name: string;
  readonly handler: string;
  /** When it runs; null if only by its name. */
  readonly at: At | null;
}

interface Setting {
  readonly type: "string" | "integer" | "number" | "boolean" | "url";
  readonly required: boolean;
  readonly secret: boolean;
  readonly description: string;
  readonly default?: Scalar;
  readonly choices?: readonly Scalar[];
}

type Scalar = string | number | boolean;

/** Return the variables of the settings of a service; DATABASE_URL is `databaseUrl` there. */
export function variables(settings: Configuration["settings"]): Schema {
  const entries = Object.entries(settings).map(([name, setting]) => {
    const key = name.toLowerCase().replace(/_([a-z])/g, (_, letter) => letter.toUpperCase());
    return [key, variable(setting)];
  });
  return Object.fromEntries(entries);
}

function variable(setting: Setting): Variable<Scalar | Secret | undefined> {
  const { type, required, choices, default: initial = required ? undefined : "" } = setting;
  return {
    what: setting.description,
    ...(initial !== undefined && { fallback: String(initial) }),
    isSecret: setting.secret,
    read: (text) => {
      // It need not be set.
      if (text === "") return undefined;
      const value = READERS[type](text);
      if (choices && !choices.includes(value)) {
        throw new Error(`should be ${list(choices.map(String))}`);
      }
      return setting.secret ? new Secret(String(value)) : value;
    },
  };
}

const TRUTH = new Map(
  ["true", "yes", "on", "1", "false", "no", "off", "0"].map((word, at) => [word, at < 4]),
);

const READERS: Readonly<Record<Setting["type"], (text: string) => Scalar>> = {
  string: (text) => text,
  integer: (text) => number(text, /^-?[0-9]{1,15}$/, "a whole number"),
  number: (text) => number(text, /^-?[0-9]{1,15}(\.[0-9]+)?([eE][-+]?[0-9]{1,2})?$/, "a number"),
  boolean: (text) => {
    const value = TRUTH.get(text.toLowerCase());
    if (value === undefined) throw new Error("should be true or false");
    return value;
  },
  url: address("").read,
};

function number(text: string, pattern: RegExp, what: string): number {
  if (!pattern.test(text)) throw new Error(`should be ${what}`);
  return Number(text);
}
