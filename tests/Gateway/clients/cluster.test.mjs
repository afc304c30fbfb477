// The cluster's page in a real browser. SMOL_SILOS: how many there are; SMOL_DRAINED: the name of one that may be drained.
import { test } from 'node:test';
import { SMOL_MODEL, SMOL_URL, accessible, answered, ask, assert, onPage } from './browser.mjs';

const { SMOL_SILOS, SMOL_DRAINED } = process.env;

test('shows silos, models and figures, live', () => onPage(async page => {
  await page.waitForSelector('.silo');
  assert.equal(await page.locator('.silo').count(), Number(SMOL_SILOS));
  assert.match(await page.textContent('#silos'), new RegExp(SMOL_MODEL));
  await onPage(async chat => { await ask(chat, 'Hello'); await answered(chat); });
  await page.waitForFunction(() => [...document.querySelectorAll('.counts')].some(counts => /[1-9]\d* tokens so far/.test(counts.textContent)));
  await accessible(page);
  await page.setViewportSize({ width: 360, height: 700 });
  assert.deepEqual(await page.evaluate(() => [...document.querySelectorAll('main *')]
    .filter(element => element.getBoundingClientRect().right > innerWidth + 1).map(element => element.className)), []);
}, { path: '/cluster' }));

test('a silo is drained after a confirmation, and only then', () => onPage(async page => {
  const drain = page.getByRole('button', { name: `Drain ${SMOL_DRAINED}` });
  await drain.click();
  await page.getByRole('button', { name: 'Cancel' }).click();
  assert.ok(await drain.isVisible());
  await drain.click();
  await accessible(page);
  await page.getByRole('button', { name: 'Drain', exact: true }).click();
  await page.waitForFunction(left => document.querySelectorAll('.silo').length === left, Number(SMOL_SILOS) - 1);
  const refused = await page.request.post(`${SMOL_URL}/v1/cluster/silos/other/drain`, { data: { confirm: 'none' } });
  assert.equal(refused.status(), 400);
}, { path: '/cluster' }));
