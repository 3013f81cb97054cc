/** Where the master key comes from: the operator's file, or one of our own in the data folder. */
import { chmodSync, closeSync, existsSync, fstatSync, fsyncSync, linkSync, mkdirSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { ConfigError } from './config.ts';

export interface MasterKey {
  /** 32 bytes. */
  readonly key: Uint8Array<ArrayBuffer>;
  /** Path when this start made it, so that the operator hears of it. */
  readonly made: string | null;
}

const keyBytes = 32;
/** Longest accepted form: 64 hex digits and a line end. */
const fileBytesMax = 128;

/** The key in a file's content: 32 raw bytes, 64 hex digits or 44 characters of base64; null for anything else. */
export function parseMasterKey(content: Uint8Array): Uint8Array<ArrayBuffer> | null {
  if (content.length === keyBytes) return new Uint8Array(content);
  const text = Buffer.from(content).toString('latin1').trim();
  if (/^[0-9a-fA-F]{64}$/.test(text)) return new Uint8Array(Buffer.from(text, 'hex'));
  if (/^[A-Za-z0-9+/]{43}=$/.test(text)) return new Uint8Array(Buffer.from(text, 'base64'));
  return null;
}

function readKeyFile(path: string, name: string): Uint8Array<ArrayBuffer> {
  let content: Uint8Array;
  let file: number | null = null;
  try {
    file = openSync(path, 'r');
    // A huge or endless file is refused before it is read.
    content = fstatSync(file).size <= fileBytesMax ? readFileSync(file) : new Uint8Array(0);
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : 'unreadable';
    throw new ConfigError([`${name} cannot be read (${code}): ${path}`]);
  } finally {
    if (file !== null) closeSync(file);
  }
  const key = parseMasterKey(content);
  if (key === null) throw new ConfigError([`${name} must hold 32 bytes, 64 hex digits or 44 characters of base64: ${path}`]);
  return key;
}

/**
 * Whole or absent, and never over a key that is there: written beside, synced, then linked to its name.
 */
function makeKeyFile(folder: string, path: string, key: Uint8Array): void {
  const beside = `${path}.new`;
  rmSync(beside, { force: true });
  const file = openSync(beside, 'wx', 0o600);
  writeSync(file, key);
  fsyncSync(file);
  closeSync(file);
  chmodSync(beside, 0o600);
  linkSync(beside, path);
  rmSync(beside);
  const directory = openSync(folder, 'r');
  fsyncSync(directory);
  closeSync(directory);
}

/**
 * Makes the data folder (mode 0700) if it is missing. Throws ConfigError when a file or the folder is unusable, and when
 * the folder holds records but their key is gone: a new key would lock them for ever.
 */
export function loadMasterKey(dataFolder: string, keyFile: string | null, random: (length: number) => Uint8Array<ArrayBuffer>): MasterKey {
  if (keyFile !== null) return { key: readKeyFile(keyFile, 'LANYING_MASTER_KEY_FILE'), made: null };
  const path = join(dataFolder, 'master.key');
  try {
    mkdirSync(dataFolder, { recursive: true, mode: 0o700 });
    if (!existsSync(path)) {
      if (existsSync(join(dataFolder, 'store-made'))) {
        throw new ConfigError([`The data folder holds records but master.key is missing: put it back, or name it with LANYING_MASTER_KEY_FILE: ${path}`]);
      }
      const key = random(keyBytes);
      makeKeyFile(dataFolder, path, key);
      return { key, made: path };
    }
  } catch (cause) {
    if (cause instanceof ConfigError) throw cause;
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : 'unusable';
    throw new ConfigError([`LANYING_DATA cannot be used (${code}): ${dataFolder}`]);
  }
  return { key: readKeyFile(path, 'master.key'), made: null };
}
