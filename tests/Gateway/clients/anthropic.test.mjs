// Anthropic's own client against a running gateway: SMOL_URL; SMOL_MODEL, which answers in text; SMOL_SLOW_MODEL, whose answers take
// seconds; SMOL_THINKING_MODEL, which thinks if told to; SMOL_CALLING_MODEL, which calls the tool that it is told to call; SMOL_FORM_MODEL, which
// keeps to a schema.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import Anthropic from '@anthropic-ai/sdk';
import { zodOutputFormat } from '@anthropic-ai/sdk/helpers/zod';
import { z } from 'zod';

const { SMOL_URL, SMOL_MODEL: model, SMOL_SLOW_MODEL: slow, SMOL_THINKING_MODEL: thinks, SMOL_CALLING_MODEL: calls, SMOL_FORM_MODEL: form } = process.env;
const client = new Anthropic({ baseURL: SMOL_URL, apiKey: 'none', maxRetries: 0 });
const messages = [{ role: 'user', content: 'Hello' }];
const tools = [{ name: 'get_weather', description: 'Weather of a city', input_schema: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] } }];

test('chats', async () => {
  const answer = await client.messages.create({ model, messages, max_tokens: 200, system: 'Be short.' });
  assert.equal(answer.type, 'message');
  assert.equal(answer.role, 'assistant');
  assert.equal(answer.model, model);
  assert.match(answer.id, /^msg_/);
  assert.equal(answer.content[0].type, 'text');
  assert.ok(answer.content[0].text.length > 0);
  assert.equal(answer.stop_reason, 'end_turn');
  assert.ok(answer.usage.input_tokens > 0 && answer.usage.output_tokens > 0);
});

test('takes its own answer back as part of the next question', async () => {
  const first = await client.messages.create({ model, messages, max_tokens: 200 });
  const second = await client.messages.create({ model, max_tokens: 200, messages: [...messages, { role: 'assistant', content: first.content }, ...messages] });
  const tokens = usage => usage.input_tokens + usage.cache_read_input_tokens;
  assert.ok(tokens(second.usage) > tokens(first.usage));
});

test('streams the same text as its helper collects', async () => {
  const request = { model, messages, max_tokens: 200, temperature: 0 };
  const whole = await client.messages.create(request);
  const seen = [];
  const stream = client.messages.stream(request).on('text', text => seen.push(text));
  const final = await stream.finalMessage();
  assert.equal(seen.join(''), whole.content[0].text);
  assert.deepEqual(final.content, whole.content);
  assert.equal(final.stop_reason, whole.stop_reason);
  assert.equal(final.usage.output_tokens, whole.usage.output_tokens);
});

test('sends the events in their order', async () => {
  const types = [];
  for await (const event of await client.messages.create({ model, messages, max_tokens: 200, stream: true })) types.push(event.type);
  assert.deepEqual([...new Set(types)], ['message_start', 'content_block_start', 'content_block_delta', 'content_block_stop', 'message_delta', 'message_stop']);
});

test('stops at max_tokens and at stop_sequences, and says which', async () => {
  const cut = await client.messages.create({ model, messages, max_tokens: 3 });
  assert.equal(cut.stop_reason, 'max_tokens');
  assert.equal(cut.usage.output_tokens, 3);
  const whole = await client.messages.create({ model, messages, max_tokens: 200, temperature: 0 });
  const stop = whole.content[0].text.slice(4, 8);
  const stopped = await client.messages.create({ model, messages, max_tokens: 200, temperature: 0, stop_sequences: [stop] });
  assert.deepEqual([stopped.stop_reason, stopped.stop_sequence], ['stop_sequence', stop]);
});

test('thinks in blocks of its own', { skip: !thinks }, async () => {
  const request = { model: thinks, messages, max_tokens: 400, thinking: { type: 'enabled', budget_tokens: 200 } };
  const whole = await client.messages.create(request);
  assert.deepEqual(whole.content.map(block => block.type), ['thinking', 'text']);
  assert.ok(whole.content[0].thinking.length > 0);
  assert.ok(!whole.content[1].text.includes('think>'));
  const final = await client.messages.stream(request).finalMessage();
  assert.deepEqual(final.content, whole.content);
  await client.messages.create({ ...request, messages: [...messages, { role: 'assistant', content: whole.content }, ...messages] });
});

