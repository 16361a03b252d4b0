// A module as an OCI image, in the layout that Istio documents as "compat" and that Envoy Gateway and `crane`
// read too: one layer, a tar.gz with plugin.wasm. Equal modules give equal digests, wherever they are made.

import { createHash } from "node:crypto";
import { gzipStored, tarOf } from "./layer.ts";

export const manifestType = "application/vnd.oci.image.manifest.v1+json";
const configType = "application/vnd.oci.image.config.v1+json";
const layerType = "application/vnd.oci.image.layer.v1.tar+gzip";

export interface Blob {
  /** `sha256:` and 64 hexadecimal digits. */
  digest: string;
  mediaType: string;
  bytes: Uint8Array;
}

export interface Image {
  manifest: Blob;
  config: Blob;
  layer: Blob;
}

/** @param version of the package; it is told in the annotations. */
export function imageOf(module: { name: string; bytes: Uint8Array }, version: string): Image {
  const tar = tarOf(module.bytes);
  const layer = blob(layerType, gzipStored(tar));
  const config = json(configType, {
    architecture: "wasm",
    os: "wasi",
    config: {},
    rootfs: { type: "layers", diff_ids: [digestOf(tar)] },
  });
  const manifest = json(manifestType, {
    schemaVersion: 2,
    mediaType: manifestType,
    config: descriptor(config),
    layers: [descriptor(layer)],
    annotations: {
      "org.opencontainers.image.title": `sluice ${module.name}`,
      "org.opencontainers.image.version": version,
      "org.opencontainers.image.licenses": "Apache-2.0",
    },
  });
  return { manifest, config, layer };
}

export const digestOf = (bytes: Uint8Array): string =>
  `sha256:${createHash("sha256").update(bytes).digest("hex")}`;

const blob = (mediaType: string, bytes: Uint8Array): Blob => ({ digest: digestOf(bytes), mediaType, bytes });

const json = (mediaType: string, value: unknown): Blob => blob(mediaType, Buffer.from(JSON.stringify(value)));

const descriptor = ({ mediaType, digest, bytes }: Blob) => ({ mediaType, digest, size: bytes.length });
