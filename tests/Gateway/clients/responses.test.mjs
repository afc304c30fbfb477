// OpenAI's own client against /v1/responses of a running gateway; the variables are those of anthropic.test.mjs.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import OpenAI from 'openai';
import { zodTextFormat } from 'openai/helpers/zod';
import { z } from 'zod';

const { SMOL_URL, SMOL_MODEL: model, SMOL_SLOW_MODEL: slow, SMOL_THINKING_MODEL: thinks, SMOL_CALLING_MODEL: calls, SMOL_FORM_MODEL: form } = process.env;
const client = new OpenAI({ baseURL: `${SMOL_URL}/v1`, apiKey: 'none', maxRetries: 0 });
const tools = [{ type: 'function', name: 'get_weather', description: 'Weather of a city', strict: false, parameters: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] } }];

async function all(stream) {
  const events = [];
  for await (const event of stream) events.push(event);
  return events;
}

test('creates, retrieves and deletes', async () => {
  const made = await client.responses.create({ model, input: 'Hello', instructions: 'Be short.', metadata: { for: 'tests' } });
  assert.equal(made.object, 'response');
  assert.equal(made.status, 'completed');
  assert.ok(made.output_text.length > 0);
  assert.equal(made.usage.total_tokens, made.usage.input_tokens + made.usage.output_tokens);
  const again = await client.responses.retrieve(made.id);
  assert.deepEqual({ ...again, usage: null }, { ...made, usage: null });
  assert.equal(again.usage.total_tokens, made.usage.total_tokens);
  const items = await client.responses.inputItems.list(made.id);
  assert.deepEqual(items.data.map(item => item.content[0].text), ['Hello']);
  await client.responses.delete(made.id);
  await assert.rejects(client.responses.retrieve(made.id), OpenAI.NotFoundError);
});

test('streams with consecutive sequence numbers, and the same again after any of them', async () => {
  const events = await all(await client.responses.create({ model, input: 'Hello', temperature: 0, stream: true }));
  assert.deepEqual(events.map(event => event.sequence_number), events.map((_, index) => index));
  assert.deepEqual([events[0].type, events.at(-1).type], ['response.created', 'response.completed']);
  const text = events.filter(event => event.type === 'response.output_text.delta').map(event => event.delta).join('');
  const final = events.at(-1).response;
  assert.equal(final.output[0].content[0].text, text);
  for (const after of [0, 5, events.length - 2]) {
    const rest = await all(await client.responses.retrieve(final.id, { stream: true, starting_after: after }));
    assert.deepEqual(rest.map(event => event.type), events.slice(after + 1).map(event => event.type));
    assert.equal(rest[0].sequence_number, after + 1);
  }
});

test('its stream helper puts the response together', async () => {
  const final = await client.responses.stream({ model, input: [{ role: 'user', content: [{ type: 'input_text', text: 'Hello' }] }] }).finalResponse();
  assert.ok(final.output_text.length > 0);
});

test('goes on from a response before it', async () => {
  const first = await client.responses.create({ model, input: 'Hello', instructions: 'Only for the first.' });
  const second = await client.responses.create({ model, input: 'And now?', previous_response_id: first.id });
  assert.equal(second.previous_response_id, first.id);
  const items = await client.responses.inputItems.list(second.id, { order: 'asc' });
  assert.deepEqual(items.data.map(item => [item.role, item.content[0].text]), [['user', 'Hello'], ['assistant', first.output_text], ['user', 'And now?']]);
});

test('stores nothing when told so', async () => {
  const made = await client.responses.create({ model, input: 'Hello', store: false, max_output_tokens: 3 });
  assert.equal(made.status, 'incomplete');
  assert.equal(made.incomplete_details.reason, 'max_output_tokens');
  assert.equal(made.output.at(-1).status, 'incomplete');
  const events = await all(await client.responses.create({ model, input: 'Hello', store: false, max_output_tokens: 3, stream: true }));
  assert.equal(events.findLast(event => event.type === 'response.output_item.done').item.status, 'incomplete');
  await assert.rejects(client.responses.retrieve(made.id), OpenAI.NotFoundError);
});

