// A line indented to a level that no line above it has opened, such as
//
//     subset: v1
//       weight: 50
//
// YAML reads on: `v1 weight` becomes one text, and the complaint comes from elsewhere. Here the line is found,
// moved to each level that is open above it, and the one that the schema likes best is taken.

import type { Fault } from "./build.ts";

export interface Repair {
  fault: Fault;
  text: string;
  /** Lines, from 1, whose columns are smaller in the repaired text, and by how much. */
  moved: ReadonlyMap<number, number>;
}

/** Number of faults of a text; undefined when it is no YAML. */
export type Judge = (text: string) => number | undefined;

interface Line {
  /** From 0. */
  index: number;
  indent: number;
  text: string;
}

/** A level of indentation that is open: its column, and the line that opened it. */
interface Level {
  column: number;
  key: string;
}

/** `offset`: where the parser complained, on the line at fault or on the text that swallowed it. */
export function repairIndent(text: string, offset: number, judge: Judge): Repair | undefined {
  const lines = text.split("\n");
  const culprit = findCulprit(lines, text.slice(0, offset).split("\n").length - 1);
  if (culprit === undefined) return undefined;
  const levels = openLevels(lines, culprit);
  let best: { level: Level; text: string; faults: number } | undefined;
  for (const level of levels) {
    if (level.column === culprit.indent) continue;
    const moved = move(lines, culprit, level.column);
    // What follows the block may have faults of its own: judge the document up to the end of the block.
    const faults = judge(
      moved.slice(documentStart(lines, culprit.index), blockEnd(lines, culprit)).join("\n"),
    );
    if (faults !== undefined && (best === undefined || faults < best.faults))
      best = { level, text: moved.join("\n"), faults };
  }
  if (best === undefined) return undefined;
  const start = lines.slice(0, culprit.index).reduce((sum, line) => sum + line.length + 1, 0);
  const moved = new Map<number, number>();
  for (let i = culprit.index; i < blockEnd(lines, culprit); i++)
    moved.set(i + 1, culprit.indent - best.level.column);
  const message = describe(lines, culprit, best.level);
  return { fault: { severity: "error", offset: start + culprit.indent, message }, text: best.text, moved };
}

/** The first `key:` or `- ` line from the complaint on that stands at no open level. */
function findCulprit(lines: readonly string[], from: number): Line | undefined {
  for (let index = from; index < Math.min(lines.length, from + 3); index++) {
    const line = parseLine(lines[index] ?? "", index);
    if (line === undefined || !/^(- |-$|("[^"]*"|[^\s"'[{#][^:#]*):(\s|$))/.test(line.text)) continue;
    if (opensLevel(lines, line)) continue;
    const open = openLevels(lines, line);
    if (open.length > 0 && !open.some((level) => level.column === line.indent)) return line;
    if (index > from && deeperThanScalar(lines, line)) return line;
  }
  return undefined;
}

/** The line above is `key:` or `-`, so this one may stand at any deeper level. */
function opensLevel(lines: readonly string[], line: Line): boolean {
  const above = lineAbove(lines, line.index);
  return (
    above !== undefined && line.indent > keyColumn(above) && /(:|^-)( +[&!]\S+)*( +#.*)?$/.test(above.text)
  );
}

/** The line above is `key: value`, so nothing may stand deeper than its key. */
function deeperThanScalar(lines: readonly string[], line: Line): boolean {
  const above = lineAbove(lines, line.index);
  return above !== undefined && line.indent > keyColumn(above) && /:\s+[^\s#]/.test(above.text);
}

function parseLine(text: string, index: number): Line | undefined {
  const content = text.trimStart();
  if (content === "" || content.startsWith("#")) return undefined;
  return { index, indent: text.length - content.length, text: content.trimEnd() };
}

function lineAbove(lines: readonly string[], index: number): Line | undefined {
  for (let i = index - 1; i >= 0; i--) {
    const line = parseLine(lines[i] ?? "", i);
    if (line !== undefined) return /^---(\s|$)/.test(lines[i] ?? "") ? undefined : line;
  }
  return undefined;
}

/** Column of the key of `- - key: value`. */
const keyColumn = (line: Line) => line.indent + (/^(- +)+/.exec(line.text)?.[0].length ?? 0);

/** Columns at which lines above stand and further ones may follow, innermost first. */
function openLevels(lines: readonly string[], from: Line): Level[] {
  const levels: Level[] = [];
  let limit = Number.POSITIVE_INFINITY;
  let belowIsEntry = false;
  for (
    let line = lineAbove(lines, from.index);
    line !== undefined && limit > 0;
    line = lineAbove(lines, line.index)
  ) {
    for (const column of columns(line).reverse()) {
      const text = line.text.slice(column - line.indent);
      const isEntry = text.startsWith("-");
      // A list may stand at the column of the key that holds it.
      if (column > limit || (column === limit && !(belowIsEntry && !isEntry))) continue;
      // Entries of a list and keys of a mapping do not mix at one level.
      if (isEntry === from.text.startsWith("-"))
        levels.push({ column, key: isEntry ? "-" : text.replace(/:.*$/s, "") });
      limit = column;
      belowIsEntry = isEntry;
    }
  }
  return levels;
}

/** Where the dashes and the key of a line stand. */
function columns(line: Line): number[] {
  const found = [line.indent];
  for (let rest = line.text, at = line.indent; /^- +\S/.test(rest);) {
    const step = /^- +/.exec(rest)?.[0].length ?? 0;
    rest = rest.slice(step);
    at += step;
    found.push(at);
  }
  return found;
}

/** Index of the first line after the culprit's block: those as deep as it and following it. */
function blockEnd(lines: readonly string[], culprit: Line): number {
  let end = culprit.index + 1;
  while (end < lines.length) {
    const line = parseLine(lines[end] ?? "", end);
    if (line !== undefined && line.indent < culprit.indent) break;
    end++;
  }
  return end;
}

function documentStart(lines: readonly string[], index: number): number {
  for (let i = index; i > 0; i--) if (/^---(\s|$)/.test(lines[i] ?? "")) return i;
  return 0;
}

/** Spaces taken from the front are put at the end: offsets of all other lines stay. */
function move(lines: readonly string[], culprit: Line, column: number): string[] {
  const by = culprit.indent - column;
  const end = blockEnd(lines, culprit);
  return lines.map((line, i) => {
    if (i < culprit.index || i >= end || line.trim() === "") return line;
    return by > 0 ? line.slice(by) + " ".repeat(by) : " ".repeat(-by) + line;
  });
}

function describe(lines: readonly string[], culprit: Line, level: Level): string {
  const name = culprit.text.startsWith("-") ? "this entry" : `\`${culprit.text.replace(/:.*$/s, "")}\``;
  const above = lineAbove(lines, culprit.index);
  const spaces = (count: number) => `${count} space${count === 1 ? "" : "s"}`;
  const remedy = `indent it by ${spaces(level.column)}, not ${culprit.indent}`;
  const beside = level.key === "-" ? "with the other entries of the list" : `beside \`${level.key}\``;
  if (above !== undefined && deeperThanScalar(lines, culprit)) {
    const what = above.text.replace(/^(- +)+/, "");
    const shown = what.length > 60 ? `${what.slice(0, 57)}...` : what;
    return `${name} is indented deeper than \`${shown}\` above it, which can hold no fields; it belongs ${beside}: ${remedy}`;
  }
  return `${name} is indented as no line above it; it belongs ${beside}: ${remedy}`;
}
