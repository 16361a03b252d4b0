// The first view: numbers, picture, lines, and what the policies do.

import { useRef, useState } from "preact/hooks";
import { plural, rate } from "../format.ts";
import type { Live } from "../live.ts";
import { Card, Command, Empty, Search } from "../parts.tsx";
import { Chart } from "./chart.tsx";
import { Decisions } from "./decisions.tsx";
import { Details, latencyFormat, latencySeries, requestSeries } from "./details.tsx";
import { TrafficGraph } from "./graph.tsx";
import { buildGraph, type GraphNode } from "./model.ts";
import { TrafficTable } from "./table.tsx";
import { Tiles } from "./tiles.tsx";

/** As many services as one can take in at a glance. */
const glance = 12;

export function TrafficView({ live, theme }: { live: Live; theme: string }) {
  const [search, setSearch] = useState("");
  const [showIdle, setShowIdle] = useState(false);
  const [showAll, setShowAll] = useState(false);
  const [isTable, setTable] = useState(false);
  const [selected, select] = useState<string | undefined>(undefined);
  const drawn = useRef<ReadonlySet<string>>(new Set());
  const { traffic, state } = live;
  if (traffic === undefined || state === undefined) return null;
  const limit = showAll ? Number.POSITIVE_INFINITY : glance;
  const graph = buildGraph(traffic, live.active, { search, showIdle, limit, drawn: drawn.current });
  drawn.current = new Set(graph.nodes.flatMap(({ kind, host = "" }) => (kind === "service" ? [host] : [])));
  const node = graph.nodes.find(({ id }) => id === selected);
  const picture = { graph, selected, onSelect: select };
  const tools = (
    <div class="tools">
      <Search value={search} label="Find a service" onInput={setSearch} />
      {graph.idle > 0 && (
        <label class="check">
          <input type="checkbox" checked={showIdle} onChange={() => setShowIdle(!showIdle)} />
          {graph.idle} idle
        </label>
      )}
      <button type="button" class="quiet" aria-pressed={isTable} onClick={() => setTable(!isTable)}>
        {isTable ? "Graph" : "Table"}
      </button>
    </div>
  );
  return (
    <div class="traffic">
      <Tiles total={traffic.total} />
      <div class="columns">
        <div class="wide">
          <Card title="Live traffic" side={tools} class="picture">
            <Hint live={live} />
            {graph.nodes.length > 0 &&
              (isTable ? <TrafficTable {...picture} /> : <TrafficGraph {...picture} />)}
            {graph.hidden > 0 && (
              <button type="button" class="more" onClick={() => setShowAll(true)}>
                {plural(graph.hidden, "more service")}: show all
              </button>
            )}
            {showAll && graph.nodes.length > glance && (
              <button type="button" class="more" onClick={() => setShowAll(false)}>
                Show the busiest {glance} only
              </button>
            )}
          </Card>
          <Card title="Last five minutes" class="lines">
            <div class="charts">
              <Chart
                label="Requests/s"
                points={live.history}
                series={requestSeries}
                format={rate}
                theme={theme}
                height={150}
              />
              <Chart
                label="Latency"
                points={live.history}
                series={latencySeries}
                format={latencyFormat}
                theme={theme}
                height={150}
              />
            </div>
          </Card>
        </div>
        <div class="side">
          {node && (
            <Details
              node={node}
              points={pointsOf(node, live)}
              theme={theme}
              onClose={() => select(undefined)}
            />
          )}
          <Card title="Policies now" side={<span class="soft">share · in all</span>}>
            {state.policies.length === 0 ? (
              <Empty title="No policies">
                <p>
                  Put a RateLimitPolicy, HeaderRoutingPolicy or FaultPolicy into{" "}
                  <code>{state.snapshot.directory}</code>: it is in force as soon as the file is saved.
                </p>
              </Empty>
            ) : (
              <Decisions policies={state.policies} decisions={traffic.decisions} />
            )}
          </Card>
        </div>
      </div>
    </div>
  );
}

const pointsOf = ({ host }: GraphNode, live: Live) =>
  host === undefined ? live.history : (live.services.get(host) ?? []);

/** What to do next where there is nothing to see. */
function Hint({ live: { traffic, state } }: { live: Live }) {
  if (traffic === undefined || state === undefined) return null;
  const present = traffic.proxies.filter(({ presence }) => presence !== "gone");
  if (present.length === 0 && state.proxies.length > 0) {
    return (
      <Empty title="The proxies push no numbers yet">
        <p>
          They do when their bootstrap has the metrics service as a stats sink, as{" "}
          <code>sluice bootstrap</code> and <code>npm start</code> write it.
        </p>
      </Empty>
    );
  }
  if (present.length === 0) {
    return (
      <Empty title="No proxy is connected">
        <p>Start an Envoy that takes its configuration from here:</p>
        <Command text={`npx sluice bootstrap --server ${state.xds} > envoy.json && envoy -c envoy.json`} />
      </Empty>
    );
  }
  if (traffic.total.total > 0 || traffic.services.some(({ rates }) => rates.total > 0)) return null;
  return (
    <Empty title="No traffic yet">
      {state.example === undefined ? (
        <p>The folder routes nothing: add a VirtualService or a ServiceEntry.</p>
      ) : (
        <>
          <p>Send a request, and it shows here within a second:</p>
          <Command text={`curl -H 'Host: ${state.example.host}' ${state.example.url}`} />
        </>
      )}
    </Empty>
  );
}
