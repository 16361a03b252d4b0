// What the configuration becomes: faults with their dice, delays and ready-made answers, in the configuration's
// memory. Built by build.ts; the request path reads it.

import { AttachTable } from "../../assembly/attach/table";
import { Metric } from "../../assembly/metrics";
import { Active } from "./active";
import { Delay } from "./delay";
import { Fault, FaultHeaderControl } from "./generated/config";
import { Schedule } from "./schedule";
import { Watch } from "./watch";

/** Everything that one configuration of one plugin needs. */
@unmanaged
export class Plan {
  attachments: AttachTable;
  /** Bytes of the arena that a request may take. */
  arenaSize: usize;
  /** PolicyPlan, one per policy. */
  policies: usize;
  /** See assembly/explain/token.ts; 0: nobody is told anything. */
  token: usize;
  /** The kill switch: no fault at all. */
  isDisabled: bool;
  /** The root context that was configured with it, whose ticks wake its streams. */
  root: u32;
  /** The next of the plans whose root context ticks; see timer.ts. */
  nextTicking: Plan | null;
  isTicking: bool;
  periodMs: u32;
  /** When the next tick is due. */
  tickNs: u64;
}


@unmanaged
export class PolicyPlan {
  /** FaultPlan, one per fault. */
  faults: usize;
  faultCount: u32;
  inherit: bool;
  nameStart: usize;
  /** The name that is shown ends before "@", which tells apart entries of one policy. */
  nameLength: u32;
  seed: u64;
  /** Milliseconds since 1970; 0: never. */
  expiresAtMs: u64;
  /** Faults that callers ask for; null: none. */
  control: FaultHeaderControl | null;
  /** What stands for them where a fault is told or counted. */
  controlPlan: FaultPlan;
  /** 0: no bound. */
  maxActive: u32;
  /** Set where there is a bound. */
  active: Active | null;
  /** Requests held or throttled at present. */
  gauge: Metric;
  showsHeader: bool;
  /** Number of the request for which `isAdmitted` holds. */
  askedBy: u32;
  isAdmitted: bool;
}


@unmanaged
export class FaultPlan {
  policy: PolicyPlan;
  /** Null: asked for by the caller. */
  fault: Fault | null;
  nameStart: usize;
  nameLength: u32;
  /** `policy/fault`, the value of x-sluice-fault. */
  titleStart: usize;
  titleLength: u32;
  millionths: u32;
  /** Of the fault's name; with the policy's seed it makes sticky dice independent. */
  id: u64;
  delay: Delay | null;
  abort: AbortPlan | null;
  /** KiB per second; 0: not throttled. */
  throttle: u32;
  schedule: Schedule | null;
  watch: Watch | null;
  /** Metric, one per type of counters.ts. */
  counters: usize;
}

/** An answer, ready to be sent. */
@unmanaged
export class AbortPlan {
  status: u32;
  grpcStatus: u32;
  bodyStart: usize;
  bodyLength: u32;
  /** In the host's form of pairs; 0 bytes: none. */
  headersStart: usize;
  headersLength: u32;
}

/** What a caller's fault is called; no fault of a policy may have a name like a header's of Envoy. */
// @ts-ignore: decorator
@inline
export const CONTROL_NAME: string = "x-envoy-fault";

// @ts-ignore: decorator
@inline
export function faultAt(policy: PolicyPlan, index: u32): FaultPlan {
  return changetype<FaultPlan>(policy.faults + index * offsetof<FaultPlan>());
}
