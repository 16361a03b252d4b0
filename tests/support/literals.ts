// The texts in a TypeScript file: strings and templates, each with what stands before it. A lexer, not a parser: it knows
// comments, strings, templates within templates, and regular expressions by what stands before them.

export interface Literal {
  /** The fixed parts; what is put in between at run time is left out. */
  parts: string[];
  line: number;
  /** Code before it, on its line and on the three before. */
  before: string;
}

export function literalsOf(source: string): Literal[] {
  const found: Literal[] = [];
  let at = 0;

  /** Reads code up to the end, or to the brace that ends a template's `${`. */
  const code = (inTemplate: boolean): void => {
    let depth = 0;
    while (at < source.length) {
      const char = source.charAt(at);
      if (source.startsWith("//", at)) at = endOf("\n", at);
      else if (source.startsWith("/*", at)) at = endOf("*/", at) + 2;
      else if (char === '"' || char === "'") text(char);
      else if (char === "`") template();
      else if (char === "/" && beginsRegex(source.slice(0, at))) regex();
      else {
        if (char === "{") depth++;
        if (char === "}" && depth-- === 0 && inTemplate) return;
        at++;
      }
    }
  };
  const endOf = (mark: string, from: number): number => {
    const end = source.indexOf(mark, from);
    return end < 0 ? source.length : end;
  };
  const add = (start: number, parts: string[]): void => {
    const lines = source.slice(0, start).split("\n");
    found.push({ parts, line: lines.length, before: lines.slice(-4).join(" ") });
  };
  const text = (quote: string): void => {
    const start = at++;
    while (at < source.length && source.charAt(at) !== quote) at += source.charAt(at) === "\\" ? 2 : 1;
    add(start, [source.slice(start + 1, at)]);
    at++;
  };
  const template = (): void => {
    const start = at++;
    const parts = [""];
    while (at < source.length && source.charAt(at) !== "`") {
      if (source.startsWith("${", at)) {
        at += 2;
        code(true);
        at++;
        parts.push("");
      } else {
        const size = source.charAt(at) === "\\" ? 2 : 1;
        parts[parts.length - 1] += source.slice(at, at + size);
        at += size;
      }
    }
    add(start, parts);
    at++;
  };
  const regex = (): void => {
    let inClass = false;
    for (at++; at < source.length && (inClass || source.charAt(at) !== "/"); at++) {
      if (source.charAt(at) === "\\") at++;
      else if (source.charAt(at) === "[") inClass = true;
      else if (source.charAt(at) === "]") inClass = false;
    }
    at++;
  };
  code(false);
  return found;
}

const beginsRegex = (before: string): boolean =>
  /(?:^|[(,=:[!&|?{};\n]|=>|return)\s*$/.test(before.slice(-40));
