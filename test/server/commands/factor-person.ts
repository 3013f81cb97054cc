/** A person of world.ts with factors: an authenticator app, passkeys, recovery codes. */
import type { CeremonyId } from '#protocol/ids.ts';
import { Authenticator, type Flaws } from '../../harness/authenticator.ts';
import { fromBase32, totpCode } from '../../harness/totp.ts';
import { okay, origin, password, type Peer, type World } from './world.ts';

export class App {
  #secret: Buffer;
  #world: World;

  constructor(world: World, secret: string) {
    this.#world = world;
    this.#secret = fromBase32(secret);
  }

  code(steps = 0): string {
    return totpCode(this.#secret, this.#world.runtime.now(), steps);
  }
}

/** Adds an authenticator app; the clock is past the code that confirmed it. */
export async function withApp(peer: Peer): Promise<{ readonly app: App; readonly codes: readonly string[] | null }> {
  const { ceremonyId, secret } = okay(await peer.call('totp.begin', {}));
  const app = new App(peer.world, secret);
  const { recoveryCodes } = okay(await peer.call('totp.confirm', { ceremonyId, code: app.code() }));
  peer.world.runtime.advance(60_000);
  return { app, codes: recoveryCodes };
}

export async function withPasskey(
  peer: Peer,
  name = 'Key',
): Promise<{ readonly device: Authenticator; readonly codes: readonly string[] | null }> {
  const device = new Authenticator(origin);
  const { ceremonyId, options } = okay(await peer.call('passkey.addOptions', {}));
  const { recoveryCodes } = okay(
    await peer.call('passkey.add', { ceremonyId, response: device.register(options), name }),
  );
  return { device, codes: recoveryCodes };
}

/** Past the password: the ceremony that waits for the second step. */
export async function pastPassword(
  world: World,
  handle: string,
  from = {},
): Promise<{ readonly ceremonyId: CeremonyId; readonly methods: readonly string[] }> {
  const { result } = await world.call('signIn.password', { handle, password }, from);
  if (result.ok || result.code !== 'second_step.required') throw new Error('no second step was asked for');
  // As a client would hand it back.
  return { ceremonyId: result.detail?.ceremonyId as CeremonyId, methods: result.detail?.methods ?? [] };
}

/** A fresh response to a challenge that signs in without a handle. */
export async function bareSignIn(world: World, device: Authenticator, flaws: Flaws = {}) {
  const { ceremonyId, options } = okay(await world.call('signIn.passkeyOptions', {}));
  return world.call('signIn.passkey', { ceremonyId, response: device.signIn(options, flaws) });
}

export async function proveBy(peer: Peer, device: Authenticator, flaws: Flaws = {}) {
  const { passkey } = okay(await peer.call('session.stepUpOptions', {}));
  if (passkey === null) throw new Error('no passkey was asked for');
  return peer.call('session.stepUp', {
    proof: { kind: 'passkey', ceremonyId: passkey.ceremonyId, response: device.signIn(passkey.options, flaws) },
  });
}
