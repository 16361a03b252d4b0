// Our matching against Envoy's own, in one Envoy: each random condition is a native route and a rule of the
// header_routing filter at once, and every answer says what both decided. They must never differ.
//
// A seeded sample runs in each test; SLUICE_PARITY=100000 runs as many decisions.

import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { create, toJson } from "@bufbuild/protobuf";
import {
  HeaderMatcherSchema,
  RouteMatchSchema,
} from "../build/envoy-api/envoy/config/route/v3/route_components_pb.ts";
import { findEnvoy } from "../envoy/find.ts";
import { startEnvoy } from "../envoy/process.ts";
import { projectRoot } from "../envoy/root.ts";
import type { HttpMatchRequest } from "../schema/generated/types.ts";
import { routeMatch } from "../server/istio/conditions.ts";
import { Chance, type RandomRequest, randomMatch, randomRequest } from "./parity/generate.ts";
import { RawClient } from "./parity/raw-client.ts";
import { waitFor } from "./support/wait.ts";

const decisionsWanted = Number(process.env.SLUICE_PARITY ?? 4_000);
const rulesPerEnvoy = 400;
const seed = Number(process.env.SLUICE_SEED ?? 20_261_124);
const typeUrl = (name: string) => `type.googleapis.com/${name}`;

/** The condition as Envoy's native route, which holds for requests marked with the rule's number only. */
function nativeRoute(match: HttpMatchRequest, index: number): unknown {
  const native = routeMatch(match);
  native.headers.push(
    create(HeaderMatcherSchema, {
      name: "x-rule",
      headerMatchSpecifier: {
        case: "stringMatch",
        value: { matchPattern: { case: "exact", value: String(index) } },
      },
    }),
  );
  return {
    match: toJson(RouteMatchSchema, native),
    direct_response: { status: 200 },
    response_headers_to_add: [{ header: { key: "x-native", value: "yes" } }],
  };
}

/** The same condition as a rule of ours. */
const rule = (match: HttpMatchRequest, index: number) => ({
  name: String(index),
  match: [{ ...match, headers: { ...match.headers, "x-rule": { exact: String(index) } } }],
  headers: { response: { set: { "x-ours": "yes" } } },
});

function configuration(matches: readonly HttpMatchRequest[]): unknown {
  const manager = {
    "@type": typeUrl("envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager"),
    stat_prefix: "parity",
    http_protocol_options: { allow_chunked_length: true },
    route_config: {
      virtual_hosts: [
        {
          name: "parity",
          domains: ["*"],
          routes: [...matches.map(nativeRoute), { match: { prefix: "" }, direct_response: { status: 200 } }],
        },
      ],
    },
    http_filters: [
      {
        name: "ours",
        typed_config: {
          "@type": typeUrl("envoy.extensions.filters.http.wasm.v3.Wasm"),
          config: {
            name: "ours",
            configuration: {
              "@type": typeUrl("google.protobuf.StringValue"),
              value: JSON.stringify({ policies: [{ name: "parity/p", rules: matches.map(rule) }] }),
            },
            vm_config: {
              runtime: "envoy.wasm.runtime.v8",
              code: { local: { filename: join(projectRoot, "build/filters/header_routing.wasm") } },
            },
          },
        },
      },
      {
        name: "router",
        typed_config: { "@type": typeUrl("envoy.extensions.filters.http.router.v3.Router") },
      },
    ],
  };
  const loopback = { socket_address: { address: "127.0.0.1", port_value: 0 } };
  return {
    node: { id: "parity", cluster: "parity" },
    admin: { address: loopback },
    static_resources: {
      listeners: [
        {
          name: "main",
          address: loopback,
          filter_chains: [{ filters: [{ name: "http", typed_config: manager }] }],
        },
      ],
    },
  };
}

interface Tally {
  decisions: number;
  matched: number;
  refused: number;
  differences: string[];
}

async function compare(chance: Chance, wanted: number, tally: Tally): Promise<void> {
  const matches = Array.from({ length: rulesPerEnvoy }, () => randomMatch(chance));
  const config = configuration(matches);
  const envoy = await startEnvoy({ binary: await findEnvoy(), config, concurrency: 1 });
  try {
    await waitFor("Envoy is live", async () => (await envoy.admin("/ready")).startsWith("LIVE"), 20_000);
    const client = new RawClient(await envoy.listenerPort("main"));
    for (let done = 0; done < wanted; done += 1) {
      const index = done % rulesPerEnvoy;
      const match = matches[index] as HttpMatchRequest;
      const request = randomRequest(chance, match);
      const answer = await client.send({
        ...request,
        headers: [...request.headers, ["x-rule", String(index)]],
      });
      if (answer.status === 400 || answer.status === 431) tally.refused += 1;
      else if (answer.status !== 200)
        assert.fail(`answered ${answer.status}: ${JSON.stringify(match)} ${JSON.stringify(request)}`);
      else judge(tally, match, request, answer.headers);
    }
    client.close();
  } finally {
    await envoy.stop();
  }
}

function judge(
  tally: Tally,
  match: HttpMatchRequest,
  request: RandomRequest,
  headers: ReadonlyMap<string, string>,
): void {
  const native = headers.get("x-native") === "yes";
  const ours = headers.get("x-ours") === "yes";
  tally.decisions += 1;
  if (native) tally.matched += 1;
  if (native !== ours) {
    const shown = { ...request, headers: request.headers.map(([name, value]) => [name, value.slice(0, 40)]) };
    tally.differences.push(
      `Envoy ${native}, ours ${ours}\n  ${JSON.stringify(match)}\n  ${JSON.stringify(shown)}`,
    );
  }
}

test("the filter matches as Envoy's own routes do", { timeout: 1_800_000 }, async (t) => {
  const chance = new Chance(seed);
  const tally: Tally = { decisions: 0, matched: 0, refused: 0, differences: [] };
  const perEnvoy = 5_000;
  while (tally.decisions < decisionsWanted) {
    await compare(chance, Math.min(perEnvoy, Math.ceil((decisionsWanted - tally.decisions) * 1.2)), tally);
  }
  const { decisions, matched, refused, differences } = tally;
  t.diagnostic(
    `${decisions} decisions, ${matched} matched, ${refused} requests refused by Envoy before any decision`,
  );
  assert.equal(
    differences.length,
    0,
    `${differences.length} differences, seed ${seed}:\n${differences.slice(0, 10).join("\n")}`,
  );
  assert.ok(
    matched > decisions * 0.15 && matched < decisions * 0.85,
    `${matched} of ${decisions} matched: not a fair sample`,
  );
  assert.ok(refused < decisions * 0.5, `${refused} requests refused`);
});
