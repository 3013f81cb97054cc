import * as v from 'valibot';
import { bytes, Timestamp } from '../envelope.ts';
import { DeviceId } from '../ids.ts';
import * as limits from '../limits.ts';
import { Device, label } from '../model.ts';
import { revocationBytes } from '../revocation.ts';
import { row } from './row.ts';

const Empty = v.strictObject({});

/** One's own devices; how they come to be is in accounts.ts. */
export const deviceCommands = {
  'device.own': row({
    summary: "One's own devices and when each was last used, to the day.",
    input: Empty,
    output: v.strictObject({ devices: v.array(v.strictObject({ ...Device.entries, usedAt: Timestamp })) }),
    errors: [],
    who: 'person',
    resource: 'self',
    audited: { not: 'reads' },
  }),
  'device.rename': row({
    summary: "Give one's own device another name.",
    input: v.strictObject({ deviceId: DeviceId, label: label(limits.deviceLabelLengthMax) }),
    output: Empty,
    errors: ['device.unknown'],
    who: 'device',
    resource: 'self',
    audited: { not: 'keeps' },
  }),
  'device.remove': row({
    summary:
      "Remove one's own device for good, with a revocation signed by the identity key: its sessions end, its leaves go.",
    input: v.strictObject({ deviceId: DeviceId, revocation: bytes(revocationBytes, revocationBytes) }),
    output: Empty,
    errors: ['device.unknown', 'device.refused'],
    who: 'device',
    resource: 'self',
    stepUp: true,
    audited: ['device.removed'],
  }),
};
