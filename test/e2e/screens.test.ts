/** The screens by themselves, over an engine of test data: how they look is in test/e2e/artifacts/screens afterwards. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type DemoSite, openDemoSite } from '../web/ui/demo/demo-site.ts';
import { followDialogs, followInvite, readKeeping, workByKeys } from '../web/ui/demo/focus-look.ts';
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
  it('brings the focus into every dialog and back to its opener', async () => {
    await expect(followDialogs(site)).resolves.toBeUndefined();
  }, 60_000);
  it('selects the link of a new invite', async () => {
    await expect(followInvite(site)).resolves.toBeUndefined();
  }, 60_000);
  it('is worked by keys without a trap', async () => {
    await expect(workByKeys(site)).resolves.toBeUndefined();
  }, 60_000);
  it('says once that the browser may clear its storage', async () => {
    await expect(readKeeping(site)).resolves.toBeUndefined();
  }, 60_000);
  it('has no serious accessibility problem on any screen, in both languages and themes', async () => {
    expect(await lookAtScreens(site)).toEqual([]);
  }, 600_000);
});
