// What the YAML parser complains of, said so that one knows what to write. Only the first complaint of a
// document is told: those after it follow from it.

import { Lexer, type YAMLError } from "yaml";
import { type Fault, starMessage } from "./build.ts";

export function explain(error: YAMLError, text: string): Fault {
  const offset = error.pos[0];
  const told = byCode(error, text, offset) ?? { offset, message: plain(error) };
  return { severity: "error", ...told };
}

type Told = { offset: number; message: string } | undefined;

/** The parser's own words, without the place and the excerpt that it appends. */
function plain(error: YAMLError): string {
  const words = (error.message.split("\n")[0] ?? "").replace(/ at line \d+, column \d+:?$/, "");
  return `not valid YAML: ${words.charAt(0).toLowerCase()}${words.slice(1)}`;
}

function byCode(error: YAMLError, text: string, offset: number): Told {
  const rest = lineFrom(text, offset);
  switch (error.code) {
    case "TAB_AS_INDENT":
      return {
        offset,
        message: "a tab indents this line; YAML allows only spaces: replace each tab by two spaces",
      };
    case "BAD_ALIAS":
      return { offset, message: starMessage(/^\*([^\s,\]}]*)/.exec(rest)?.[1] ?? "") };
    case "TAG_RESOLVE_FAILED":
      return { offset, message: `the tag ${/^\S+/.exec(rest)?.[0]} is not known; remove it` };
    case "BAD_SCALAR_START":
      return {
        offset,
        message: `a text that begins with ${rest.charAt(0)} must be quoted: write ${quote(rest)}`,
      };
    case "BAD_DQ_ESCAPE":
      return {
        offset,
        message: `${rest.slice(0, 2)} is no escape; write \\${rest.slice(0, 2)}, or use 'single quotes', which know no escapes`,
      };
    case "MISSING_CHAR":
    case "BAD_INDENT":
      return unclosed(text, offset) ?? keyWithoutColon(text, error, offset);
    case "MULTILINE_IMPLICIT_KEY":
    case "BLOCK_AS_IMPLICIT_KEY":
      return nestedColon(rest, offset) ?? keyWithoutColon(text, error, offset);
    case "UNEXPECTED_TOKEN":
      return unexpected(error, text, offset);
    default:
      return undefined;
  }
}

function unexpected(error: YAMLError, text: string, offset: number): Told {
  const rest = lineFrom(text, offset);
  if (error.message.includes("block-seq-ind"))
    return {
      offset,
      message: "a list cannot begin beside its key; begin `- ` on a line of its own, or write [a, b]",
    };
  const before = text.slice(text.lastIndexOf("\n", offset - 1) + 1, offset);
  const quotes = /["']/.exec(before)?.[0];
  if (error.message.includes("at node end") && quotes !== undefined) {
    const inside =
      quotes === "'" ? "'' for a quote within single quotes" : '\\" for a quote within double quotes';
    return {
      offset,
      message: `\`${rest}\` stands after the end of a quoted text; remove it, or write ${inside}`,
    };
  }
  if (error.message.includes("at node end"))
    return {
      offset,
      message: `\`${rest}\` belongs neither to the list nor to the mapping above; indent it as its siblings are`,
    };
  const bracket = /^[\]}]/.exec(rest)?.[0];
  return bracket === undefined
    ? undefined
    : { offset, message: `\`${bracket}\` closes nothing; remove it, or quote the text that holds it` };
}

/** `a: b: c`. */
function nestedColon(rest: string, offset: number): Told {
  if (/^\s*- /.test(rest) || !/^[^"'#]*?:(\s|$)/.test(rest)) return undefined;
  return { offset, message: `a text that holds ": " must be quoted: write ${quote(rest)}` };
}

/** `a:1`, or a word alone on its line. */
function keyWithoutColon(text: string, error: YAMLError, offset: number): Told {
  // The complaint may begin in the blanks before the line in question.
  const start = offset + (/^\s*/.exec(text.slice(offset, error.pos[1] + 200))?.[0].length ?? 0);
  const line = lineFrom(text, start);
  if (/^- /.test(line))
    return {
      offset: start,
      message: `\`${line}\` is an entry of a list, but a mapping stands above; indent it under its key`,
    };
  const word = line.replace(/^(- +)+/, "");
  const joined = /^([A-Za-z][\w.-]*):(\S.*)$/.exec(word);
  if (joined !== null)
    return {
      offset: start,
      message: `a space is missing after the colon; write \`${joined[1]}: ${joined[2]}\``,
    };
  if (/^[\w./-]+$/.test(word))
    return { offset: start, message: `\`${word}\` has no colon; write \`${word}: VALUE\`, or remove it` };
  return {
    offset: start,
    message: `\`${word}\` is neither \`key: value\` nor an entry of the list or mapping above; check its indentation`,
  };
}

/** The bracket or quote that is open at an offset and never closed as it should. */
function unclosed(text: string, offset: number): Told {
  const open: { offset: number; mark: string }[] = [];
  let at = 0;
  for (const token of new Lexer().lex(text)) {
    if (token === "\u001f" || token === "\u0002" || token === "\u0018") continue;
    const quoteMark = token.charAt(0);
    if ((quoteMark === '"' || quoteMark === "'") && (token.length === 1 || !token.endsWith(quoteMark)))
      return { offset: at, message: `the quote ${quoteMark} is never closed` };
    if (at >= offset && at > 0) break;
    if (token === "[" || token === "{") open.push({ offset: at, mark: token });
    if (token === "]" || token === "}") open.pop();
    at += token.length;
  }
  const last = open[open.length - 1];
  if (last === undefined) return undefined;
  return {
    offset: last.offset,
    message: `\`${last.mark}\` is never closed; write \`${last.mark === "[" ? "]" : "}"}\` where it ends`,
  };
}

function lineFrom(text: string, offset: number): string {
  const end = text.indexOf("\n", offset);
  return text.slice(offset, end < 0 ? undefined : end).trimEnd();
}

const quote = (text: string) => JSON.stringify(text.replace(/\s+#.*$/, "").trim());
