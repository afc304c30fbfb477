// The README's pictures, from a running `smol serve`: SMOL_URL, CHROMIUM, and the folder that they go to as the first argument.
//   SMOL_URL=http://127.0.0.1:8080 CHROMIUM=/usr/bin/chromium node screenshots.mjs ../../../client/Gateway/Page
import { join } from 'node:path';
import { chromium } from 'playwright-core';

const { SMOL_URL, CHROMIUM } = process.env;
const folder = process.argv[2];
const browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox'] });
const questions = ['What is a silo?', 'Tell me a joke', 'what is the kv cache', 'What can you do?'];

for (const theme of ['light', 'dark']) {
  const page = await open(theme, '/');
  await page.waitForSelector('#status[data-state=ready]');
  for (const question of theme === 'light' ? questions : []) {
    await page.click('#new-chat');
    await ask(page, question, 1);
  }
  if (theme === 'light') await ask(page, 'What is a grain?', 2);
  else {
    await page.locator('.conversation', { hasText: 'What can you do?' }).click();
    await page.waitForSelector('.cost');
    await page.click('#prompt');
    await page.keyboard.type('/');
    await page.waitForSelector('#palette .option, .option');
  }
  await page.waitForTimeout(500); // shadows and meters have settled
  await page.screenshot({ path: join(folder, `chat-${theme}.png`) });
  await page.context().close();
}
const page = await open('light', '/cluster');
await page.waitForSelector('.silo');
for (let look = 0; look < 6; look++) {
  await page.request.post(`${SMOL_URL}/v1/chat/completions`, { data: { model: await modelOf(page), messages: [{ role: 'user', content: questions[look % 4] }] } });
}
await page.waitForTimeout(2500); // one look more
await page.screenshot({ path: join(folder, 'cluster.png') });
await browser.close();

async function open(colorScheme, path) {
  const context = await browser.newContext({ viewport: { width: 1180, height: path === '/' ? 800 : 640 }, colorScheme, deviceScaleFactor: 1 });
  await context.addInitScript(() => {
    localStorage.setItem('smol.people', '[{"name":"Ann"}]');
    localStorage.setItem('smol.person', '"Ann"');
  });
  const opened = await context.newPage();
  await opened.goto(SMOL_URL + path);
  return opened;
}

async function ask(page, text, count) {
  await page.fill('#prompt', text);
  await page.press('#prompt', 'Enter');
  await page.waitForFunction(n => document.querySelectorAll('.cost').length >= n && !document.querySelector('#log[data-running]'), count);
}

function modelOf(page) {
  return page.textContent('.silo .model-head span');
}
