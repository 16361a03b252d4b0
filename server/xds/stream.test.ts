// The order of delivery, told by a scripted client that acknowledges when the test says so.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { type TypeUrl, typeUrls } from "../model.ts";
import { base, Client, type Content, resource, snapshot, variants } from "./stream.client.ts";
import { contentVersion } from "./version.ts";

const { cluster, endpoints, listener, routes, extension } = typeUrls;

describe("a first connection", () => {
  for (const variant of variants) {
    test(`${variant}: clusters, endpoints, listeners, routes and filters, each when asked for`, () => {
      const client = new Client(variant).publish(snapshot("v1", base));
      assert.deepEqual(client.ask(cluster, []).came(), ["cluster:a@1"]);
      assert.deepEqual(client.ask(endpoints, ["a"]).came(), ["endpoints:a@1"]);
      client.ackAll();
      assert.deepEqual(client.ask(listener, []).came(), ["listener:web@1"]);
      assert.deepEqual(client.ask(routes, ["table"]).came(), ["routes:table@1"]);
      assert.equal(client.stream.state().version, "");
      assert.deepEqual(client.ask(extension, ["filter"]).came(), [], "filters come after routes");
      assert.deepEqual(client.ackAll().came(), ["extension:filter@1"]);
      client.ackAll();
      assert.deepEqual(client.came(), []);
      assert.equal(client.stream.state().version, "v1");
      assert.deepEqual(client.stream.state().types[routes], {
        acknowledged: "v1",
        sent: "v1",
        state: "synced",
        error: "",
      });
    });

    test(`${variant}: a listener waits until the endpoints of the clusters are acknowledged`, () => {
      const client = new Client(variant).publish(snapshot("v1", base)).ask(cluster, []).ask(listener, []);
      client.ack(cluster);
      assert.deepEqual(client.came(), ["cluster:a@1"]);
      assert.equal(client.stream.isExpecting, true);
      client.ask(endpoints, ["a"]);
      assert.deepEqual(client.came(), ["endpoints:a@1"]);
      client.ack(endpoints);
      assert.deepEqual(client.came(), ["listener:web@1"]);
    });

    test(`${variant}: nothing is sent before there is a snapshot`, () => {
      const client = new Client(variant).ask(cluster, []);
      assert.deepEqual(client.came(), []);
      assert.deepEqual(client.publish(snapshot("v1", base)).came(), ["cluster:a@1"]);
    });

    test(`${variant}: a client that never asks for endpoints is not waited for for ever`, () => {
      const client = new Client(variant)
        .publish(snapshot("v1", base))
        .ask(cluster, [])
        .ask(listener, [])
        .ackAll();
      assert.deepEqual(client.came(), ["cluster:a@1"]);
      client.take(client.stream.stopExpecting());
      assert.deepEqual(client.came(), ["listener:web@1"]);
    });
  }
});

