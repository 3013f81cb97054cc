import { encode } from 'cborg';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { type ConversationId, idFromBytes, type UnlockerId, type UserId } from '#protocol/ids.ts';
import { archiveItemBytesMax } from '#protocol/limits.ts';
import { applyRoster, decodeArchiveItem, encodeArchiveItem, rosterDelta } from '../../../web/engine/vault/archive-item.ts';
import { makeVaultKey, openIdentitySeed, sealIdentitySeed } from '../../../web/engine/vault/identity-secret.ts';
import { makeRecoveryCode, parseRecoveryCode } from '../../../web/engine/vault/recovery-code.ts';
import { prfSalt, rewrapVaultKey, unlockVault, unwrapVaultKey, type UnlockSecret, wrapVaultKey } from '../../../web/engine/vault/unlocker.ts';
import { VaultCipher } from '../../../web/engine/vault/vault-cipher.ts';
import { systemRuntime } from '../../../web/platform/runtime.ts';

const filled = (byte: number, length: number) => new Uint8Array(length).fill(byte);
const me = idFromBytes<UserId>(filled(1, 16));
const other = idFromBytes<UserId>(filled(2, 16));
const vaultKey = makeVaultKey(systemRuntime);
const flipped = (bytes: Uint8Array<ArrayBuffer>, at: number, change = 1) => bytes.map((byte, place) => (place === at ? byte ^ change : byte));
const anyChange = (length: number) => [fc.nat(length - 1), fc.integer({ min: 1, max: 255 })] as const;

describe('identity secret', () => {
  const sealed = sealIdentitySeed(systemRuntime, vaultKey, me, filled(7, 32));

  it('opens for its person under its vault key only', () => {
    expect(openIdentitySeed(vaultKey, me, sealed)).toEqual({ ok: true, seed: filled(7, 32), earlier: [] });
    const rekeyed = sealIdentitySeed(systemRuntime, vaultKey, me, filled(7, 32), [filled(8, 32), filled(9, 32)]);
    expect(openIdentitySeed(vaultKey, me, rekeyed)).toEqual({ ok: true, seed: filled(7, 32), earlier: [filled(8, 32), filled(9, 32)] });
    expect(openIdentitySeed(vaultKey, other, sealed)).toEqual({ ok: false, reason: 'wrong_person' });
    expect(openIdentitySeed(makeVaultKey(systemRuntime), me, sealed)).toEqual({ ok: false, reason: 'wrong_key' });
  });

  it('refuses every changed byte', () => {
    fc.assert(fc.property(...anyChange(sealed.length), (at, change) => !openIdentitySeed(vaultKey, me, flipped(sealed, at, change)).ok));
    for (const bytes of [flipped(sealed, 0), sealed.slice(0, 25), filled(0, 0)]) {
      expect(openIdentitySeed(vaultKey, me, bytes)).toEqual({ ok: false, reason: 'malformed' });
    }
  });
});

describe('recovery codes', () => {
  const code = makeRecoveryCode(systemRuntime);
  const alphabet = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
  const bare = code.replaceAll('-', '');

  it('are seven groups of four and read back however they are typed', () => {
    expect(code).toMatch(/^[0-9A-HJKMNP-TV-Z]{4}(-[0-9A-HJKMNP-TV-Z]{4}){6}$/);
    const fullWidth = [...bare].map((character) => String.fromCharCode(character.charCodeAt(0) + 0xfee0)).join('');
    const typed = [code, bare, code.toLowerCase(), ` ${code.replaceAll('-', ' ')}\n`, bare.replaceAll('0', 'o').replaceAll('1', 'l'), bare.replaceAll('0', 'O').replaceAll('1', 'I'), code.replaceAll('-', '–'), fullWidth];
    for (const text of typed) expect(parseRecoveryCode(text)).toBe(code);
  });

  it('find every one or two wrong characters and every swap', () => {
    const place = fc.nat(27);
    const symbol = fc.constantFrom(...alphabet);
    fc.assert(
      fc.property(place, symbol, place, symbol, (first, one, second, two) => {
        const characters = [...bare];
        characters[first] = one;
        characters[second] = two;
        const typo = characters.join('');
        return typo === bare ? parseRecoveryCode(typo) === code : parseRecoveryCode(typo) === null;
      }),
      { numRuns: 2_000 },
    );
    for (let at = 0; at < 27; at += 1) {
      const swapped = bare.slice(0, at) + bare.charAt(at + 1) + bare.charAt(at) + bare.slice(at + 2);
      if (swapped !== bare) expect(parseRecoveryCode(swapped)).toBeNull();
    }
  });

  it('refuse what is no code', () => {
    for (const text of ['', bare.slice(1), `${bare}0`, `U${bare.slice(1)}`, `🦉${bare.slice(1)}`, 'A'.repeat(10_000)]) expect(parseRecoveryCode(text)).toBeNull();
  });
});

