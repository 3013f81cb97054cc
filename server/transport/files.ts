/** `/api/v1/files`: uploads by tus, downloads with ranges. What a request means is decided in session/tus.ts. */
import type { HttpRequest, HttpResponse } from 'uWebSockets.js';
import { refuse, type Result } from '#protocol/errors.ts';
import type { FileId } from '#protocol/ids.ts';
import type { Ops } from '../ops/ops.ts';
import { type CookieForm, readCookie } from '../session/cookie.ts';
import { downloadHeaders, wantedOf } from '../session/download.ts';
import { type PostAnswer, refusalAnswer } from '../session/post.ts';
import type { FileDesk, FileRecord, Runtime, SessionLookup, SessionRecord } from '../session/seam.ts';
import {
  appendedAnswer,
  type Body,
  createdAnswer,
  type FileRequest,
  filesPath,
  type Headers as ReadHeader,
  optionsAnswer,
  progressAnswer,
  readFileRequest,
  removedAnswer,
  tusRefusal,
} from '../session/tus.ts';
import { FileSender } from './file-sender.ts';
import type { Headers } from './headers.ts';
import { BodyBudget, Exchange } from './http.ts';
import { UploadBody } from './upload-body.ts';

/** What uploads may have in memory, together, before their call is decided; about 512 KiB each at most. */
const earlyBytesMax = 64 * 1024 * 1024;

const headerNames = [
  'origin',
  'cookie',
  'content-type',
  'content-length',
  'transfer-encoding',
  'tus-resumable',
  'upload-length',
  'upload-offset',
  'upload-metadata',
  'upload-checksum',
  'upload-defer-length',
  'upload-concat',
  'x-http-method-override',
  'range',
  'if-range',
  'if-none-match',
] as const;

export interface FileRouteParts {
  readonly origin: string;
  readonly cookie: CookieForm;
  readonly security: Headers;
  readonly sessions: SessionLookup;
  readonly desk: FileDesk;
  readonly ops: Ops;
  readonly runtime: Runtime;
}

/** One request, past its head. */
interface Call {
  readonly exchange: Exchange;
  readonly header: ReadHeader;
  readonly session: SessionRecord | null;
  readonly body: UploadBody | null;
}

/** Changes nothing, but is no download either: progress ends an append, so it is the origin's alone as well. */
const isReading = (request: FileRequest): boolean => request.kind === 'download' || request.kind === 'options';

export class FileRoutes {
  readonly #parts: FileRouteParts;
  readonly #early = new BodyBudget(earlyBytesMax);
  readonly #running = new Set<Exchange>();
  #draining = false;

  constructor(parts: FileRouteParts) {
    this.#parts = parts;
  }

  takes(path: string): boolean {
    return path === filesPath || path.startsWith(`${filesPath}/`);
  }