describe("make before break", () => {
  const swapped: Content = { ...base, cluster: { b: "1" }, endpoints: { b: "1" }, routes: { table: "2" } };

  for (const variant of variants) {
    test(`${variant}: a route that moves to a new cluster`, () => {
      const client = new Client(variant).connect(snapshot("v1", base));
      client.publish(snapshot("v2", swapped));
      assert.deepEqual(client.came(), [variant === "sotw" ? "cluster:a@1,b@1" : "cluster:b@1"]);
      client.ack(cluster);
      assert.deepEqual(client.came(), [], "routes wait for the endpoints");
      client.ask(endpoints, ["b"]);
      assert.deepEqual(client.came(), ["endpoints:b@1"]);
      client.ack(endpoints);
      assert.deepEqual(client.came(), ["routes:table@2"]);
      client.ack(routes);
      assert.deepEqual(client.came(), [variant === "sotw" ? "cluster:b@1" : "cluster:-a"]);
      assert.equal(client.stream.state().version, "v1");
      client.ack(cluster).leave(endpoints, "a");
      assert.equal(client.stream.state().version, "v2");
      assert.deepEqual(client.came(), []);
    });

    test(`${variant}: a changed cluster is followed by its endpoints, though they are the same`, () => {
      const client = new Client(variant).connect(snapshot("v1", base));
      client.publish(snapshot("v2", { ...base, cluster: { a: "2" } }));
      assert.deepEqual(client.came(), ["cluster:a@2", "endpoints:a@1"]);
      client.ackAll();
      assert.equal(client.stream.state().version, "v2");
    });

    test(`${variant}: filters change after the routes, over routes that serve both`, () => {
      const client = new Client(variant, {
        interim: (old, next) => resource(routes, next.name, `${old.version}+${next.version}`),
      }).connect(snapshot("v1", base));
      client.publish(snapshot("v2", { ...base, routes: { table: "2" }, extension: { filter: "2" } }));
      assert.deepEqual(client.came(), ["routes:table@1+2"]);
      assert.deepEqual(client.ack(routes).came(), ["extension:filter@2"]);
      assert.deepEqual(client.ack(extension).came(), ["routes:table@2"]);
      client.ackAll();
      assert.equal(client.stream.state().version, "v2");
    });

    test(`${variant}: an interim table is not brought back by a type first asked for later`, () => {
      const client = new Client(variant, {
        interim: (old, next) => resource(routes, next.name, `${old.version}+${next.version}`),
      }).connect(snapshot("v1", base));
      client
        .publish(snapshot("v2", { ...base, routes: { table: "2" }, extension: { filter: "2" } }))
        .ackAll();
      client.came();
      assert.deepEqual(client.ask(typeUrls.secret, []).came(), []);
      assert.equal(client.stream.state().version, "v2");
    });

    test(`${variant}: a listener goes before the clusters that it used`, () => {
      const two: Content = {
        ...base,
        cluster: { a: "1", b: "1" },
        endpoints: { a: "1", b: "1" },
        listener: { web: "1", extra: "1" },
      };
      const client = new Client(variant).connect(snapshot("v1", two));
      client.publish(snapshot("v2", base));
      assert.deepEqual(client.came(), [variant === "sotw" ? "listener:web@1" : "listener:-extra"]);
      client.ack(listener);
      assert.deepEqual(client.came(), [variant === "sotw" ? "cluster:a@1" : "cluster:-b"]);
    });

    test(`${variant}: while a snapshot is under way only the newest of later ones waits`, () => {
      const client = new Client(variant).connect(snapshot("v1", base));
      client.publish(snapshot("v2", { ...base, routes: { table: "2" } }));
      client.publish(snapshot("v3", { ...base, routes: { table: "3" } }));
      client.publish(snapshot("v4", { ...base, routes: { table: "4" } }));
      client.ackAll();
      assert.deepEqual(client.came(), ["routes:table@2", "routes:table@4"]);
      assert.equal(client.stream.state().version, "v4");
    });

    test(`${variant}: a snapshot with the version under way is no snapshot`, () => {
      const client = new Client(variant).connect(snapshot("v1", base));
      client.publish(snapshot("v1", base));
      assert.deepEqual(client.came(), []);
    });
  }
});

