// One piece of a file to documents with their values, places and problems. Pure, so that a worker can do it
// and its result can be kept for as long as the text stays the same.

import { type CST, Composer, type Document, Parser } from "yaml";
import { canonical } from "../../schema/canonical.ts";
import { formatPath } from "../../schema/path.ts";
import { identify } from "../../schema/resource.ts";
import { buildTree, type Fault } from "./build.ts";
import { blankSlashComments } from "./comments.ts";
import { repairIndent } from "./indent.ts";
import { explain } from "./syntax.ts";
import { Lines, type Place } from "./text.ts";
import { find, flatten, pathAt, placeOf, type Tree } from "./tree.ts";

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

const maxDepth = 100;
const maxRepairs = 20;

export function parsePiece(source: string): ParsedPiece {
  const state = new Piece(source);
  state.repair();
  state.readDocuments();
  return state.result();
}

/** Documents of a text, or the place at which it is nested too deep. */
function compose(text: string): Document.Parsed[] | { tooDeep: number } {
  const tokens = [...new Parser().parse(text)];
  const tooDeep = deepest(tokens);
  if (tooDeep !== undefined) return { tooDeep };
  const composer = new Composer({ version: "1.2", schema: "core", uniqueKeys: false, stringKeys: false });
  return [...composer.compose(tokens, true, text.length)] as Document.Parsed[];
}

/** Walks the tokens without recursion: the builder that comes next does recurse. */
function deepest(tokens: readonly CST.Token[]): number | undefined {
  const queue: { token: CST.Token | null | undefined; depth: number }[] = tokens.map((token) => ({
    token,
    depth: 0,
  }));
  for (let next = queue.pop(); next !== undefined; next = queue.pop()) {
    const { token, depth } = next;
    if (token === null || token === undefined) continue;
    if (depth > maxDepth) return token.offset;
    if (token.type === "document") queue.push({ token: token.value, depth });
    if (!("items" in token)) continue;
    for (const item of token.items)
      queue.push({ token: item.key, depth: depth + 1 }, { token: item.value, depth: depth + 1 });
  }
  return undefined;
}

/** Complaints of a document in the order of the text; a tag that is not known counts as one. */
const complaints = (document: Document.Parsed) =>
  [...document.errors, ...document.warnings].sort((a, b) => a.pos[0] - b.pos[0]);

class Piece {
  private text: string;
  private readonly moved = new Map<number, number>();
  private readonly problems: PlacedProblem[] = [];
  private readonly resources: ParsedResource[] = [];
  private rejected = 0;
  private documents: Document.Parsed[] = [];
  /** Places of slips that were repaired, whose paths are known once the document is read. */
  private readonly slips: { offset: number; problem: PlacedProblem }[] = [];

  constructor(source: string) {
    this.text = source;
  }

  result(): ParsedPiece {
    const problems = this.problems.sort((a, b) => a.line - b.line || a.column - b.column);
    return {
      resources: this.resources,
      problems,
      rejected: this.rejected,
      text: this.text,
      moved: this.moved,
    };
  }

  private lines = new Lines("");

  private place(offset: number): Place {
    const { line, column } = this.lines.at(offset);
    return { line, column: column + (this.moved.get(line) ?? 0) };
  }

  private add(fault: Fault, path: string, resource?: string): PlacedProblem {
    const { severity, message, offset, other } = fault;
    const problem: PlacedProblem = { ...this.place(offset), severity, path, message };
    if (other !== undefined) problem.otherLine = this.place(other).line;
    if (resource !== undefined) problem.resource = resource;
    this.problems.push(problem);
    return problem;
  }

  /** Mends slips whose meaning is beyond doubt, so that what stands behind them is examined too. */
  repair(): void {
    const slips: Fault[] = [];
    this.lines = new Lines(this.text);
    this.text = blankSlashComments(this.text, slips);
    for (const slip of slips) this.slips.push({ offset: slip.offset, problem: this.add(slip, "") });
    for (let round = 0; ; round++) {
      const composed = compose(this.text);
      if ("tooDeep" in composed) {
        this.add(
          {
            severity: "error",
            offset: composed.tooDeep,
            message: `nested deeper than ${maxDepth} levels, the most allowed`,
          },
          "",
        );
        this.rejected++;
        return;
      }
      this.documents = composed;
      const first = composed.flatMap(complaints)[0];
      if (first === undefined || round === maxRepairs) return;
      const repaired = repairIndent(this.text, first.pos[0], faultsOf);
      if (repaired === undefined) return;
      const problem = this.add(repaired.fault, "");
      this.text = repaired.text;
      this.lines = new Lines(this.text);
      for (const [line, by] of repaired.moved) this.moved.set(line, (this.moved.get(line) ?? 0) + by);
      const offset =
        this.lines.start(problem.line) + problem.column - 1 - (this.moved.get(problem.line) ?? 0);
      this.slips.push({ offset, problem });
    }
  }

