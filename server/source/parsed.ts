// What parsing gives: records that a worker can send to the main thread.

import type { Place } from "./text.ts";

/** A problem with its place in the piece. */
export interface PlacedProblem extends Place {
  severity: "error" | "warning";
  path: string;
  message: string;
  /** The line that stands for `{line}` in the message. */
  otherLine?: number;
  /** `Kind namespace/name`, when known. */
  resource?: string;
}

/** The value of a document that has passed its schema. */
export interface ResourceDocument {
  apiVersion: string;
  metadata: {
    name: string;
    namespace?: string;
    labels?: Record<string, string>;
    annotations?: Record<string, string>;
    creationTimestamp?: string | null;
  };
  spec: unknown;
}

/** A resource that has passed its schema. */
export interface ParsedResource {
  group: string;
  kind: string;
  value: ResourceDocument;
  places: Int32Array;
  /** In front of the paths of a resource that stands in a List. */
  prefix: (string | number)[];
}

export interface ParsedPiece {
  resources: ParsedResource[];
  problems: PlacedProblem[];
  /** Documents with a kind of ours that did not pass, or could not be read at all. */
  rejected: number;
  /** Text that the places refer to: the piece with its slips repaired. */
  text: string;
  /** By line: how many columns a repair has taken from it. */
  moved: ReadonlyMap<number, number>;
}