describe("a refusal", () => {
  const bad: Content = { ...base, cluster: { a: "bad" }, routes: { table: "2" } };

  for (const variant of variants) {
    test(`${variant}: holds back what depends on it, is shown with its reason and is not sent again`, () => {
      const client = new Client(variant).connect(snapshot("v1", base));
      client.publish(snapshot("v2", bad)).nack(cluster, "no such thing").ackAll();
      assert.deepEqual(client.came(), ["cluster:a@bad", "endpoints:a@1"]);
      assert.deepEqual(client.stream.state().types[cluster], {
        acknowledged: "v1",
        sent: "v2",
        state: "nacked",
        error: "no such thing",
      });
      assert.equal(client.stream.state().version, "v1");
      client.publish(snapshot("v3", { ...bad, routes: { table: "3" } })).ackAll();
      assert.deepEqual(client.came(), [], "the same clusters are refused already");
    });

    test(`${variant}: another content is tried at once`, () => {
      const client = new Client(variant).connect(snapshot("v1", base));
      client.publish(snapshot("v2", bad)).nack(cluster, "no such thing").ackAll();
      client.came();
      client.publish(snapshot("v3", { ...base, cluster: { a: "good" }, routes: { table: "2" } })).ackAll();
      assert.deepEqual(client.came(), ["cluster:a@good", "endpoints:a@1", "routes:table@2"]);
      assert.equal(client.stream.state().version, "v3");
      assert.equal(client.stream.state().types[cluster]?.state, "synced");
    });

    test(`${variant}: going back to the old content sends it, since a part may have been taken`, () => {
      const client = new Client(variant).connect(snapshot("v1", base));
      client.publish(snapshot("v2", bad)).nack(cluster, "no such thing").ackAll();
      client.came();
      client.publish(snapshot("v3", base)).ackAll();
      assert.deepEqual(client.came(), ["cluster:a@1", "endpoints:a@1"]);
      assert.equal(client.stream.state().version, "v3");
    });

    test(`${variant}: of routes leaves endpoints free to change`, () => {
      const client = new Client(variant).connect(snapshot("v1", base));
      client
        .publish(snapshot("v2", { ...base, routes: { table: "bad" } }))
        .nack(routes, "no")
        .came();
      client.publish(snapshot("v3", { ...base, endpoints: { a: "2" }, routes: { table: "bad" } })).ackAll();
      assert.deepEqual(client.came(), ["endpoints:a@2"]);
      assert.equal(client.stream.state().types[routes]?.state, "nacked");
    });

    test(`${variant}: of a filter keeps the clusters that its old version steers to`, () => {
      const client = new Client(variant).connect(snapshot("v1", { ...base, cluster: { a: "1", b: "1" } }));
      client.publish(snapshot("v2", { ...base, extension: { filter: "bad" } })).nack(extension, "no");
      assert.deepEqual(client.came(), ["extension:filter@bad"]);
      assert.equal(client.stream.state().types[cluster]?.state, "synced");
    });

    test(`${variant}: of a removal is not repeated`, () => {
      const client = new Client(variant).connect(
        snapshot("v1", { ...base, listener: { web: "1", extra: "1" } }),
      );
      client.publish(snapshot("v2", base)).nack(listener, "no").ackAll();
      assert.equal(client.came().length, 1);
      client.ask(typeUrls.secret, []);
      assert.deepEqual(client.came(), []);
    });
  }

  test("delta: what was refused alone stays out when another resource of its type changes", () => {
    const two: Content = { ...base, routes: { table: "1", other: "1" } };
    const client = new Client("delta").connect(snapshot("v1", two));
    client.publish(snapshot("v2", { ...two, routes: { table: "bad", other: "1" } })).nack(routes, "no");
    client.came();
    client.publish(snapshot("v3", { ...two, routes: { table: "bad", other: "2" } })).ackAll();
    assert.deepEqual(client.came(), ["routes:other@2"]);
    assert.equal(client.stream.state().types[routes]?.state, "nacked");
  });
});

describe("subscriptions", () => {
  test("delta: the wildcard may be a star, and can be given up", () => {
    const client = new Client("delta").publish(snapshot("v1", { ...base, endpoints: {} }));
    assert.deepEqual(client.ask(cluster, ["*"]).ackAll().came(), ["cluster:a@1"]);
    client.send({ typeUrl: cluster, nonce: "", unsubscribe: ["*"] });
    client.publish(snapshot("v2", { ...base, endpoints: {}, cluster: { a: "2" } }));
    assert.deepEqual(client.came(), []);
  });

  test("delta: a legacy wildcard goes on beside names asked for", () => {
    const client = new Client("delta")
      .publish(snapshot("v1", { cluster: { a: "1" } }))
      .ask(cluster, [])
      .ackAll();
    assert.deepEqual(client.ask(cluster, ["a"]).ackAll().came(), ["cluster:a@1", "cluster:a@1"]);
    client.publish(snapshot("v2", { cluster: { a: "1", b: "1" } }));
    assert.deepEqual(client.came(), ["cluster:b@1"]);
  });

  test("sotw: naming clusters ends the legacy wildcard", () => {
    const client = new Client("sotw").publish(snapshot("v1", { cluster: { a: "1", b: "1" } }));
    assert.deepEqual(client.ask(cluster, []).ackAll().came(), ["cluster:a@1,b@1"]);
    client.ask(cluster, ["a"]).ackAll();
    client.publish(snapshot("v2", { cluster: { a: "2", b: "2" } }));
    assert.deepEqual(client.came().at(-1), "cluster:a@2");
  });

  test("an empty list is no wildcard for types other than clusters and listeners", () => {
    for (const variant of variants) {
      const client = new Client(variant).publish(snapshot("v1", base)).ask(endpoints, []).ask(routes, []);
      assert.deepEqual(client.came(), []);
    }
  });

  test("delta: a name that does not exist is answered with its removal, once, and sent when it comes", () => {
    const client = new Client("delta").connect(snapshot("v1", base));
    assert.deepEqual(client.ask(endpoints, ["nowhere"]).ackAll().came(), ["endpoints:-nowhere"]);
    client.publish(snapshot("v2", { ...base, endpoints: { a: "1", nowhere: "1" } })).ackAll();
    assert.deepEqual(client.came(), ["endpoints:nowhere@1"]);
  });

  test("sotw: a name that does not exist is sent when it comes", () => {
    const client = new Client("sotw").connect(snapshot("v1", base));
    assert.deepEqual(client.ask(endpoints, ["nowhere"]).came(), []);
    client.publish(snapshot("v2", { ...base, endpoints: { a: "1", nowhere: "1" } })).ackAll();
    assert.deepEqual(client.came(), ["endpoints:nowhere@1"]);
  });

  for (const variant of variants) {
    test(`${variant}: a name left is not sent any more, and sent again when asked for again`, () => {
      const client = new Client(variant).connect(snapshot("v1", base)).leave(endpoints, "a");
      client.publish(snapshot("v2", { ...base, endpoints: { a: "2" } })).ackAll();
      assert.deepEqual(client.came(), []);
      assert.deepEqual(client.ask(endpoints, ["a"]).came(), ["endpoints:a@2"]);
    });

    test(`${variant}: a type that this server does not have gets no answer`, () => {
      const client = new Client(variant).connect(snapshot("v1", base));
      client.send({ typeUrl: "type.googleapis.com/envoy.service.runtime.v3.Runtime" as TypeUrl, nonce: "" });
      assert.deepEqual(client.came(), []);
    });
  }

  test("sotw: a request overtaken by a response changes nothing", () => {
    const client = new Client("sotw").connect(snapshot("v1", base));
    client.publish(snapshot("v2", { ...base, endpoints: { a: "2" } }));
    client.send({ typeUrl: endpoints, nonce: "0", names: [] });
    assert.equal(client.stream.state().types[endpoints]?.state, "pending");
    client.ackAll();
    assert.equal(client.stream.state().types[endpoints]?.state, "synced");
  });
});

