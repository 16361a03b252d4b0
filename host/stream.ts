// One request from its headers to its end, on one worker. A test plays Envoy: it calls the phases in order and
// reads what the filter did. Whatever the filter asks for happens here, when its callback has returned.

import { type RootContext, StreamContext } from "./context.ts";
import { Suspended } from "./fiber.ts";
import { HeaderMap } from "./header-map.ts";
import { makeReply, type ReplyRequest } from "./local-reply.ts";
import { observe } from "./observe.ts";
import type { Pair } from "./pairs.ts";
import { runCallback, runEnd } from "./stream-calls.ts";
import type { LocalReply, Outcome, RequestOptions, Route, StreamState } from "./types.ts";
import type { Vm } from "./vm.ts";

const failure: ReplyRequest = {
  status: 503,
  details: "wasm_fail_stream",
  body: "",
  headers: [],
  grpcStatus: 14,
};

export class Stream {
  state: StreamState = "new";
  /** The filter's own answer, or that of a failed VM. */
  localReply: LocalReply | undefined;
  readonly #options: RequestOptions;
  readonly #vm: Vm | undefined;
  readonly #context: StreamContext | undefined;
  readonly #failOpen: boolean;
  readonly #onEnd: () => void;
  readonly #request: HeaderMap;
  #response: HeaderMap | undefined;
  #route: Route | undefined;
  #seen = false;
  #piece: string | undefined;

  constructor(
    options: RequestOptions,
    place: { vm: Vm | undefined; root: RootContext | undefined; failOpen: boolean },
    onEnd: () => void,
  ) {
    const { vm, root, failOpen } = place;
    this.#options = options;
    this.#onEnd = onEnd;
    this.#request = new HeaderMap("request", options.headers);
    this.#failOpen = failOpen;
    if (vm === undefined || root === undefined || vm.failure !== undefined) return;
    this.#vm = vm;
    this.#context = vm.addStream((id) => new StreamContext(id, root, this.#actions()));
    this.#context.properties = options.properties ?? {};
    root.streams++;
  }

  /** The number by which the module knows it; 0 without a VM. */
  get id(): number {
    return this.#context?.id ?? 0;
  }

