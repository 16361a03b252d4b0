// From the parser's syntax tree to values with places. What YAML allows and we do not is found here:
// duplicate keys, keys that are no texts, aliases without end.

import {
  type Alias,
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  type ParsedNode,
  Scalar,
  type YAMLMap,
  type YAMLSeq,
} from "yaml";
import { closest } from "../../schema/suggest.ts";
import { readDifferently } from "./plain-scalars.ts";
import type { Tree } from "./tree.ts";

/** A problem at an offset of the text. */
export interface Fault {
  severity: "error" | "warning";
  offset: number;
  message: string;
  /** Offset of another place, whose line stands for `{line}` in the message. */
  other?: number;
  /** Nothing else that could be said of the document would be of use. */
  fatal?: true;
}

/** Faults beyond these are only counted: each is one line for a reader. */
const maxFaults = 100;

/** Values that aliases may stand for in one document, all together. */
const maxAliased = 10_000;

export function buildTree(document: Document.Parsed, faults: Fault[]): Tree | undefined {
  const { contents } = document;
  // Nothing but comments, such as behind a last `---`.
  if (contents === null || (isScalar(contents) && contents.value === null && contents.source === ""))
    return undefined;
  const build = new Build(faults);
  const tree = build.node(contents, -1);
  build.tellRest();
  return tree;
}

class Build {
  private readonly faults: Fault[];
  private readonly anchors = new Map<string, Tree | "open">();
  private aliased = 0;
  private rest: Fault | undefined;
  private restCount = 0;

  constructor(faults: Fault[]) {
    this.faults = faults;
  }

  private add(fault: Fault): void {
    if (this.faults.length < maxFaults || fault.fatal) this.faults.push(fault);
    else {
      if (this.rest === undefined || fault.severity === "error") this.rest = fault;
      this.restCount++;
    }
  }

  private error(offset: number, message: string): void {
    this.add({ severity: "error", offset, message });
  }

  private fatal(offset: number, message: string): void {
    this.add({ severity: "error", offset, message, fatal: true });
  }

  /** One fault in place of all that were only counted. */
  tellRest(): void {
    if (this.rest === undefined) return;
    const { severity, offset } = this.rest;
    this.faults.push({ severity, offset, message: `and ${this.restCount} more problems` });
  }

  node(node: ParsedNode | null, key: number, end = 0): Tree {
    if (node === null) return leaf(null, key, end);
    if (isAlias(node)) return { ...this.alias(node, node.range[0]), key };
    const anchor = node.anchor;
    if (anchor !== undefined) this.anchors.set(anchor, "open");
    const tree = isMap(node)
      ? this.map(node, key)
      : isSeq(node)
        ? this.list(node, key)
        : this.scalar(node, key);
    if (anchor !== undefined) this.anchors.set(anchor, tree);
    return tree;
  }

  private scalar(node: Scalar.Parsed, key: number): Tree {
    const tree = leaf(node.value, key, node.range[0]);
    if (node.type !== Scalar.PLAIN || node.tag !== undefined) return tree;
    const source = node.source;
    this.plain(source, node.range[0]);
    return typeof node.value === "string" ? tree : { ...tree, source };
  }

  private plain(source: string, offset: number): void {
    const different = readDifferently(source);
    if (different !== undefined) this.add({ severity: "warning", offset, message: different });
    const comment = /[ \t]\/\/[ \t]/.exec(source);
    if (comment !== null) {
      const message =
        "`//` is part of this text; a YAML comment begins with #. Put the text in quotes if it is meant";
      this.add({ severity: "warning", offset: offset + comment.index + 1, message });
    }
  }

  private list(node: YAMLSeq.Parsed, key: number): Tree {
    const children = node.items.map((item) => this.node(item, -1));
    return {
      value: children.map((child) => child.value),
      key,
      at: node.range[0],
      size: total(children),
      children,
    };
  }

  private map(node: YAMLMap.Parsed, key: number): Tree {
    const entries = new Map<string, Tree>();
    for (const pair of node.items) {
      const name = this.key(pair.key, pair.value?.range[0] ?? node.range[0]);
      if (name === undefined || pair.key === null) continue;
      const [start, end] = pair.key.range;
      const first = entries.get(name);
      // Merge keys are refused as a whole, whatever they name.
      const value = name === "<<" ? leaf(null, start, end) : this.node(pair.value, start, end);
      if (first === undefined) entries.set(name, value);
      else {
        const message = `duplicate key; \`${name}\` stands already on line {line}; remove one of them`;
        this.add({ severity: "error", offset: start, message, other: first.key });
      }
    }
    const value: Record<string, unknown> = {};
    for (const [name, child] of entries)
      Object.defineProperty(value, name, {
        value: child.value,
        enumerable: true,
        writable: true,
        configurable: true,
      });
    const children = Object.keys(value).flatMap((name) => entries.get(name) ?? []);
    return { value, key, at: node.range[0], size: total(children), children };
  }

  private key(key: ParsedNode | null, colon: number): string | undefined {
    if (isScalar(key) && key.value !== null) {
      if (key.type !== Scalar.PLAIN) return String(key.value);
      this.plain(key.source, key.range[0]);
      return key.source;
    }
    const offset = key === null || isScalar(key) ? colon : key.range[0];
    if (isMap(key))
      this.error(offset, "a key must be a text; what `{{` begins must be rendered before it is read here");
    else if (isSeq(key)) this.error(offset, "a key must be a text, not a list");
    else if (isAlias(key)) this.error(offset, starMessage(key.source));
    else this.error(offset, "a key is missing before the colon");
    return undefined;
  }

  private alias(node: Alias, offset: number): Tree {
    const target = this.anchors.get(node.source);
    if (target === "open")
      this.fatal(offset, `*${node.source} stands within what it names and would never end`);
    else if (target === undefined) this.error(offset, this.unknownAlias(node.source));
    else if (this.aliased + target.size > maxAliased) {
      // One message, however many aliases follow.
      if (this.aliased <= maxAliased)
        this.fatal(offset, `aliases stand for more than ${maxAliased} values here; write the values out`);
      this.aliased = maxAliased + 1;
    } else {
      this.aliased += target.size;
      return target;
    }
    return leaf(null, -1, offset);
  }

  private unknownAlias(name: string): string {
    const near = closest(name, [...this.anchors.keys()]);
    return near === undefined ? starMessage(name) : `no &${name} stands above; did you mean *${near.word}?`;
  }
}

/** `*.example.com` without quotes is an alias to YAML. */
export const starMessage = (name: string) => `a text that begins with * must be quoted: write "*${name}"`;

const leaf = (value: unknown, key: number, at: number): Tree => ({ value, key, at, size: 1, children: [] });

const total = (children: readonly Tree[]) => children.reduce((sum, child) => sum + child.size, 1);
