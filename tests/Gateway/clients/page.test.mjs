// The chat page in a real browser: what one message does, how it looks, and how it is reached.
import { test } from 'node:test';
import { SMOL_ANSWER, SMOL_ASKING_MODEL, SMOL_MODEL, SMOL_RICH_MODEL, SMOL_SLOW_MODEL, accessible, answered, ask, assert, onPage, texts } from './browser.mjs';

test('sends with Enter and shows the streamed answer as text and Markdown', () => onPage(async page => {
  await ask(page, '<b>Hello</b>');
  await answered(page);
  assert.equal(await page.textContent('.bubble'), '<b>Hello</b>');
  assert.equal(await page.textContent('.assistant .body'), SMOL_ANSWER.replaceAll('**', ''));
  assert.equal(await page.textContent('.assistant strong'), 'stub');
  assert.match(await page.textContent('#context-text'), /^\d+ of 2,048 tokens$/);
  assert.match(await page.textContent('.cost'), /\d+ tokens · .*first after \d+\.\d\d s · on \S+/);
  assert.equal(await page.textContent('#kind'), 'stub');
  assert.match(await page.textContent('#notice'), /smol serve/);
}));

test('Markdown becomes elements and never markup of the page', () => onPage(async page => {
  await ask(page, 'all of it');
  await answered(page);
  const body = page.locator('.assistant .body');
  assert.deepEqual(await texts(page, '.body h3'), ['Silos']);
  assert.equal(await body.locator('ul > li > ul > li').count(), 1);
  assert.deepEqual(await texts(page, '.table th'), ['Name', 'Pages']);
  assert.deepEqual(await texts(page, '.code .hl-keyword'), ['var', 'await', 'new']);
  assert.equal(await body.locator('script, img, iframe, [onclick]').count(), 0);
  assert.match(await body.textContent(), /<img src=x onerror=alert\(1\)>/);
  assert.equal(await body.locator('a').getAttribute('rel'), 'noopener noreferrer');
}, { model: SMOL_RICH_MODEL }));

test('copies an answer and code', () => onPage(async (page, context) => {
  await context.grantPermissions(['clipboard-read', 'clipboard-write']);
  await ask(page, 'all of it');
  await answered(page);
  await page.getByRole('button', { name: 'Copy code' }).click();
  assert.match(await page.evaluate(() => navigator.clipboard.readText()), /^var silo = /);
  await page.getByRole('button', { name: 'Copy answer' }).click();
  assert.match(await page.evaluate(() => navigator.clipboard.readText()), /^# Silos/);
}, { model: SMOL_RICH_MODEL }));

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
    await answered(page);
    assert.match(await page.textContent('.cost'), /stopped/);
    assert.ok((await page.textContent('.assistant .body')).startsWith('Slow'));
    assert.ok(await page.isVisible('#send'));
  }, { model: SMOL_SLOW_MODEL }));
}

test('Continue goes on with an answer that was cut by its length', () => onPage(async page => {
  await page.click('#settings-button');
  await page.fill('#max-tokens', '5');
  await page.keyboard.press('Escape');
  await ask(page, 'Hello');
  await answered(page);
  assert.equal(await page.textContent('.assistant .body'), 'Hello');
  assert.match(await page.textContent('.cost'), /reached the longest answer/);
  await page.getByRole('button', { name: 'Continue answer' }).click();
  await page.waitForFunction(text => document.querySelector('.assistant .body')?.textContent === text, SMOL_ANSWER.replaceAll('**', ''));
  await answered(page);
  assert.equal(await page.getByRole('button', { name: 'Continue answer' }).count(), 0);
}));

