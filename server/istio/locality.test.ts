// Which endpoints come first and with which share: rows of a setting, where the proxy is, and what comes out.

import assert from "node:assert/strict";
import { test } from "node:test";
import type { LocalityLbSetting, WorkloadEntry } from "../../schema/generated/types.ts";
import { groupByLocality, parseLocality, placeGroups, weighsLocalities } from "./locality.ts";

const at = (locality: string, labels: Record<string, string> = {}, weight?: number): WorkloadEntry => ({
  address: "10.0.0.1",
  ...(locality === "" ? {} : { locality }),
  labels,
  ...(weight === undefined ? {} : { weight }),
});

interface Row {
  name: string;
  proxy: string;
  labels?: Record<string, string>;
  setting?: LocalityLbSetting;
  detectsFailure?: false;
  entries: WorkloadEntry[];
  /** `LOCALITY priority/weight`. */
  placed: string[];
}

const spread = [at("eu/de/a"), at("eu/de/b"), at("eu/fr/a"), at("us/ny/a"), at("asia/jp/a"), at("")];

const rows: Row[] = [
  {
    name: "by distance, without a setting",
    proxy: "eu/de/a",
    entries: spread,
    placed: ["// 3/1", "asia/jp/a 3/1", "eu/de/a 0/1", "eu/de/b 1/1", "eu/fr/a 2/1", "us/ny/a 3/1"],
  },
  {
    name: "priorities have no gap",
    proxy: "eu/de/a",
    entries: [at("us/ny/a"), at("eu/fr/a")],
    placed: ["eu/fr/a 0/1", "us/ny/a 1/1"],
  },
  {
    name: "the region that failover names comes before the others",
    proxy: "eu/de/a",
    setting: { failover: [{ from: "eu", to: "us" }] },
    entries: spread,
    placed: ["// 4/1", "asia/jp/a 4/1", "eu/de/a 0/1", "eu/de/b 1/1", "eu/fr/a 2/1", "us/ny/a 3/1"],
  },
  {
    name: "failover of another region",
    proxy: "eu/de/a",
    setting: { failover: [{ from: "us", to: "asia" }] },
    entries: [at("us/ny/a"), at("asia/jp/a")],
    placed: ["asia/jp/a 0/1", "us/ny/a 0/1"],
  },
  {
    name: "nothing detects failures",
    proxy: "eu/de/a",
    setting: { failover: [{ from: "eu", to: "us" }] },
    detectsFailure: false,
    entries: spread.slice(0, 2),
    placed: ["eu/de/a 0/1", "eu/de/b 0/1"],
  },
  {
    name: "switched off",
    proxy: "eu/de/a",
    setting: { enabled: false, failover: [{ from: "eu", to: "us" }] },
    entries: [at("us/ny/a"), at("eu/de/a")],
    placed: ["eu/de/a 0/1", "us/ny/a 0/1"],
  },
  {
    name: "a proxy that says nothing of itself",
    proxy: "",
    entries: [at("us/ny/a"), at("eu/de/a")],
    placed: ["eu/de/a 0/1", "us/ny/a 0/1"],
  },
  {
    name: "shares, several localities under one pattern by their weight",
    proxy: "eu/de/a",
    setting: { distribute: [{ from: "eu/*", to: { "eu/de/*": 75, us: 25 } }] },
    entries: [at("eu/de/a", {}, 2), at("eu/de/b"), at("eu/fr/a"), at("us/ny/a", {}, 7)],
    placed: ["eu/de/a 0/50", "eu/de/b 0/25", "us/ny/a 0/25"],
  },
  {
    name: "the first entry that covers the proxy counts",
    proxy: "eu/de/a",
    setting: {
      distribute: [
        { from: "us/*", to: { us: 100 } },
        { from: "eu/de/b", to: { us: 100 } },
        { from: "*", to: { "eu/fr/a": 100 } },
        { from: "eu/de/a", to: { us: 100 } },
      ],
    },
    entries: spread,
    placed: ["eu/fr/a 0/100"],
  },
  {
    name: "shares from elsewhere change nothing",
    proxy: "asia/jp/a",
    setting: { distribute: [{ from: "eu/*", to: { us: 100 } }] },
    entries: [at("eu/de/a", {}, 3), at("us/ny/a")],
    placed: ["eu/de/a 0/3", "us/ny/a 0/1"],
  },
  {
    name: "by labels: the more of the first ones agree, the sooner",
    proxy: "eu/de/a",
    labels: { rack: "r1", version: "v1" },
    setting: { failoverPriority: ["rack", "version"] },
    entries: [
      at("eu/de/a", { rack: "r1", version: "v1" }),
      at("eu/de/a", { rack: "r1", version: "v2" }),
      at("eu/de/b", { rack: "r2", version: "v1" }),
    ],
    placed: ["eu/de/a 0/1", "eu/de/a 1/1", "eu/de/b 2/1"],
  },
  {
    name: "by labels with a value of their own, and by place",
    proxy: "eu/de/a",
    setting: { failoverPriority: ["topology.kubernetes.io/region", "version=v2"] },
    entries: [
      at("eu/fr/a", { version: "v1" }),
      at("eu/fr/b", { version: "v2" }),
      at("us/ny/a", { version: "v2" }),
    ],
    placed: ["eu/fr/a 1/1", "eu/fr/b 0/1", "us/ny/a 2/1"],
  },
  {
    name: "another network comes behind all of the own, in the same order",
    proxy: "eu/de/a",
    labels: { rack: "r1", "topology.istio.io/network": "n1" },
    setting: { failoverPriority: ["topology.istio.io/network", "rack"] },
    entries: [
      { ...at("a", { rack: "r1" }), network: "n1" },
      { ...at("b", { rack: "r2" }), network: "n1" },
      { ...at("c", { rack: "r1" }), network: "n2" },
      { ...at("d", { rack: "r2" }), network: "n2" },
    ],
    placed: ["a// 0/1", "b// 1/1", "c// 2/1", "d// 3/1"],
  },
];

for (const { name, proxy, labels = {}, setting, detectsFailure = true, entries, placed } of rows) {
  test(name, () => {
    const viewpoint = { locality: parseLocality(proxy), labels };
    const groups = placeGroups(groupByLocality(entries), setting, detectsFailure, viewpoint);
    const shown = groups.map(({ locality: { region, zone, subZone }, priority, weight }) => {
      return `${[region, zone, subZone].join("/")} ${priority}/${weight}`;
    });
    assert.deepEqual(shown, placed);
  });
}

test("shares count where they are written, or where failover is and something detects failures", () => {
  assert.equal(weighsLocalities(undefined, true), false);
  assert.equal(weighsLocalities({ distribute: [{ from: "a", to: { b: 100 } }] }, false), true);
  assert.equal(weighsLocalities({ failover: [{ from: "a", to: "b" }] }, false), false);
  assert.equal(weighsLocalities({ failover: [{ from: "a", to: "b" }] }, true), true);
  assert.equal(weighsLocalities({ enabled: false, failover: [{ from: "a", to: "b" }] }, true), false);
});
