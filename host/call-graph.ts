// Which functions of a module an export can reach, and what they may do: the proof that no request can make
// memory grow or trap. An indirect call is taken to reach every function of the table.

import type { CompiledModule } from "./module.ts";

/** What a proof looks for. */
export type Instruction = "memory.grow" | "unreachable";

interface Body {
  calls: ReadonlySet<string>;
  indirect: boolean;
  instructions: ReadonlySet<string>;
}

export interface CallGraph {
  /** The shortest way from an export to such an instruction, as function names; undefined when there is none. */
  wayTo(exportName: string, instruction: Instruction): readonly string[] | undefined;
  /** Imports that an export can reach, as "env.proxy_log". */
  imports(exportName: string): readonly string[];
}

export async function callGraph(module: CompiledModule): Promise<CallGraph> {
  const { default: binaryen } = await import("binaryen");
  const read = binaryen.readBinary(module.bytes);
  try {
    return graphOf(read.emitText());
  } finally {
    read.dispose();
  }
}

/** Reads the text format as Binaryen prints it: every item of the module starts a line with one blank. */
function graphOf(text: string): CallGraph {
  const bodies = new Map<string, Body>();
  const exports = new Map<string, string>();
  const imports = new Map<string, string>();
  const table = new Set<string>();
  for (const item of text.split(/\n (?=\()/)) {
    const [, name = ""] = /^\((?:func|export|import|elem) (\S+)/.exec(item) ?? [];
    if (item.startsWith("(func ")) bodies.set(name, bodyOf(item));
    const exported = /^\(export "([^"]*)" \(func (\S+?)\)\)/.exec(item);
    if (exported !== null) exports.set(exported[1] ?? "", exported[2] ?? "");
    const imported = /^\(import "([^"]*)" "([^"]*)" \(func (\S+)/.exec(item);
    if (imported !== null) imports.set(imported[3] ?? "", `${imported[1]}.${imported[2]}`);
    if (item.startsWith("(elem ")) for (const found of item.matchAll(/\$\S+?(?=[\s)])/g)) table.add(found[0]);
  }
  return {
    wayTo: (exportName, instruction) =>
      walk(
        bodies,
        table,
        start(exports, exportName),
        (name) => bodies.get(name)?.instructions.has(instruction) ?? false,
      ),
    imports: (exportName) => {
      const found = new Set<string>();
      walk(bodies, table, start(exports, exportName), (name) => {
        const one = imports.get(name);
        if (one !== undefined) found.add(one);
        return false;
      });
      return [...found].sort();
    },
  };
}

function start(exports: ReadonlyMap<string, string>, exportName: string): string {
  const name = exports.get(exportName);
  if (name === undefined) throw new Error(`the module exports no function ${exportName}`);
  return name;
}

function bodyOf(item: string): Body {
  return {
    calls: new Set([...item.matchAll(/\((?:return_)?call (\S+?)(?=[\s)])/g)].map((found) => found[1] ?? "")),
    indirect: /\((?:return_)?call_(?:indirect|ref)\b/.test(item),
    instructions: new Set(
      [...item.matchAll(/\((memory\.grow|unreachable)\b/g)].map((found) => found[1] ?? ""),
    ),
  };
}

/** Breadth first, so that the way found is a shortest one. */
function walk(
  bodies: ReadonlyMap<string, Body>,
  table: ReadonlySet<string>,
  from: string,
  found: (name: string) => boolean,
): readonly string[] | undefined {
  const before = new Map<string, string | undefined>([[from, undefined]]);
  for (const name of before.keys()) {
    if (found(name)) return wayBack(before, name);
    const body = bodies.get(name);
    for (const next of [...(body?.calls ?? []), ...(body?.indirect ? table : [])]) {
      if (!before.has(next)) before.set(next, name);
    }
  }
  return undefined;
}

function wayBack(before: ReadonlyMap<string, string | undefined>, end: string): string[] {
  const way: string[] = [];
  for (let name: string | undefined = end; name !== undefined; name = before.get(name)) way.unshift(name);
  return way;
}
