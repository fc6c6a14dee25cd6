/** Say how long `seconds` are: "1 h 1 min 1 s", without what is zero. */
export function duration(seconds: number): string {
  const whole = Math.max(0, Math.trunc(seconds));
  const parts = [
    [Math.trunc(whole / 3600), "h"],
    [Math.trunc(whole / 60) % 60, "min"],
    [whole % 60, "s"],
  ] as const;
  const told = parts.filter(([count]) => count > 0).map(([count, unit]) => `${count} ${unit}`);
  return told.join(" ") || "0 s";
}
