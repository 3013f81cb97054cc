/** A plain client of the file routes: sends what it is told, forbidden headers too. */
import { type ClientRequest, request, type IncomingHttpHeaders } from 'node:http';

export interface FileAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  /** Of a refusal. */
  readonly code: string | undefined;
}

export interface FileCall {
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array | string;
}

export const octets = 'application/offset+octet-stream';
export const metadataFor = (conversationId: string): string =>
  `conversation ${Buffer.from(conversationId).toString('base64')}`;

function codeIn(status: number, body: Buffer): string | undefined {
  if (status < 400 || body[0] !== 0x7b) return undefined;
  const parsed: unknown = JSON.parse(body.toString());
  return typeof parsed === 'object' && parsed !== null && 'code' in parsed ? String(parsed.code) : undefined;
}

export class FileClient {
  constructor(
    readonly origin: string,
    /** Null: nobody. */
    readonly cookie: string | null,
  ) {}

  /** Headers of a signed-in tus client on the origin. */
  get usual(): Record<string, string> {
    return { origin: this.origin, 'tus-resumable': '1.0.0', ...(this.cookie === null ? {} : { cookie: this.cookie }) };
  }

  /** The request without its end, for bodies that are sent in parts or never whole. */
  begin(
    method: string,
    path: string,
    headers: Readonly<Record<string, string>>,
  ): { readonly sent: ClientRequest; readonly answer: Promise<FileAnswer> } {
    const sent = request(new URL(path, this.origin), { method, agent: false, headers });
    const answer = new Promise<FileAnswer>((resolve, reject) => {
      sent.on('error', reject);
      sent.on('response', (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('error', reject);
        response.on('end', () => {
          const body = Buffer.concat(chunks);
          const status = response.statusCode ?? 0;
          resolve({ status, headers: response.headers, body, code: codeIn(status, body) });
        });
      });
    });
    return { sent, answer };
  }

  /** With exactly these headers. */
  bare(method: string, path: string, { headers = {}, body }: FileCall = {}): Promise<FileAnswer> {
    const length: Record<string, string> =
      body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) };
    const { sent, answer } = this.begin(method, path, { ...length, ...headers });
    sent.end(body);
    return answer;
  }

  call(method: string, path: string, { headers = {}, body }: FileCall = {}): Promise<FileAnswer> {
    const type: Record<string, string> = body === undefined ? {} : { 'content-type': octets };
    return this.bare(method, path, {
      headers: { ...this.usual, ...type, ...headers },
      ...(body === undefined ? {} : { body }),
    });
  }

  create(
    conversationId: string,
    size: number,
    headers: Readonly<Record<string, string>> = {},
    body?: Uint8Array,
  ): Promise<FileAnswer> {
    const given = { 'upload-length': String(size), 'upload-metadata': metadataFor(conversationId), ...headers };
    return this.call('POST', '/api/v1/files', { headers: given, ...(body === undefined ? {} : { body }) });
  }

  append(
    path: string,
    offset: number,
    body: Uint8Array,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<FileAnswer> {
    return this.call('PATCH', path, { headers: { 'upload-offset': String(offset), ...headers }, body });
  }

  /** Its path; the whole of it in one request. */
  async upload(conversationId: string, bytes: Uint8Array): Promise<string> {
    const { status, headers, code } = await this.create(conversationId, bytes.length, {}, bytes);
    if (status !== 201 || headers.location === undefined) throw new Error(`${status} ${code ?? ''}`);
    return headers.location;
  }

  download(path: string, headers: Readonly<Record<string, string>> = {}): Promise<FileAnswer> {
    const cookie: Record<string, string> = this.cookie === null ? {} : { cookie: this.cookie };
    return this.bare('GET', path, { headers: { ...cookie, ...headers } });
  }
}
