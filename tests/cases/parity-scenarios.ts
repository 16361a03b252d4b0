// What the probe module is told to do in host-parity.test.ts. A line is `PHASE CALL ARGUMENT...`, written with
// spaces here and given with tabs; `~` stands for a space inside an argument, `0` bytes are written `\0`.

import type { Pair } from "../../host/index.ts";

export interface Scenario {
  name: string;
  script: string;
  method?: string;
  path?: string;
  headers?: readonly Pair[];
  body?: string;
  answer?: { status?: number; headers?: readonly Pair[]; body?: string };
  rootId?: string;
  /** The module traps: nothing is logged after that. */
  dies?: true;
  capabilities?: readonly string[];
}

export const script = (...lines: string[]) =>
  lines.map((line) => line.replaceAll(" ", "\t").replaceAll("~", " ")).join("\n");
