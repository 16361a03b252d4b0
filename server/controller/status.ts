// The conditions of a policy: whether it is taken, and whether it is carried to Istio.

import type { KubeObject } from "./objects.ts";

export interface Condition {
  type: "Accepted" | "Programmed";
  status: "True" | "False";
  reason: string;
  message: string;
  observedGeneration: number;
  lastTransitionTime: string;
}

export type Finding = Pick<Condition, "status" | "reason" | "message">;

/** Undefined: the object says all of it already. */
export function newConditions(
  object: KubeObject,
  accepted: Finding,
  programmed: Finding,
  now: string,
): readonly Condition[] | undefined {
  const before = ((object.status ?? {}) as { conditions?: Condition[] }).conditions ?? [];
  const conditions = [condition("Accepted", accepted), condition("Programmed", programmed)];
  return conditions.every((c) => before.some((b) => isSame(b, c))) ? undefined : conditions;

  function condition(type: Condition["type"], finding: Finding): Condition {
    const old = before.find((b) => b.type === type);
    const lastTransitionTime = old?.status === finding.status ? textOf(old.lastTransitionTime) : now;
    const message = finding.message.slice(0, 32_768);
    return {
      type,
      ...finding,
      message,
      observedGeneration: object.metadata?.generation ?? 0,
      lastTransitionTime,
    };
  }
}

const isSame = (a: Condition, b: Condition): boolean =>
  a.type === b.type &&
  a.status === b.status &&
  a.reason === b.reason &&
  a.message === b.message &&
  a.observedGeneration === b.observedGeneration;

const textOf = (time: unknown): string => (time instanceof Date ? time.toISOString() : String(time));
