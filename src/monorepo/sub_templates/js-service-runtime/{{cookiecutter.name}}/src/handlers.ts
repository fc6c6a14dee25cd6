import type { RouteShorthandOptions } from "fastify";
import { StartError } from "./settings.ts";

/** Imports a module as the service does: `(name) => import(name)`. */
export type Load = (module: string) => Promise<unknown>;

/** What a handler is for, such as `GET /notes`, and its name: `@acme/notes:list`. */
export type Wanted = readonly [what: string, handler: string];

type Call = (...args: unknown[]) => unknown;

/** What a handler is: a function, or options of Fastify with one. */
export interface Handler {
  readonly call: Call;
  readonly options: RouteShorthandOptions;
}

/**
 * Import handlers from packages that are among the dependencies; return them by their names.
 * Throws a StartError with a line for each that is not there.
 */
export async function loadHandlers(
  wanted: readonly Wanted[],
  dependencies: object,
  load: Load,
): Promise<(name: string) => Handler> {
  const found = new Map<string, Handler>();
  const problems: string[] = [];
  for (const [what, name] of wanted) {
    try {
      found.set(name, handlerOf(await exported(name, dependencies, load)));
    } catch (error) {
      if (!(error instanceof StartError)) throw error;
      problems.push(`${what}: ${name}: ${error.message}`);
    }
  }
  if (problems.length > 0) throw new StartError(problems);
  return (name) => found.get(name) as Handler;
}

async function exported(handler: string, dependencies: object, load: Load): Promise<unknown> {
  const at = handler.lastIndexOf(":");
  const [module, name] = [handler.slice(0, at), handler.slice(at + 1)];
  const [packageName = ""] = /^(@[^/]+\/)?[^/]+/.exec(module) ?? [];
  if (!Object.hasOwn(dependencies, packageName)) {
    throw new StartError([`${packageName} is not among the dependencies; run make sync`]);
  }
  const namespace = await load(module).catch((error: NodeJS.ErrnoException) => {
    const missing = ["ERR_MODULE_NOT_FOUND", "ERR_PACKAGE_PATH_NOT_EXPORTED"];
    // Another module may be missing, which this one imports.
    if (!missing.includes(error.code ?? "") || !error.message.includes(packageName)) throw error;
    throw new StartError([`${module} cannot be found; run make install`]);
  });
  const exports = namespace as Readonly<Record<string, unknown>>;
  if (Object.hasOwn(exports, name)) return exports[name];
  throw new StartError([`${module} exports ${Object.keys(exports).join(", ")}, and no ${name}`]);
}

function handlerOf(value: unknown): Handler {
  if (typeof value === "function") return { call: value as Call, options: {} };
  const { handler, ...options } = Object(value) as { handler?: unknown };
  if (typeof handler === "function") return { call: handler as Call, options };
  throw new StartError(["is neither a function nor has a handler"]);
}
