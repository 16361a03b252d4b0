// Questions to a running server's HTTP API.

/** `path` below /api/v1/. Throws when no server answers, saying what to do. */
export async function ask<Report>(server: string, path: string): Promise<Report> {
  const url = new URL(`/api/v1/${path}`, server.includes("://") ? server : `http://${server}`);
  const response = await fetch(url).catch((error: Error) => {
    const reason = error.cause instanceof Error ? error.cause.message : error.message;
    throw new Error(
      `no server answers at ${server} (${reason}).\nStart one with \`sluice serve\`, or name it with --server URL.`,
    );
  });
  if (response.ok) return (await response.json()) as Report;
  const { error } = (await response.json().catch(() => ({}))) as { error?: string };
  throw new Error(`${url.pathname} answers ${response.status}${error === undefined ? "" : `: ${error}`}`);
}
