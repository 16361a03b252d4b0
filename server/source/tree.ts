// A parsed document as a plain value together with the place of each of its parts.
//
// Worker and main thread exchange the places as one Int32Array: for every node, in the order of a walk
// through the value, the offset of its key (-1 without one), of its value, and the number of nodes in it.

/** A node of the document; `children` in the order of Object.keys or of the list. */
export interface Tree {
  value: unknown;
  key: number;
  at: number;
  size: number;
  children: Tree[];
  /** How a plain scalar is spelt. */
  source?: string;
}

const width = 3;

export function flatten(root: Tree): Int32Array {
  const places = new Int32Array(root.size * width);
  let next = 0;
  const add = (tree: Tree): void => {
    places[next++] = tree.key;
    places[next++] = tree.at;
    places[next++] = tree.size;
    for (const child of tree.children) add(child);
  };
  add(root);
  return places;
}

/** The node at a path, or the nearest one above it. */
export function find(root: Tree, path: readonly (string | number)[]): { tree: Tree; exact: boolean } {
  let tree = root;
  for (const part of path) {
    const child = tree.children[childIndex(tree.value, part)];
    if (child === undefined) return { tree, exact: false };
    tree = child;
  }
  return { tree, exact: true };
}

function childIndex(value: unknown, part: string | number): number {
  if (Array.isArray(value)) return typeof part === "number" ? part : -1;
  if (typeof value !== "object" || value === null) return -1;
  return Object.keys(value).indexOf(String(part));
}

const isCollection = (value: unknown) => typeof value === "object" && value !== null;

/** Where to point for a node: at a scalar itself, at the key of a mapping, a list or nothing. */
export function placeOf(tree: Tree, at: "key" | "value"): number {
  const byKey = at === "key" || isCollection(tree.value) || tree.value === null;
  return byKey && tree.key >= 0 ? tree.key : tree.at;
}

/** The same as `find` and `placeOf`, over the value and its flattened places. */
export function offsetAt(value: unknown, places: Int32Array, path: readonly (string | number)[]): number {
  let node = 0;
  let present = value;
  for (const part of path) {
    const index = childIndex(present, part);
    const count = Array.isArray(present)
      ? present.length
      : isCollection(present)
        ? Object.keys(present as object).length
        : 0;
    if (index < 0 || index >= count) break;
    let child = node + 1;
    for (let i = 0; i < index; i++) child += places[child * width + 2] ?? 1;
    node = child;
    present = (present as Record<string | number, unknown>)[part];
  }
  const key = places[node * width] ?? -1;
  const at = places[node * width + 1] ?? 0;
  return (isCollection(present) || present === null) && key >= 0 ? key : at;
}

/** The path of the last node that begins at or before an offset. */
export function pathAt(root: Tree, offset: number): (string | number)[] {
  const path: (string | number)[] = [];
  let tree = root;
  for (;;) {
    let last = -1;
    for (const [i, child] of tree.children.entries())
      if ((child.key >= 0 ? child.key : child.at) <= offset) last = i;
    const child = tree.children[last];
    if (child === undefined) return path;
    path.push(Array.isArray(tree.value) ? last : (Object.keys(tree.value as object)[last] ?? ""));
    tree = child;
  }
}
