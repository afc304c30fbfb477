// OpenAI's own client against a running gateway: SMOL_URL, and SMOL_MODEL, which answers in text; SMOL_SLOW_MODEL, whose
// answers take seconds, for the tests that leave early.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import OpenAI from 'openai';

const { SMOL_URL, SMOL_MODEL: model, SMOL_SLOW_MODEL: slow } = process.env;
const client = new OpenAI({ baseURL: `${SMOL_URL}/v1`, apiKey: 'none', maxRetries: 0 });
const messages = [{ role: 'user', content: 'Hello' }];

test('chats', async () => {
  const answer = await client.chat.completions.create({ model, messages, temperature: 0, seed: 7 });
  assert.equal(answer.object, 'chat.completion');
  assert.equal(answer.model, model);
  assert.equal(answer.choices[0].message.role, 'assistant');
  assert.ok(answer.choices[0].message.content.length > 0);
  assert.equal(answer.choices[0].finish_reason, 'stop');
  assert.equal(answer.usage.total_tokens, answer.usage.prompt_tokens + answer.usage.completion_tokens);
});

test('takes its own answer back as part of the next question', async () => {
  const first = await client.chat.completions.create({ model, messages });
  const second = await client.chat.completions.create({ model, messages: [...messages, first.choices[0].message, ...messages] });
  assert.ok(second.usage.prompt_tokens > first.usage.prompt_tokens);
});

test('streams the same text, with usage at the end', async () => {
  const request = { model, messages, temperature: 0, seed: 7 };
  const whole = await client.chat.completions.create(request);
  const stream = await client.chat.completions.create({ ...request, stream: true, stream_options: { include_usage: true } });
  let text = '';
  let usage = null;
  let reason = null;
  for await (const chunk of stream) {
    text += chunk.choices[0]?.delta.content ?? '';
    reason = chunk.choices[0]?.finish_reason ?? reason;
    usage = chunk.usage ?? usage;
  }
  assert.equal(text, whole.choices[0].message.content);
  assert.equal(reason, whole.choices[0].finish_reason);
  assert.deepEqual({ ...usage, prompt_tokens_details: null }, { ...whole.usage, prompt_tokens_details: null });
});

test('its stream helper puts the answer together', async () => {
  const final = await client.chat.completions.stream({ model, messages }).finalChatCompletion();
  assert.ok(final.choices[0].message.content.length > 0);
});

test('stops early by leaving the loop', { skip: !slow }, async () => {
  const stream = await client.chat.completions.create({ model: slow, messages, stream: true });
  let pieces = 0;
  for await (const chunk of stream) {
    pieces += chunk.choices[0].delta.content ? 1 : 0;
    if (pieces === 3) break;
  }
  assert.equal(pieces, 3);
  assert.ok(stream.controller.signal.aborted);
});

test('stops early by its controller', { skip: !slow }, async () => {
  const stream = await client.chat.completions.create({ model: slow, messages, stream: true });
  let finished = false;
  for await (const chunk of stream) {
    if (chunk.choices[0].delta.content) stream.controller.abort();
    finished ||= chunk.choices[0].finish_reason !== null;
  }
  assert.equal(finished, false);
});

test('cuts at max_completion_tokens', async () => {
  const answer = await client.chat.completions.create({ model, messages, max_completion_tokens: 3 });
  assert.equal(answer.choices[0].finish_reason, 'length');
  assert.equal(answer.usage.completion_tokens, 3);
});

test('a bad request is a BadRequestError with param and code', async () => {
  for (const stream of [false, true]) {
    await assert.rejects(client.chat.completions.create({ model, messages, temperature: 9, stream }), error => {
      assert.ok(error instanceof OpenAI.BadRequestError);
      assert.equal(error.param, 'temperature');
      assert.equal(error.code, 'decimal_above_max_value');
      assert.equal(error.type, 'invalid_request_error');
      return true;
    });
  }
});

test('an unknown model is a NotFoundError that names the others', async () => {
  await assert.rejects(client.chat.completions.create({ model: 'gpt-9', messages }), error => {
    assert.ok(error instanceof OpenAI.NotFoundError);
    assert.equal(error.code, 'model_not_found');
    assert.ok(error.message.includes(model));
    return true;
  });
});

test('lists and finds models', async () => {
  const ids = [];
  for await (const each of client.models.list()) ids.push(each.id);
  assert.ok(ids.includes(model));
  assert.equal((await client.models.retrieve(model)).id, model);
});
