// Every route in the order in which Envoy tries them, where it leads, and the policies on it.

import { useEffect, useState } from "preact/hooks";
import type { RouteReport, RoutesReport } from "../server/http/routes.ts";
import { Effective } from "./effective.tsx";
import { count, percent, plural, serviceName } from "./format.ts";
import { Card, Empty, Pill, Search } from "./parts.tsx";

interface Props {
  /** Routes are asked for again when it changes. */
  version: string;
  search: string;
  onSearch: (search: string) => void;
}

const step = 200;
const debounceMs = 150;

export function RoutesView({ version, search, onSearch }: Props) {
  const [report, setReport] = useState<RoutesReport | undefined>(undefined);
  const [failure, setFailure] = useState("");
  const [limit, setLimit] = useState(step);
  useEffect(() => {
    const abort = new AbortController();
    const ask = async (): Promise<void> => {
      const query = new URLSearchParams({ search, limit: String(limit), version });
      try {
        const answer = await fetch(`/api/v1/routes?${query}`, { signal: abort.signal });
        if (!answer.ok) throw new Error(`The server answered ${answer.status}.`);
        setReport((await answer.json()) as RoutesReport);
        setFailure("");
      } catch (error) {
        if (!abort.signal.aborted) setFailure(error instanceof Error ? error.message : String(error));
      }
    };
    const timer = setTimeout(() => void ask(), debounceMs);
    return () => {
      clearTimeout(timer);
      abort.abort();
    };
  }, [version, search, limit]);
  return (
    <Card
      title="Routes and their policies"
      side={<Search value={search} label="Find a host, route or policy" onInput={onSearch} />}
    >
      {failure !== "" && <p class="bad">{failure}</p>}
      {report === undefined ? <p class="soft">Loading…</p> : <Hosts report={report} search={search} />}
      {report !== undefined && report.found > report.routes.length && (
        <button type="button" class="more" onClick={() => setLimit(limit + 4 * step)}>
          Show more: {count(report.found - report.routes.length)} are left
        </button>
      )}
    </Card>
  );
}

function Hosts({ report, search }: { report: RoutesReport; search: string }) {
  if (report.total === 0) {
    return (
      <Empty title="No routes">
        <p>Every host of a ServiceEntry gets one, and every `http` part of a VirtualService.</p>
      </Empty>
    );
  }
  if (report.found === 0) return <Empty title={`Nothing has “${search}” in its name`} />;
  const hosts = new Map<string, RouteReport[]>();
  for (const route of report.routes) {
    const key = `${route.listener}\n${route.virtualHost}`;
    hosts.set(key, [...(hosts.get(key) ?? []), route]);
  }
  return (
    <>
      <p class="soft">
        {plural(report.found, "route")}
        {report.found < report.total && ` of ${count(report.total)}`}; Envoy takes the first that matches.
      </p>
      {[...hosts].map(([key, routes]) => (
        <Host key={key} routes={routes} version={report.version} />
      ))}
    </>
  );
}

function Host({ routes, version }: { routes: readonly RouteReport[]; version: string }) {
  const [first] = routes;
  if (first === undefined) return null;
  return (
    <section class="vhost">
      <h3>
        <code>{first.virtualHost}</code> <span class="soft">on listener {first.listener}</span>
      </h3>
      <ol class="route-list">
        {routes.map((route, i) => (
          // The order is what tells routes of one name apart.
          <Route key={i} route={route} version={version} />
        ))}
      </ol>
    </section>
  );
}

function Route({ route, version }: { route: RouteReport; version: string }) {
  const [isOpen, setOpen] = useState(false);
  const { name, virtualHost, match, policies } = route;
  return (
    <li class="route" data-route={name}>
      <div class="route-what">
        <b>{name}</b>
        <span class="conditions">
          {match.map((condition) => (
            <code key={condition}>{condition}</code>
          ))}
        </span>
      </div>
      <div class="route-where">
        <Where route={route} />
      </div>
      <div class="route-policies">
        {policies.length === 0 && <span class="soft">no policy</span>}
        {policies.map((policy) => (
          <span
            key={`${policy.kind} ${policy.policy}`}
            class="badge"
            title={`attached to the ${policy.tier}`}
          >
            <span class="kind">{policy.kind.replace(/Policy$/, "")}</span> {policy.policy}
            {policy.isPrevious && <Pill tone="warn">previous version</Pill>}
          </span>
        ))}
        {policies.length > 0 && (
          <button type="button" class="quiet" aria-expanded={isOpen} onClick={() => setOpen(!isOpen)}>
            {isOpen ? "Less" : "Effective values"}
            <span class="unseen"> on {name}</span>
          </button>
        )}
      </div>
      {isOpen && <Effective virtualHost={virtualHost} route={name} version={version} />}
    </li>
  );
}

function Where({ route }: { route: RouteReport }) {
  if (route.destinations.length === 0) return <span>{route.action}</span>;
  return (
    <ul>
      {route.destinations.map(({ host, subset, port, percent: part }) => (
        <li key={`${host} ${subset} ${port}`}>
          <span class="soft">→</span> {serviceName(host).name}
          {subset !== "" && <b> {subset}</b>} <span class="soft">:{port}</span>
          {route.destinations.length > 1 && <span class="soft"> {percent(part, 100)}</span>}
        </li>
      ))}
    </ul>
  );
}
