// What the declarations of Istio's resources have in common.
//
// Names, defaults and meanings are those of Istio's networking API (istio.io, networking.istio.io/v1).
// Every field that Istio has is declared: those that are not acted upon carry the reason in `unsupported`.

import {
  type AnySchema,
  type Field,
  integer,
  list,
  map,
  nonEmpty,
  type ObjectSchema,
  string,
} from "../language.ts";

export const maxInt32 = 2_147_483_647;
export const yearMs = 31_536_000_000;

const any: AnySchema = { type: "any" };

/** A field that Istio has and that is refused, with the reason and what to do instead. */
export const refused = (doc: string, reason: string): Field => ({ schema: any, doc, unsupported: reason });

export const labels = map(string(253), 64);

export const exportTo: Field = {
  schema: list(nonEmpty(63, "namespaceScope"), 256),
  doc: "Namespaces that see the resource: `.` its own, `*` all; default: all.",
};

export const portSelector: ObjectSchema = {
  type: "object",
  name: "PortSelector",
  doc: "A port of a host.",
  fields: { number: { schema: integer(1, 65_535), required: true, doc: "The port's number." } },
};

export const serviceDestination: ObjectSchema = {
  type: "object",
  name: "ServiceDestination",
  doc: "A host of the mesh, as a whole or one of its subsets.",
  fields: {
    host: {
      schema: nonEmpty(253, "host"),
      required: true,
      doc: "The host's name; a short name is of the resource's namespace.",
    },
    subset: { schema: nonEmpty(63, "name"), doc: "A subset that the host's DestinationRule defines." },
    port: { schema: portSelector, doc: "Needed where the host has several ports." },
  },
};

const headerValues = map(string(8192, "headerValue"), 64, "headerName");

export const headerOperations: ObjectSchema = {
  type: "object",
  name: "HeaderOperations",
  doc: "Changes of headers.",
  fields: {
    set: { schema: headerValues, doc: "Replaced, or added where absent." },
    add: { schema: headerValues, doc: "Appended as a further value." },
    remove: { schema: list(nonEmpty(256, "headerName"), 64), doc: "Removed with all their values." },
  },
};

export const headers: ObjectSchema = {
  type: "object",
  name: "Headers",
  doc: "Changes of the request's and the response's headers.",
  fields: {
    request: { schema: headerOperations, doc: "Before the request goes upstream." },
    response: { schema: headerOperations, doc: "Before the response goes to the client." },
  },
};