describe('unlockers', () => {
  const byCode: UnlockSecret = { kind: 'recovery-code', code: makeRecoveryCode(systemRuntime) };
  const byPasskey: UnlockSecret = { kind: 'passkey', prf: filled(3, 32) };
  const unlocker = (id: number, secret: UnlockSecret) => ({
    unlockerId: idFromBytes<UnlockerId>(filled(id, 16)), kind: secret.kind, wrapped: wrapVaultKey(systemRuntime, vaultKey, me, secret),
  });
  const [first, second] = [unlocker(1, byCode), unlocker(2, byPasskey)];

  it('each open the vault, and only with their own secret', () => {
    expect(unlockVault(me, [first, second], byCode)).toEqual({ ok: true, vaultKey, unlockerId: first.unlockerId });
    expect(unlockVault(me, [first, second], byPasskey)).toEqual({ ok: true, vaultKey, unlockerId: second.unlockerId });
    const wrong: UnlockSecret = { kind: 'recovery-code', code: makeRecoveryCode(systemRuntime) };
    expect(unlockVault(me, [first, second], wrong)).toEqual({ ok: false, reason: 'wrong' });
    expect(unlockVault(me, [second], byCode)).toEqual({ ok: false, reason: 'none' });
    expect(unlockVault(other, [first, second], byCode)).toEqual({ ok: false, reason: 'wrong' });
  });

  it('[V4] are wrapped for another vault key by whoever has the vault open, and by nobody else', () => {
    const next = makeVaultKey(systemRuntime);
    for (const [wrap, secret] of [[first, byCode], [second, byPasskey]] as const) {
      const wrapped = rewrapVaultKey(systemRuntime, { from: vaultKey, to: next }, me, wrap.wrapped);
      expect(wrapped && unwrapVaultKey(me, secret, wrapped)).toEqual(next);
      // What the earlier key opened does not lead to the later one.
      expect(wrapped && rewrapVaultKey(systemRuntime, { from: vaultKey, to: vaultKey }, me, wrapped)).toBeNull();
      expect(rewrapVaultKey(systemRuntime, { from: next, to: next }, me, wrap.wrapped)).toBeNull();
      expect(rewrapVaultKey(systemRuntime, { from: vaultKey, to: next }, other, wrap.wrapped)).toBeNull();
    }
    // A point of the server's own in the place of the unlocker's.
    const forged = wrapVaultKey(systemRuntime, filled(9, 32), me, byCode);
    expect(rewrapVaultKey(systemRuntime, { from: vaultKey, to: next }, me, forged)).toBeNull();
  });

  it('skip what a server put among them', () => {
    const garbage = { unlockerId: idFromBytes<UnlockerId>(filled(9, 16)), kind: 'recovery-code' as const, wrapped: filled(0, 5) };
    expect(unlockVault(me, [garbage, { ...garbage, wrapped: second.wrapped }, first], byCode)).toMatchObject({ ok: true, unlockerId: first.unlockerId });
  });

  it('refuse every changed byte', () => {
    fc.assert(fc.property(...anyChange(first.wrapped.length), (at, change) => unwrapVaultKey(me, byCode, flipped(first.wrapped, at, change)) === null));
    expect(first.wrapped.length).toBeLessThanOrEqual(256);
  });

  it('evaluate a PRF salt that never changes', () => {
    expect(Buffer.from(prfSalt).toString('hex')).toBe('6cf81703b5033ebff93e0b2d8bfeb2d79cd367ed6ee107df61a951baa88fde41');
  });
});

