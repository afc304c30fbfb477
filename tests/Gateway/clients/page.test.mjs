// The chat page in a real browser: SMOL_URL; SMOL_MODEL, which answers SMOL_ANSWER; SMOL_SLOW_MODEL; CHROMIUM, the browser's path.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { chromium } from 'playwright-core';

const { SMOL_URL, SMOL_MODEL, SMOL_SLOW_MODEL, SMOL_ANSWER, CHROMIUM } = process.env;
let browser;
before(async () => { browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox'] }); });
after(() => browser.close());

/** Opens the page, runs the steps, and checks that nothing went elsewhere and nothing was complained about. */
async function onPage(steps, { model = SMOL_MODEL, expected = [], ...options } = {}) {
  const context = await browser.newContext({ viewport: { width: 1100, height: 800 }, ...options });
  const page = await context.newPage();
  const complaints = [];
  const elsewhere = [];
  page.on('console', message => { if (['error', 'warning'].includes(message.type())) complaints.push(message.text()); });
  page.on('pageerror', error => complaints.push(error.message));
  page.on('request', request => { if (!request.url().startsWith(SMOL_URL)) elsewhere.push(request.url()); });
  await page.goto(SMOL_URL);
  await page.selectOption('#model', model);
  await page.waitForSelector('#status[data-state=ready]');
  await steps(page);
  await context.close();
  assert.deepEqual(elsewhere, []);
  assert.deepEqual(complaints.filter(text => !expected.some(pattern => pattern.test(text))), []);
}

async function ask(page, text) {
  await page.fill('#prompt', text);
  await page.press('#prompt', 'Enter');
}

test('sends with Enter and shows the streamed answer as text and Markdown', () => onPage(async page => {
  await ask(page, '<b>Hello</b>');
  await page.waitForSelector('.assistant .meta');
  assert.equal(await page.textContent('.message.user'), '<b>Hello</b>');
  assert.equal(await page.textContent('.assistant .body'), SMOL_ANSWER.replaceAll('**', ''));
  assert.equal(await page.textContent('.assistant strong'), 'stub');
  assert.match(await page.textContent('#context-text'), /^\d+ of 2,048 tokens$/);
  assert.match(await page.textContent('.assistant .meta'), /\d+ tokens/);
  assert.equal(await page.textContent('#kind'), 'stub');
  assert.match(await page.textContent('#notice'), /smol serve/);
}));

test('Shift+Enter makes a line and does not send', () => onPage(async page => {
  await page.fill('#prompt', 'one');
  await page.press('#prompt', 'Shift+Enter');
  assert.equal(await page.inputValue('#prompt'), 'one\n');
  assert.equal(await page.locator('.message').count(), 0);
}));

for (const [name, stop] of [['the Stop button', page => page.click('#stop')], ['Esc', page => page.keyboard.press('Escape')]]) {
  test(`${name} stops an answer and keeps what was said`, () => onPage(async page => {
    await ask(page, 'Tell me a lot');
    await page.waitForFunction(() => document.querySelector('.assistant .body')?.textContent.length > 5);
    assert.equal(await page.getAttribute('#status', 'data-state'), 'generating');
    await stop(page);
    await page.waitForSelector('#status[data-state=ready]');
    assert.match(await page.textContent('.assistant .meta'), /stopped/);
    assert.ok((await page.textContent('.assistant .body')).startsWith('Slow'));
    assert.ok(await page.isVisible('#send'));
  }, { model: SMOL_SLOW_MODEL }));
}

test('New chat during an answer starts clean', () => onPage(async page => {
  await ask(page, 'Tell me a lot');
  await page.waitForSelector('.assistant');
  await page.click('#new-chat');
  assert.equal(await page.locator('.message').count(), 0);
  assert.ok(await page.isVisible('#welcome'));
  await page.selectOption('#model', SMOL_MODEL);
  await ask(page, 'Hello');
  await page.waitForSelector('.assistant .meta');
  assert.equal(await page.locator('.message').count(), 2);
}, { model: SMOL_SLOW_MODEL }));

test('an error is a card with its code, and trying again works', () => onPage(async page => {
  await page.route('**/v1/chat/completions', route => route.fulfill({
    status: 429, headers: { 'Retry-After': '7' }, contentType: 'application/json',
    body: JSON.stringify({ error: { message: 'The queue is full.', type: 'rate_limit_error', param: null, code: 'queue_full' } }),
  }), { times: 1 });
  await ask(page, 'Hello');
  const card = page.locator('.error');
  await card.waitFor();
  assert.match(await card.textContent(), /The queue is full\..*HTTP 429 · queue_full · worth another try in 7 s/);
  await card.getByRole('button', { name: 'Try again' }).click();
  await page.waitForSelector('.assistant .meta');
  assert.equal(await page.locator('.error').count(), 0);
}, { expected: [/429/] }));

test('a chosen model that leaves the cluster stays chosen, and nothing is sent to another', () => onPage(async page => {
  const look = () => page.evaluate(() => document.dispatchEvent(new Event('visibilitychange')));
  await page.route('**/v1/models', route => route.fulfill({ status: 503, contentType: 'application/json',
    body: JSON.stringify({ error: { message: 'No silo.', type: 'server_error', param: null, code: 'cluster_unavailable' } }) }));
  await look();
  await page.waitForSelector('#status[data-state=error]');
  assert.equal(await page.inputValue('#model'), SMOL_MODEL);
  assert.ok(await page.locator('#model option').count() > 1);
  await page.unrouteAll({ behavior: 'wait' }); // the page may be asking for the models at this moment
  await page.route('**/v1/models', async route => {
    const response = await route.fetch();
    const list = await response.json();
    await route.fulfill({ response, json: { ...list, data: list.data.filter(model => model.id !== SMOL_MODEL) } });
  });
  await look();
  await page.waitForSelector('#model option:disabled', { state: 'attached' });
  assert.equal(await page.inputValue('#model'), SMOL_MODEL);
  assert.match(await page.textContent('#status'), /gone/);
  let sent = 0;
  page.on('request', request => { sent += request.url().endsWith('/chat/completions') ? 1 : 0; });
  await ask(page, 'Hello');
  assert.match(await page.textContent('.error'), /The model is gone.*is no longer in the cluster\. Choose another/);
  assert.equal(sent, 0);
  await page.unrouteAll({ behavior: 'wait' }); // the page may be asking for the models at this moment
  await look();
  await page.waitForSelector('#status[data-state=ready]');
  await page.locator('.error').getByRole('button', { name: 'Try again' }).click();
  await page.waitForSelector('.assistant .meta:has-text("tokens")');
}, { expected: [/503/] }));

test('the theme follows the system, toggles, and stays', () => onPage(async page => {
  const theme = () => page.evaluate(() => document.documentElement.dataset.theme);
  const ground = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  assert.equal(await theme(), 'light');
  const light = await ground();
  await page.click('#theme');
  assert.equal(await theme(), 'dark');
  assert.notEqual(await ground(), light);
  assert.equal(await page.getAttribute('#theme', 'aria-pressed'), 'true');
  await page.reload();
  assert.equal(await theme(), 'dark');
}, { colorScheme: 'light' }));

test('fits a phone', () => onPage(async page => {
  await ask(page, 'A'.repeat(300));
  await page.waitForSelector('.assistant .meta');
  const wider = await page.evaluate(() => [...document.querySelectorAll('body *')]
    .filter(element => element.getBoundingClientRect().right > innerWidth + 1 && !element.closest('pre'))
    .map(element => element.className || element.tagName));
  assert.deepEqual(wider, []);
}, { viewport: { width: 360, height: 700 }, isMobile: true, hasTouch: true }));

test('settings reach the request', () => onPage(async page => {
  await page.click('#settings-button');
  await page.fill('#max-tokens', '5');
  await page.fill('#system', 'Be brief.');
  await page.keyboard.press('Escape');
  const sent = page.waitForRequest('**/v1/chat/completions');
  await ask(page, 'Hello');
  const body = (await sent).postDataJSON();
  assert.equal(body.max_tokens, 5);
  assert.deepEqual(body.messages[0], { role: 'system', content: 'Be brief.' });
  await page.waitForSelector('.assistant .meta');
  assert.match(await page.textContent('.assistant .meta'), /reached the longest answer/);
}));

test('every control has a name, and the keyboard reaches them in order', () => onPage(async page => {
  const unnamed = await page.evaluate(() => [...document.querySelectorAll('button, input, select, textarea')]
    .filter(control => !(control.ariaLabel || control.labels?.length || control.textContent.trim())).map(control => control.id));
  assert.deepEqual(unnamed, []);
  await page.focus('#model');
  const reached = [];
  for (let step = 0; step < 4; step++) {
    await page.keyboard.press('Tab');
    reached.push(await page.evaluate(() => document.activeElement.id));
  }
  assert.deepEqual(reached.slice(0, 3), ['new-chat', 'settings-button', 'theme']);
}));