  /** Ends transfers under way: what arrived is kept, clients go on from there. New ones are refused. */
  drain(): void {
    this.#draining = true;
    for (const exchange of this.#running) exchange.cut();
  }

  handle(res: HttpResponse, req: HttpRequest): void {
    const exchange = new Exchange(res, this.#parts.security);
    const method = req.getMethod();
    // Requests live on the stack of this call: all that is needed later is read now.
    const values = new Map(headerNames.map((name) => [name as string, req.getHeader(name)]));
    const header: ReadHeader = (name) => values.get(name) ?? '';
    const request = readFileRequest({ method, path: req.getUrl(), header });
    const send = ({ status, body, headers }: PostAnswer): void => {
      const type: [string, string][] = body === '' ? [] : [['content-type', 'application/json; charset=utf-8']];
      exchange.answer({ status, body, headers: [...type, ...headers] }, method === 'head');
    };
    if (this.#draining) return send(tusRefusal('server.unavailable'));
    if (request.kind === 'refused') return send(request.answer);
    if (request.kind === 'options') return send(optionsAnswer(this.#parts.desk.fileBytesMax));
    if (!this.#originIsFine(request, header('origin'))) return send(refusalAnswer('origin.refused'));
    const hasBody = request.kind === 'append' || (request.kind === 'create' && request.body !== null);
    const body = hasBody ? new UploadBody(exchange, this.#early, this.#parts.runtime, () => this.#parts.ops.load.bodyCut()) : null;
    this.#run(request, exchange, header, body, send);
  }

  /** [B5] A page of another origin can neither begin nor change anything, nor read what has no CORS headers. */
  #originIsFine(request: FileRequest, origin: string): boolean {
    return origin === this.#parts.origin || (origin === '' && isReading(request));
  }

  #run(
    request: FileRequest,
    exchange: Exchange,
    header: ReadHeader,
    body: UploadBody | null,
    send: (answer: PostAnswer) => void,
  ): void {
    const { ops, runtime, desk } = this.#parts;
    const startedAt = runtime.monotonic();
    const command = `file.${request.kind}`;
    this.#running.add(exchange);
    exchange.onEnd(() => this.#running.delete(exchange));
    const answer = (outcome: string, given: PostAnswer | null): void => {
      ops.called({ requestId: '-', door: 'http', command, outcome, elapsedMs: runtime.monotonic() - startedAt });
      body?.discard();
      if (given !== null) send(given);
    };
    this.#serve(request, exchange, header, body).then(
      (result) =>
        result.ok ? answer('ok', result.value) : answer(result.code, tusRefusal(result.code, result.detail)),
      (cause: unknown) => {
        const known = desk.refusal(cause);
        if (known === null || known.code === 'file.damaged') ops.callFailed('-', command, cause);
        const refusal = known ?? refuse('server.unavailable');
        answer(refusal.code, tusRefusal(refusal.code, refusal.detail));
      },
    );
  }

  /** Null: the answer was streamed. */
  async #serve(
    request: FileRequest,
    exchange: Exchange,
    header: ReadHeader,
    body: UploadBody | null,
  ): Promise<Result<PostAnswer | null>> {
    const { cookie, sessions, desk } = this.#parts;
    const value = readCookie(header('cookie'), cookie);
    const session = value === null ? null : await sessions.authenticate(value);
    const call: Call = { exchange, header, session, body };
    switch (request.kind) {
      case 'create':
        return this.#create(request, call);
      case 'append':
        return done(await this.#receive(request.fileId, request.offset, request.body, call), appendedAnswer);
      case 'progress':
        return done(await desk.progress(session, request.fileId), progressAnswer);
      case 'remove':
        return done(await desk.remove(session, request.fileId), removedAnswer);
      case 'download':
        return this.#download(request, call);
      case 'options':
      case 'refused':
        throw new Error('answered before');
    }
  }

  async #create(request: Extract<FileRequest, { kind: 'create' }>, call: Call): Promise<Result<PostAnswer>> {
    const created = await this.#parts.desk.create(call.session, request.conversationId, request.size);
    if (!created.ok || request.body === null) return done(created, (file) => createdAnswer(file, false));
    const { fileId } = created.value;
    const received = await this.#receive(fileId, 0, request.body, call);
    // The file is there, whatever became of its first bytes: the client goes on from what is kept.
    if (received.ok || received.code === 'file.too_large') return done(received, (file) => createdAnswer(file, true));
    const now = await this.#parts.desk.progress(call.session, fileId);
    return now.ok && received.code !== 'file.checksum_mismatch'
      ? done(now, (file) => createdAnswer(file, true))
      : received;
  }

  /** [B3] [B4] One body into one file. */
  async #receive(fileId: FileId, offset: number, wanted: Body, { session, body }: Call): Promise<Result<FileRecord>> {
    const { desk } = this.#parts;
    if (body === null || session === null) return refuse('session.required');
    const begun = await desk.append(session, fileId, offset, {
      atomic: wanted.checksum !== null,
      onInterrupt: () => body.stop(),
    });
    if (!begun.ok) return begun;
    const { file, appending, release } = begun.value;
    const bytesMax = file.size - offset;
    try {
      if (wanted.length !== null && wanted.length > bytesMax) return refuse('file.too_large');
      const end = await body.into({
        appending,
        bytesMax,
        checksum: wanted.checksum,
        mayGoOn: () => desk.mayGoOn(session, file, 'file.upload'),
      });
      if (end.kind === 'failed') throw end.cause;
      const keep = end.kind === 'whole' || (wanted.checksum === null && end.kind !== 'no-room');
      const kept = keep ? await appending.finish() : file;
      switch (end.kind) {
        case 'whole':
          return { ok: true, value: kept };
        case 'too-long':
          return refuse('file.too_large');
        case 'damaged':
          return refuse('file.checksum_mismatch');
        case 'forbidden':
          return refuse('file.unknown');
        case 'cut':
        case 'no-room':
          return refuse('server.unavailable');
      }
    } finally {
      // Ended already but for what was given up; its failure was told by `finish`.
      await Promise.allSettled([appending.abandon()]);
      release();
    }
  }

  async #download(
    { fileId, headOnly }: Extract<FileRequest, { kind: 'download' }>,
    { exchange, header, session }: Call,
  ): Promise<Result<PostAnswer | null>> {
    const { desk, runtime } = this.#parts;
    if (session === null) return refuse('session.required');
    const opened = await desk.open(session, fileId);
    if (!opened.ok) return opened;
    const { reading, release } = opened.value;
    const { file } = reading;
    try {
      const wanted = wantedOf(header, file);
      const headers = downloadHeaders(file);
      if (wanted.kind === 'unchanged') return { ok: true, value: { status: 304, body: '', headers } };
      if (wanted.kind === 'unsatisfiable') {
        const answer = refusalAnswer('file.range_refused');
        return {
          ok: true,
          value: {
            ...answer,
            headers: [...answer.headers, ['content-range', `bytes */${file.size}`], ['cache-control', 'no-store']],
          },
        };
      }
      const { span } = wanted;
      if (wanted.kind === 'part') headers.push(['content-range', `bytes ${span.from}-${span.to - 1}/${file.size}`]);
      const head = { status: wanted.kind === 'part' ? 206 : 200, headers };
      if (headOnly) exchange.answerHead(head, span.to - span.from);
      else {
        const mayGoOn = () => desk.mayGoOn(session, file, 'file.download');
        await new FileSender(exchange, { reading, span, head, mayGoOn, monotonic: () => runtime.monotonic() }).send();
      }
      return { ok: true, value: null };
    } finally {
      await release();
    }
  }
}

const done = <T>(result: Result<T>, answer: (value: T) => PostAnswer): Result<PostAnswer> =>
  result.ok ? { ok: true, value: answer(result.value) } : result;
