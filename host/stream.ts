// One request from its headers to its end, on one worker. A test plays Envoy: it calls the phases in order and
// reads what the filter did. Whatever the filter asks for happens here, when its callback has returned.

import { StreamContext } from "./context.ts";
import { Suspended } from "./fiber.ts";
import { HeaderMap } from "./header-map.ts";
import { type ReplyRequest, makeReply } from "./local-reply.ts";
import type { Pair } from "./pairs.ts";
import { observe } from "./observe.ts";
import type { RootContext } from "./context.ts";
import type { LocalReply, Outcome, RequestOptions, Route, StreamState } from "./types.ts";
import type { Vm } from "./vm.ts";

const failure: ReplyRequest = {
  status: 503,
  details: "wasm_fail_stream",
  body: "",
  headers: [],
  grpcStatus: 14,
};

/** Why a worker has no VM to run a stream in, and whether requests then pass it by. */
export interface Unavailable {
  failOpen: boolean;
}

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

  constructor(
    options: RequestOptions,
    place: { vm: Vm; root: RootContext } | Unavailable,
    onEnd: () => void,
  ) {
    this.#options = options;
    this.#onEnd = onEnd;
    this.#request = new HeaderMap("request", options.headers);
    this.#failOpen = "failOpen" in place && place.failOpen;
    if (!("vm" in place)) return;
    this.#vm = place.vm;
    this.#context = place.vm.addStream((id) => new StreamContext(id, place.root, this.#actions()));
    this.#context.properties = options.properties ?? {};
    place.root.streams++;
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

  /** A piece of the request's body. */
  requestBody(body: string, endOfStream = true): Outcome {
    return this.#phase(this.#request, () => {
      if (this.#context === undefined) return;
      this.#context.requestBody = body;
      this.#context.endOfStream = endOfStream;
      const stopped = this.#call("proxy_on_request_body", body.length, endOfStream);
      if (!stopped) this.#context.requestBody = undefined;
    });
  }

  requestTrailers(trailers: Iterable<Pair>): Outcome {
    const map = new HeaderMap("trailers", trailers);
    return this.#phase(map, () => {
      if (this.#context === undefined) return;
      this.#context.requestTrailers = map;
      if (!this.#call("proxy_on_request_trailers", map.size)) this.#context.requestTrailers = undefined;
    });
  }

  /** The upstream's answer. */
  response(options: { headers: Iterable<Pair>; endOfStream?: boolean }): Outcome {
    if (this.state !== "continued") throw new Error(`a response to a stream that is ${this.state}`);
    const map = new HeaderMap("response", options.headers);
    return this.#phase(map, () => this.#encodeHeaders(map, options.endOfStream ?? true));
  }

  /** A piece of the response's body; `body` of the outcome's stream is read with `responseText`. */
  responseBody(body: string, endOfStream = true): Outcome {
    return this.#phase(this.#response ?? new HeaderMap("response"), () =>
      this.#encodeBody(body, endOfStream),
    );
  }

  responseTrailers(trailers: Iterable<Pair>): Outcome {
    const map = new HeaderMap("trailers", trailers);
    return this.#phase(map, () => {
      if (this.#context === undefined) return;
      this.#context.responseTrailers = map;
      if (!this.#call("proxy_on_response_trailers", map.size)) this.#context.responseTrailers = undefined;
    });
  }

  /**
   * The stream is over, in whatever state: log, done, delete. Without a response before it, this is a client
   * that has gone; without request headers, a request that failed in the codec.
   */
  end(): Outcome {
    if (this.state === "over") throw new Error("the stream is over already");
    return this.#phase(this.#request, () => {
      const context = this.#context;
      const vm = this.#vm;
      this.state = "over";
      if (context === undefined || vm === undefined) return;
      this.#create();
      context.phase = "log";
      context.logged = {
        ...(this.#seen ? { request: this.#request } : {}),
        ...(this.#response === undefined ? {} : { response: this.#response }),
      };
      for (const callback of ["proxy_on_log", "proxy_on_done", "proxy_on_delete"]) {
        if (callback === "proxy_on_done") context.phase = "over";
        vm.call(context, callback, context.id);
        vm.finishCall();
      }
      vm.contexts.delete(context.id);
      context.root.streams--;
      this.#onEnd();
    });
  }

  #phase(map: HeaderMap, run: () => void): Outcome {
    const replied = this.localReply;
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
    const vm = this.#vm;
    const context = this.#context;
    if (vm === undefined || context === undefined) {
      if (this.#failOpen) return false;
      this.#fail();
      return true;
    }
    this.#create();
    const values = endOfStream === undefined ? [count] : [count, endOfStream ? 1 : 0];
    const result = vm.call(context, callback, context.id, ...values);
    const stopped = vm.stopIteration || (result ?? 0) > 0;
    vm.finishCall();
    if (vm.failure !== undefined) {
      this.#fail();
      return true;
    }
    return stopped;
  }

  #create(): void {
    const context = this.#context;
    if (context === undefined || context.created) return;
    context.created = true;
    this.#vm?.call(context, "proxy_on_context_create", context.id, context.root.id);
    this.#vm?.finishCall();
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
      if (body !== "") this.#encodeBody(body, true);
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

  #encodeBody(body: string, endOfStream: boolean): void {
    const context = this.#context;
    if (context === undefined) return;
    context.responseBody = body;
    context.endOfStream = endOfStream;
    if (!this.#call("proxy_on_response_body", body.length, endOfStream)) context.responseBody = undefined;
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
