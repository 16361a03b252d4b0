// `sluice controller` against a real API server with RBAC on, as its own service account.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { projectRoot } from "../../envoy/root.ts";
import { waitFor } from "../support/wait.ts";
import { applyDefinitions, kubeconfigOf } from "./control-plane.ts";
import type { KubeObject } from "./kube-api.ts";
import { type Lab, startLab } from "./lab.ts";
import { type Program, startProgram } from "./program.ts";
import { shop, shopRoutes } from "./shop.ts";

let lab: Lab;
let kubeconfig: string;
const controllers = new Map<string, Program>();
const read = (file: string): string => readFileSync(join(projectRoot, "deploy/kubernetes", file), "utf8");

before(async () => {
  lab = await startLab({ istiod: false });
  const { api } = lab.kubernetes;
  await applyDefinitions(api, read("crds.yaml"));
  await api.apply([{ apiVersion: "v1", kind: "Namespace", metadata: { name: "istio-system" } }]);
  await api.apply(read("controller.yaml"));
  const request = { apiVersion: "authentication.k8s.io/v1", kind: "TokenRequest", spec: { audiences: [] } };
  const account = "/api/v1/namespaces/sluice-system/serviceaccounts/sluice-controller/token";
  const { body } = await api.call("POST", account, request);
  kubeconfig = join(lab.directory, "controller.kubeconfig");
  await writeFile(kubeconfig, kubeconfigOf(api.url, (body.status as { token: string }).token));
  await lab.apply(`${shop(18080)}---${shopRoutes}`);
  start("first");
});
after(async () => {
  for (const controller of controllers.values()) await controller.stop();
  await lab?.close();
});

function start(name: string): void {
  const program = startProgram({
    command: process.execPath,
    args: [
      ...["--import", "tsx", "cli/main.ts", "controller", "--kubeconfig", kubeconfig],
      ...["--module-url", lab.modulesUrl, "--lease-seconds", "5"],
    ],
    cwd: projectRoot,
    logFile: join(lab.directory, `controller-${name}.log`),
  });
  controllers.set(name, program);
}

const object = (apiVersion: string, kind: string, name: string, namespace = "default"): KubeObject => ({
  apiVersion,
  kind,
  metadata: { name, namespace },
});
const policyOf = (name: string) => object("sluice.traffic/v1alpha1", "HeaderRoutingPolicy", name);
const plugin = object("extensions.istio.io/v1alpha1", "WasmPlugin", "sluice-header-routing", "istio-system");
const shopOf = object("networking.istio.io/v1", "VirtualService", "shop");

const canary = (subset: string, section = "orders") => `
apiVersion: sluice.traffic/v1alpha1
kind: HeaderRoutingPolicy
metadata: {name: canary, namespace: default}
spec:
  targetRefs: [{group: networking.istio.io, kind: VirtualService, name: shop, sectionName: ${section}}]
  rules: [{name: insiders, match: [{headers: {uid: {exact: "0"}}}], destination: {subset: ${subset}}}]
`;

type Conditions = Record<
  string,
  { status: string; reason: string; message: string; observedGeneration: number }
>;

async function conditions(name: string): Promise<Conditions> {
  const { body } = await lab.kubernetes.api.get(policyOf(name));
  const list =
    ((body.status ?? {}) as { conditions?: ({ type: string } & Conditions[string])[] }).conditions ?? [];
  return Object.fromEntries(list.map(({ type, ...rest }) => [type, rest]));
}

const spec = async (of: KubeObject) => JSON.stringify((await lab.kubernetes.api.get(of)).body.spec ?? "");
const until = (what: string, holds: () => Promise<boolean>) => waitFor(what, holds, 30_000);
const isProgrammed = (name: string) => async () => (await conditions(name)).Programmed?.status === "True";

test("a policy becomes a plugin and derived routes, and says so", async () => {
  await lab.apply(canary("v3"));
  await until("the policy is programmed", isProgrammed("canary"));
  const found = await conditions("canary");
  assert.deepEqual([found.Accepted?.status, found.Accepted?.reason], ["True", "Accepted"]);
  assert.match(await spec(plugin), /"route":"orders"/);
  assert.match(await spec(shopOf), /orders\/v3/);
});

test("a change of the policy changes both, what it needs no more goes", async () => {
  await lab.apply(canary("v2"));
  await until("the routes follow", async () => /orders\/v2/.test(await spec(shopOf)));
  assert.doesNotMatch(await spec(shopOf), /orders\/v3/);
});

