/** Where the focus is: into every dialog and back to its opener, through the keys of the main screen, never nowhere. */
import { strict as assert } from 'node:assert';
import type { Locator, Page } from 'playwright-core';
import type { DemoSite } from './demo-site.ts';

const at = (id: string): string => `/c/${id.padEnd(22, '0')}`;
const focused = (page: Page): Promise<string> =>
  page.evaluate(() => {
    const active = document.activeElement;
    return active === null || active === document.body ? 'nowhere' : (active.getAttribute('aria-label') ?? active.textContent ?? active.tagName);
  });
const isFocused = async (locator: Locator): Promise<void> => {
  const element = await locator.elementHandle();
  const page = locator.page();
  const there = page.waitForFunction((wanted) => wanted === document.activeElement, element, { timeout: 10_000 });
  await there.catch(async () => assert.fail(`${String(locator)} has not the focus, but ${await focused(page)}`));
};
const dialog = (page: Page): Locator => page.getByRole('dialog');
const button = (page: Page, name: string | RegExp): Locator => page.getByRole('button', { name, exact: true }).first();

/** Escape goes from the inside out: a button that has the focus from the keyboard shows its tooltip, which goes first. */
async function escape(page: Page): Promise<void> {
  const tooltip = page.locator('.tooltip:not([data-exiting])');
  if ((await tooltip.count()) > 0) {
    await page.keyboard.press('Escape');
    await tooltip.first().waitFor({ state: 'detached' });
  }
  await page.keyboard.press('Escape');
}

/** Opens by the keyboard, finds the focus inside, closes with Escape, finds the focus on the opener. */
async function thereAndBack(page: Page, opener: Locator): Promise<void> {
  await opener.focus();
  await page.keyboard.press('Enter');
  await dialog(page).last().waitFor();
  await page.waitForFunction(() => document.activeElement?.closest('[role=dialog]') !== null);
  // Tab goes round inside.
  for (let turn = 0; turn < 12; turn += 1) await page.keyboard.press('Tab');
  assert.ok(await page.evaluate(() => document.activeElement?.closest('[role=dialog]') !== null), 'Tab stays in the dialog');
  const open = await dialog(page).count();
  await escape(page);
  await page.waitForFunction((count) => document.querySelectorAll('[role=dialog]').length < count, open);
  await isFocused(opener);
}

export async function followDialogs({ origin, browser }: DemoSite): Promise<void> {
  const page = await browser.newPage({ locale: 'en-US', viewport: { width: 1440, height: 900 }, reducedMotion: 'reduce' });
  await page.goto(origin + at('product'));
  await page.getByRole('log').waitFor();
  for (const name of ['New conversation', 'Create invite', 'People', 'Settings', /security notices/]) await thereAndBack(page, button(page, name));
  // A dialog over a dialog.
  await button(page, 'People').click();
  await thereAndBack(page, button(page, 'Safety number with Emre Kaya'));
  await escape(page);
  await isFocused(button(page, 'People'));
  await button(page, 'Settings').click();
  await thereAndBack(page, button(page, 'Keyboard shortcuts'));
  await button(page, 'Sign out and forget this device').click();
  await isFocused(button(page, 'Cancel'));
  await page.keyboard.press('Enter');
  await isFocused(button(page, 'Sign out and forget this device'));
  await escape(page);
  // The panel of members, its dialogs, and a member who goes away with the button that removed them.
  await page.locator('.head').getByRole('button', { name: 'Members' }).click();
  await isFocused(page.getByRole('complementary', { name: 'Members' }));
  for (const name of ['Add people', 'Safety number with Emre Kaya', 'Remove Emre Kaya', 'Leave conversation']) await thereAndBack(page, button(page, name));
  await button(page, 'Remove Emre Kaya').click();
  await dialog(page).getByRole('button', { name: 'Remove', exact: true }).click();
  await isFocused(page.getByRole('complementary', { name: 'Members' }));
  await escape(page);
  await isFocused(page.locator('.head').getByRole('button', { name: 'Members' }));
  // Notices that are put away take their button with them.
  await button(page, /security notices/).click();
  await dialog(page).locator('.row-end button').click();
  await dialog(page).waitFor({ state: 'detached' });
  await isFocused(page.locator('.side'));
  await page.close();
}

