// Certificates to try the example with, in a directory: an authority, and what it signs. Run again it keeps the
// authority and signs everything anew.
//
//   node examples/ingress-tls/certificates.mjs examples/ingress-tls/certs

import { createPrivateKey, webcrypto } from "node:crypto";
import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import "reflect-metadata"; // the library below wants it first
import * as x509 from "@peculiar/x509";

x509.cryptoProvider.set(webcrypto);
const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
const day = 86_400_000;

const [directory] = process.argv.slice(2);
if (directory === undefined) throw new Error("say where: node certificates.mjs DIRECTORY");
await mkdir(directory, { recursive: true });

const pem = (bytes, label) => x509.PemConverter.encode(bytes, label);
const generate = () => webcrypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
const exportKey = async (key) => pem(await webcrypto.subtle.exportKey("pkcs8", key), "PRIVATE KEY");

/** Beside itself and renamed: a reader never sees half of it. */
async function write(name, text) {
  const path = join(directory, name);
  await writeFile(`${path}.new`, text, { mode: 0o600 });
  await rename(`${path}.new`, path);
}

async function sign(subject, keys, signingKey, extensions) {
  return x509.X509CertificateGenerator.create({
    serialNumber: Buffer.from(webcrypto.getRandomValues(new Uint8Array(8))).toString("hex"),
    subject: `CN=${subject}`,
    issuer: "CN=Authority of the example",
    notBefore: new Date(Date.now() - day),
    notAfter: new Date(Date.now() + 90 * day),
    publicKey: keys.publicKey,
    signingKey,
    signingAlgorithm: algorithm,
    extensions,
  });
}

async function authorityKey() {
  const text = await readFile(join(directory, "ca.key"), "utf8").catch(() => undefined);
  if (text !== undefined) {
    const pkcs8 = createPrivateKey(text).export({ type: "pkcs8", format: "der" });
    return webcrypto.subtle.importKey("pkcs8", pkcs8, algorithm, true, ["sign"]);
  }
  const keys = await generate();
  const basic = new x509.BasicConstraintsExtension(true, undefined, true);
  const certificate = await sign("Authority of the example", keys, keys.privateKey, [basic]);
  await write("ca.key", await exportKey(keys.privateKey));
  await write("ca.pem", certificate.toString("pem"));
  return keys.privateKey;
}

const signingKey = await authorityKey();
for (const [name, subject] of [
  ["shop", "shop.example.com"],
  ["admin", "admin.example.com"],
  ["operator", "operator"],
]) {
  const keys = await generate();
  const names = new x509.SubjectAlternativeNameExtension([{ type: "dns", value: subject }]);
  const certificate = await sign(subject, keys, signingKey, [names]);
  await write(`${name}.pem`, certificate.toString("pem"));
  await write(`${name}.key`, await exportKey(keys.privateKey));
}
console.log("signed: shop.example.com, admin.example.com, operator");
