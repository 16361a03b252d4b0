// The same as the graph in rows, for those who read numbers, or cannot see the picture.

import { count, milliseconds, percent, rate } from "../format.ts";
import type { Graph, GraphNode } from "./model.ts";
import { healthOf } from "./model.ts";

interface Props {
  graph: Graph;
  selected: string | undefined;
  onSelect: (id: string | undefined) => void;
}

export function TrafficTable({ graph, selected, onSelect }: Props) {
  const rows = graph.nodes.filter(({ kind }) => kind !== "clients");
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard.
    <section class="scroll" tabIndex={0} aria-label="Traffic in rows">
      <table class="numbers">
        <thead>
          <tr>
            <th scope="col">What</th>
            <th scope="col">Requests/s</th>
            <th scope="col">Errors</th>
            <th scope="col">p50</th>
            <th scope="col">p99</th>
            <th scope="col">In all</th>
          </tr>
        </thead>
        <tbody>
          {rows.map((node) => (
            <tr key={node.id} class={`${node.kind} ${selected === node.id ? "chosen" : ""}`}>
              <th scope="row">
                <button
                  type="button"
                  class="quiet"
                  aria-pressed={selected === node.id}
                  onClick={() => onSelect(selected === node.id ? undefined : node.id)}
                >
                  {node.title}
                </button>
                <span class="soft"> {labelOf(node)}</span>
              </th>
              <td>{rate(node.rates.requests)}</td>
              <td class={healthOf(node.rates)}>{percent(node.rates.errors, node.rates.requests)}</td>
              <td>{milliseconds(node.rates.p50)}</td>
              <td>{milliseconds(node.rates.p99)}</td>
              <td>{count(node.rates.total)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

function labelOf({ kind, note, share, rates }: GraphNode): string {
  if (kind === "version" && rates.requests > 0) return `${percent(share ?? 0, 1)} ${note}`;
  return note;
}