/** The link of a new invite has the focus, selected; revoking keeps the focus in the dialog. */
export async function followInvite({ origin, browser }: DemoSite): Promise<void> {
  const page = await browser.newPage({ locale: 'en-US', viewport: { width: 1440, height: 900 }, reducedMotion: 'reduce' });
  await page.goto(origin);
  await button(page, 'Create invite').click();
  await button(page, 'Make a link').click();
  const link = page.getByRole('textbox', { name: 'Invitation link' });
  await isFocused(link);
  assert.equal(await page.evaluate(() => getSelection()?.toString()), await link.inputValue(), 'the whole link is selected');
  await page.keyboard.press('Escape');
  await dialog(page).waitFor({ state: 'detached' });
  await isFocused(button(page, 'Create invite'));
  await page.close();
}

export async function workByKeys({ origin, browser }: DemoSite): Promise<void> {
  const page = await browser.newPage({ locale: 'en-US', viewport: { width: 1440, height: 900 }, reducedMotion: 'reduce' });
  await page.goto(origin);
  const title = (name: string): Promise<void> => page.locator('.head-title').filter({ hasText: name }).waitFor();
  await page.getByRole('list', { name: 'Conversations' }).waitFor();
  await page.keyboard.press('Alt+ArrowDown');
  await title('产品组');
  const composer = page.getByRole('textbox', { name: 'Message', exact: true });
  await isFocused(composer);
  await page.keyboard.type('half?');
  assert.equal(await dialog(page).count(), 0, 'a question mark in a field is a character');
  await page.keyboard.press('Alt+ArrowDown');
  await title('林晓');
  await isFocused(composer);
  assert.equal(await composer.inputValue(), '');
  await page.keyboard.press('Alt+ArrowUp');
  await title('产品组');
  assert.equal(await composer.inputValue(), 'half?', 'the draft stayed');
  await page.keyboard.press('Alt+ArrowUp');
  await title('产品组');
  // To a conversation without a composer and on: no trap.
  await page.goto(origin + at('zhao'));
  await page.getByRole('alert').waitFor();
  await page.keyboard.press('Alt+ArrowDown');
  await title('Data centre move');
  await page.waitForFunction(() => document.activeElement?.matches('.head-title') === true);
  await page.keyboard.press('Alt+ArrowDown');
  await title('Pneumono');
  await page.keyboard.press('Alt+ArrowDown');
  await title('Offsite 2026');
  // The sheet: by ?, by the command key from a field, not over another dialog, and not by ? once that is turned off.
  await page.keyboard.press('?');
  await dialog(page).getByText('Previous conversation').waitFor();
  await page.keyboard.press('Alt+ArrowDown');
  await page.getByRole('checkbox').uncheck();
  await page.keyboard.press('Escape');
  await dialog(page).waitFor({ state: 'detached' });
  await title('Offsite 2026');
  await page.keyboard.press('?');
  await page.keyboard.press('Control+k');
  await isFocused(page.getByRole('searchbox', { name: 'Filter conversations' }));
  await page.keyboard.press('Control+/');
  await dialog(page).getByText('Previous conversation').waitFor();
  assert.equal(await dialog(page).count(), 1);
  await page.keyboard.press('Escape');
  await isFocused(page.getByRole('searchbox', { name: 'Filter conversations' }));
  await page.close();
}

/** A browser that promises nothing says so once; put away, it stays away. */
export async function readKeeping({ origin, browser }: DemoSite): Promise<void> {
  const context = await browser.newContext({ locale: 'en-US', viewport: { width: 390, height: 780 }, hasTouch: true, reducedMotion: 'reduce' });
  const page = await context.newPage();
  const notice = page.getByRole('status', { name: 'This browser may clear your messages' });
  await page.goto(`${origin}/?evicts`);
  await notice.getByRole('button', { name: 'Understood' }).click();
  await notice.waitFor({ state: 'detached' });
  assert.notEqual(await focused(page), 'nowhere');
  await page.goto(`${origin}/?evicts`);
  await page.getByRole('list', { name: 'Conversations' }).waitFor();
  assert.equal(await notice.count(), 0);
  // On a phone the way back ends on the row that one came from.
  await page.getByRole('link', { name: /林晓/ }).tap();
  await page.waitForFunction(() => document.activeElement?.matches('.head-title') === true);
  await button(page, 'Back').tap();
  await page.waitForFunction(() => document.activeElement?.matches('.list-row') === true);
  await context.close();
}
