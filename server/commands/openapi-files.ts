/** The file routes for the OpenAPI document: tus 1.0.0, and downloads with ranges. */
type Json = Record<string, unknown>;

const header = (name: string, description: string, schema: Json, required = true): Json => ({
  name,
  in: 'header',
  required,
  description,
  schema,
});
const version = header('Tus-Resumable', 'Version of tus.', { type: 'string', const: '1.0.0' });
const whole: Json = { type: 'integer', minimum: 0 };
const text: Json = { type: 'string' };
const checksum = header('Upload-Checksum', '`sha256` or `sha1`, a space, the digest in base64.', text, false);
const octets = { required: true, content: { 'application/offset+octet-stream': {} } };

const response = (description: string): Json => ({ description });
const refusal = (codes: string): Json => ({
  description: codes,
  content: { 'application/json': { schema: { $ref: '#/components/schemas/Refusal' } } },
});
const common: Json = {
  '400': refusal('input.invalid'),
  '401': refusal('session.required'),
  '403': refusal('device.required, origin.refused, permission.denied'),
  '404': refusal('file.unknown, conversation.unknown'),
  '410': refusal('file.expired'),
  '412': refusal('file.version_refused'),
  '429': refusal('file.too_many_transfers'),
  '503': refusal('server.unavailable'),
};
const full: Json = {
  '413': refusal('file.too_large, file.quota_exceeded'),
  '415': refusal('input.content_type'),
  '460': refusal('file.checksum_mismatch'),
  '507': refusal('file.storage_full'),
};

const creation = {
  operationId: 'file.create',
  summary: 'Begins an upload of ciphertext to a conversation (tus creation, creation-with-upload).',
  parameters: [
    version,
    header('Upload-Length', 'Bytes of the whole file.', whole),
    header(
      'Upload-Metadata',
      '`conversation`, a space, the id of the conversation in base64. Nothing else: names are content.',
      text,
    ),
    checksum,
  ],
  responses: {
    '201': response('Made; `Location`, `Upload-Expires`, with a body `Upload-Offset`.'),
    ...common,
    ...full,
    '409': refusal('file.too_many_open'),
  },
};
const progress = {
  operationId: 'file.progress',
  summary:
    'With Tus-Resumable: how much is on disk (its uploader alone; ends an append under way). Without: the headers of a download.',
  parameters: [{ ...version, required: false }],
  responses: { '200': response('`Upload-Offset`, `Upload-Length`, `Upload-Expires`.'), ...common },
};
const append = {
  operationId: 'file.append',
  summary: 'Appends at the offset that is on disk.',
  parameters: [version, header('Upload-Offset', 'Where the body begins.', whole), checksum],
  requestBody: octets,
  responses: {
    '204': response('`Upload-Offset` is on disk.'),
    ...common,
    ...full,
    '409': refusal('file.offset_mismatch'),
    '423': refusal('file.busy'),
  },
};
const download = {
  operationId: 'file.download',
  summary: 'The bytes of a whole file, or one range of them.',
  parameters: [header('Range', 'One range of bytes.', text, false), header('If-Range', 'The ETag.', text, false)],
  responses: {
    '200': { description: 'All bytes.', content: { 'application/octet-stream': {} } },
    '206': { description: 'The range.', content: { 'application/octet-stream': {} } },
    '304': response('Unchanged.'),
    ...common,
    '409': refusal('file.unfinished'),
    '416': refusal('file.range_refused'),
    '500': refusal('file.damaged'),
  },
};

export const filePaths: Readonly<Record<string, Json>> = {
  '/api/v1/files': {
    options: {
      operationId: 'file.options',
      summary: 'What this server speaks of tus.',
      security: [],
      responses: { '204': response('`Tus-Version`, `Tus-Extension`, `Tus-Max-Size`.') },
    },
    post: { ...creation, requestBody: { ...octets, required: false } },
  },
  '/api/v1/files/{fileId}': {
    parameters: [
      { name: 'fileId', in: 'path', required: true, schema: { type: 'string', pattern: '^[A-Za-z0-9_-]{21}[AQgw]$' } },
    ],
    head: progress,
    patch: append,
    delete: {
      operationId: 'file.remove',
      summary: 'Removes it (tus termination).',
      parameters: [version],
      responses: { '204': response('Gone.'), ...common },
    },
    get: download,
  },
};
