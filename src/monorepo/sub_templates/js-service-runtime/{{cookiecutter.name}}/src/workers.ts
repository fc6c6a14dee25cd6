import cluster, { type Worker } from "node:cluster";
import { setTimeout as sleep } from "node:timers/promises";
import type { FastifyBaseLogger } from "fastify";
import { HELD, HELD_MS } from "./ending.ts";
import type { Settings } from "./settings.ts";

// What a worker that hangs gets beyond the limits of the settings.
const LAST_SECONDS = 5;
// How long the port stays open at most for workers that do not hold requests yet.
const HOLDING_MS = 2000;

/**
 * Run the program once more in each of several processes, which listen on one port, until a signal:
 * one that dies is started anew. One that ends before it listens would do so again, so that all end
 * then, and its exit code is that of this process.
 */
export function supervise(settings: Settings, log: FastifyBaseLogger): void {
  const { workers: count, shutdownDelay, shutdownTimeout } = settings;
  const workers = new Set<Worker>();
  const listening = new WeakSet<Worker>();
  const holding = new WeakSet<Worker>();
  let stopping = false;

  // A message to a worker that is about to be gone fails.
  const start = () => workers.add(cluster.fork().on("error", () => {}));
  const stop = async (): Promise<void> => {
    if (stopping) return;
    stopping = true;
    for (const worker of workers) worker.process.kill("SIGTERM");
    const seconds = shutdownDelay + shutdownTimeout + LAST_SECONDS;
    setTimeout(() => {
      for (const worker of workers) worker.process.kill("SIGKILL");
    }, seconds * 1000).unref();
    await sleep(shutdownDelay * 1000);
    // On a busy machine, a worker may be late.
    const until = Date.now() + HOLDING_MS;
    const isLate = (worker: Worker) => listening.has(worker) && !holding.has(worker);
    while (Date.now() < until && [...workers].some(isLate)) await sleep(HELD_MS / 10);
    await sleep(HELD_MS);
    // This closes the port here, and then in the workers: each connection that is accepted has one.
    for (const worker of workers) if (worker.isConnected()) worker.disconnect();
  };

  cluster.on("listening", (worker) => listening.add(worker));
  cluster.on("message", (worker, message) => {
    if (message === HELD) holding.add(worker);
  });
  cluster.on("exit", (worker, code, signal) => {
    workers.delete(worker);
    const how = signal ?? `code ${code}`;
    if (stopping) {
      // A worker that starts is ended by the signal itself.
      if (code || (signal && signal !== "SIGTERM")) process.exitCode ??= 1;
    } else if (signal || listening.has(worker)) {
      log.error(`worker ${worker.process.pid} died, with ${how}`);
      start();
    } else {
      process.exitCode = code || 1;
      void stop();
    }
  });
  process.once("SIGTERM", stop).on("SIGTERM", () => {});
  // Once: a second Ctrl-C ends the process at once, and workers do not outlive it.
  process.once("SIGINT", stop);
  start();
  // A program that does not start says so once.
  cluster.once("listening", () => {
    for (let number = 1; number < count && !stopping; number += 1) start();
  });
}
