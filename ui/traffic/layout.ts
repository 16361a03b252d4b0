// Where boxes and curves lie: in columns from left to right where there is room; on a narrow screen as a tree,
// one box under the other, further in the further down the flow.

import dagre from "@dagrejs/dagre";
import type { Graph, NodeKind } from "./model.ts";

export interface Box {
  left: number;
  top: number;
  width: number;
  height: number;
}

export interface Layout {
  width: number;
  height: number;
  boxes: ReadonlyMap<string, Box>;
  /** SVG path by edgeKey, and where its label stands. */
  paths: ReadonlyMap<string, { d: string; x: number; y: number }>;
}

interface Look {
  width: number;
  height: number;
  /** In the tree. */
  indent: number;
}

const looks: Record<NodeKind, Look> = {
  clients: { width: 136, height: 58, indent: 0 },
  source: { width: 208, height: 58, indent: 0 },
  service: { width: 232, height: 58, indent: 26 },
  version: { width: 180, height: 58, indent: 58 },
};

const margin = 4;
const rowGapPx = 12;

/** The middle of clients and gateways is at most so far down. */
const lowestBeginningPx = 260;

export const edgeKey = (from: string, to: string): string => `${from}\n${to}`;

/** What a layout depends on besides the width: not the numbers, which change every second. */
export const shapeOf = (graph: Graph): string =>
  [...graph.nodes.map(({ id }) => id), ...graph.edges.map(({ from, to }) => edgeKey(from, to))].join("\n\n");

/** Between two columns: less of it before anything is drawn smaller. */
export function columnGap(widthPx: number): number {
  const boxes = Object.values(looks).reduce((sum, { width }) => sum + width, 0);
  return Math.round(Math.min(88, Math.max(44, (widthPx - boxes - 2 * margin) / 3)));
}

export function columns(graph: Graph, gap: number): Layout {
  const layout = new dagre.graphlib.Graph();
  layout.setGraph({ rankdir: "LR", nodesep: 14, ranksep: gap, marginx: margin, marginy: margin });
  layout.setDefaultEdgeLabel(() => ({}));
  for (const { id, kind } of graph.nodes) {
    layout.setNode(id, { width: looks[kind].width, height: looks[kind].height });
  }
  for (const { from, to } of graph.edges) layout.setEdge(from, to);
  // Nodes stay in the order in which they come, by name: a few crossings fewer are not worth a jump.
  const places = new Map(graph.nodes.map(({ id }, i) => [id, i]));
  dagre.layout(layout, { customOrder: (ranked) => keepOrder(ranked, places) });
  const boxes = new Map<string, Box>();
  for (const { id } of graph.nodes) {
    const { x, y, width, height } = layout.node(id) as {
      x: number;
      y: number;
      width: number;
      height: number;
    };
    boxes.set(id, { left: x - width / 2, top: y - height / 2, width, height });
  }
  raiseBeginning(graph, boxes);
  const { width = 0, height = 0 } = layout.graph() as { width?: number; height?: number };
  return { width, height, boxes, paths: pathsOf(graph, boxes, acrossCurve) };
}

/** In a tall graph the middle, where dagre puts what all flows from, is out of sight. */
function raiseBeginning({ nodes }: Graph, boxes: Map<string, Box>): void {
  const first = nodes.flatMap(({ id, kind }) => {
    const box = boxes.get(id);
    return box !== undefined && (kind === "clients" || kind === "source") ? [box] : [];
  });
  const top = Math.min(...first.map((box) => box.top));
  const bottom = Math.max(...first.map((box) => box.top + box.height));
  const by = Math.min(top - margin, (top + bottom) / 2 - lowestBeginningPx);
  if (by > 0) for (const box of first) box.top -= by;
}

function keepOrder(
  ranked: { nodes(): string[]; node(id: string): { rank?: number; order?: number } },
  places: ReadonlyMap<string, number>,
): void {
  const next = new Map<number, number>();
  for (const id of ranked.nodes().sort((a, b) => (places.get(a) ?? 0) - (places.get(b) ?? 0))) {
    const node = ranked.node(id);
    const order = next.get(node.rank ?? 0) ?? 0;
    node.order = order;
    next.set(node.rank ?? 0, order + 1);
  }
}

export function tree(graph: Graph, width: number): Layout {
  const boxes = new Map<string, Box>();
  let top = margin;
  for (const { id, kind } of inTreeOrder(graph)) {
    const { indent, height } = looks[kind];
    const left = margin + indent;
    const own = kind === "clients" ? looks.clients.width : width - left - margin;
    boxes.set(id, { left, top, width: own, height });
    top += height + rowGapPx;
  }
  return { width, height: top - rowGapPx + margin, boxes, paths: pathsOf(graph, boxes, downCurve) };
}

/** Each service with its versions under it. */
function inTreeOrder({ nodes }: Graph): Graph["nodes"] {
  const isTop = (kind: NodeKind): boolean => kind === "clients" || kind === "source";
  return [...nodes.filter(({ kind }) => isTop(kind)), ...nodes.filter(({ kind }) => !isTop(kind))];
}

type Curve = (from: Box, to: Box) => { d: string; x: number; y: number };

function pathsOf(graph: Graph, boxes: ReadonlyMap<string, Box>, curve: Curve): Layout["paths"] {
  const paths = new Map<string, { d: string; x: number; y: number }>();
  for (const { from, to } of graph.edges) {
    const a = boxes.get(from);
    const b = boxes.get(to);
    if (a !== undefined && b !== undefined) paths.set(edgeKey(from, to), curve(a, b));
  }
  return paths;
}

/** From the right side to the left one. */
function acrossCurve(a: Box, b: Box) {
  const [x1, y1, x2, y2] = [a.left + a.width, a.top + a.height / 2, b.left, b.top + b.height / 2];
  const bend = (x2 - x1) / 2;
  const d = `M${n(x1)} ${n(y1)}C${n(x1 + bend)} ${n(y1)} ${n(x2 - bend)} ${n(y2)} ${n(x2)} ${n(y2)}`;
  return { d, x: (x1 + x2) / 2, y: (y1 + y2) / 2 };
}

/** Down from the lower side, then in from the left; straight down where nothing is further in. */
function downCurve(a: Box, b: Box) {
  const [x1, y1, y2] = [a.left + 14, a.top + a.height, b.top + b.height / 2];
  if (b.left <= x1) {
    const x = Math.min(a.left + a.width, b.left + b.width) / 2;
    return { d: `M${n(x)} ${n(y1)}V${n(b.top)}`, x, y: (y1 + b.top) / 2 };
  }
  const turn = Math.min(12, b.left - x1);
  const d = `M${n(x1)} ${n(y1)}V${n(y2 - turn)}Q${n(x1)} ${n(y2)} ${n(x1 + turn)} ${n(y2)}H${n(b.left)}`;
  return { d, x: x1, y: (y1 + y2) / 2 };
}

const n = (value: number): string => value.toFixed(1);
