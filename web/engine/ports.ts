/** What the engine needs from its surroundings; web/platform implements it for browsers and for Node. */

export interface Timer {
  cancel(): void;
}

/** Clock, randomness, timers: nothing else in the engine touches them. */
export interface Runtime {
  now(): number;
  random(length: number): Uint8Array<ArrayBuffer>;
  after(delayMs: number, run: () => void): Timer;
}

/** One socket. Handlers are set before it opens. */
export interface Socket {
  send(frame: Uint8Array<ArrayBuffer>): void;
  close(): void;
}
export interface SocketHandlers {
  readonly onOpen: () => void;
  readonly onFrame: (frame: Uint8Array<ArrayBuffer>) => void;
  /** Called exactly once, whatever the reason. */
  readonly onClose: () => void;
}

export interface Network {
  /** `POST /api/v1/<command>` with cookies kept between calls. Rejects with LanyingError `network.unreachable` only. */
  post(command: string, body: unknown): Promise<{ readonly status: number; readonly body: unknown }>;
  connect(handlers: SocketHandlers): Socket;
  /** Fires when the system says that the network is back; the engine then reconnects at once. */
  onOnline(listener: () => void): () => void;
}

/** Keys that stay on the device. In browsers WebCrypto keys that cannot be extracted, kept in IndexedDB. */
export interface DeviceKeys {
  /** Ed25519 public key, 32 bytes. */
  readonly publicKey: Uint8Array<ArrayBuffer>;
  sign(data: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>>;
  /** AES-256-GCM under this device's storage key; output nonce 12 · ciphertext · tag 16. */
  seal(data: Uint8Array<ArrayBuffer>, associated: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>>;
  /** Throws on anything that was not sealed here with the same associated data. */
  open(sealed: Uint8Array<ArrayBuffer>, associated: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>>;
}

export type StoreWrite =
  | { readonly put: readonly [key: string, value: Uint8Array<ArrayBuffer>] }
  | { readonly delete: string }
  /** Deletes every key that begins with it. */
  | { readonly deletePrefix: string };

/**
 * A small ordered key-value store of sealed records (the engine seals before writing). Keys compare as strings.
 * A batch is whole or absent and durable when it resolves. `fence` guards against a second engine: a store opened
 * later makes every batch of an earlier opener reject with LanyingError `engine.busy_elsewhere`.
 */
export interface LocalStore {
  get(key: string): Promise<Uint8Array<ArrayBuffer> | null>;
  /** Keys with `from` <= key < `to`, ascending, or the last ones first when reverse. */
  range(from: string, to: string, options: { readonly limit: number; readonly reverse: boolean }): Promise<readonly (readonly [string, Uint8Array<ArrayBuffer>])[]>;
  batch(writes: readonly StoreWrite[]): Promise<void>;
  /** Device keys of this profile: made on first use, null-safe across restarts. */
  deviceKeys(): Promise<DeviceKeys>;
  /** Erases everything, keys included. */
  erase(): Promise<void>;
  close(): Promise<void>;
}

export interface PasskeyCreated {
  /** RegistrationResponseJSON without any PRF result. */
  readonly response: Record<string, unknown>;
  readonly credentialId: string;
  /** 32 bytes where the authenticator has PRF; never leaves the device. */
  readonly prf: Uint8Array<ArrayBuffer> | null;
}
export interface PasskeyUsed {
  readonly response: Record<string, unknown>;
  readonly credentialId: string;
  readonly prf: Uint8Array<ArrayBuffer> | null;
}

/** WebAuthn ceremonies, run where a person is (the page), not in the worker. Rejects with `passkey.cancelled` or `passkey.unsupported`. */
export interface Passkeys {
  /** `prfSalt`: 32 bytes evaluated by the PRF extension (WebAuthn Level 3 §10.1.4). */
  create(options: Record<string, unknown>, prfSalt: Uint8Array<ArrayBuffer>): Promise<PasskeyCreated>;
  get(options: Record<string, unknown>, prfSalt: Uint8Array<ArrayBuffer>): Promise<PasskeyUsed>;
}

export interface Platform {
  readonly runtime: Runtime;
  readonly network: Network;
  readonly store: LocalStore;
  readonly passkeys: Passkeys;
}
