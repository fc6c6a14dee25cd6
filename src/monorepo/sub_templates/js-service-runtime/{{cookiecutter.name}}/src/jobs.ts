import type { FastifyBaseLogger } from "fastify";
import { newId, requestContext } from "./context.ts";

/** The values that match, of each part of a time in UTC; null if all do. Weekday 0 is Sunday. */
export interface At {
  readonly minute: readonly number[] | null;
  readonly hour: readonly number[] | null;
  readonly day: readonly number[] | null;
  readonly month: readonly number[] | null;
  readonly weekday: readonly number[] | null;
}

export interface Job {
  readonly name: string;
  /** Null if it runs by its name alone. */
  readonly at: At | null;
  readonly run: () => unknown;
}

const MINUTE_MS = 60_000;

/** Return whether a job is due in the minute of a time; of day and weekday, one is enough (cron). */
export function isDue({ minute, hour, day, month, weekday }: At, time: Date): boolean {
  const matches = (values: readonly number[] | null, value: number) =>
    values === null || values.includes(value);
  const inTime =
    matches(minute, time.getUTCMinutes()) &&
    matches(hour, time.getUTCHours()) &&
    matches(month, time.getUTCMonth() + 1);
  const onDay = matches(day, time.getUTCDate());
  const onWeekday = matches(weekday, time.getUTCDay());
  return inTime && (day && weekday ? onDay || onWeekday : onDay && onWeekday);
}

/**
 * Run jobs when they are due; return what stops that, and waits for those that still run. A job that
 * still runs when it is due again is left out then; one that fails is logged, and runs when it is due
 * again.
 */
export function schedule(
  jobs: readonly Job[],
  log: FastifyBaseLogger,
  isStopping: () => boolean,
): () => Promise<void> {
  const running = new Map<string, Promise<void>>();

  const start = (job: Job): void => {
    if (running.has(job.name)) {
      log.warn({ job: job.name }, `job ${job.name} still runs, and is left out`);
      return;
    }
    const done = run(job, log).finally(() => running.delete(job.name));
    running.set(job.name, done);
  };
  const tick = (time: Date): void => {
    for (const job of jobs) if (job.at && isDue(job.at, time) && !isStopping()) start(job);
  };
  const stop = jobs.some(({ at }) => at) ? eachMinute(tick) : () => {};
  return async () => {
    stop();
    await Promise.all(running.values());
  };
}

async function run({ name, run }: Job, parent: FastifyBaseLogger): Promise<void> {
  const requestId = newId();
  const log = parent.child({ request_id: requestId, job: name });
  const began = performance.now();
  const tell = () => ({ duration_ms: Math.round((performance.now() - began) * 1000) / 1000 });
  try {
    // Calls of other services carry the id.
    await requestContext.run({ requestId, trace: {} }, async () => run());
    log.info(tell(), `job ${name} done`);
  } catch (error) {
    log.error({ ...tell(), exception: error }, `job ${name} failed`);
  }
}

/** Call something once in each minute; what passes while the machine sleeps is left out. */
function eachMinute(call: (time: Date) => void): () => void {
  let next = following();
  let timer: NodeJS.Timeout;
  const wait = () => {
    timer = setTimeout(tick, next - Date.now());
  };
  const tick = () => {
    const now = Date.now();
    // A timer may be early.
    if (now >= next) {
      call(new Date(now));
      next = following();
    }
    // The clock was set back by more than a little. Otherwise, no minute comes twice.
    if (next - now > 2 * MINUTE_MS) next = following();
    wait();
  };
  wait();
  return () => clearTimeout(timer);
}

function following(): number {
  return (Math.floor(Date.now() / MINUTE_MS) + 1) * MINUTE_MS;
}
