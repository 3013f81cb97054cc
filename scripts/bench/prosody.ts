/**
 * The same deliveries by Prosody (XMPP: RFC 6120, rooms by XEP-0045): one room of 200 occupants, its archive (XEP-0313) on
 * disk. Its client here finds the ends of stanzas and looks at nothing else, as the relay's does.
 */
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '../../test/harness/free-port.ts';
import { type Broker, startBroker } from './broker.ts';

const domain = 'localhost';
const room = `all@rooms.${domain}`;
const password = 'a long enough password';
const endOfMessage = Buffer.from('</message>');
/** More than the head of a message takes. */
const headBytesMax = 400;

/** One occupant of the room: hears of each message, and of those of its own that came back. */
export class XmppClient {
  onMessage: () => void = () => undefined;
  /** The room has archived it and sent it to everybody, its sender too. */
  onOwn: () => void = () => undefined;
  #rest: Buffer = Buffer.alloc(0);
  /** Non-null until the client is in the room. */
  #wanted: { readonly mark: string; readonly found: () => void } | null = null;
  #entered = false;

  private constructor(
    readonly socket: Socket,
    readonly name: string,
  ) {
    socket.setNoDelay(true);
    socket.on('data', (data: Buffer) => {
      this.#rest = this.#rest.length === 0 ? data : Buffer.concat([this.#rest, data]);
      if (this.#entered) this.#count();
      else this.#look();
    });
  }

  /** Signed in (SASL PLAIN) and in the room. */
  static async open(port: number, name: string): Promise<XmppClient> {
    const socket = connect(port, '127.0.0.1');
    await once(socket, 'connect');
    const client = new XmppClient(socket, name);
    const stream = `<stream:stream to="${domain}" version="1.0" xmlns="jabber:client" xmlns:stream="http://etherx.jabber.org/streams">`;
    const secret = Buffer.from(`\0${name}\0${password}`).toString('base64');
    await client.#ask(stream, '</stream:features>');
    await client.#ask(`<auth xmlns="urn:ietf:params:xml:ns:xmpp-sasl" mechanism="PLAIN">${secret}</auth>`, '<success');
    await client.#ask(stream, '</stream:features>');
    await client.#ask('<iq type="set" id="bind"><bind xmlns="urn:ietf:params:xml:ns:xmpp-bind"/></iq>', '</iq>');
    // The subject is the last that one hears of entering (XEP-0045 §7.1).
    const presence = `<presence to="${room}/${name}"><x xmlns="http://jabber.org/protocol/muc"/></presence>`;
    await client.#ask(presence, '<subject');
    if (client.#rest.indexOf(endOfMessage) === -1) await client.#ask('', endOfMessage.toString());
    client.#rest = Buffer.alloc(0);
    client.#entered = true;
    return client;
  }

  say(body: string): void {
    this.socket.write(`<message to="${room}" type="groupchat"><body>${body}</body></message>`);
  }

  #ask(stanza: string, mark: string): Promise<void> {
    return new Promise((resolve, reject) => {
      this.socket.once('close', () =>
        reject(new Error(`Prosody closed the stream of ${this.name}: ${this.#rest.toString()}`)),
      );
      this.#wanted = { mark, found: resolve };
      this.socket.write(stanza);
      this.#look();
    });
  }

  #look(): void {
    if (this.#wanted === null) return;
    const at = this.#rest.indexOf(this.#wanted.mark);
    if (at === -1) return;
    this.#rest = this.#rest.subarray(at + this.#wanted.mark.length);
    const { found } = this.#wanted;
    this.#wanted = null;
    found();
  }

  #count(): void {
    let from = 0;
    for (;;) {
      const end = this.#rest.indexOf(endOfMessage, from);
      if (end === -1) break;
      this.onMessage();
      if (this.#rest.toString('latin1', from, Math.min(end, from + headBytesMax)).includes(`${room}/${this.name}`))
        this.onOwn();
      from = end + endOfMessage.length;
    }
    this.#rest = this.#rest.subarray(from);
  }
}

const configuration = (folder: string, port: number): string => `
  run_as_root = true
  data_path = "${folder}"
  pidfile = "${folder}/prosody.pid"
  interfaces = { "127.0.0.1" }
  c2s_ports = { ${port} }
  s2s_ports = {}
  modules_enabled = { "saslauth", "disco", "mam" }
  modules_disabled = { "s2s", "tls", "offline" }
  c2s_require_encryption = false
  allow_unencrypted_plain_auth = true
  authentication = "internal_plain"
  storage = "internal"
  archive_expires_after = "never"
  log = { error = "${folder}/errors.log" }
  VirtualHost "${domain}"
  Component "rooms.${domain}" "muc"
    modules_enabled = { "muc_mam" }
    muc_room_locking = false
    muc_log_by_default = true
    muc_log_expires_after = "never"
`;

/** With an account for each name. Keeps everything on disk; no limits on rates. */
export async function startProsody(names: readonly string[]): Promise<Broker> {
  const folder = mkdtempSync(join(tmpdir(), 'lanying-prosody-'));
  const port = await freePort();
  const accounts = join(folder, domain, 'accounts');
  for (const each of [accounts, join(folder, 'certs')]) mkdirSync(each, { recursive: true });
  for (const name of names) writeFileSync(join(accounts, `${name}.dat`), `return { ["password"] = "${password}" };\n`);
  const file = join(folder, 'prosody.cfg.lua');
  writeFileSync(file, configuration(folder, port));
  return startBroker('prosody', ['-F', '--config', file], folder, port);
}
