import assert from "node:assert/strict";
import { generateKeyPairSync, type KeyObject } from "node:crypto";
import { before, test } from "node:test";
import { type Authority, authority, type Pair } from "../tests/support/certificates.ts";
import { authoritiesFault, daysLeft, pairFault, revocationFault } from "./certificates.ts";

const nowMs = Date.now();
const day = 86_400_000;
let root: Authority;
let own: Pair;
let other: Pair;

before(async () => {
  root = await authority("tests");
  [own, other] = [await root.issue({ name: "a.example.com" }), await root.issue({ name: "b.example.com" })];
});

const at = (days: number): Date => new Date(nowMs + days * day);
const reason = (chain: string, key: string): string => {
  const fault = pairFault(chain, key, nowMs);
  return fault === undefined ? "" : `${fault.part}: ${fault.reason}`;
};

const pem = (key: KeyObject): string => key.export({ type: "pkcs8", format: "pem" }).toString();

const keyOf = (type: "ed25519" | "ec"): string =>
  type === "ec"
    ? pem(generateKeyPairSync("ec", { namedCurve: "secp256k1" }).privateKey)
    : pem(generateKeyPairSync("ed25519").privateKey);

test("a pair, and a chain that begins with its certificate", () => {
  assert.equal(reason(own.certificate, own.key), "");
  assert.equal(reason(`${own.certificate}\n${root.ca}`, own.key), "");
});

test("what is wrong with a certificate", async () => {
  assert.match(
    reason("", own.key),
    /^certificate: there is no certificate in it; one begins with -----BEGIN/,
  );
  const damaged = own.certificate.replace(/\n[A-Za-z0-9+/]{20}/, "\nAAAA");
  assert.match(reason(damaged, own.key), /^certificate: certificate 1 in it cannot be read: it is damaged/);
  const late = await root.issue({ name: "a", from: at(1), until: at(2) });
  assert.match(reason(late.certificate, late.key), /^certificate: the certificate is not valid before /);
  const old = await root.issue({ name: "a", from: at(-3), until: at(-2) });
  assert.match(
    reason(old.certificate, old.key),
    /^certificate: the certificate has expired: it was valid until /,
  );
});

test("what is wrong with a key", () => {
  assert.match(reason(own.certificate, other.key), /^privateKey: it is not the key of the first certificate/);
  assert.match(
    reason(`${root.ca}\n${own.certificate}`, own.key),
    /it is not the key of the first certificate/,
  );
  assert.match(reason(own.certificate, "x"), /^privateKey: there is no private key in it; one begins with/);
  const damaged = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";
  assert.match(reason(own.certificate, damaged), /^privateKey: the key cannot be read: it is damaged/);
  const locked = "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n";
  assert.match(reason(own.certificate, locked), /^privateKey: the key has a passphrase; write it without/);
  assert.match(
    reason(own.certificate, keyOf("ed25519")),
    /^privateKey: a key of the type ed25519 is not taken by Envoy/,
  );
  assert.match(
    reason(own.certificate, keyOf("ec")),
    /^privateKey: a key of the curve secp256k1 is not taken by Envoy/,
  );
});

test("authorities: one that is in force is enough", async () => {
  const old = (await root.issue({ name: "a", from: at(-3), until: at(-2) })).certificate;
  assert.equal(authoritiesFault(`${old}${root.ca}`, nowMs), undefined);
  assert.match(authoritiesFault(old, nowMs)?.reason ?? "", /has expired/);
  assert.match(authoritiesFault("", nowMs)?.reason ?? "", /there is no certificate in it/);
});

test("a list of revoked certificates is told by its frame", () => {
  assert.equal(revocationFault("-----BEGIN X509 CRL-----\nAA\n-----END X509 CRL-----"), undefined);
  assert.match(
    revocationFault(own.certificate)?.reason ?? "",
    /there is no list of revoked certificates in it/,
  );
});

test("a certificate that ends within a week is told", async () => {
  assert.equal(daysLeft(own.certificate, nowMs), undefined);
  const soon = await root.issue({ name: "a", until: at(3.5) });
  assert.equal(daysLeft(soon.certificate, nowMs), 3);
});