describe('vault cipher', () => {
  const conversation = idFromBytes<ConversationId>(filled(4, 16));
  const item = filled(5, 100);
  let vault: VaultCipher;
  let foreign: readonly VaultCipher[];
  beforeAll(async () => {
    vault = await VaultCipher.create(systemRuntime, me, vaultKey);
    foreign = [await VaultCipher.create(systemRuntime, other, vaultKey), await VaultCipher.create(systemRuntime, me, filled(0, 32))];
  });

  it('[E11] opens archive items in their own place only', async () => {
    const sealed = await vault.sealArchive(conversation, 3, item);
    expect(await vault.openArchive(conversation, 3, sealed)).toEqual(item);
    expect(await vault.openArchive(conversation, 4, sealed)).toBeNull();
    expect(await vault.openArchive(idFromBytes<ConversationId>(filled(6, 16)), 3, sealed)).toBeNull();
    for (const cipher of foreign) expect(await cipher.openArchive(conversation, 3, sealed)).toBeNull();
    for (let at = 0; at < sealed.length; at += 1) expect(await vault.openArchive(conversation, 3, flipped(sealed, at))).toBeNull();
    expect(await vault.openItem('pins', 3, sealed)).toBeNull();
    expect(await vault.openArchive(conversation, 3, sealed.slice(0, 20))).toBeNull();
  });

  it('[V4] seals under a new key and opens what earlier ones sealed', async () => {
    const before = await VaultCipher.create(systemRuntime, me, filled(1, 32));
    const old = await before.sealArchive(conversation, 3, item);
    const cipher = await VaultCipher.create(systemRuntime, me, filled(1, 32));
    await cipher.rekey(filled(2, 32), [filled(1, 32)]);
    expect(await cipher.openArchive(conversation, 3, old)).toEqual(item);
    const fresh = (await cipher.resealArchive(conversation, 3, old)) ?? filled(0, 0);
    expect([await cipher.openArchive(conversation, 3, fresh), await before.openArchive(conversation, 3, fresh)]).toEqual([item, null]);
    expect(await cipher.resealArchive(conversation, 3, fresh)).toBeNull();
  });

  it('opens named items under their name and version only', async () => {
    const sealed = await vault.sealItem('pins', 2, item);
    expect(await vault.openItem('pins', 2, sealed)).toEqual(item);
    expect(await vault.openItem('pins', 1, sealed)).toBeNull();
    expect(await vault.openItem('pin', 2, sealed)).toBeNull();
    for (const cipher of foreign) expect(await cipher.openItem('pins', 2, sealed)).toBeNull();
    expect(await vault.openItem('pins', 2, flipped(sealed, 40))).toBeNull();
  });
});

describe('archive items', () => {
  const device = (leaf: number, byte = leaf) => ({ leaf, certificate: filled(byte & 255, 177) });
  const contentKey = filled(6, 32);

  it('survive encoding, and refuse what is not one', () => {
    for (const roster of [{ kind: 'base', devices: [device(0), device(5)] }, { kind: 'delta', added: [device(2)], removed: [1, 2] }] as const) {
      const item = { contentKey, roster: roster.kind === 'base' ? { ...roster, devices: [...roster.devices] } : { ...roster, added: [...roster.added], removed: [...roster.removed] } };
      const encoded = encodeArchiveItem(item);
      expect(encoded && decodeArchiveItem(encoded)).toEqual(item);
    }
    for (const item of [{}, { version: 2, contentKey, roster: { kind: 'base', devices: [] } }, { version: 1, contentKey, roster: { kind: 'base', devices: [device(1), device(1)] } }]) {
      expect(decodeArchiveItem(encode(item))).toBeNull();
    }
    expect(decodeArchiveItem(filled(0xff, 3))).toBeNull();
  });

  it('fit 1,000 devices, and say so when they do not fit', async () => {
    const base = (count: number) => encodeArchiveItem({ contentKey, roster: { kind: 'base', devices: Array.from({ length: count }, (_, leaf) => device(leaf)) } });
    const large = base(1_000);
    expect(large?.length).toBeLessThan(archiveItemBytesMax);
    expect(base(1_400)).toBeNull();
  });

  it('a difference leads from one roster to the next, a reused leaf too', () => {
    const before = new Map([device(0), device(1), device(2)].map(({ leaf, certificate }) => [leaf, certificate]));
    const after = new Map([device(0), device(1, 9), device(3)].map(({ leaf, certificate }) => [leaf, certificate]));
    const delta = rosterDelta(before, after);
    expect(delta).toEqual({ kind: 'delta', removed: [1, 2], added: [device(1, 9), device(3)] });
    expect(applyRoster(before, delta)).toEqual(after);
    expect(applyRoster(before, { kind: 'delta', added: [], removed: [7] })).toBeNull();
    expect(applyRoster(before, { kind: 'delta', added: [device(0)], removed: [] })).toBeNull();
    expect(applyRoster(before, { kind: 'base', devices: [device(4)] })).toEqual(new Map([[4, filled(4, 177)]]));
  });
});
