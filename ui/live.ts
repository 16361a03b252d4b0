// The one connection to the server: a stream of events, opened again whenever it ends, and what it has told.

import { useEffect, useRef, useState } from "preact/hooks";
import type { StateReport } from "../server/http/state.ts";
import type { Point, TrafficReport } from "../server/metrics-service/report.ts";

export type Connection = "connecting" | "live" | "lost";

export interface Live {
  connection: Connection;
  state: StateReport | undefined;
  traffic: TrafficReport | undefined;
  /** Totals of the last minutes, oldest first. */
  history: readonly Point[];
  /** The same for single services, since this page was opened, by host. */
  services: ReadonlyMap<string, readonly Point[]>;
  /** When something last had traffic, by cluster and host. */
  active: ReadonlyMap<string, number>;
}

export const maxPoints = 300;
const retryMs = 1_000;
/** Reports come every second; without any for this long the connection is dead, whatever it says. */
const silenceMs = 6_000;

const nothing: Live = {
  connection: "connecting",
  state: undefined,
  traffic: undefined,
  history: [],
  services: new Map(),
  active: new Map(),
};

/** While paused the page stands still; what happens meanwhile is there afterwards. */
export function useLive(isPaused: boolean): Live {
  const [shown, show] = useState(nothing);
  const latest = useRef(nothing);
  const paused = useRef(isPaused);
  paused.current = isPaused;
  useEffect(
    () =>
      listen((change) => {
        const before = latest.current;
        latest.current = change(before);
        if (!paused.current || before.connection !== latest.current.connection) show(latest.current);
      }),
    [],
  );
  useEffect(() => {
    if (!isPaused) show(latest.current);
  }, [isPaused]);
  return shown;
}

/** Longer than anything asks for. */
const rememberMs = 120_000;

type Change = (live: Live) => Live;

function listen(update: (change: Change) => void): () => void {
  let source: EventSource | undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const again = (): void => {
    source?.close();
    clearTimeout(timer);
    update((live) => ({ ...live, connection: live.traffic === undefined ? "connecting" : "lost" }));
    timer = setTimeout(open, retryMs);
  };
  const heard = (): void => {
    clearTimeout(timer);
    timer = setTimeout(again, silenceMs);
  };
  const on = <Data>(name: string, change: (data: Data) => Change): void => {
    source?.addEventListener(name, (event) => {
      heard();
      update(change(JSON.parse((event as MessageEvent<string>).data) as Data));
    });
  };
  const open = (): void => {
    source = new EventSource("/api/v1/events");
    source.addEventListener("error", again);
    on<StateReport>("state", (state) => (live) => ({ ...live, state }));
    on<Point[]>("history", (history) => (live) => ({ ...live, history }));
    on<TrafficReport>("traffic", (traffic) => (live) => withTraffic(live, traffic));
    heard();
  };
  open();
  return () => {
    clearTimeout(timer);
    source?.close();
  };
}

export function withTraffic(live: Live, traffic: TrafficReport): Live {
  const services = new Map(
    traffic.services.map(({ host, rates }) => [
      host,
      appended(live.services.get(host) ?? [], { at: traffic.at, ...rates }),
    ]),
  );
  const active = new Map([...live.active].filter(([, at]) => at > traffic.at - rememberMs));
  for (const { host, rates } of traffic.services) if (rates.requests > 0) active.set(host, traffic.at);
  for (const { cluster, rates } of traffic.clusters) if (rates.requests > 0) active.set(cluster, traffic.at);
  const history =
    live.history.at(-1)?.at === traffic.at
      ? live.history
      : appended(live.history, { at: traffic.at, ...traffic.total });
  return { ...live, connection: "live", traffic, services, active, history };
}

function appended(
  points: readonly Point[],
  { at, requests, errors, clientErrors, p50, p99 }: Point,
): Point[] {
  return [...points.slice(1 - maxPoints), { at, requests, errors, clientErrors, p50, p99 }];
}
