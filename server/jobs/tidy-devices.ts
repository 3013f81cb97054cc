/** Devices that nobody used for long lose their leaves ([D6]); members' clients commit it. */
import type { OwnDevices } from '../domain/own-devices.ts';
import type { Job } from './scheduler.ts';

export const tidyDevices = (devices: Pick<OwnDevices, 'tidy'>): Job => ({
  name: 'tidy-devices',
  cron: '17 3 * * *',
  run: () => devices.tidy(),
});
