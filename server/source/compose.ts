// The parser's own work: text to syntax trees, with a look at the depth of nesting in between.

import { type CST, Composer, type Document, Parser, type YAMLError } from "yaml";

/** Levels of nesting; the deepest resource has about ten. */
export const maxDepth = 100;

/** Documents of a text, or the place at which it is nested too deep. */
export function compose(text: string): Document.Parsed[] | { tooDeep: number } {
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
export const complaints = (document: Document.Parsed): YAMLError[] =>
  [...document.errors, ...document.warnings].sort((a, b) => a.pos[0] - b.pos[0]);
