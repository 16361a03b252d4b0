// Fields of a FaultPolicy that must agree with each other: delays, schedules, rates; and faults without an end.

import type { Tell } from "./checks.ts";
import type { FaultDelay, FaultSpec } from "./generated/types.ts";
import type { FieldPath } from "./path.ts";
import { durationNs } from "./values.ts";

/** Problems of a FaultPolicy; paths begin at the spec. */
export function faultPolicy(spec: FaultSpec, tell: Tell): void {
  for (const [i, fault] of spec.faults.entries()) {
    const path = ["faults", i];
    if (fault.delay !== undefined) delay(fault.delay, [...path, "delay"], tell);
    const { schedule, stopWhen } = fault;
    if (spec.expiresAt === undefined && schedule?.until === undefined)
      tell(
        "warning",
        path,
        "never ends by itself; give the policy `expiresAt`, or the fault `schedule.until`",
      );
    if (schedule?.from !== undefined && schedule.until !== undefined) {
      if (Date.parse(schedule.until) <= Date.parse(schedule.from))
        tell("error", [...path, "schedule", "until"], "is not after `from`");
    }
    for (const [j, { start, end }] of (schedule?.weekly ?? []).entries()) {
      const at = [...path, "schedule", "weekly", j];
      const [from, to] = [minuteOfDay(start), minuteOfDay(end)];
      if (from === undefined) tell("error", [...at, "start"], noTime(start));
      if (to === undefined) tell("error", [...at, "end"], noTime(end));
      if (from !== undefined && to !== undefined && to <= from)
        tell("error", [...at, "end"], "is not after `start`; for a window over midnight write two");
    }
    if (stopWhen?.requestsBelow !== undefined && !/^0*[1-9]\d{0,8}\/[sm]$/.test(stopWhen.requestsBelow))
      tell("error", [...path, "stopWhen", "requestsBelow"], "write it as 5/s or 30/m");
  }
}

function delay({ uniform, percentiles, normal, pareto }: FaultDelay, path: FieldPath, tell: Tell): void {
  const isBelow = (a: string, b: string): boolean => durationNs(a) < durationNs(b);
  if (uniform !== undefined && isBelow(uniform.max, uniform.min))
    tell("error", [...path, "uniform", "max"], "is below `min`");
  if (normal !== undefined && isBelow(normal.max, normal.mean))
    tell("error", [...path, "normal", "max"], "is below `mean`");
  if (pareto !== undefined && isBelow(pareto.max, pareto.min))
    tell("error", [...path, "pareto", "max"], "is below `min`");
  if (percentiles === undefined) return;
  const points: { name: string; share: number; value: string }[] = [];
  for (const [name, value] of Object.entries(percentiles)) {
    const share = /^p(\d+(\.\d{1,4})?)$/.exec(name)?.[1];
    if (share === undefined || Number(share) > 100)
      tell(
        "error",
        [...path, "percentiles", name],
        "is not a percentile from p0 to p100, such as p50 or p99.9",
      );
    else points.push({ name, share: Number(share), value });
  }
  if (Object.keys(percentiles).length === 0) tell("error", [...path, "percentiles"], "is empty; write p50");
  points.sort((a, b) => a.share - b.share);
  for (const [i, point] of points.entries()) {
    const before = points[i - 1];
    if (before !== undefined && isBelow(point.value, before.value))
      tell("error", [...path, "percentiles", point.name], `is shorter than ${before.name}; they must rise`);
  }
}

const noTime = (text: string): string => `"${text}" is not a time of day; write it as 09:30, up to 24:00`;

/** Minutes of `HH:MM`, up to 24:00. */
function minuteOfDay(text: string): number | undefined {
  const parts = /^(\d\d):([0-5]\d)$/.exec(text);
  const minutes = parts === null ? Number.NaN : Number(parts[1]) * 60 + Number(parts[2]);
  return minutes <= 1440 ? minutes : undefined;
}
