/** The OpenAPI 3.1 document of the command table and the file routes, and of nothing else ([F6]). */
import { toJsonSchema } from '@valibot/to-json-schema';
import * as v from 'valibot';
import { commands, commonErrors } from '#protocol/commands/index.ts';
import type { Row } from '#protocol/commands/row.ts';
import { type ErrorCode, errors } from '#protocol/errors.ts';
import { idBytes } from '#protocol/ids.ts';
import { filePaths } from './openapi-files.ts';

type Json = Record<string, unknown>;

const Marked = v.object({ bytes: v.object({ lengthMin: v.number(), lengthMax: v.number() }) });

const base64Length = (length: number): number => Math.ceil((length * 4) / 3);

/** Ids are the only custom schemas that are not marked as bytes. */
const idSchema = { type: 'string', pattern: '^[A-Za-z0-9_-]{21}[AQgw]$', description: `${idBytes} bytes as unpadded base64url` } as const;

const bytesSchema = (lengthMin: number, lengthMax: number) =>
  ({ type: 'string', format: 'base64url', contentEncoding: 'base64url', minLength: base64Length(lengthMin), maxLength: base64Length(lengthMax) }) as const;

function schemaOf(schema: v.GenericSchema): Json {
  const { $schema: _dialect, ...rest } = toJsonSchema(schema, {
    target: 'draft-2020-12',
    errorMode: 'ignore',
    overrideSchema: ({ valibotSchema, jsonSchema }) => (valibotSchema.type === 'custom' ? idSchema : jsonSchema),
    overrideAction: ({ valibotAction, jsonSchema }) => {
      const marked = v.safeParse(Marked, 'metadata' in valibotAction ? valibotAction.metadata : null);
      return marked.success ? bytesSchema(marked.output.bytes.lengthMin, marked.output.bytes.lengthMax) : jsonSchema;
    },
  });
  return rest;
}

/** One response for each status, naming the codes that can come with it. */
function refusals(codes: readonly ErrorCode[]): Json {
  const byStatus = new Map<number, ErrorCode[]>();
  for (const code of codes) byStatus.set(errors[code].status, [...(byStatus.get(errors[code].status) ?? []), code]);
  const responses = [...byStatus].sort(([one], [other]) => one - other).map(([status, named]) => [
    String(status),
    {
      description: named.join(', '),
      content: { 'application/json': { schema: { allOf: [{ $ref: '#/components/schemas/Refusal' }, { properties: { code: { enum: named } } }] } } },
    },
  ]);
  return Object.fromEntries(responses);
}

function operation(name: string, row: Row): Json {
  return {
    operationId: name,
    summary: row.summary,
    ...(row.who === 'anyone' ? { security: [] } : {}),
    requestBody: { required: true, content: { 'application/json': { schema: schemaOf(row.input) } } },
    responses: {
      '200': { description: 'Done.', content: { 'application/json': { schema: schemaOf(row.output) } } },
      ...refusals([...new Set<ErrorCode>([...commonErrors, ...row.errors])]),
    },
  };
}

const Refusal = {
  type: 'object',
  required: ['code', 'detail'],
  properties: {
    code: { type: 'string', enum: Object.keys(errors) },
    detail: {
      type: 'object',
      properties: { field: { type: 'string' }, reason: { type: 'string' }, retryAfterMs: { type: 'number' }, epoch: { type: 'number' } },
    },
  },
};

export function openApiDocument(server: { readonly version: string; readonly origin: string }): Json {
  const cookie = server.origin.startsWith('https:') ? '__Host-lanying' : 'lanying';
  return {
    openapi: '3.1.0',
    info: { title: 'lanying', version: server.version },
    servers: [{ url: server.origin }],
    security: [{ session: [] }],
    paths: { ...Object.fromEntries(Object.entries(commands).map(([name, row]) => [`/api/v1/${name}`, { post: operation(name, row) }])), ...filePaths },
    components: { schemas: { Refusal }, securitySchemes: { session: { type: 'apiKey', in: 'cookie', name: cookie } } },
  };
}
