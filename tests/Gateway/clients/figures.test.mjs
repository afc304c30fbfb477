// What the chat page costs a browser: first paint, long tasks while an answer streams at 100 tokens a second and more, and memory over many
// answers. Figures are printed; what is asserted is coarse, because other work on the machine slows a browser. SMOL_STREAM_MODEL streams
// a long Markdown answer; SMOL_ANSWERS (README's figures: 200) are asked for, a multiple of four.
import { test } from 'node:test';
import { SMOL_MODEL, answered, ask, assert, onPage } from './browser.mjs';

const { SMOL_STREAM_MODEL } = process.env;
const ANSWERS = Number(process.env.SMOL_ANSWERS ?? 80), A_CHAT = 10, SETTLED = ANSWERS / 4;

test('the first paint comes soon', () => onPage(async page => {
  const paint = await page.evaluate(() => performance.getEntriesByName('first-contentful-paint')[0].startTime);
  console.log(`FIGURE first paint: ${paint.toFixed(0)} ms`);
  assert.ok(paint < 5000);
}));

test('a streamed answer leaves the page free to answer', () => onPage(async page => {
  await page.evaluate(() => {
    const seen = globalThis.seen = { tasks: [], frames: [] };
    new PerformanceObserver(list => list.getEntries().forEach(task => seen.tasks.push(task.duration))).observe({ type: 'longtask' });
    let last = performance.now();
    requestAnimationFrame(function frame(now) { seen.frames.push(now - last); last = now; requestAnimationFrame(frame); });
  });
  const began = Date.now();
  await ask(page, 'Tell me all of it');
  await answered(page);
  const seconds = (Date.now() - began) / 1000;
  const { tasks, frames } = await page.evaluate(() => globalThis.seen);
  const tokens = Number((await page.textContent('.cost')).match(/([\d,]+) tokens/)[1].replaceAll(',', ''));
  frames.sort((a, b) => a - b);
  const longest = Math.max(0, ...tasks), blocked = tasks.reduce((sum, task) => sum + task, 0) / 1000;
  console.log(`FIGURE streaming: ${tokens} tokens in ${seconds.toFixed(1)} s, ${(tokens / seconds).toFixed(0)} tokens/s; long tasks: ${tasks.length}, longest ${longest.toFixed(0)} ms, `
    + `${blocked.toFixed(2)} s in all; between frames p50 ${at(frames, 0.5)} ms, p99 ${at(frames, 0.99)} ms`);
  assert.ok(tokens > 1500);
  assert.ok(tokens / seconds > 50);
  assert.ok(longest < 1000);
  assert.ok(blocked < seconds / 2);
}, { model: SMOL_STREAM_MODEL }));

test(`memory stays flat over ${ANSWERS} answers`, () => onPage(async (page, context) => {
  const devtools = await context.newCDPSession(page);
  const looks = [];
  for (let answer = 0; answer < ANSWERS; answer++) {
    if (answer % A_CHAT === 0) await page.click('#new-chat');
    await ask(page, `Hello ${answer}`);
    await answered(page, answer % A_CHAT + 1);
    if ((answer + 1) % SETTLED === 0) looks.push(await look(devtools));
  }
  console.log(`FIGURE memory: ${looks.map(({ heap, nodes }, i) => `after ${(i + 1) * SETTLED} answers ${(heap / 2 ** 20).toFixed(1)} MB of heap, ${nodes} nodes`).join('; ')}`);
  const first = looks[0], last = looks.at(-1);
  assert.ok(last.heap < 1.5 * first.heap + 2 ** 21, 'The heap grows with the answers.');
  assert.ok(last.nodes < 1.5 * first.nodes + 1000, 'The document grows with the answers.');
}, { model: SMOL_MODEL }));

async function look(devtools) {
  await devtools.send('HeapProfiler.collectGarbage');
  const { usedSize } = await devtools.send('Runtime.getHeapUsage');
  const { nodes } = await devtools.send('Memory.getDOMCounters');
  return { heap: usedSize, nodes };
}

function at(sorted, share) {
  return sorted[Math.floor(share * (sorted.length - 1))].toFixed(0);
}
