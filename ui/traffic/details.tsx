// More about what is selected in the graph.

import type { Point } from "../../server/metrics-service/report.ts";
import { count, milliseconds, percent, plural, rate } from "../format.ts";
import { Card } from "../parts.tsx";
import { Chart, type Series } from "./chart.tsx";
import type { GraphNode } from "./model.ts";

interface Props {
  node: GraphNode;
  points: readonly Point[];
  theme: string;
  onClose: () => void;
}

export const requestSeries: readonly Series[] = [
  { label: "requests", colour: "--flow", value: ({ requests }) => requests, isFilled: true },
  { label: "refused (4xx)", colour: "--warn-line", value: ({ clientErrors }) => clientErrors },
  { label: "errors (5xx)", colour: "--bad-line", value: ({ errors }) => errors },
];

export const latencySeries: readonly Series[] = [
  { label: "p99", colour: "--p99", value: ({ p99 }) => p99 },
  { label: "p50", colour: "--p50", value: ({ p50 }) => p50 },
];

export const latencyFormat = (value: number): string => (value === 0 ? "0" : milliseconds(value));

export function Details({ node, points, theme, onClose }: Props) {
  const { rates, endpoints, share } = node;
  const close = (
    <button type="button" class="quiet" onClick={onClose}>
      Close
    </button>
  );
  return (
    <Card title={node.title} side={close} class="details">
      {node.host !== undefined && <code class="soft">{node.host}</code>}
      <dl class="facts">
        <Fact name="Requests" value={`${rate(rates.requests)}/s`} />
        {share !== undefined && <Fact name="Part of the service" value={percent(share, 1)} />}
        <Fact name="Errors (5xx)" value={percent(rates.errors, rates.requests)} />
        <Fact name="Refused (4xx)" value={percent(rates.clientErrors, rates.requests)} />
        <Fact name="p50 / p99" value={`${milliseconds(rates.p50)} / ${milliseconds(rates.p99)}`} />
        <Fact name="In all" value={`${count(rates.total)}, ${plural(rates.totalErrors, "error")}`} />
        {endpoints && <Fact name="Endpoints" value={`${endpoints.healthy} of ${endpoints.total} healthy`} />}
      </dl>
      {node.kind === "service" && (
        <>
          <Chart
            label="Requests/s"
            points={points}
            series={requestSeries}
            format={rate}
            theme={theme}
            height={110}
          />
          <Chart
            label="Latency"
            points={points}
            series={latencySeries}
            format={latencyFormat}
            theme={theme}
            height={110}
          />
        </>
      )}
      {node.host !== undefined && (
        <a class="more" href={`#routes?${encodeURIComponent(node.host)}`}>
          Routes and policies of this service
        </a>
      )}
    </Card>
  );
}

function Fact({ name, value }: { name: string; value: string }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{value}</dd>
    </div>
  );
}