test("a policy at fault says why, and its previous version stays in force", async () => {
  await lab.apply(canary("v9"));
  await until("it is not accepted", async () => (await conditions("canary")).Accepted?.status === "False");
  const found = await conditions("canary");
  assert.match(found.Accepted?.message ?? "", /"v9".*Its previous version stays in force/);
  assert.equal(found.Programmed?.status, "False");
  assert.match(await spec(shopOf), /orders\/v2/);
  await lab.apply(canary("v2"));
  await until("it is accepted again", isProgrammed("canary"));
});

test("what the API server cannot check is refused by the controller", async () => {
  await lab.apply(`
apiVersion: sluice.traffic/v1alpha1
kind: HeaderRoutingPolicy
metadata: {name: bad-regex, namespace: default}
spec:
  targetRefs: [{group: networking.istio.io, kind: VirtualService, name: shop}]
  rules: [{name: r, match: [{uri: {regex: "(?=a)"}}], destination: {subset: v3}}]
`);
  await until(
    "it is not accepted",
    async () => (await conditions("bad-regex")).Accepted?.reason === "Invalid",
  );
  assert.match((await conditions("bad-regex")).Accepted?.message ?? "", /look-around/);
  await lab.kubernetes.api.remove([policyOf("bad-regex")]);
});

test("another hand's change of the plugin is put right, and a user's new route stays", async () => {
  const { api } = lab.kubernetes;
  const changed = { ...plugin, spec: { url: "http://elsewhere.example/x.wasm" } };
  const { status } = await api.tryApply(changed);
  assert.ok(status < 300);
  await lab.apply(
    `${shopRoutes.replace("http:", "http:\n  - name: new\n    match: [{uri: {prefix: /new}}]\n    route: [{destination: {host: backend.default.svc.cluster.local}}]")}`,
  );
  await until("the plugin is put right", async () => (await spec(plugin)).includes(lab.modulesUrl));
  await until("derived routes are back", async () => /orders\/v2/.test(await spec(shopOf)));
  assert.match(await spec(shopOf), /"\/new"/);
});

test("one leads; when it is killed the other takes over", async () => {
  const lease = object("coordination.k8s.io/v1", "Lease", "sluice-controller", "sluice-system");
  const holder = async () => {
    const { body } = await lab.kubernetes.api.get(lease);
    return (body.spec as { holderIdentity: string }).holderIdentity;
  };
  const before = await holder();
  start("second");
  const second = controllers.get("second");
  await until("the second one watches", async () => (await second?.log())?.includes('"ready"') === true);
  assert.equal(await holder(), before);
  await controllers.get("first")?.kill();
  controllers.delete("first");
  await until("the second one leads", async () => (await holder()) !== before && (await holder()) !== "");
  await lab.apply(canary("v1"));
  await until("the routes follow", async () => /orders\/v1/.test(await spec(shopOf)));
});

test("its watches begin again after the API server was gone", async () => {
  const [controller] = controllers.values();
  assert.ok(controller);
  await lab.kubernetes.restartApi();
  await until("a watch begins again", async () => /"event":"watch"/.test(await controller.log()));
  await lab.apply(canary("v2"));
  await until("the routes follow", async () => /orders\/v2/.test(await spec(shopOf)));
});

test("a policy that is gone takes plugin and derived routes with it", async () => {
  await lab.kubernetes.api.remove([policyOf("canary")]);
  await until("the plugin is gone", async () => (await lab.kubernetes.api.get(plugin)).status === 404);
  await until("the routes are gone", async () => !/x-sluice-destination/.test(await spec(shopOf)));
  assert.match(await spec(shopOf), /"\/new"/);
});

test("it may do no more than it needs", async () => {
  const may = async (verb: string, group: string, resource: string, namespace: string): Promise<boolean> => {
    const review = {
      apiVersion: "authorization.k8s.io/v1",
      kind: "SubjectAccessReview",
      spec: {
        user: "system:serviceaccount:sluice-system:sluice-controller",
        resourceAttributes: { verb, group, resource, namespace },
      },
    };
    const { body } = await lab.kubernetes.api.call(
      "POST",
      "/apis/authorization.k8s.io/v1/subjectaccessreviews",
      review,
    );
    return (body.status as { allowed: boolean }).allowed;
  };
  assert.equal(await may("patch", "networking.istio.io", "virtualservices", "default"), true);
  for (const [verb, group, resource, namespace] of [
    ["get", "", "secrets", "default"],
    ["get", "", "secrets", "sluice-system"],
    ["delete", "networking.istio.io", "virtualservices", "default"],
    ["create", "networking.istio.io", "virtualservices", "default"],
    ["patch", "extensions.istio.io", "wasmplugins", "default"],
    ["patch", "sluice.traffic", "ratelimitpolicies", "default"],
    ["list", "", "pods", "default"],
    ["delete", "coordination.k8s.io", "leases", "sluice-system"],
  ] as const) {
    assert.equal(await may(verb, group, resource, namespace), false, `${verb} ${resource}`);
  }
});
