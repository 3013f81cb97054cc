/** The screens over the demo engine, built and served on a free loopback port, and a Chromium to look at them. */
import { type Browser, chromium } from 'playwright-core';
import { build, preview } from 'vite';
import { root } from '../../../../vite.config.ts';

export interface DemoSite {
  readonly origin: string;
  readonly browser: Browser;
  close(): Promise<void>;
}

const flags = ['--headless=new', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'];

export async function openDemoSite(): Promise<DemoSite> {
  const configFile = `${root}test/web/ui/demo/vite.config.ts`;
  await build({ configFile, logLevel: 'error' });
  const server = await preview({ configFile, preview: { port: 0, host: '127.0.0.1', strictPort: false } });
  const origin = (server.resolvedUrls?.local[0] ?? '').replace(/\/$/, '');
  const browser = await chromium.launch({ executablePath: process.env['CHROMIUM'] ?? '/usr/bin/chromium', args: flags });
  return {
    origin,
    browser,
    async close() {
      await browser.close();
      await server.close();
    },
  };
}