test('an error is a card with its code, and trying again works', () => onPage(async page => {
  await page.route('**/messages', route => route.fulfill({
    status: 429, headers: { 'Retry-After': '7' }, contentType: 'application/json',
    body: JSON.stringify({ error: { message: 'The queue is full.', type: 'rate_limit_error', param: null, code: 'queue_full' } }),
  }), { times: 1 });
  await ask(page, 'Hello');
  const card = page.locator('.error');
  await card.waitFor();
  assert.match(await card.textContent(), /The queue is full\..*HTTP 429 · queue_full · worth another try in 7 s/);
  await accessible(page);
  await card.getByRole('button', { name: 'Try again' }).click();
  await answered(page);
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
  page.on('request', request => { sent += request.url().endsWith('/messages') ? 1 : 0; });
  await ask(page, 'Hello');
  assert.match(await page.textContent('.error'), /The model is gone.*is no longer in the cluster\. Choose another/);
  assert.equal(sent, 0);
  await page.unrouteAll({ behavior: 'wait' }); // the page may be asking for the models at this moment
  await look();
  await page.waitForSelector('#status[data-state=ready]');
  await page.locator('.error').getByRole('button', { name: 'Try again' }).click();
  await answered(page);
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

test('fits a phone, where the list of conversations is a drawer', () => onPage(async page => {
  await ask(page, 'A'.repeat(300));
  await answered(page);
  const wider = () => page.evaluate(() => [...document.querySelectorAll('.column *')]
    .filter(element => element.getBoundingClientRect().right > innerWidth + 1 && !element.closest('pre, .hidden'))
    .map(element => element.className || element.tagName));
  assert.deepEqual(await wider(), []);
  assert.ok(!await page.isVisible('#sidebar'));
  await page.click('#sidebar-open');
  await page.waitForSelector('.conversation:visible');
  await accessible(page);
  await page.click('.conversation');
  await page.waitForSelector('#sidebar', { state: 'hidden' });
}, { viewport: { width: 360, height: 700 }, isMobile: true, hasTouch: true }));

test('settings and presets reach the request', () => onPage(async page => {
  await page.click('#settings-button');
  await page.getByRole('button', { name: 'Creative' }).click();
  assert.equal(await page.inputValue('#min-p'), '0.05');
  for (const [field, value] of [['#top-k', '40'], ['#seed', '7'], ['#max-tokens', '5'], ['#system', 'Be brief.'], ['#top-p', '0.8']]) await page.fill(field, value);
  await page.selectOption('#thinking', 'off');
  await page.fill('#preset-name', 'Mine');
  await page.click('#preset-save');
  await accessible(page);
  await page.keyboard.press('Escape');
  const sent = page.waitForRequest('**/messages');
  await ask(page, 'Hello');
  const { model, content, temperature, top_p, top_k, min_p, seed, max_tokens, system, enable_thinking } = (await sent).postDataJSON();
  assert.deepEqual({ model, content, temperature, top_p, top_k, min_p, seed, max_tokens, system, enable_thinking },
    { model: SMOL_MODEL, content: 'Hello', temperature: 1.1, top_p: 0.8, top_k: 40, min_p: 0.05, seed: 7, max_tokens: 5, system: 'Be brief.', enable_thinking: false });
  await answered(page);
  await page.reload();
  await page.click('#settings-button');
  await page.getByRole('button', { name: 'Repeatable' }).click();
  assert.equal(await page.inputValue('#temperature'), '0');
  await page.getByRole('button', { name: 'Mine' }).click();
  assert.equal(await page.inputValue('#top-k'), '40');
  await page.click('#settings-reset');
  assert.equal(await page.inputValue('#top-k'), '');
}));

test('JSON mode is asked for', () => onPage(async page => {
  await page.click('#settings-button');
  await page.check('#json');
  await page.keyboard.press('Escape');
  const sent = page.waitForRequest('**/messages');
  await ask(page, 'Hello');
  assert.deepEqual((await sent).postDataJSON().response_format, { type: 'json_object' });
  await page.waitForSelector('.assistant .cost, .error');
}, { expected: [/400/] }));

test('the thinking toggle goes round, and the palette runs commands', () => onPage(async page => {
  await page.click('#think');
  assert.equal(await page.inputValue('#thinking'), 'on');
  await page.fill('#prompt', '/');
  await page.waitForSelector('.option'); // seen: what is hidden cannot be judged
  assert.ok(await page.locator('.option').count() >= 12);
  await accessible(page);
  await page.fill('#prompt', '/th');
  assert.deepEqual(await texts(page, '.option b'), ['/thinking', '/theme']);
  await page.keyboard.press('Enter');
  assert.deepEqual(await texts(page, '.option b'), ['on', 'off', 'auto']);
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('Enter');
  assert.equal(await page.inputValue('#thinking'), 'off');
  await ask(page, '/temp 1.2');
  assert.equal(await page.inputValue('#temperature'), '1.2');
  await ask(page, `/model ${SMOL_SLOW_MODEL}`);
  assert.equal(await page.inputValue('#model'), SMOL_SLOW_MODEL);
  await ask(page, '/theme dark');
  assert.equal(await page.evaluate(() => document.documentElement.dataset.theme), 'dark');
  await ask(page, '/status');
  assert.match(await page.textContent('.note'), /temperature 1\.2/);
  await ask(page, '/reset');
  assert.equal(await page.inputValue('#temperature'), '0.6');
  await page.keyboard.press('Control+k');
  assert.ok(await page.isVisible('#palette'));
  await page.keyboard.press('Escape');
  await ask(page, '/help');
  for (const name of ['clear', 'reset', 'export', 'thinking', 'temp', 'model', 'status', 'theme', 'help', 'regenerate', 'continue'])
    assert.match(await page.locator('.note').last().textContent(), new RegExp(`/${name}`));
  await ask(page, '/nonsense');
  assert.match(await page.locator('.note').last().textContent(), /There is no command \/nonsense/);
}, { colorScheme: 'light' }));

test('follow-up questions are asked of the model and can be sent', () => onPage(async page => {
  await page.click('#settings-button');
  await page.check('#follow');
  await page.keyboard.press('Escape');
  await ask(page, 'all of it');
  await page.waitForSelector('#follow-ups .chip');
  assert.deepEqual(await texts(page, '#follow-ups .chip'), ['What is a grain?', 'How big is a page?']);
  await page.click('#follow-ups .chip');
  await answered(page, 2);
  assert.deepEqual(await texts(page, '.bubble'), ['all of it', 'What is a grain?']);
}, { model: SMOL_ASKING_MODEL }));

test('every control has a name, and the keyboard reaches them in order', () => onPage(async page => {
  const unnamed = await page.evaluate(() => [...document.querySelectorAll('button, input, select, textarea')]
    .filter(control => !(control.ariaLabel || control.labels?.length || control.textContent.trim()) && control.id !== 'confirm-yes').map(control => control.id));
  assert.deepEqual(unnamed, []);
  await page.focus('#new-chat');
  const reached = [];
  for (let step = 0; step < 12; step++) {
    await page.keyboard.press('Tab');
    reached.push(await page.evaluate(() => document.activeElement.id || document.activeElement.ariaLabel));
  }
  for (const id of ['search', 'person-button', 'model', 'settings-button', 'theme', 'scroller', 'prompt']) assert.ok(reached.includes(id), `${id} in ${reached}`);
}));