test('calls tools, and reads their results', { skip: !calls }, async () => {
  const messages = [{ role: 'user', content: 'Call get_weather {"city": "Paris"}' }];
  const request = { model: calls, messages, max_tokens: 400, tools };
  const whole = await client.messages.create(request);
  assert.equal(whole.stop_reason, 'tool_use');
  const call = whole.content.find(block => block.type === 'tool_use');
  assert.equal(call.name, 'get_weather');
  assert.deepEqual(call.input, { city: 'Paris' });
  const final = await client.messages.stream(request).finalMessage();
  assert.deepEqual(final.content.map(({ id, ...block }) => block), whole.content.map(({ id, ...block }) => block));
  const result = { role: 'user', content: [{ type: 'tool_result', tool_use_id: call.id, content: '21 degrees' }, { type: 'text', text: 'And now?' }] };
  const next = await client.messages.create({ ...request, messages: [...messages, { role: 'assistant', content: whole.content }, result] });
  assert.equal(next.type, 'message');
});

const Animal = z.object({ kind: z.enum(['fox', 'owl']), tame: z.boolean() });

test('keeps to a schema, which its helpers write and read', { skip: !form }, async () => {
  const request = { model: form, messages, max_tokens: 400, temperature: 0, output_config: { format: zodOutputFormat(Animal) } };
  const { parsed_output: parsed } = await client.messages.parse(request);
  assert.deepEqual(Animal.parse(parsed), parsed);
  const final = await client.messages.stream(request).finalMessage();
  assert.deepEqual(JSON.parse(final.content[0].text), parsed);
});

test('stops early by leaving the loop', { skip: !slow }, async () => {
  const stream = await client.messages.create({ model: slow, messages, max_tokens: 4000, stream: true });
  let pieces = 0;
  for await (const event of stream) {
    pieces += event.type === 'content_block_delta' ? 1 : 0;
    if (pieces === 3) break;
  }
  assert.equal(pieces, 3);
});

test('a bad request is a BadRequestError in its own shape', async () => {
  for (const wrong of [{ temperature: 9 }, { max_tokens: 0 }, { messages: [] }, { top_n: 1 }, { tools: [{ type: 'web_search_20250305', name: 'web_search' }] },
    { messages: [{ role: 'user', content: [{ type: 'image', source: { type: 'url', url: 'http://x/y.png' } }] }] }]) {
    await assert.rejects(client.messages.create({ model, messages, max_tokens: 10, ...wrong }), error => {
      assert.ok(error instanceof Anthropic.BadRequestError, `${JSON.stringify(wrong)}: ${error}`);
      assert.equal(error.error.type, 'error');
      assert.equal(error.error.error.type, 'invalid_request_error');
      assert.ok(error.requestID);
      return true;
    });
  }
});

test('an unknown model is a NotFoundError that names the others', async () => {
  await assert.rejects(client.messages.create({ model: 'claude-9', messages, max_tokens: 10 }), error => {
    assert.ok(error instanceof Anthropic.NotFoundError);
    assert.ok(error.message.includes(model));
    return true;
  });
});

test('counts tokens as its answer does', async () => {
  const { input_tokens } = await client.messages.countTokens({ model, messages, system: 'Be short.' });
  const { usage } = await client.messages.create({ model, messages, system: 'Be short.', max_tokens: 1 });
  assert.equal(input_tokens, usage.input_tokens + usage.cache_read_input_tokens);
});

test('lists and finds models', async () => {
  const ids = [];
  for await (const each of client.models.list()) ids.push(each.id);
  assert.ok(ids.includes(model));
  const one = await client.models.retrieve(model);
  assert.equal(one.id, model);
  assert.equal(one.type, 'model');
  assert.ok(!Number.isNaN(Date.parse(one.created_at)));
});
