// One piece of a file to documents with their values, places and problems. Pure, so that a worker can do it
// and its result can be kept for as long as the text stays the same.

import type { Document } from "yaml";
import { canonical } from "../../schema/canonical.ts";
import type { Kind } from "../../schema/kinds.ts";
import { formatPath } from "../../schema/path.ts";
import { identify } from "../../schema/resource.ts";
import { buildTree, type Fault } from "./build.ts";
import { blankSlashComments } from "./comments.ts";
import { complaints, compose, maxDepth } from "./compose.ts";
import { repairIndent } from "./indent.ts";
import type { ParsedPiece, ParsedResource, PlacedProblem, ResourceDocument } from "./parsed.ts";
import { explain } from "./syntax.ts";
import { Lines, type Place } from "./text.ts";
import { find, flatten, pathAt, placeOf, type Tree } from "./tree.ts";

/** Slips of indentation that are mended; in large texts few, as each costs some readings of the text. */
const maxRepairs = (text: string) => (text.length > 100_000 ? 1 : 20);
/** Complaints that a wrong indentation can cause. */
const ofIndentation = new Set([
  "BAD_INDENT",
  "BLOCK_AS_IMPLICIT_KEY",
  "MULTILINE_IMPLICIT_KEY",
  "MISSING_CHAR",
]);

export function parsePiece(source: string): ParsedPiece {
  const state = new Piece(source);
  state.repair();
  state.readDocuments();
  return state.result();
}

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
      if (first === undefined || round === maxRepairs(this.text) || !ofIndentation.has(first.code)) return;
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
      const fatal = faults.find((fault) => fault.fatal);
      if (fatal !== undefined) {
        this.add(fatal, formatPath(pathAt(tree, fatal.offset)));
        this.rejected++;
        continue;
      }
      const items = listItems(tree) ?? [];
      for (const [i, item] of items.entries()) {
        const end = items[i + 1]?.at ?? Number.POSITIVE_INFINITY;
        this.resource(
          item,
          faults.filter((f) => f.offset >= item.at && f.offset < end),
          ["items", i],
        );
      }
      if (listItems(tree) === undefined) this.resource(tree, faults, []);
    }
  }

  /** Gives the slips within a document their paths. */
  private name(tree: Tree, document: Document.Parsed): void {
    const [start, , end] = document.range;
    for (const { offset, problem } of this.slips)
      if (offset >= start && offset < end) {
        // An entry of a list begins behind its dash.
        const dash = /^(- +)*/.exec(this.text.slice(offset, offset + 100))?.[0].length ?? 0;
        problem.path = formatPath(pathAt(tree, offset + dash));
      }
  }

  /** `faults` are those of the syntax tree within this resource. */
  private resource(tree: Tree, faults: readonly Fault[], prefix: (string | number)[]): void {
    const found = identify(tree.value, (path) => {
      const node = find(tree, path);
      return node.exact ? node.tree.source : undefined;
    });
    const resource = found.kind === undefined ? undefined : nameOf(tree.value);
    const told = new Set<string>();
    let refused = false;
    const tell = (fault: Fault, path: readonly (string | number)[]) => {
      this.add(fault, formatPath([...prefix, ...path]), resource);
      if (fault.severity === "error") refused = true;
      told.add(JSON.stringify(path));
    };
    const inTree = faults.map((fault) => ({ fault, path: pathAt(tree, fault.offset) }));
    for (const { fault, path } of inTree) if (fault.severity === "error") tell(fault, path);
    // A value that could not be read is not told a second time for its type.
    const problems = found.problems.filter(({ path }) => !told.has(JSON.stringify(path)));
    for (const { severity, path, at, message } of problems) {
      const node = find(tree, path);
      tell({ severity, offset: placeOf(node.tree, node.exact ? at : "value"), message }, path);
    }
    for (const { fault, path } of inTree)
      if (fault.severity === "warning" && !told.has(JSON.stringify(path))) tell(fault, path);
    if (refused) this.rejected++;
    if (found.kind === undefined || refused) return;
    const value = tree.value as ResourceDocument;
    value.spec = canonical(found.kind.spec, found.kind.isFlat ? topFields(found.kind, value) : value.spec);
    this.resources.push({
      group: found.kind.group,
      kind: found.kind.kind,
      value,
      places: flatten(tree),
      prefix,
    });
  }
}

/** Of a kind without a spec. */
const topFields = ({ spec }: Kind, value: ResourceDocument): Record<string, unknown> =>
  Object.fromEntries(Object.entries(value).filter(([name]) => Object.hasOwn(spec.fields, name)));

/** Faults of a text that is one document: what `repairIndent` judges by. */
function faultsOf(text: string): number | undefined {
  const composed = compose(text);
  if ("tooDeep" in composed) return undefined;
  let count = 0;
  for (const document of composed) {
    if (document.errors.length > 0) return undefined;
    const faults: Fault[] = [];
    const tree = buildTree(document, faults);
    if (tree !== undefined)
      count += [...faults, ...identify(tree.value).problems].filter((p) => p.severity === "error").length;
  }
  return count;
}

/** The entries of a Kubernetes List, as `kubectl get -o yaml` prints it. */
function listItems(tree: Tree): readonly Tree[] | undefined {
  const { apiVersion, kind, items } = (tree.value ?? {}) as Record<string, unknown>;
  if (apiVersion !== "v1" || kind !== "List" || !Array.isArray(items)) return undefined;
  return find(tree, ["items"]).tree.children;
}

function nameOf(value: unknown): string {
  const { kind, metadata } = value as {
    kind: string;
    metadata?: { name?: unknown; namespace?: unknown } | null;
  };
  const namespace = typeof metadata?.namespace === "string" ? metadata.namespace : "default";
  return `${kind} ${namespace}/${typeof metadata?.name === "string" ? metadata.name : "?"}`;
}
