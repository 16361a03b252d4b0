// Ports on the command line: `8080` is on loopback, `0.0.0.0:8080` or `[::]:8080` wherever it says.

import { InvalidArgumentError } from "commander";

export interface HostPort {
  host: string;
  port: number;
}

const loopback = "127.0.0.1";

/** For commander: reads `PORT` or `HOST:PORT`. */
export function parseHostPort(text: string): HostPort {
  const match = /^(?:(?<host>\[[^\]]+\]|[^:]+):)?(?<port>\d{1,5})$/.exec(text.trim());
  const port = Number(match?.groups?.port);
  if (!match || port > 65_535) throw new InvalidArgumentError("Write a port (0 to 65535) or HOST:PORT.");
  const host = match.groups?.host?.replace(/^\[|\]$/g, "") ?? loopback;
  return { host, port };
}

export function formatHostPort({ host, port }: HostPort): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}
