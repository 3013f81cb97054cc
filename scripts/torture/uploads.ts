/** Uploads (tus) that go on through kills: what was told to be stored is there, and what is whole is what was sent. */
import type { FileClient } from '../../test/harness/files.ts';
import type { Draw } from './draw.ts';

const chunk = 64 * 1024;
const sizeMax = 2 * 1024 * 1024;
const pieceMax = 400 * 1024;
/** So many of the newest whole files are read after each start, and all of them at the end. */
const newest = 3;

interface Upload {
  readonly lane: number;
  readonly path: string;
  readonly bytes: Draw;
  readonly size: number;
  /** Highest offset that the server acknowledged. */
  told: number;
  /** End of the last piece that was begun. */
  begun: number;
}

export interface UploadsResult {
  /** Files whose last byte was acknowledged. */
  readonly whole: number;
  readonly bytes: number;
  /** Times that an unfinished upload was found after a start and went on from what HEAD said. */
  readonly resumed: number;
}

export class Uploads {
  readonly #client: FileClient;
  readonly #conversationId: string;
  readonly #draw: Draw;
  readonly #open = new Map<number, Upload>();
  readonly #whole: Upload[] = [];
  #made = 0;
  #resumed = 0;

  constructor(client: FileClient, conversationId: string, draw: Draw) {
    this.#client = client;
    this.#conversationId = conversationId;
    this.#draw = draw;
  }

  get result(): UploadsResult {
    const bytes = this.#whole.reduce((sum, { size }) => sum + size, 0);
    return { whole: this.#whole.length, bytes, resumed: this.#resumed };
  }

  /** After a start. Throws when something acknowledged is missing, or more is told than was ever sent. */
  async check(all: boolean): Promise<void> {
    for (const upload of all ? this.#whole : this.#whole.slice(-newest)) await this.#checkWhole(upload);
    for (const upload of [...this.#open.values()]) {
      const { status, headers } = await this.#client.call('HEAD', upload.path);
      const offset = Number(headers['upload-offset']);
      if (status !== 200 || !(offset >= upload.told && offset <= upload.begun))
        throw new Error(`an upload: ${status}, offset ${offset}, ${upload.told} acknowledged, ${upload.begun} sent`);
      upload.told = offset;
      if (offset > 0 && offset < upload.size) this.#resumed += 1;
      // Stored whole, and the answer was lost.
      if (offset === upload.size) {
        this.#finish(upload);
        await this.#checkWhole(upload);
      }
    }
  }

  /** Sends pieces until the server is gone, beside other lanes. `expected`: says whether an error is how it goes. */
  async sendUntil(expected: () => boolean, lane: number): Promise<void> {
    try {
      for (;;) {
        const upload = this.#open.get(lane) ?? (await this.#create(lane));
        if (upload === null) return;
        await this.#piece(upload);
      }
    } catch (cause) {
      if (!expected()) throw cause;
    }
  }

  /** Sends all that is open to its end. Throws unless everything is there before and after. */
  async finish(): Promise<void> {
    await this.check(true);
    for (const upload of [...this.#open.values()]) while (upload.told < upload.size) await this.#piece(upload);
    await this.check(true);
  }

  /** Null once too many were made whose name was lost with the answer: then there are no more. */
  async #create(lane: number): Promise<Upload | null> {
    this.#made += 1;
    const bytes = this.#draw.of(String(this.#made));
    // A third ends on a border of chunks, or one byte beside it.
    const drawn = this.#draw.next(sizeMax) + 1;
    const size = drawn % 3 === 0 ? Math.max(1, Math.ceil(drawn / chunk) * chunk + this.#draw.next(3) - 1) : drawn;
    const { status, headers, code } = await this.#client.create(this.#conversationId, size);
    if (code === 'file.too_many_open') return null;
    if (status !== 201 || headers.location === undefined) throw new Error(`an upload: ${status} ${code ?? ''}`);
    const upload = { lane, path: headers.location, bytes, size, told: 0, begun: 0 };
    this.#open.set(lane, upload);
    return upload;
  }

  async #piece(upload: Upload): Promise<void> {
    const end = Math.min(upload.size, upload.told + 1 + this.#draw.next(pieceMax));
    upload.begun = Math.max(upload.begun, end);
    const body = upload.bytes.bytes(upload.size).subarray(upload.told, end);
    const { status, headers, code } = await this.#client.append(upload.path, upload.told, body);
    if (status !== 204 || Number(headers['upload-offset']) !== end)
      throw new Error(`an upload: ${status} ${code ?? ''}, offset ${Number(headers['upload-offset'])} and not ${end}`);
    upload.told = end;
    if (end === upload.size) this.#finish(upload);
  }

  #finish(upload: Upload): void {
    this.#open.delete(upload.lane);
    this.#whole.push(upload);
  }

  async #checkWhole({ path, bytes, size }: Upload): Promise<void> {
    const { status, body } = await this.#client.download(path);
    if (status !== 200 || !body.equals(bytes.bytes(size)))
      throw new Error(`a whole file: ${status}, ${body.length} of ${size} bytes, other content`);
  }
}
