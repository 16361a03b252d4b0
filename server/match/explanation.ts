// What an explanation holds: plain data, as `sluice explain --json` prints it.

import type { TargetRef } from "../../schema/generated/types.ts";
import type { Tier } from "../policy/targets.ts";
import type { Condition } from "./route.ts";

export interface ExplainInput {
  method: string;
  scheme: string;
  authority: string;
  path: string;
  headers: readonly (readonly [string, string])[];
  /** The client's address. */
  sourceIp: string;
  /** The port that was connected to: that of a Gateway, else the mesh's. */
  port: number;
  /** Of random draws. */
  seed?: number;
  /** Whose proxy the request goes through; absent: one that sees everything and has no labels. */
  proxy?: { namespace: string; labels: Readonly<Record<string, string>> };
}

export interface Explanation {
  request: { method: string; url: string; headers: [string, string][] };
  listener: string;
  /** What the listener did to the request before routing. */
  notes: string[];
  virtualHost?: { name: string; domain: string };
  /** Routes that were tried before the one that matched, with the conditions that failed. */
  passedOver: PassedOver[];
  route?: RouteExplanation;
  policies: PolicyExplanation[];
  result: Result;
}

export interface PassedOver {
  route: string;
  failed: string[];
}

export interface RouteExplanation {
  name: string;
  /** `Kind namespace/name`, and where its route is written. */
  resource: string;
  file: string;
  line: number;
  conditions: Condition[];
}

export interface PolicyExplanation {
  kind: string;
  policy: string;
  file: string;
  line: number;
  tier: Tier;
  target: TargetRef | undefined;
  /** This version is at fault and the previous one is in force. */
  isPrevious: boolean;
  rules: RuleExplanation[];
  /** What the module counted as decided, such as `{rule, destination}`. */
  decisions: Record<string, string>[];
}

export interface RuleExplanation {
  name: string;
  matches: boolean;
  /** One list for each entry of `match`; empty: every request. */
  conditions: Condition[][];
  /** How a destination is chosen, such as `v2 5 %, v1 95 %, kept by header uid`. */
  choice: string;
  /** What decided this time, where it is not the rule alone: `header`, `drawn`, `key missing`. */
  by?: string;
}

export interface Result {
  outcome: "forwarded" | "redirected" | "answered" | "refused" | "not found";
  detail: string;
  status?: number;
  /** Of a redirect by the listener. */
  location?: string;
  /** Where it goes; several with their weights where Envoy draws. */
  destinations: { cluster: string; host: string; subset?: string; share: number; endpoints: string[] }[];
  /** Clusters that get a copy, and of how many requests. */
  mirrors?: { cluster: string; share: number }[];
  /** Request headers that policies changed: name, before, after. */
  changedHeaders: { name: string; before: string[]; after: string[] }[];
}
