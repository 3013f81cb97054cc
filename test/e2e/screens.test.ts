/** The screens by themselves, over an engine of test data: how they look is in dist/look afterwards. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type DemoSite, openDemoSite } from '../web/ui/demo/demo-site.ts';
import { useHost } from '../web/ui/demo/hosted-look.ts';
import { lookAtScreens } from '../web/ui/demo/look.ts';
import { readTimeline } from '../web/ui/demo/scroll-look.ts';

describe('the web client over a demo engine', () => {
  let site: DemoSite;
  beforeAll(async () => {
    site = await openDemoSite();
  }, 120_000);
  afterAll(() => site.close());

  it('shares one engine between tabs under the security policy', async () => {
    expect(await useHost(site)).toEqual([]);
  }, 60_000);
  it('never moves a timeline under somebody who reads', async () => {
    await expect(readTimeline(site)).resolves.toBeUndefined();
  }, 60_000);
  it('has no serious accessibility problem on any screen, in both languages and themes', async () => {
    expect(await lookAtScreens(site)).toEqual([]);
  }, 600_000);
});
