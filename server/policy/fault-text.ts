// A fault in words, for explanations and lists: what it does, to whom, and until when.

import type { Fault, FaultDelay, FaultSpec } from "../../schema/generated/types.ts";

/** Such as `delay 2s, 10 % of the requests`. */
export function faultText(fault: Fault): string {
  const { delay, abort, throttle, stickyBy } = fault;
  const does = [
    ...(delay === undefined ? [] : [`delay ${delayText(delay)}`]),
    ...(abort === undefined ? [] : [abortText(abort)]),
    ...(throttle === undefined ? [] : [`throttle to ${throttle.kibPerSecond} KiB/s`]),
  ];
  const share = `${String(fault.percentage).replace(/\s*%$/, "")} %`;
  const who = does.length > 1 ? `${share} each by dice of its own` : share;
  return `${does.join(", then ")}: ${who}${keptBy(stickyBy)}`;
}

function delayText({ fixed, uniform, percentiles, normal, pareto }: FaultDelay): string {
  if (fixed !== undefined) return fixed;
  if (uniform !== undefined) return `${uniform.min} to ${uniform.max}`;
  if (normal !== undefined) return `normal ${normal.mean} ± ${normal.stddev}, at most ${normal.max}`;
  if (pareto !== undefined) return `pareto from ${pareto.min}, shape ${pareto.shape}, at most ${pareto.max}`;
  return Object.entries(percentiles ?? {})
    .map(([name, value]) => `${name} ${value}`)
    .join(" ");
}

function abortText({ httpStatus, grpcStatus, grpcCode }: NonNullable<Fault["abort"]>): string {
  const grpc = grpcStatus ?? grpcCode;
  const both = [httpStatus, grpc === undefined ? undefined : `gRPC ${grpc}`];
  return `abort ${both.filter((part) => part !== undefined).join(" or ")}`;
}

function keptBy(sticky: Fault["stickyBy"]): string {
  if (sticky === undefined) return ", drawn for each request";
  if (sticky.header !== undefined) return `, the same by header ${sticky.header}`;
  return sticky.cookie === undefined
    ? ", the same by client address"
    : `, the same by cookie ${sticky.cookie}`;
}

/** When the fault ends by itself: the earlier of the policy's end and its own; undefined: never. */
export function endOf({ expiresAt }: FaultSpec, { schedule }: Fault): Date | undefined {
  const ends = [expiresAt, schedule?.until].flatMap((text) => (text === undefined ? [] : [Date.parse(text)]));
  return ends.length === 0 ? undefined : new Date(Math.min(...ends));
}

/** `2h 5m left`, `ended`, or `no end`. */
export function timeLeft(end: Date | undefined, now: Date): string {
  if (end === undefined) return "no end";
  const seconds = Math.floor((end.getTime() - now.getTime()) / 1000);
  if (seconds <= 0) return "ended";
  const parts: [number, string][] = [
    [Math.floor(seconds / 86_400), "d"],
    [Math.floor(seconds / 3600) % 24, "h"],
    [Math.floor(seconds / 60) % 60, "m"],
    [seconds % 60, "s"],
  ];
  const first = parts.findIndex(([count]) => count > 0);
  const shown = parts.slice(first, first + 2).filter(([count]) => count > 0);
  return `${shown.map(([count, unit]) => `${count}${unit}`).join(" ")} left`;
}
