// Units of assembly/: run by `npx asp --summary`.

// Hostcalls that the units under test link but, without a host, do not need: each answers NOT_FOUND.
const hostcalls = [
  "add_header_map_value",
  "continue_stream",
  "define_metric",
  "get_buffer_bytes",
  "get_header_map_pairs",
  "get_property",
  "increment_metric",
  "log",
  "remove_header_map_value",
  "replace_header_map_value",
  "send_local_response",
];

export default {
  entries: ["tests/assembly/**/*.spec.ts"],
  include: [],
  disclude: [/node_modules/],
  async instantiate(memory, createImports, instantiate, binary) {
    const env = { memory };
    for (const name of hostcalls) env[`proxy_${name}`] = () => 1;
    return instantiate(binary, createImports({ env }));
  },
  outputBinary: false,
};
