// Conversations in a real browser: kept, found again, changed, resumed, and apart for each person.
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { SMOL_ANSWER, SMOL_SLOW_MODEL, SMOL_URL, accessible, answered, ask, assert, onPage, texts } from './browser.mjs';

const plain = SMOL_ANSWER.replaceAll('**', '');
const row = (page, title) => page.locator('#conversations li', { hasText: title });

test('a conversation is kept, named by its question, and opened again', () => onPage(async page => {
  await ask(page, 'What is a silo?');
  await answered(page);
  await row(page, 'What is a silo?').waitFor();
  await page.click('#new-chat');
  assert.equal(await page.locator('.message').count(), 0);
  assert.ok(await page.isVisible('#welcome'));
  await row(page, 'What is a silo?').locator('.conversation').click();
  await answered(page);
  assert.deepEqual(await texts(page, '.bubble'), ['What is a silo?']);
  await page.reload();
  await answered(page);
  assert.equal(await page.textContent('#title'), 'What is a silo?');
}));

test('rename, fork, export and delete from the menu', () => onPage(async page => {
  await ask(page, 'First');
  await answered(page);
  const act = async (title, name) => {
    await row(page, title).hover();
    await row(page, title).locator('.dots').click();
    await page.getByRole('menuitem', { name }).click();
  };
  await row(page, 'First').waitFor();
  await act('First', 'Rename');
  await page.keyboard.type('Renamed');
  await page.keyboard.press('Enter');
  await row(page, 'Renamed').waitFor(); // a list that was being read may show it first
  await page.waitForFunction(() => document.querySelector('#title').textContent === 'Renamed');
  for (const [name, pattern] of [['Export as Markdown', /^# Renamed\n[\s\S]*\*\*You\*\*\n\nFirst/], ['Export as JSON', /"title":"Renamed"/]]) {
    const download = page.waitForEvent('download');
    await act('Renamed', name);
    assert.match(await readFile(await (await download).path(), 'utf8'), pattern);
  }
  await act('Renamed', 'Fork');
  await page.waitForSelector('#title:has-text("Renamed (fork)")');
  await ask(page, 'Only here');
  await answered(page, 2);
  await act('Renamed (fork)', 'Delete');
  await accessible(page);
  await page.getByRole('button', { name: 'Delete' }).click();
  await row(page, 'Renamed (fork)').waitFor({ state: 'detached' });
  assert.equal(await page.locator('.message').count(), 0);
  await row(page, 'Renamed').locator('.conversation').click();
  await answered(page);
  assert.deepEqual(await texts(page, '.bubble'), ['First']);
}));

test('search finds by title, and says when there is nothing', () => onPage(async page => {
  for (const question of ['About apples', 'About pears']) {
    await page.click('#new-chat');
    await ask(page, question);
    await answered(page);
  }
  await row(page, 'pears').waitFor();
  await page.fill('#search', 'APPLES');
  await row(page, 'pears').waitFor({ state: 'detached' });
  assert.equal(await page.locator('#conversations li').count(), 1);
  await page.fill('#search', 'plums');
  await page.waitForSelector('#conversations-empty:has-text("Nothing with")');
}));

test('edit and regenerate make versions, and both stay', () => onPage(async page => {
  await ask(page, 'One');
  await answered(page);
  await page.getByRole('button', { name: 'Regenerate answer' }).click();
  await page.waitForSelector('.assistant .variants:has-text("2 of 2")');
  await page.locator('.message.user').hover();
  await page.getByRole('button', { name: 'Edit message' }).click();
  await page.getByRole('textbox', { name: 'Edit your message' }).fill('Other');
  await page.keyboard.press('Enter');
  await page.waitForSelector('.user .variants:has-text("2 of 2")');
  assert.deepEqual(await texts(page, '.bubble'), ['Other']);
  await page.locator('.user').getByRole('button', { name: 'Version before' }).click();
  await page.waitForSelector('.user .variants:has-text("1 of 2")');
  assert.deepEqual(await texts(page, '.bubble'), ['One']);
  await page.waitForSelector('.assistant .variants:has-text("2 of 2")');
}));

test('a reload in the middle of an answer resumes it', () => onPage(async page => {
  await ask(page, 'Tell me a lot');
  await page.waitForFunction(() => document.querySelector('.assistant .body')?.textContent.length > 30);
  await page.reload();
  await page.waitForFunction(() => document.querySelector('.assistant .body')?.textContent.length > 60);
  assert.equal(await page.getAttribute('#status', 'data-state'), 'generating');
  await answered(page);
  assert.equal(await page.textContent('.assistant .body'), 'Slow words come one by one. '.repeat(60).trim());
}, { model: SMOL_SLOW_MODEL, expected: [/ERR_/] }));

test('a lost connection is made anew without a gap', () => onPage(async page => {
  let cut = false;
  const seen = [];
  page.on('request', request => { if (request.url().endsWith('/events')) seen.push(request.headers()['last-event-id']); });
  await page.route('**/messages', async route => {
    if (cut) return route.continue();
    cut = true;
    const response = await route.fetch(); // a whole answer, of which the page gets the beginning
    const body = (await response.text()).split('\n\n').slice(0, 12).join('\n\n') + '\n\n';
    await route.fulfill({ response, body });
  });
  await ask(page, 'Hello');
  await answered(page);
  assert.equal(await page.textContent('.assistant .body'), plain);
  assert.ok(seen.length === 1 && Number(seen[0]) > 3, `${seen}`);
}));

test('two people at once have conversations of their own', () => onPage(async ann => {
  await onPage(async bob => {
    await Promise.all([ask(ann, 'I am Ann'), ask(bob, 'I am Bob')]);
    await Promise.all([answered(ann), answered(bob)]);
    await Promise.all([row(ann, 'I am Ann').waitFor(), row(bob, 'I am Bob').waitFor()]);
    assert.equal(await ann.locator('#conversations li').count(), 1);
    assert.equal(await bob.locator('#conversations li').count(), 1);
    await bob.goto(ann.url());
    await bob.waitForSelector('.error:has-text("not here")');
  }, { expected: [/404/] });
}));

test('another name on the same browser is another list', () => onPage(async page => {
  await ask(page, 'Mine');
  await answered(page);
  await row(page, 'Mine').waitFor();
  await page.click('#person-button');
  await page.fill('#person-input', `Zoë ${process.pid}`);
  await accessible(page);
  await page.keyboard.press('Enter');
  await row(page, 'Mine').waitFor({ state: 'detached' });
  assert.equal(await page.textContent('#person-name'), `Zoë ${process.pid}`);
  await page.click('#person-button');
  await page.locator('#people .chip').first().click();
  await row(page, 'Mine').waitFor();
}));

test('everything by keyboard alone', () => onPage(async page => {
  await page.focus('#prompt');
  await page.keyboard.type('By keys');
  await page.keyboard.press('Enter');
  await answered(page);
  await row(page, 'By keys').waitFor();
  await page.keyboard.press('Control+Shift+O');
  assert.equal(await page.locator('.message').count(), 0);
  await page.focus('#search');
  await page.keyboard.press('Tab');
  await page.keyboard.press('F2');
  await page.keyboard.type('Renamed by keys');
  await page.keyboard.press('Enter');
  await row(page, 'Renamed by keys').waitFor();
  await page.focus('#search');
  await page.keyboard.press('Tab');
  await page.keyboard.press('Enter');
  await answered(page);
  await page.focus('#search');
  await page.keyboard.press('Tab');
  await page.keyboard.press('Delete');
  await page.waitForSelector('#confirm[open]');
  await page.keyboard.press('Escape');
  assert.equal(await page.locator('#conversations li').count(), 1);
}));

test('an address of a conversation that is not there says so', () => onPage(async page => {
  await page.goto(`${SMOL_URL}/#conv_00000000000000000000000000000000`);
  await page.waitForSelector('.error:has-text("not here")');
}, { expected: [/404/] }));
