// The calls of OpenAI's generated API tests (generated-calls.json) with OpenAI's own client against a running gateway: SMOL_URL and
// SMOL_MODEL. Each passes as it does at OpenAI's mock server, or stands in generated-excluded.json with a reason; what stands there must be
// refused, by name, so that the list stays true. The mock server has every model and every response; here they are made first.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import OpenAI from 'openai';

const { SMOL_URL, SMOL_MODEL: model } = process.env;
const client = new OpenAI({ baseURL: `${SMOL_URL}/v1`, apiKey: 'none', maxRetries: 0 });
const read = name => JSON.parse(readFileSync(new URL(name, import.meta.url), 'utf8'));
const { calls } = read('generated-calls.json');
const excluded = read('generated-excluded.json');

for (const { test: name, call, args, throws } of calls) {
  const body = typeof args[0] === 'object' ? args[0] : null;
  const fields = body && name.includes('optional params') ? excluded.fields[call] ?? {} : {};
  const together = body && name.includes('optional params') ? excluded.together[call] ?? {} : {};
  test(name, async () => {
    const own = await prepare(call, args);
    for (const field of [...Object.keys(fields), ...Object.keys(together)]) delete own[0][field];
    if (throws) await assert.rejects(make(call, own), OpenAI[throws]);
    else if (excluded.tests[name]) await assert.rejects(make(call, own), isRefusal);
    else await passes(() => make(call, own));
  });
  if (!Object.keys(fields).length) continue;
  const required = calls.find(other => other.call === call && other.test.includes('only required params')).args;
  for (const field of Object.keys(fields)) {
    test(`${name}: ${field} is refused by name`, async () => {
      assert.ok(field in body, `${field} is no field of the test`);
      const [own] = await prepare(call, required);
      await assert.rejects(make(call, [{ ...own, [field]: body[field] }]), error => isRefusal(error) && error.param?.split(/[.[]/)[0] === field);
    });
  }
  for (const [field, [with_]] of Object.entries(together)) {
    test(`${name}: ${field} passes, but is refused with ${with_}`, async () => {
      const [own] = await prepare(call, required);
      await passes(() => make(call, [{ ...own, [field]: body[field] }]));
      await assert.rejects(make(call, [{ ...own, [field]: body[field], [with_]: body[with_] }]), isRefusal);
    });
  }
}

test('every exclusion is one of a test that there is', () => {
  const names = calls.map(each => each.test);
  assert.deepEqual(Object.keys(excluded.tests).filter(name => !names.includes(name)), []);
  for (const reason of [...Object.values(excluded.tests), ...Object.values(excluded.fields).flatMap(Object.values)]) assert.ok(reason.length > 10);
});

/** What such a test looks at: one response, raw, read, and both. */
async function passes(call) {
  const promise = call();
  const raw = await promise.asResponse();
  assert.ok(raw instanceof Response);
  const data = await promise;
  assert.ok(data && !(data instanceof Response));
  const both = await promise.withResponse();
  assert.equal(both.data, data);
  assert.equal(both.response, raw);
}

/** The arguments, with a model and a response that are here. */
async function prepare(call, args) {
  const own = structuredClone(args);
  if (own[0]?.model) own[0].model = model;
  if (call === 'models.retrieve') own[0] = model;
  if (call.startsWith('responses.') && typeof own[0] === 'string') {
    own[0] = (await client.responses.create({ model, input: 'Hello', max_output_tokens: 16, background: call === 'responses.cancel' })).id;
  }
  return own;
}

function make(call, args) {
  const path = call.split('.');
  const method = path.pop();
  return path.reduce((owner, name) => owner[name], client)[method](...args);
}

function isRefusal(error) {
  assert.ok(error instanceof OpenAI.APIError, String(error));
  assert.ok(error.status >= 400 && error.status < 500, String(error));
  assert.ok(error.message.length > 20, error.message);
  return true;
}
