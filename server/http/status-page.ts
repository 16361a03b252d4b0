// The page at `/`: what is served, what is wrong with the folder, and where each proxy stands. It reads the
// API every two seconds and asks no other host for anything.

import { createHash } from "node:crypto";

const style = `
:root { color-scheme: light dark; --ground: #f6f7f9; --card: #fff; --line: #dfe3e8; --text: #1b2430; --soft: #5c6875;
  --good: #12805c; --wait: #9a6700; --bad: #c4314b; --accent: #2563c9; }
@media (prefers-color-scheme: dark) { :root { --ground: #10151c; --card: #18202a; --line: #2b3644; --text: #e6ebf1;
  --soft: #93a1b0; --good: #4cc38a; --wait: #e2b340; --bad: #ff7b8f; --accent: #79a8ff; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--ground); color: var(--text); font: 15px/1.5 system-ui, sans-serif; }
main { max-width: 1000px; margin: 0 auto; padding: 24px 16px 48px; }
header { display: flex; flex-wrap: wrap; align-items: baseline; gap: 4px 16px; margin-bottom: 16px; }
h1 { font-size: 20px; margin: 0; } h2 { font-size: 15px; margin: 0 0 8px; }
section { background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: 16px; margin-bottom: 16px; }
.soft { color: var(--soft); } .good { color: var(--good); } .wait { color: var(--wait); } .bad { color: var(--bad); }
.chips { display: flex; flex-wrap: wrap; gap: 8px; padding: 0; margin: 8px 0 0; list-style: none; }
.chips li { border: 1px solid var(--line); border-radius: 999px; padding: 1px 10px; }
code { font: 13px/1.5 ui-monospace, monospace; overflow-wrap: anywhere; }
ul.problems { padding: 0; margin: 0; list-style: none; } ul.problems li { padding: 8px 0; border-top: 1px solid var(--line); }
ul.problems li:first-child { border: 0; }
.scroll { overflow-x: auto; } table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; padding: 6px 12px 6px 0; border-top: 1px solid var(--line); vertical-align: top; }
thead th { border: 0; color: var(--soft); font-weight: 500; } a { color: var(--accent); }
`;

const script = `
const element = (name, className, ...children) => {
  const made = document.createElement(name);
  if (className) made.className = className;
  made.append(...children);
  return made;
};
const fill = (id, ...children) => document.getElementById(id).replaceChildren(...children);
const chips = (counts) => Object.entries(counts).map(([name, count]) => element("li", "", count + " " + name));
const words = { synced: ["in sync", "good"], pending: ["catching up", "wait"], nacked: ["refuses", "bad"] };

function showSnapshot(snapshot) {
  const state = snapshot.lastGood
    ? element("span", "bad", "the folder is in error; the last good version is served")
    : element("span", "good", "served as the folder has it");
  fill("state", state);
  fill("version", element("code", "", snapshot.version || "none"), " built ", new Date(snapshot.builtAt).toLocaleString());
  fill("directory", element("code", "", snapshot.directory));
  fill("sources", ...chips(snapshot.sources));
  fill("resources", ...chips(snapshot.resources));
  const problems = snapshot.diagnostics.map((d) => element("li", "",
    element("code", d.severity === "error" ? "bad" : "wait", d.file + ":" + d.line + ":" + d.column),
    " ", d.path ? element("code", "", d.path + " ") : "", d.message));
  fill("problems", ...(problems.length ? problems : [element("li", "soft", "No errors, no warnings.")]));
}

function showProxies(proxies) {
  fill("proxies", ...proxies.map((proxy) => {
    const [word, className] = words[proxy.state];
    const reasons = Object.entries(proxy.types).filter(([, type]) => type.state === "nacked")
      .map(([name, type]) => element("div", "bad", name + ": " + type.error));
    return element("tr", "", element("td", "", element("code", "", proxy.node.id)), element("td", "", proxy.node.role),
      element("td", "", proxy.node.envoyVersion), element("td", "", element("code", "", proxy.version || "none yet")),
      element("td", "", element("span", className, word), ...reasons));
  }));
  document.getElementById("nobody").hidden = proxies.length > 0;
}

async function refresh() {
  try {
    const [snapshot, proxies] = await Promise.all(["snapshot", "proxies"].map(async (name) => {
      const answer = await fetch("/api/v1/" + name);
      if (!answer.ok) throw new Error(answer.status);
      return answer.json();
    }));
    showSnapshot(snapshot);
    showProxies(proxies.proxies);
    fill("reach", element("span", "soft", "updated " + new Date().toLocaleTimeString()));
  } catch {
    fill("reach", element("span", "bad", "the server does not answer"));
  }
  setTimeout(refresh, 2000);
}
refresh();
`;

const hash = (text: string): string => `'sha256-${createHash("sha256").update(text).digest("base64")}'`;

export const statusPagePolicy = [
  "default-src 'none'",
  `style-src ${hash(style)}`,
  `script-src ${hash(script)}`,
  "connect-src 'self'",
  "img-src data:",
  "frame-ancestors 'none'",
  "base-uri 'none'",
].join("; ");

export const statusPage = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Sluice</title>
<link rel="icon" href="data:,">
<style>${style}</style>
</head>
<body>
<main>
<header><h1>Sluice</h1><span id="state" role="status"></span><span id="reach"></span></header>
<section aria-labelledby="served">
<h2 id="served">What is served</h2>
<div>version <span id="version"></span></div>
<div>from <span id="directory"></span></div>
<ul class="chips" id="sources" aria-label="Resources read"></ul>
<ul class="chips soft" id="resources" aria-label="Resources sent to a gateway"></ul>
</section>
<section aria-labelledby="wrong"><h2 id="wrong">Errors and warnings</h2><ul class="problems" id="problems"></ul></section>
<section aria-labelledby="who">
<h2 id="who">Proxies</h2>
<div class="scroll"><table>
<thead><tr><th>node</th><th>role</th><th>Envoy</th><th>version</th><th>state</th></tr></thead>
<tbody id="proxies"></tbody>
</table></div>
<div id="nobody" class="soft">No proxy is connected. <code>sluice bootstrap</code> prints a configuration for one.</div>
</section>
<p class="soft">Also here: <a href="/api/v1/snapshot">snapshot</a>, <a href="/api/v1/proxies">proxies</a>,
<a href="/metrics">metrics</a>, <a href="/filters/index.json">filters</a>.</p>
<noscript>This page needs JavaScript; <code>sluice status</code> tells the same.</noscript>
</main>
<script>${script}</script>
</body>
</html>
`;
