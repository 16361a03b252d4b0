// The steps in which a snapshot reaches a client, so that nothing points at what is not there.
//
//   make     added and changed clusters beside the old ones, followed by their endpoints, even unchanged
//            ones (a changed cluster warms until it hears of its endpoints again)
//   switch   listeners and routes; a route table keeps the routes that only the old filters steer to
//   steer    filters, in a step of their own because ADS does not order them against routes
//   settle   route tables without those old routes; removed listeners
//   break    removed clusters

import { type TypeUrl, typeUrls } from "../model.ts";
import type { Leave } from "./difference.ts";

const { cluster, endpoints, listener, routes, extension, secret } = typeUrls;

export const step = { make: 0, switch: 1, steer: 2, settle: 3, break: 4 } as const;

export interface Schedule {
  /** Additions too. */
  changes: number;
  removals: number;
}

/** From which step on a type may do what; in the order in which one step sends its types. */
export const schedules: ReadonlyMap<TypeUrl, Schedule> = new Map<TypeUrl, Schedule>([
  [cluster, { changes: step.make, removals: step.break }],
  [secret, { changes: step.make, removals: step.break }],
  [endpoints, { changes: step.make, removals: step.break }],
  [listener, { changes: step.switch, removals: step.settle }],
  [routes, { changes: step.switch, removals: step.settle }],
  [extension, { changes: step.steer, removals: step.settle }],
]);

/** What a type may do at a step. */
export function leaveAt(at: number, typeUrl: TypeUrl): Leave {
  const schedule = schedules.get(typeUrl);
  return {
    changes: schedule !== undefined && schedule.changes <= at,
    removals: schedule !== undefined && schedule.removals <= at,
  };
}
