// What a module has told of its decisions (host/trace.ts), by the names of policies and the places of their rules.

import type { TraceRecord } from "../../host/index.ts";
import type { RequestMatch } from "../../schema/generated/types.ts";
import { conditionTexts } from "./conditions.ts";
import type { Condition } from "./route.ts";

export interface ToldRule {
  met: boolean;
  /** One list for each entry of the rule's match. */
  conditions: Condition[][];
  /** What made the decision, where that is not the rule alone: such as `header`, `drawn`, `key missing`. */
  by: string | undefined;
}

/** Reasons that say no more than the rule itself. */
const plainReasons = new Set(["none", "only", "bucket", "fault"]);

export class Told {
  /** Names of policies, at their places in the configuration. */
  readonly #names: readonly string[];
  readonly #records: readonly TraceRecord[];

  constructor(configuration: string, records: readonly TraceRecord[]) {
    const { policies } = JSON.parse(configuration) as { policies: readonly { name: string }[] };
    // `ns/name@tier` is an entry of `ns/name`.
    this.#names = policies.map(({ name }) => name.replace(/@.*$/, ""));
    this.#records = records;
  }

  /** Of the rule, limit or fault at a place of a policy; undefined: the module was not asked for it. */
  rule(policy: string, index: number, match: readonly RequestMatch[] | undefined): ToldRule | undefined {
    const records = this.#records.filter((r) => this.#names[r.policy] === policy && r.rule === index);
    const rule = records.find((r) => r.kind === "rule");
    if (rule === undefined) return undefined;
    const conditions = (match ?? []).map((entry) =>
      conditionTexts(entry).map((text) => ({ text, holds: true })),
    );
    let by: string | undefined;
    for (const record of records) {
      if (record.kind === "condition") {
        const condition = conditions[record.entry]?.[record.condition];
        if (condition !== undefined) condition.holds = record.holds;
      } else if (record.kind !== "rule" && !plainReasons.has(record.by)) by = record.by;
    }
    return { met: rule.met, conditions, by };
  }
}
