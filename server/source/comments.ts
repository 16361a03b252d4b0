// `//` where a comment was meant. To YAML it is a text that goes on over the following lines, so the parser's
// own complaints come lines later and in numbers. It is found among the tokens: a plain text that begins
// with `//` and goes on, or follows a finished value, or a line of its own that begins so.

import { Lexer } from "yaml";
import type { Fault } from "./build.ts";

const maxRounds = 20;
const maxTold = 100;

/** The text with such comments blanked, so that every other offset stays; each is an error. */
export function blankSlashComments(text: string, faults: Fault[]): string {
  let repaired = text;
  // Blanking changes what the lines below are to YAML, so look again until nothing is found.
  for (let round = 0; round < maxRounds; round++) {
    const found = find(repaired);
    if (found.length === 0) break;
    const kept: string[] = [];
    let done = 0;
    for (const offset of found) {
      const end = lineEnd(repaired, offset);
      if (faults.length < maxTold) faults.push(fault(offset, repaired.slice(offset + 2, end).trim()));
      kept.push(repaired.slice(done, offset), " ".repeat(end - offset));
      done = end;
    }
    repaired = kept.join("") + repaired.slice(done);
  }
  return repaired;
}

function fault(offset: number, comment: string): Fault {
  const shown = comment.length > 40 ? `${comment.slice(0, 37)}...` : comment;
  const message = `\`//\` does not begin a comment; YAML comments begin with #: write \`${`# ${shown}`.trim()}\``;
  return { severity: "error", offset, message };
}

function find(text: string): number[] {
  if (!text.includes("//")) return [];
  const found: number[] = [];
  let offset = 0;
  // \u001f announces a scalar, whose text is the next token; marks have no length in the text.
  let plain = false;
  let block = false;
  for (const token of new Lexer().lex(text)) {
    if (token === "\u001f" || token === "\u0002" || token === "\u0018") {
      plain = token === "\u001f";
      continue;
    }
    if (plain && !block) for (const at of inPlain(text, token, offset)) found.push(at);
    // The text of a block scalar, announced by | or >, is marked in the same way.
    if (plain) block = false;
    else if (token.startsWith("|") || token.startsWith(">")) block = true;
    plain = false;
    offset += token.length;
  }
  return found;
}

function inPlain(text: string, scalar: string, offset: number): number[] {
  const before = text.slice(text.lastIndexOf("\n", offset - 1) + 1, offset).trim();
  const afterValue = /["'\]}]$/.test(before);
  const found = [...scalar.matchAll(/\n[ \t]*(?=\/\/)/g)].map((line) => offset + line.index + line[0].length);
  const first = scalar.startsWith("//") && (before === "" || afterValue || scalar.includes("\n"));
  return first ? [offset, ...found] : found;
}

function lineEnd(text: string, offset: number): number {
  const end = text.indexOf("\n", offset);
  return end < 0 ? text.length : end;
}
