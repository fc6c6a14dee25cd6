import { readFile } from "node:fs/promises";
import type { Checks } from "./app.ts";
import { type Configuration, variables } from "./configuration.ts";
import { type Load, loadHandlers, type Wanted } from "./handlers.ts";
import { schedule } from "./jobs.ts";
import { lacking } from "./resources.ts";
import { addRoutes } from "./routes.ts";
import { common, type Schema, SettingsError } from "./settings.ts";
import { type Command, type Configure, fail, run } from "./start.ts";

// The form of service.json that this runtime knows.
const FORM = 1;

/**
 * Run the service that a service.json describes, beside its package.json, as `start` runs others.
 * With the name of a job, it runs that one instead. On a machine without what the service needs, it
 * says so and does nothing.
 */
export async function startConfigured(file: URL, load: Load): Promise<void> {
  const config: Configuration = JSON.parse(await readFile(file, "utf8"));
  const { name, port, workers, resources } = config;
  if (config.schema !== FORM) {
    const what = `has form ${config.schema}, and the runtime knows ${FORM}`;
    fail(1, name, [`service.json: ${what}; run make sync, or update the runtime`]);
  }
  const lacks = process.argv[2] === "--settings" ? undefined : lacking(resources);
  if (lacks) {
    process.stderr.write(`${name}: skipped: ${lacks}\n`);
    return;
  }
  const { version, dependencies = {} } = JSON.parse(
    await readFile(new URL("package.json", file), "utf8"),
  );
  const handlers = (wanted: readonly Wanted[]) => loadHandlers(wanted, dependencies, load);

  const configure: Configure<Schema> = async (app, settings, isStopping) => {
    const handlerOf = await handlers(wantedBy(config));
    const call = (handler: string, ...args: unknown[]) => handlerOf(handler).call(...args);
    const open = async () => config.lifespan && call(config.lifespan, settings);
    const state = Object(await open().catch((error) => refuse(error, config.settings)));
    const jobs = config.jobs.map((job) => ({ ...job, run: () => call(job.handler, settings) }));
    let finish = async () => {};
    app.addHook("onListen", async () => {
      finish = schedule(jobs, app.log, isStopping);
    });
    app.addHook("onClose", async () => {
      await finish();
      await state[Symbol.asyncDispose]?.();
    });
    await addRoutes(app, config.routes, handlerOf, { settings, state });
    const checks = Object.entries(config.checks).map(
      ([check, handler]): [string, Checks[string]] => [check, async () => call(handler, state)],
    );
    return Object.fromEntries(checks);
  };

  const commands = config.jobs.map(({ name: job, handler }): [string, Command] => [
    job,
    async (settings) => {
      const handlerOf = await handlers([[`job ${job}`, handler]]);
      const said = await handlerOf(handler).call(settings);
      return typeof said === "string" ? said : undefined;
    },
  ]);
  const all = common(port, workers);
  const schema = {
    ...all,
    ...(config.jobs.some(({ at }) => at) && { workers: { ...all.workers, read: onlyOne } }),
    ...variables(config.settings),
  };
  await run({ name, version }, schema, configure, Object.fromEntries(commands));
}

function wantedBy({ routes, jobs, lifespan, checks }: Configuration): Wanted[] {
  return [
    ...routes.map(({ method, path, handler }): Wanted => [`${method} ${path}`, handler]),
    ...jobs.map(({ name, handler }): Wanted => [`job ${name}`, handler]),
    ...(lifespan ? [["lifespan", lifespan] as const] : []),
    ...Object.entries(checks).map(([name, handler]): Wanted => [`check ${name}`, handler]),
  ];
}

/** Throw an error of the lifespan; if it begins with the name of a setting, whoever set that can mend it. */
function refuse(error: unknown, settings: Configuration["settings"]): never {
  const said = String(Object(error).message).replaceAll(/\s+/g, " ");
  const [setting = ""] = said.split(": ", 1);
  throw Object.hasOwn(settings, setting) ? new SettingsError([said]) : error;
}

/** Several processes would run each job. */
function onlyOne(text: string): number {
  if (text !== "1") throw new Error("should be 1: jobs run on a schedule");
  return 1;
}