  readDocuments(): void {
    for (const document of this.documents) {
      const first = complaints(document)[0];
      if (first !== undefined) {
        this.add(explain(first, this.text), "");
        this.rejected++;
        continue;
      }
      const faults: Fault[] = [];
      const tree = buildTree(document, faults);
      if (tree === undefined) continue;
      this.name(tree, document);
      const list = listItems(tree);
      if (list !== undefined)
        for (const [i, item] of list.entries()) this.resource(item, faults, ["items", i]);
      else this.resource(tree, faults, []);
      for (const fault of faults) this.add(fault, formatPath(pathAt(tree, fault.offset)));
    }
  }

  /** Gives the slips within a document their paths. */
  private name(tree: Tree, document: Document.Parsed): void {
    const [start, , end] = document.range;
    for (const { offset, problem } of this.slips)
      if (offset >= start && offset < end) problem.path = formatPath(pathAt(tree, offset));
  }

  /** Faults that lie in the resource are taken out of `faults` and told with its name. */
  private resource(tree: Tree, faults: Fault[], prefix: (string | number)[]): void {
    const found = identify(tree.value, (path) => {
      const node = find(tree, path);
      return node.exact ? node.tree.source : undefined;
    });
    const resource = found.kind === undefined ? undefined : nameOf(tree.value);
    const errors = new Set<number>();
    let refused = false;
    const tell = (fault: Fault, path: readonly (string | number)[]) => {
      this.add(fault, formatPath([...prefix, ...path]), resource);
      if (fault.severity === "error") refused = true;
    };
    for (const { severity, path, at, message } of found.problems) {
      const node = find(tree, path);
      const offset = placeOf(node.tree, node.exact ? at : "value");
      errors.add(node.tree.at).add(offset);
      tell({ severity, offset, message }, path);
    }
    for (const fault of faults.splice(0).filter((f) => !(f.severity === "warning" && errors.has(f.offset)))) {
      if (prefix.length > 0 && !within(tree, fault.offset, this.text.length)) faults.push(fault);
      else tell(fault, pathAt(tree, fault.offset));
    }
    if (found.kind === undefined) return;
    if (refused) {
      this.rejected++;
      return;
    }
    const value = tree.value as ResourceDocument;
    value.spec = canonical(found.kind.spec, value.spec);
    this.resources.push({
      group: found.kind.group,
      kind: found.kind.kind,
      value,
      places: flatten(tree),
      prefix,
    });
  }
}

/** Faults of a text that is one document: what `repairIndent` judges by. */
function faultsOf(text: string): number | undefined {
  const composed = compose(text);
  if ("tooDeep" in composed) return undefined;
  let count = 0;
  for (const document of composed) {
    if (document.errors.length > 0) return undefined;
    const faults: Fault[] = [];
    const tree = buildTree(document, faults);
    if (tree !== undefined) count += faults.length + identify(tree.value).problems.length;
  }
  return count;
}

/** The entries of a Kubernetes List, as `kubectl get -o yaml` prints it. */
function listItems(tree: Tree): readonly Tree[] | undefined {
  const { apiVersion, kind, items } = (tree.value ?? {}) as Record<string, unknown>;
  if (apiVersion !== "v1" || kind !== "List" || !Array.isArray(items)) return undefined;
  return find(tree, ["items"]).tree.children;
}

/** Whether an offset lies in a list's entry: after its start and before the next entry's. */
function within(tree: Tree, offset: number, end: number): boolean {
  const last = (node: Tree): number => Math.max(node.at, node.key, ...node.children.slice(-1).map(last));
  return offset >= tree.at && offset <= Math.min(last(tree), end);
}

function nameOf(value: unknown): string {
  const { kind, metadata } = value as {
    kind: string;
    metadata?: { name?: unknown; namespace?: unknown } | null;
  };
  const namespace = typeof metadata?.namespace === "string" ? metadata.namespace : "default";
  return `${kind} ${namespace}/${typeof metadata?.name === "string" ? metadata.name : "?"}`;
}
