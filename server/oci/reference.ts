// Where an image goes: `[oci://]REGISTRY/REPOSITORY[:TAG]`, as in a WasmPlugin's url.

export interface Reference {
  /** As `registry.example:5000`. */
  registry: string;
  /** As `team/sluice`. */
  repository: string;
  tag?: string;
}

const component = "[a-z0-9]+(?:(?:\\.|_{1,2}|-+)[a-z0-9]+)*";
const pattern = new RegExp(
  `^(?:oci://)?([^/]+)/(${component}(?:/${component})*)(?::([A-Za-z0-9_][\\w.-]{0,127}))?$`,
);

/** Throws with the form that is wanted. */
export function parseReference(text: string): Reference {
  const [, registry = "", repository = "", tag] = pattern.exec(text) ?? [];
  // As docker tells a host from the first part of a name; no registry is taken for granted here.
  const isHost = /[.:]/.test(registry) || registry === "localhost";
  if (repository === "" || !isHost)
    throw new Error(
      `${text}: write REGISTRY/REPOSITORY or REGISTRY/REPOSITORY:TAG, such as registry.example/team/sluice, in lower case`,
    );
  return { registry, repository, ...(tag === undefined ? {} : { tag }) };
}

/** Docker's rule for when a registry needs no TLS. */
export function isLocal(registry: string): boolean {
  const host = registry.replace(/:\d+$/, "");
  return host === "localhost" || host === "[::1]" || /^127(\.\d{1,3}){3}$/.test(host);
}
