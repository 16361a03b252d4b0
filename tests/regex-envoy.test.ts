// The regular expressions of assembly/regex against safe_regex of a real Envoy: random patterns become header
// matchers of one listener, random texts become header values.

import assert from "node:assert/strict";
import { once } from "node:events";
import http from "node:http";
import { after, before, test } from "node:test";
import { findEnvoy } from "../envoy/find.ts";
import { type EnvoyProcess, startEnvoy } from "../envoy/process.ts";
import { chance, compile, mutate, type Sample, samples, startKit } from "./support/regex.ts";
import { waitFor } from "./support/wait.ts";

const wanted = Number(process.env.SLUICE_DECISIONS ?? 2_000);
const textsPerPattern = 10;
const random = chance(Number(process.env.SLUICE_SEED ?? 20_261_124));

/** Written by hand, for what RE2's readers dispute. */
const disputed: readonly (readonly [pattern: string, ...texts: string[]])[] = [
  ["[[:]", "[", ":", "]"],
  ["(?i)stra\u00dfe", "STRA\u00dfE", "stra\u00dfe", "STRASSE"],
  ["(?i)\u00e9", "\u00c9", "\u00e9", "\u00c3\u00a9"],
  ["(?i)[^\u00e0]", "\u00c0", "\u00e0", "a"],
  ["(?i)\u00ff|\u00b5|\u00d7", "\u00ff", "\u00df", "\u00b5", "\u00f7", "\u00d7"],
  ["(?i)[k-s]", "K", "S", "\u00df", "\u00ff"],
  [".", "\u00e9", "\u00c3\u00a9", "a"],
  ["..", "\u00e9", "\u00c3\u00a9", "ab"],
  ["\\C", "\u00e9", "a", "ab"],
  ["a(?i)*", "aaa", "AAA", "a"],
  ["a*(?i)*", "aaa", "AAA", "b"],
  ["a{,2}", "a{,2}", "aa", "a"],
  ["x{1000000000}", "x{1000000000}", "x"],
  ["a{01}", "a{01}", "a"],
  ["(?:^a$|^b)c?", "a", "b", "bc", "ac"],
  ["(?:a|ab)(?:c|bcd)?", "abcd", "abc", "ac", "a"],
  ["(|a)+b||c", "ab", "b", "c", "aab", "d"],
  ["\\bfoo\\b.*", "foo", "foo bar", "foobar", "foo\u00e9"],
  ["(?<n>a)\\x{e9}\\351", "a\u00e9\u00e9", "a"],
  ["[\\w\\-]+@[^\\s@]+", "a-b@c", "a b@c", "\u00e9@c"],
];

let envoy: EnvoyProcess;
let port: number;
let patterns: Sample[];
const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });

before(async () => {
  await startKit();
  patterns = choosePatterns(Math.ceil(wanted / textsPerPattern));
  envoy = await startEnvoy({ binary: await findEnvoy(), config: configuration(), concurrency: 1 });
  await waitFor("Envoy is ready", async () => (await envoy.admin("/ready")).startsWith("LIVE"));
  port = await envoy.listenerPort("regex");
});

after(async () => {
  agent.destroy();
  await envoy?.stop();
});

/** Patterns that we take and that a JSON configuration can carry: what is beyond ASCII is escaped. */
function choosePatterns(count: number): Sample[] {
  const sample = samples(random);
  const chosen: Sample[] = [];
  while (chosen.length < count) {
    const candidate = sample();
    if (candidate.pattern !== "" && !compile(candidate.pattern).refused) chosen.push(candidate);
  }
  return chosen;
}

function configuration(): unknown {
  const routes = [...disputed.map(([pattern]) => pattern), ...patterns.map(({ pattern }) => pattern)];
  const answer = (status: number) => ({ status });
  return {
    admin: { address: loopback() },
    // Without this, Envoy refuses expressions whose program has more than 100 instructions.
    layered_runtime: {
      layers: [{ name: "static", static_layer: { re2: { max_program_size: { error_level: 100_000 } } } }],
    },
    static_resources: {
      listeners: [
        {
          name: "regex",
          address: loopback(),
          filter_chains: [
            {
              filters: [
                {
                  name: "hcm",
                  typed_config: {
                    "@type":
                      "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
                    stat_prefix: "regex",
                    http_filters: [
                      {
                        name: "router",
                        typed_config: {
                          "@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router",
                        },
                      },
                    ],
                    route_config: {
                      virtual_hosts: [
                        {
                          name: "all",
                          domains: ["*"],
                          routes: [
                            ...routes.map((regex, i) => ({
                              match: {
                                path: `/${i}`,
                                headers: [
                                  { name: "x", string_match: { safe_regex: { regex: carried(regex) } } },
                                ],
                              },
                              direct_response: answer(200),
                            })),
                            { match: { prefix: "/" }, direct_response: answer(404) },
                          ],
                        },
                      ],
                    },
                  },
                },
              ],
            },
          ],
        },
      ],
    },
  };
}

function loopback(): unknown {
  return { socket_address: { address: "127.0.0.1", port_value: 0 } };
}

/** JSON is UTF-8, so a byte from 0x80 up would arrive as two; RE2 reads the escape as the byte that we mean. */
function carried(pattern: string): string {
  return pattern.replaceAll(/[\u0080-\u00ff]/g, (byte) => `\\x${byte.charCodeAt(0).toString(16)}`);
}

async function envoyMatches(route: number, text: string): Promise<boolean> {
  const request = http.request({ host: "127.0.0.1", port, path: `/${route}`, headers: { x: text }, agent });
  request.end();
  const [response] = (await once(request, "response")) as [http.IncomingMessage];
  response.resume();
  await once(response, "end");
  return response.statusCode === 200;
}

/** What a header value can carry: no control characters, no space at either end. */
function headerValue(text: string): string {
  return text.replaceAll(/[^\t\u0020-\u007e\u0080-\u00ff]/g, "").replaceAll(/^[ \t]+|[ \t]+$/g, "");
}

async function compare(route: number, pattern: string, text: string): Promise<boolean> {
  const regex = compile(pattern);
  if (regex.refused) assert.fail(`${pattern} is refused: ${regex.message}`);
  const expected = await envoyMatches(route, text);
  const where = `${JSON.stringify(pattern)} on ${JSON.stringify(text)}`;
  assert.equal(regex.matches(text), expected, `${where}: Envoy says ${expected}`);
  return expected;
}

test("what readers of RE2 dispute is decided as in Envoy", async () => {
  for (const [route, [pattern, ...texts]] of disputed.entries()) {
    for (const text of texts) await compare(route, pattern, text);
  }
});

test("random patterns decide as in Envoy", async () => {
  let matched = 0;
  for (const [i, { pattern, likely }] of patterns.entries()) {
    for (let left = textsPerPattern; left > 0; left--) {
      const text = headerValue(mutate(likely(), random));
      if (await compare(disputed.length + i, pattern, text)) matched += 1;
    }
  }
  assert.ok(matched > wanted / 10, `${matched} matches`);
});
