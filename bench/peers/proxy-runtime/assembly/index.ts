export * from "@solo-io/proxy-runtime/proxy";
import {
  Context,
  Counter,
  FilterHeadersStatusValues,
  registerRootContext,
  RootContext,
  stream_context,
} from "@solo-io/proxy-runtime";

class PeerRoot extends RootContext {
  decisions: Counter = new Counter("peer_decisions");
  // The library's own writes the configuration through its length, which kills the module.
  onConfigure(configuration_size: u32): bool {
    return true;
  }
  createContext(context_id: u32): Context {
    return new Peer(context_id, this);
  }
}

class Peer extends Context {
  constructor(context_id: u32, root_context: PeerRoot) {
    super(context_id, root_context);
  }
  onRequestHeaders(a: u32, end_of_stream: bool): FilterHeadersStatusValues {
    const root = this.root_context as PeerRoot;
    if (stream_context.headers.request.get("uid") == "nobody") return FilterHeadersStatusValues.StopIteration;
    if (stream_context.headers.request.get("x-fault") == "on") return FilterHeadersStatusValues.StopIteration;
    root.decisions.increment(1);
    return FilterHeadersStatusValues.Continue;
  }
}

registerRootContext((context_id: u32) => {
  return new PeerRoot(context_id);
}, "peer");