test('thinks in an item of its own', { skip: !thinks }, async () => {
  const made = await client.responses.create({ model: thinks, input: 'Hello', reasoning: { effort: 'low' } });
  assert.deepEqual(made.output.map(item => item.type), ['reasoning', 'message']);
  assert.ok(made.usage.output_tokens_details.reasoning_tokens > 0);
  const events = await all(await client.responses.create({ model: thinks, input: 'Hello', reasoning: { effort: 'low' }, stream: true }));
  const thought = events.filter(event => event.type === 'response.reasoning_text.delta').map(event => event.delta).join('');
  assert.equal(thought, made.output[0].content[0].text);
});

test('calls functions, and reads their outputs', { skip: !calls }, async () => {
  const made = await client.responses.create({ model: calls, input: 'Call get_weather {"city": "Paris"}', tools });
  const call = made.output.find(item => item.type === 'function_call');
  assert.equal(call.name, 'get_weather');
  assert.deepEqual(JSON.parse(call.arguments), { city: 'Paris' });
  const events = await all(await client.responses.create({ model: calls, input: 'Call get_weather {"city": "Paris"}', tools, stream: true }));
  assert.equal(events.find(event => event.type === 'response.function_call_arguments.done').arguments, call.arguments);
  const next = await client.responses.create({ model: calls, tools, previous_response_id: made.id, input: [{ type: 'function_call_output', call_id: call.call_id, output: '21 degrees' }] });
  assert.equal(next.status, 'completed');
});

test('keeps to a schema, which its helpers write and read', { skip: !form }, async () => {
  const Person = z.object({ name: z.string().max(12), age: z.number().int().min(0).max(120) });
  const request = { model: form, input: 'Who are you?', text: { format: zodTextFormat(Person, 'person') }, seed: 7, max_output_tokens: 400 };
  const { output_parsed: parsed } = await client.responses.parse(request);
  assert.deepEqual(Person.parse(parsed), parsed);
  assert.deepEqual((await client.responses.stream(request).finalResponse()).output_parsed, parsed);
});

test('counts tokens as its answer does', async () => {
  const first = await client.responses.create({ model, input: 'Hello' });
  const request = { model, input: 'And now?', instructions: 'Be short.', previous_response_id: first.id };
  const counted = await client.responses.inputTokens.count(request);
  assert.equal(counted.object, 'response.input_tokens');
  assert.equal(counted.input_tokens, (await client.responses.create(request)).usage.input_tokens);
});

test('lists and finds models', async () => {
  const ids = [];
  for await (const each of client.models.list()) ids.push(each.id);
  assert.ok(ids.includes(model));
});

test('goes on in the background, is followed, and is cancelled', { skip: !slow }, async () => {
  const made = await client.responses.create({ model: slow, input: 'Hello', background: true });
  assert.equal(made.status, 'in_progress');
  const seen = [];
  for await (const event of await client.responses.retrieve(made.id, { stream: true })) {
    seen.push(event.sequence_number);
    if (seen.length === 8) break; // leaving it does not end it
  }
  const on = [];
  for await (const event of await client.responses.retrieve(made.id, { stream: true, starting_after: seen.at(-1) })) {
    on.push(event.sequence_number);
    if (on.length === 3) break;
  }
  assert.deepEqual([...seen, ...on], Array.from({ length: 11 }, (_, index) => index));
  assert.equal((await client.responses.retrieve(made.id)).status, 'in_progress');
  const cancelled = await client.responses.cancel(made.id);
  assert.equal(cancelled.status, 'cancelled');
  assert.equal((await client.responses.retrieve(made.id)).status, 'cancelled');
});

test('a bad request names its field', async () => {
  for (const [wrong, param] of [[{ temperature: 9 }, 'temperature'], [{ input: [] }, 'input'], [{ tools: [{ type: 'web_search' }] }, 'tools[0].type'],
    [{ include: ['message.output_text.logprobs'] }, 'include'], [{ input: [{ type: 'item_reference', id: 'x' }] }, 'input[0].type'], [{ background: true, store: false }, 'background']]) {
    await assert.rejects(client.responses.create({ model, input: 'Hello', ...wrong }), error => {
      assert.ok(error instanceof OpenAI.BadRequestError, String(error));
      assert.equal(error.param, param);
      return true;
    });
  }
  await assert.rejects(client.responses.create({ model: 'gpt-9', input: 'Hello' }), OpenAI.NotFoundError);
  await assert.rejects(client.responses.create({ model, input: 'Hello', previous_response_id: 'resp_0' }), OpenAI.NotFoundError);
});
