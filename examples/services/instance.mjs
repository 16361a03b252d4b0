// One instance of a sample service: answers every request with its version and what reached it, as JSON.
//
//   node examples/services/instance.mjs 18081 v1        one instance by hand
//   curl -X PUT 127.0.0.1:18081/broken                  503 to everything, until the same with DELETE
//   x-sample-delay: 300, x-sample-status: 404           headers of a request: answer late, or with this status
//   x-sample-call: HOST/PATH                            call that first, through its sidecar (`--sidecars`)
//
// `sluice up` runs all instances of an example in one worker thread, which gets their list as workerData.

import { createServer, request as startRequest } from "node:http";
import { isMainThread, parentPort, workerData } from "node:worker_threads";

const maxEchoBytes = 64 * 1024;

/** @returns the listening server; rejects when the port is taken. */
export function startInstance({ host = "127.0.0.1", port, service = "sample", version, outbound }) {
  let isBroken = false;
  const server = createServer((request, response) => {
    if (request.url === "/broken" && ["PUT", "DELETE"].includes(request.method)) {
      isBroken = request.method === "PUT";
      response.end(`${version} is ${isBroken ? "broken" : "well"}\n`);
      return;
    }
    const chunks = [];
    let size = 0;
    request.on("data", (chunk) => {
      size += chunk.length;
      if (size <= maxEchoBytes) chunks.push(chunk);
    });
    request.on("error", () => response.destroy());
    request.on("end", async () => {
      const called = await call(request.headers, outbound);
      const body = size > maxEchoBytes ? `(${size} bytes)` : Buffer.concat(chunks).toString();
      const answer = {
        service,
        version,
        method: request.method,
        path: request.url,
        headers: headersOf(request),
        ...(body !== "" && { body }),
        ...(called !== undefined && { called }),
      };
      const respond = () => {
        const status = isBroken ? 503 : wanted(request, "x-sample-status", 200, 599);
        response.writeHead(status, { "content-type": "application/json", "x-version": version });
        response.end(request.method === "HEAD" ? undefined : `${JSON.stringify(answer)}\n`);
      };
      const delayMs = wanted(request, "x-sample-delay", 0, 60_000);
      if (delayMs === 0) respond();
      else setTimeout(respond, delayMs);
    });
  });
  // Longer than any pool upstream keeps a connection, so that none is closed under a request.
  server.keepAliveTimeout = 3_600_000;
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, () => resolve(server));
  });
}

/** What another service answers, asked through the sidecar; who called first stays known by the request's id. */
function call(headers, outbound) {
  const [target, id] = [headers["x-sample-call"], headers["x-request-id"]];
  if (target === undefined) return undefined;
  if (outbound === undefined) return { error: "there is no sidecar: start with --sidecars" };
  const slash = target.includes("/") ? target.indexOf("/") : target.length;
  const path = target.slice(slash) || "/";
  const own = { host: target.slice(0, slash), ...(id !== undefined && { "x-request-id": id }) };
  return new Promise((resolve) => {
    const asking = startRequest({ host: "127.0.0.1", port: outbound, path, headers: own }, (response) => {
      const chunks = [];
      response.on("data", (chunk) => chunks.push(chunk));
      response.on("error", (error) => resolve({ error: error.message }));
      response.on("end", () => resolve({ status: response.statusCode, answer: readable(chunks) }));
    });
    asking.on("error", (error) => resolve({ error: error.message }));
    asking.end();
  });
}

function readable(chunks) {
  const text = Buffer.concat(chunks).toString();
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** The number that a header asks for, within bounds; without it the lower bound. */
function wanted({ headers }, name, min, max) {
  const number = Number(headers[name] ?? min);
  return Number.isInteger(number) ? Math.min(Math.max(number, min), max) : min;
}

/** A header that came several times is a list of its values. */
function headersOf({ headersDistinct }) {
  return Object.fromEntries(
    Object.entries(headersDistinct).map(([name, values]) => [name, values.length === 1 ? values[0] : values]),
  );
}

if (!isMainThread && parentPort !== null && Array.isArray(workerData?.instances)) {
  const results = await Promise.allSettled(workerData.instances.map(startInstance));
  parentPort.postMessage(results.map(({ reason }) => reason?.code ?? reason?.message ?? null));
} else if (isMainThread && import.meta.filename === process.argv[1]) {
  const [port = "18081", version = "v1"] = process.argv.slice(2);
  await startInstance({ port: Number(port), version });
  console.log(`${version} on http://127.0.0.1:${port}`);
}
