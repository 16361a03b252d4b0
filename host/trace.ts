// What a module has decided, and why: the ring that assembly/trace.ts draws, read into plain records. Modules without
// an export sluice_trace have none.

interface Asked {
  /** The stream's context id. */
  stream: number;
  /** Places in the configuration: `policies[policy]`, and its rule, limit or fault. */
  policy: number;
  rule: number;
  /** In a module of several parts: whose configuration these places are in. */
  part?: TracePart;
}

/**
 * All rules of the policies on a route come first: each condition of each (`condition` counts within the entry
 * `match[entry]`, in the order method, scheme, authority, uri, headers, withoutHeaders, queryParams, cookies,
 * sourceIp), then whether the rule is met. The decisions follow.
 */
export type TraceRecord = Asked &
  (
    | { kind: "condition"; entry: number; condition: number; holds: boolean }
    | { kind: "rule"; met: boolean }
    /** `destination` is undefined where the rule has none. */
    | { kind: "choice"; destination: number | undefined; by: ChoiceReason }
    | { kind: "limit"; decision: LimitDecision; by: LimitReason }
    /** `rule` counts for nothing where the caller asked for it. */
    | { kind: "fault"; type: FaultType; by: FaultReason }
  );

const choiceReasons = ["none", "only", "drawn", "header", "cookie", "new cookie", "source address"] as const;
const limitDecisions = ["allowed", "limited", "shadow_limited"] as const;
const limitReasons = ["bucket", "key missing", "cost above burst"] as const;
const faultTypes = ["delay", "abort", "throttle"] as const;
const faultReasons = ["fault", "caller"] as const;
const parts = ["rateLimit", "headerRouting", "fault"] as const;
export type TracePart = (typeof parts)[number];
export type ChoiceReason = (typeof choiceReasons)[number];
export type LimitDecision = (typeof limitDecisions)[number];
export type LimitReason = (typeof limitReasons)[number];
export type FaultType = (typeof faultTypes)[number];
export type FaultReason = (typeof faultReasons)[number];

const headerSize = 8;
const recordSize = 32;
const none = 0xffffffff;

/** Reads a ring from its address on. */
export class TraceReader {
  readonly #at: number;
  #seen = 0;

  constructor(at: number) {
    this.#at = at;
  }

  /** What was recorded since the last call, oldest first; no more than the ring holds. */
  read(memory: Buffer): TraceRecord[] {
    const capacity = memory.readUInt32LE(this.#at);
    const written = memory.readUInt32LE(this.#at + 4);
    const records: TraceRecord[] = [];
    for (let i = Math.max(this.#seen, written - capacity); i < written; i++)
      records.push(readRecord(memory, this.#at + headerSize + (i % capacity) * recordSize));
    this.#seen = written;
    return records;
  }
}

function readRecord(memory: Buffer, at: number): TraceRecord {
  const word = (i: number): number => memory.readUInt32LE(at + 4 * i);
  const part = word(1) >>> 16;
  const asked = {
    stream: word(0),
    policy: word(2),
    rule: word(3),
    ...(part === 0 ? {} : { part: named(parts, part - 1) }),
  };
  const outcome = word(6);
  const reason = word(7);
  switch (word(1) & 0xffff) {
    case 1:
      return { ...asked, kind: "condition", entry: word(4), condition: word(5), holds: outcome === 1 };
    case 2:
      return { ...asked, kind: "rule", met: outcome === 1 };
    case 3: {
      const destination = outcome === none ? undefined : outcome;
      return { ...asked, kind: "choice", destination, by: named(choiceReasons, reason) };
    }
    case 4:
      return {
        ...asked,
        kind: "limit",
        decision: named(limitDecisions, outcome),
        by: named(limitReasons, reason),
      };
    case 5:
      return { ...asked, kind: "fault", type: named(faultTypes, outcome), by: named(faultReasons, reason) };
    default:
      throw new Error(`a trace record of kind ${word(1) & 0xffff}: the module is of another version`);
  }
}

function named<T>(names: readonly T[], index: number): T {
  const name = names[index];
  if (name === undefined)
    throw new Error(`a trace record has the number ${index} where there are ${names.length}`);
  return name;
}
