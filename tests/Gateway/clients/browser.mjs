// What the page's tests have in common: SMOL_URL; SMOL_MODEL, which answers SMOL_ANSWER; SMOL_SLOW_MODEL; SMOL_RICH_MODEL, which answers
// with all of Markdown; CHROMIUM, the browser's path.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { after, before } from 'node:test';
import { chromium } from 'playwright-core';

export const { SMOL_URL, SMOL_MODEL, SMOL_SLOW_MODEL, SMOL_RICH_MODEL, SMOL_ASKING_MODEL, SMOL_ANSWER, CHROMIUM } = process.env;
const axeSource = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
let browser;
let people = 0;
before(async () => { browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox'] }); });
after(() => browser.close());

/**
 * Opens the page as a person of one's own, runs the steps, and checks that nothing went elsewhere, nothing was complained about, and
 * an accessibility checker finds nothing.
 */
export async function onPage(steps, { model = SMOL_MODEL, path = '/', expected = [], person = `Tester ${process.pid} ${++people}`, ...options } = {}) {
  const context = await browser.newContext({ viewport: { width: 1180, height: 800 }, acceptDownloads: true, ...options });
  await context.addInitScript(name => {
    localStorage.setItem('smol.people', JSON.stringify([{ name }]));
    localStorage.setItem('smol.person', JSON.stringify(name));
  }, person);
  const page = await context.newPage();
  const complaints = [];
  const elsewhere = [];
  page.on('console', message => { if (['error', 'warning'].includes(message.type())) complaints.push(message.text()); });
  page.on('pageerror', error => complaints.push(error.message));
  page.on('request', request => { if (!request.url().startsWith(SMOL_URL) && !request.url().startsWith('blob:')) elsewhere.push(request.url()); });
  await page.goto(SMOL_URL + path);
  if (path === '/') {
    await page.selectOption('#model', model);
    await page.waitForSelector('#status[data-state=ready]');
  }
  await steps(page, context);
  await accessible(page);
  await context.close();
  assert.deepEqual(elsewhere, []);
  assert.deepEqual(complaints.filter(text => !expected.some(pattern => pattern.test(text))), []);
}

/** axe finds nothing serious on the page as it is now. */
export async function accessible(page) {
  await page.evaluate(axeSource);
  const found = await page.evaluate(async () => (await globalThis.axe.run(document, { resultTypes: ['violations'] })).violations
    .filter(({ impact }) => ['serious', 'critical'].includes(impact))
    .map(({ id, nodes }) => `${id}: ${nodes.slice(0, 3).map(node => `${node.html.slice(0, 120)} ${node.any[0]?.message ?? ''}`).join(' | ')}`));
  assert.deepEqual(found, []);
}

export async function ask(page, text) {
  await page.fill('#prompt', text);
  await page.press('#prompt', 'Enter');
}

/** The nth answer is whole. */
export const answered = (page, count = 1) => page.waitForFunction(n =>
  document.querySelectorAll('.assistant .cost').length >= n && !document.querySelector('#log[data-running]'), count);

export const texts = (page, selector) => page.locator(selector).allTextContents();

export { assert };
