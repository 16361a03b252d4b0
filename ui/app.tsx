// The frame: what state all is in, the four views, and the keys.

import { useEffect, useState } from "preact/hooks";
import { ConfigurationView } from "./configuration.tsx";
import { Help } from "./help.tsx";
import { ago } from "./format.ts";
import { type Live, useLive } from "./live.ts";
import { Pill, type Tone } from "./parts.tsx";
import { isGone, ProxiesView, proxyRows } from "./proxies.tsx";
import { RoutesView } from "./routes.tsx";
import { useTheme } from "./theme.ts";
import { TrafficView } from "./traffic/view.tsx";

const views = ["traffic", "routes", "configuration", "proxies"] as const;
type View = (typeof views)[number];

const titles: Record<View, string> = {
  traffic: "Traffic",
  routes: "Routes",
  configuration: "Configuration",
  proxies: "Proxies",
};

export function App() {
  const [isPaused, setPaused] = useState(false);
  const [isHelp, setHelp] = useState(false);
  const live = useLive(isPaused);
  const { theme, shown, next } = useTheme();
  const [{ view, search }, go] = useAddress();
  const { traffic, state } = live;
  useKeys({
    p: () => setPaused((paused) => !paused),
    t: next,
    "?": () => setHelp(true),
    "/": () => document.querySelector<HTMLInputElement>("main input[type=search]")?.focus(),
    ...Object.fromEntries(views.map((name, i) => [String(i + 1), () => go(name)])),
  });
  return (
    <div class={`page ${isPaused ? "paused" : ""} ${live.connection === "lost" ? "lost" : ""}`}>
      <button type="button" class="skip" onClick={() => document.getElementById("main")?.focus()}>
        To the content
      </button>
      <header>
        <a class="brand" href="#traffic">
          <img src="/ui/icon.svg" alt="" width="26" height="26" />
          Sluice
        </a>
        <nav aria-label="Views">
          {views.map((name) => (
            <a key={name} href={`#${name}`} aria-current={view === name ? "page" : undefined}>
              {titles[name]}
              <Badge view={name} live={live} />
            </a>
          ))}
        </nav>
        <div class="header-side">
          <Status live={live} isPaused={isPaused} />
          <button type="button" class="quiet" aria-pressed={isPaused} onClick={() => setPaused(!isPaused)}>
            {isPaused ? "Resume" : "Pause"}
          </button>
          <button type="button" class="quiet" onClick={next} aria-label={`Theme: ${theme}. Change it`}>
            {{ system: "Auto", light: "Light", dark: "Dark" }[theme]}
          </button>
          <button type="button" class="quiet keys" onClick={() => setHelp(true)} aria-label="Keys">
            ?
          </button>
        </div>
      </header>
      {live.connection === "lost" && (
        <p class="banner bad" role="alert">
          The server does not answer; asking again. What stands here was true{" "}
          {traffic === undefined ? "earlier" : ago(traffic.at, Date.now())}.
        </p>
      )}
      {state?.snapshot.pinned !== undefined && (
        <p class="banner warn" role="status">
          A version of the history is pinned: edits of the folder are checked, and not served.
        </p>
      )}
      {state?.snapshot.lastGood && view !== "configuration" && (
        <p class="banner warn" role="status">
          The folder is in error: the last good version is served.{" "}
          <a href="#configuration">See what is wrong</a>
        </p>
      )}
      <main id="main" tabIndex={-1}>
        <h1 class="unseen">{titles[view]}</h1>
        {traffic === undefined || state === undefined ? (
          <Loading />
        ) : view === "traffic" ? (
          <TrafficView live={live} theme={shown} />
        ) : view === "routes" ? (
          <RoutesView
            version={state.snapshot.version}
            search={search}
            onSearch={(text) => go("routes", text)}
          />
        ) : view === "configuration" ? (
          <ConfigurationView snapshot={state.snapshot} />
        ) : (
          <ProxiesView live={live} />
        )}
      </main>
      {isHelp && <Help onClose={() => setHelp(false)} />}
    </div>
  );
}

function Loading() {
  return (
    <div class="loading" role="status">
      <span class="unseen">Connecting to the server</span>
      <div class="tiles">
        {["a", "b", "c", "d"].map((key) => (
          <div key={key} class="tile ghost" />
        ))}
      </div>
      <div class="card ghost tall" />
    </div>
  );
}

function Status({ live, isPaused }: { live: Live; isPaused: boolean }) {
  const [text, tone]: [string, Tone] =
    live.connection === "lost"
      ? ["disconnected", "bad"]
      : live.connection === "connecting"
        ? ["connecting", "soft"]
        : isPaused
          ? ["paused", "warn"]
          : ["live", "good"];
  return (
    <span role="status" class="status" data-connection={live.connection}>
      <Pill tone={tone}>
        <i class="beat" />
        {text}
      </Pill>
    </span>
  );
}

function Badge({ view, live: { state, traffic } }: { view: View; live: Live }) {
  if (view === "configuration" && state !== undefined) {
    const { errors, warnings } = state.snapshot;
    if (errors > 0) return <span class="count bad">{errors}</span>;
    if (warnings > 0) return <span class="count warn">{warnings}</span>;
  }
  if (view === "proxies") {
    const rows = proxyRows({ state, traffic });
    const refusing = rows.filter(({ report }) => report?.state === "nacked").length;
    if (refusing > 0) return <span class="count bad">{refusing}</span>;
    return <span class="count">{rows.filter((row) => !isGone(row)).length}</span>;
  }
  return null;
}

/** `#routes?search`: views can be linked to, and the browser's back goes back. */
function useAddress() {
  const [hash, setHash] = useState(location.hash);
  useEffect(() => {
    const follow = (): void => setHash(location.hash);
    addEventListener("hashchange", follow);
    return () => removeEventListener("hashchange", follow);
  }, []);
  const [, name, search = ""] = /^#(\w+)(?:\?(.*))?$/.exec(hash) ?? [];
  const view = views.find((one) => one === name) ?? "traffic";
  const go = (to: View, text = ""): void => {
    const address = `#${to}${text === "" ? "" : `?${encodeURIComponent(text)}`}`;
    // Typing must not fill the history.
    if (to === view) {
      history.replaceState(null, "", address);
      setHash(address);
    } else location.hash = address;
  };
  return [{ view, search: decoded(search) }, go] as const;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function useKeys(keys: Record<string, () => void>): void {
  useEffect(() => {
    const act = (event: KeyboardEvent): void => {
      const isTyping = event.target instanceof HTMLInputElement && event.target.type !== "checkbox";
      if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
      if (isTyping) {
        if (event.key === "Escape") (event.target as HTMLInputElement).blur();
        return;
      }
      const action = Object.hasOwn(keys, event.key) ? keys[event.key] : undefined;
      if (action === undefined) return;
      event.preventDefault();
      action();
    };
    addEventListener("keydown", act);
    return () => removeEventListener("keydown", act);
  });
}
