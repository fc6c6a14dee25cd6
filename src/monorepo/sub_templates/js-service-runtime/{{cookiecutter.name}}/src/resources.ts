import { readdirSync } from "node:fs";
import { availableParallelism } from "node:os";

/** What a service needs of the machine. */
export interface Resources {
  readonly cpu: number;
  readonly gpu: number;
  readonly npu: number;
}

/** Return what the machine lacks of what a service needs; undefined if nothing. */
export function lacking({ cpu, gpu, npu }: Resources): string | undefined {
  const found = [
    { kind: "cpu", needed: cpu, has: availableParallelism(), how: "" },
    { kind: "gpu", needed: gpu, ...count("GPU", graphics) },
    { kind: "npu", needed: npu, ...count("NPU", neural) },
  ];
  const lacks = found
    .filter(({ needed, has }) => has < needed)
    .map(({ kind, needed, has, how }) => `needs ${needed} ${kind}, this machine has ${has}${how}`);
  return lacks.join(", ") || undefined;
}

/** Count devices, unless a variable says how many there are: a number, true or false. */
function count(variable: string, find: () => number): { has: number; how: string } {
  const given = process.env[variable]?.toLowerCase() ?? "";
  const known = { true: 1, false: 0 }[given] ?? (/^[0-9]{1,4}$/.test(given) ? Number(given) : -1);
  const how = ` (${variable}=<n> overrides what is found)`;
  return { has: known < 0 ? find() : known, how };
}

function graphics(): number {
  // Apple's processors have one.
  if (process.platform === "darwin" && process.arch === "arm64") return 1;
  return devices("/dev", /^nvidia[0-9]+$/) + devices("/dev", /^kfd$/);
}

function neural(): number {
  return (
    devices("/dev/accel", /^accel/) + devices("/dev", /^(apex_.*|davinci[0-9]+|neuron[0-9]+)$/)
  );
}

function devices(folder: string, pattern: RegExp): number {
  try {
    return readdirSync(folder).filter((name) => pattern.test(name)).length;
  } catch {
    return 0;
  }
}