  /** Request headers as they are now. */
  get headers(): readonly Pair[] {
    return [...this.#request.pairs()];
  }

  /** Filter state `wasm.NAME` by NAME. */
  get filterState(): ReadonlyMap<string, string> {
    return this.#context?.filterState ?? new Map();
  }

  requestHeaders(): Outcome {
    if (this.state !== "new") throw new Error(`request headers of a stream that is ${this.state}`);
    return this.#phase(this.#request, () => this.#decodeHeaders());
  }

  /** A piece of the request's body; the outcome's `body` is what the filter made of it. */
  requestBody(body: string, endOfStream = true): Outcome {
    return this.#phase(this.#request, () => this.#body("request", body, endOfStream));
  }

  requestTrailers(trailers: Iterable<Pair>): Outcome {
    const map = new HeaderMap("trailers", trailers);
    return this.#phase(map, () => this.#trailers("request", map));
  }

  /** The upstream's answer. */
  response(options: { headers: Iterable<Pair>; endOfStream?: boolean }): Outcome {
    if (this.state !== "continued") throw new Error(`a response to a stream that is ${this.state}`);
    const map = new HeaderMap("response", options.headers);
    return this.#phase(map, () => this.#encodeHeaders(map, options.endOfStream ?? true));
  }

  /** A piece of the response's body; the outcome's `body` is what the filter made of it. */
  responseBody(body: string, endOfStream = true): Outcome {
    const map = this.#response ?? new HeaderMap("response");
    return this.#phase(map, () => this.#body("response", body, endOfStream));
  }

  responseTrailers(trailers: Iterable<Pair>): Outcome {
    const map = new HeaderMap("trailers", trailers);
    return this.#phase(map, () => this.#trailers("response", map));
  }

  /**
   * The stream is over, in whatever state: log, done, delete. Without a response before it, this is a client
   * that has gone; without request headers, a request that failed in the codec.
   */
  end(): Outcome {
    if (this.state === "over") throw new Error("the stream is over already");
    return this.#phase(this.#request, () => {
      this.state = "over";
      if (this.#context === undefined || this.#vm === undefined) return;
      runEnd(this.#vm, this.#context, {
        ...(this.#seen ? { request: this.#request } : {}),
        ...(this.#response === undefined ? {} : { response: this.#response }),
      });
      this.#onEnd();
    });
  }

  #phase(map: HeaderMap, run: () => void): Outcome {
    const replied = this.localReply;
    this.#piece = undefined;
    const { cleared, counts, trap } = observe(this.#vm, this.#context, run);
    if (cleared) this.#resolveRoute();
    return {
      action: this.state === "continued" || this.state === "over" ? "continue" : "stop",
      headers: [...map.pairs()],
      routeCacheCleared: cleared,
      counts,
      ...(this.localReply === undefined || this.localReply === replied
        ? {}
        : { localReply: this.localReply }),
      ...(this.#route === undefined ? {} : { route: this.#route }),
      ...(this.#piece === undefined ? {} : { body: this.#piece }),
      ...(trap === undefined ? {} : { trap }),
    };
  }

  #decodeHeaders(): void {
    const context = this.#context;
    const endOfStream = this.#options.endOfStream ?? true;
    this.#seen = true;
    this.#resolveRoute();
    if (context !== undefined) {
      context.phase = "request";
      context.requestHeaders = this.#request;
      context.endOfStream = endOfStream;
    }
    this.state = "held";
    try {
      const stopped = this.#call("proxy_on_request_headers", this.#request.size, endOfStream);
      if (!stopped && this.state === "held") this.#goOn();
    } catch (error) {
      if (error instanceof Suspended) this.state = "new";
      throw error;
    }
  }

  /** @returns whether iteration stopped. */
  #call(callback: string, count: number, endOfStream?: boolean): boolean {
    const place = { vm: this.#vm, context: this.#context, failOpen: this.#failOpen };
    const verdict = runCallback(place, callback, count, endOfStream);
    if (verdict === "failed") this.#fail();
    return verdict !== "goOn";
  }

  /** `xds.*` answers from this route until the router is asked again. */
  #resolveRoute(): void {
    const route = this.#options.route;
    this.#route = typeof route === "function" ? route(this.#request) : route;
    if (this.#context !== undefined) this.#context.route = this.#route;
  }

  #goOn(): void {
    this.state = "continued";
    if (this.#context !== undefined) this.#context.requestHeaders = undefined;
  }

  #fail(): void {
    if (this.state === "replied" || this.state === "over") return;
    this.#reply(failure, false);
  }

  #reply(request: ReplyRequest, throughFilter: boolean): void {
    const { status, details, grpcStatus } = request;
    const { headers, body } = makeReply(request, this.#request);
    this.state = "replied";
    if (throughFilter) {
      this.#encodeHeaders(headers, body === "");
      if (body !== "") this.#body("response", body, true);
    } else {
      this.#response = headers;
    }
    this.state = "replied";
    this.localReply = { status, details, body, grpcStatus, headers: [...headers.pairs()] };
  }

  #encodeHeaders(headers: HeaderMap, endOfStream: boolean): void {
    const context = this.#context;
    this.#response = headers;
    if (context === undefined) return;
    context.phase = "response";
    context.responseStarted = true;
    context.responseHeaders = headers;
    context.endOfStream = endOfStream;
    if (!this.#call("proxy_on_response_headers", headers.size, endOfStream))
      context.responseHeaders = undefined;
  }

  #body(direction: "request" | "response", body: string, endOfStream: boolean): void {
    const context = this.#context;
    this.#piece = body;
    if (context === undefined) return;
    const key = `${direction}Body` as const;
    context[key] = body;
    context.endOfStream = endOfStream;
    const stopped = this.#call(`proxy_on_${direction}_body`, body.length, endOfStream);
    this.#piece = context[key] ?? body;
    if (!stopped) context[key] = undefined;
  }

  #trailers(direction: "request" | "response", map: HeaderMap): void {
    const context = this.#context;
    if (context === undefined) return;
    const key = `${direction}Trailers` as const;
    context[key] = map;
    if (!this.#call(`proxy_on_${direction}_trailers`, map.size)) context[key] = undefined;
  }

  #actions(): StreamContext["actions"] {
    return {
      localReply: (reply) => {
        if (this.state === "replied" || this.state === "over" || this.state === "closed") return;
        this.#reply(reply, this.#response === undefined);
      },
      continueRequest: () => {
        if (this.state === "held") this.#goOn();
      },
      continueResponse: () => {
        if (this.#context !== undefined) this.#context.responseHeaders = undefined;
      },
      close: () => {
        if (this.state !== "over") this.state = "closed";
      },
    };
  }
}
