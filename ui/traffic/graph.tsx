// The picture: boxes for what there is, curves for what flows. Dots run along a curve, more of them and faster
// the more requests there are; red ones are errors.
//
// Boxes are buttons over an SVG, so that keyboard, text and focus are the browser's own. Speed is a step, not a
// number: an animation that changed every second would jump.

import { useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import { count, milliseconds, percent, plural, rate } from "../format.ts";
import { columnGap, columns, edgeKey, shapeOf, tree } from "./layout.ts";
import { type Graph, type GraphEdge, type GraphNode, healthOf } from "./model.ts";

const narrowPx = 700;
const smallestScale = 0.62;

interface Props {
  graph: Graph;
  selected: string | undefined;
  onSelect: (id: string | undefined) => void;
}

export function TrafficGraph({ graph, selected, onSelect }: Props) {
  const [frame, widthPx] = useWidth();
  const isNarrow = widthPx < narrowPx;
  const gap = columnGap(widthPx);
  const shape = `${isNarrow ? widthPx : `columns ${gap}`} ${shapeOf(graph)}`;
  // The shape stands for the graph, whose numbers do not matter here.
  const layout = useMemo(() => (isNarrow ? tree(graph, widthPx) : columns(graph, gap)), [shape]);
  const scale = Math.max(smallestScale, Math.min(1, widthPx / layout.width));
  const hasLabels = !isNarrow && graph.nodes.filter(({ kind }) => kind === "source").length > 1;
  const near = nearOf(graph, selected);
  const dim = (...ids: string[]): string => (near && !ids.every((id) => near.has(id)) ? "dim" : "");
  return (
    <div class="graph" ref={frame}>
      <div
        class="graph-fit"
        style={{ width: `${layout.width * scale}px`, height: `${layout.height * scale}px` }}
      >
        <div
          class="graph-scale"
          style={{ width: `${layout.width}px`, height: `${layout.height}px`, transform: `scale(${scale})` }}
        >
          <svg width={layout.width} height={layout.height} aria-hidden="true">
            {graph.edges.map((edge) => {
              const path = layout.paths.get(edgeKey(edge.from, edge.to));
              const key = edgeKey(edge.from, edge.to);
              return path && <Flow key={key} edge={edge} d={path.d} dim={dim(edge.from, edge.to)} />;
            })}
          </svg>
          {graph.edges.map((edge) => {
            const path = layout.paths.get(edgeKey(edge.from, edge.to));
            // With one source a service's own number says the same.
            const isShown = hasLabels && edge.requests > 0 && edge.to.startsWith("service ");
            if (path === undefined || !isShown) return null;
            return (
              <span
                key={edgeKey(edge.from, edge.to)}
                class={`flow-label ${healthOf(edge)} ${dim(edge.from, edge.to)}`}
                style={{ left: `${path.x}px`, top: `${path.y}px` }}
              >
                {rate(edge.requests)}/s
              </span>
            );
          })}
          {graph.nodes.map((node) => {
            const box = layout.boxes.get(node.id);
            return (
              box && (
                <button
                  key={node.id}
                  type="button"
                  class={`node ${node.kind} ${healthOf(node.rates)} ${dim(node.id)}`}
                  data-node={node.id}
                  aria-pressed={selected === node.id}
                  aria-label={sentence(node)}
                  style={{
                    left: `${box.left}px`,
                    top: `${box.top}px`,
                    width: `${box.width}px`,
                    height: `${box.height}px`,
                  }}
                  onClick={() => onSelect(selected === node.id ? undefined : node.id)}
                >
                  <NodeText node={node} />
                </button>
              )
            );
          })}
        </div>
      </div>
    </div>
  );
}

function NodeText({ node }: { node: GraphNode }) {
  const { rates, kind, endpoints } = node;
  const isDown = endpoints !== undefined && endpoints.healthy < endpoints.total;
  return (
    <>
      <span class="node-head">
        <b>{node.title}</b>
        {isDown ? (
          <i class="down">
            {endpoints.healthy}/{endpoints.total} up
          </i>
        ) : (
          <i>{kind === "version" && rates.requests > 0 ? percent(node.share ?? 0, 1) : node.note}</i>
        )}
      </span>
      <span class="node-numbers">
        {rates.requests === 0 ? (
          <em>{rates.total > 0 ? "idle" : "no traffic"}</em>
        ) : (
          <>
            <strong>{rate(rates.requests)}/s</strong>
            {rates.errors > 0 && <span class="err">{percent(rates.errors, rates.requests)} err</span>}
            {kind !== "clients" && rates.p99 !== null && (
              <span class="lat">p99 {milliseconds(rates.p99)}</span>
            )}
          </>
        )}
      </span>
    </>
  );
}

function sentence({ kind, title, note, rates, endpoints, share }: GraphNode): string {
  const what = { clients: "", source: "proxy ", service: "service ", version: "version " }[kind];
  const parts = [`${what}${title}${note === "" ? "" : `, ${note}`}`];
  if (rates.requests === 0) parts.push("no traffic now");
  else {
    parts.push(`${rate(rates.requests)} requests a second`);
    if (share !== undefined) parts.push(`${percent(share, 1)} of the service`);
    if (rates.errors > 0) parts.push(`${percent(rates.errors, rates.requests)} errors`);
    parts.push(`99th percentile ${milliseconds(rates.p99)}`);
  }
  parts.push(`${count(rates.total)} in all`);
  if (endpoints) parts.push(`${endpoints.healthy} of ${plural(endpoints.total, "endpoint")} healthy`);
  return parts.join(", ");
}

function Flow({ edge, d, dim }: { edge: GraphEdge; d: string; dim: string }) {
  const health = healthOf(edge);
  const step = stepOf(edge.requests);
  return (
    <g class={`flow ${health} ${dim}`}>
      <path class={`pipe w${step}`} d={d} />
      {step > 0 && <path class={`dots s${step}`} d={d} />}
      {edge.errors > 0 && <path class={`dots errors s${step}`} d={d} />}
    </g>
  );
}

/** 0 for none, then a step for each factor of three or so. */
export function stepOf(requests: number): number {
  if (requests <= 0) return 0;
  const bounds = [1, 5, 20, 80, 300];
  const above = bounds.findIndex((bound) => requests < bound);
  return above < 0 ? bounds.length + 1 : above + 1;
}

/** The selected node with all that flows to it and from it; undefined: everything. */
function nearOf({ nodes, edges }: Graph, selected: string | undefined): Set<string> | undefined {
  if (selected === undefined || !nodes.some(({ id }) => id === selected)) return undefined;
  const near = new Set([selected]);
  const spread = (from: "from" | "to", to: "from" | "to"): void => {
    const queue = [selected];
    for (let id = queue.pop(); id !== undefined; id = queue.pop()) {
      for (const edge of edges) {
        if (edge[from] !== id || near.has(edge[to])) continue;
        near.add(edge[to]);
        queue.push(edge[to]);
      }
    }
  };
  spread("from", "to");
  spread("to", "from");
  return near;
}

function useWidth() {
  const element = useRef<HTMLDivElement>(null);
  const [widthPx, setWidth] = useState(1000);
  useLayoutEffect(() => {
    const { current } = element;
    if (current === null) return undefined;
    const style = getComputedStyle(current);
    const padding = Number.parseFloat(style.paddingLeft) + Number.parseFloat(style.paddingRight);
    const measure = (): void => setWidth(current.clientWidth - padding);
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(current);
    return () => observer.disconnect();
  }, []);
  return [element, widthPx] as const;
}
