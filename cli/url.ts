// The parts of a URL as they are written.

/** Not by URL, which would bring the path into another form before Envoy's rules do. */
export function readUrl(text: string): { scheme: string; authority: string; path: string; port: number } {
  const parts = /^(?:(https?):\/\/)?([^/?#]+)([^#]*)/i.exec(text);
  if (parts === null) throw new Error(`not a URL: ${text}; write it as http://HOST/PATH`);
  const [, scheme = "http", authority = "", rest = ""] = parts;
  const port = /:(\d+)$/.exec(authority)?.[1];
  return {
    scheme: scheme.toLowerCase(),
    authority,
    path: rest.startsWith("/") ? rest : `/${rest}`,
    port: port === undefined ? (scheme.toLowerCase() === "https" ? 443 : 80) : Number(port),
  };
}