describe("a reconnect", () => {
  test("delta: what the client has is not sent again", () => {
    const client = new Client("delta").publish(snapshot("v1", base));
    client.ask(cluster, [], { initialVersions: { a: "1" } });
    client.ask(endpoints, ["a"], { initialVersions: { a: "1" } });
    client.ask(listener, [], { initialVersions: { web: "1" } });
    client.ask(routes, ["table"], { initialVersions: { table: "1" } });
    client.ask(extension, ["filter"], { initialVersions: { filter: "1" } });
    assert.deepEqual(client.came(), []);
    assert.equal(client.stream.state().version, "v1");
  });

  test("delta: what changed meanwhile goes in steps, what is gone goes last", () => {
    const client = new Client("delta").publish(snapshot("v2", { ...base, routes: { table: "2" } }));
    client.ask(cluster, [], { initialVersions: { a: "1", gone: "1" } });
    client.ask(endpoints, ["a", "gone"], { initialVersions: { a: "1", gone: "1" } }).ackAll();
    client.ask(listener, [], { initialVersions: { web: "1" } });
    client.ask(routes, ["table"], { initialVersions: { table: "1" } }).ackAll();
    assert.deepEqual(client.came(), ["routes:table@2"]);
    client.ask(extension, ["filter"], { initialVersions: { filter: "1" } }).ackAll();
    assert.deepEqual(client.came(), ["cluster:-gone"]);
    assert.equal(client.stream.state().version, "v2");
  });

  test("delta: a returning client that has clusters only is not waited for for ever", () => {
    const client = new Client("delta").publish(snapshot("v2", base));
    client.ask(cluster, [], { initialVersions: { a: "1", gone: "1" } });
    assert.deepEqual([client.came(), client.stream.isExpecting], [[], true]);
    client.take(client.stream.stopExpecting());
    assert.deepEqual(client.came(), ["cluster:-gone"]);
  });

  test("sotw: the version that the client reports is that of the present content", () => {
    const first = snapshot("v1", base);
    const client = new Client("sotw").publish(first);
    const versionInfo = (typeUrl: TypeUrl): string =>
      contentVersion(first.resources.get(typeUrl)?.values() ?? []);
    client.ask(cluster, [], { versionInfo: versionInfo(cluster) });
    client.ask(endpoints, ["a"], { versionInfo: versionInfo(endpoints) });
    client.ask(listener, [], { versionInfo: versionInfo(listener) });
    client.ask(routes, ["table"], { versionInfo: "an older one" });
    assert.deepEqual(client.came(), ["routes:table@1"]);
  });
});
