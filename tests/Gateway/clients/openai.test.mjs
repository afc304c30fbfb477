// OpenAI's own client against a running gateway: SMOL_URL, and SMOL_MODEL, which answers in text; SMOL_SLOW_MODEL, whose
// answers take seconds, for the tests that leave early; SMOL_FORM_MODEL, which keeps to a schema.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import OpenAI from 'openai';
import { zodResponseFormat } from 'openai/helpers/zod';
import { z } from 'zod';

const { SMOL_URL, SMOL_MODEL: model, SMOL_SLOW_MODEL: slow, SMOL_FORM_MODEL: form } = process.env;
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

const Person = z.object({ name: z.string().max(12), age: z.number().int().min(0).max(120), likes: z.array(z.enum(['red', 'green'])).max(2) });

test('keeps to a schema, which its helpers write and read', { skip: !form }, async () => {
  const request = { model: form, messages, response_format: zodResponseFormat(Person, 'person'), temperature: 1, seed: 7, max_tokens: 400 };
  const { parsed } = (await client.chat.completions.parse(request)).choices[0].message;
  assert.deepEqual(Person.parse(parsed), parsed);
  const final = await client.chat.completions.stream(request).finalChatCompletion();
  assert.deepEqual(final.choices[0].message.parsed, parsed);
});

test('a schema that cannot be kept to is a BadRequestError that says where', { skip: !form }, async () => {
  const response_format = { type: 'json_schema', json_schema: { name: 'list', schema: { type: 'array', uniqueItems: true } } };
  await assert.rejects(client.chat.completions.create({ model: form, messages, response_format }), error => {
    assert.ok(error instanceof OpenAI.BadRequestError);
    assert.equal(error.param, 'response_format.json_schema.schema.uniqueItems');
    return true;
  });
});

// What follows needs a stub (SMOL_STUB=1): it thinks when told to and calls the tool that the last message names.
const stub = !process.env.SMOL_STUB && 'needs a stub';
const tools = [{
  type: 'function',
  function: { name: 'get_weather', description: 'The weather of a city', parameters: { type: 'object', properties: { city: { type: 'string' } } } },
}];

test('reasons apart from the answer', { skip: stub }, async () => {
  const request = { model, messages, enable_thinking: true };
  const answer = await client.chat.completions.create(request);
  assert.ok(answer.choices[0].message.reasoning_content.length > 0);
  assert.ok(answer.usage.completion_tokens_details.reasoning_tokens > 0);
  let reasoning = '';
  let text = '';
  for await (const chunk of await client.chat.completions.create({ ...request, stream: true })) {
    reasoning += chunk.choices[0].delta.reasoning_content ?? '';
    text += chunk.choices[0].delta.content ?? '';
  }
  assert.equal(reasoning, answer.choices[0].message.reasoning_content);
  assert.equal(text, answer.choices[0].message.content);
});

test('thinks as much as it may', { skip: stub }, async () => {
  const answer = await client.chat.completions.create({ model, messages, enable_thinking: true, thinking_budget: 8 });
  assert.ok(answer.choices[0].message.reasoning_content.length <= 8);
  assert.ok(answer.choices[0].message.content.length > 0);
  const none = await client.chat.completions.create({ model, messages, reasoning_effort: 'none' });
  assert.equal(none.choices[0].message.reasoning_content, undefined);
});

test('calls a tool and takes its result', { skip: stub }, async () => {
  const asked = [{ role: 'user', content: 'get_weather {"city": "Paris"}' }];
  const answer = await client.chat.completions.create({ model, messages: asked, tools });
  const { message, finish_reason: reason } = answer.choices[0];
  assert.equal(reason, 'tool_calls');
  assert.deepEqual(JSON.parse(message.tool_calls[0].function.arguments), { city: 'Paris' });
  const result = { role: 'tool', tool_call_id: message.tool_calls[0].id, content: 'Sunny' };
  const end = await client.chat.completions.create({ model, messages: [...asked, message, result], tools });
  assert.equal(end.choices[0].finish_reason, 'stop');
});

test('its stream helper puts a tool call together', { skip: stub }, async () => {
  const final = await client.chat.completions
    .stream({ model, messages: [{ role: 'user', content: 'get_weather {"city": "Rome"}' }], tools }).finalChatCompletion();
  const call = final.choices[0].message.tool_calls[0];
  assert.equal(call.function.name, 'get_weather');
  assert.deepEqual(JSON.parse(call.function.arguments), { city: 'Rome' });
});

test('its tool runner runs the tools', { skip: stub }, async () => {
  const cities = [];
  const run = client.chat.completions.runTools({
    model,
    messages: [{ role: 'user', content: 'get_weather {"city": "Oslo"}' }],
    tools: [{ type: 'function', function: { ...tools[0].function, function: ({ city }) => { cities.push(city); return 'Snow'; }, parse: JSON.parse } }],
  });
  assert.ok((await run.finalContent()).length > 0);
  assert.deepEqual(cities, ['Oslo']);
});

test('gives several choices', async () => {
  const request = { model, messages, n: 3, max_tokens: 8, seed: 7 };
  const answer = await client.chat.completions.create(request);
  assert.deepEqual(answer.choices.map(choice => choice.index), [0, 1, 2]);
  const texts = ['', '', ''];
  for await (const chunk of await client.chat.completions.create({ ...request, stream: true }))
    for (const choice of chunk.choices) texts[choice.index] += choice.delta.content ?? '';
  assert.deepEqual(texts, answer.choices.map(choice => choice.message.content));
  const alone = await client.chat.completions.create({ ...request, n: 1 });
  assert.equal(alone.choices[0].message.content, texts[0]);
  assert.equal(alone.system_fingerprint, answer.system_fingerprint);
});

test('tells logprobs, streamed and not', async () => {
  const request = { model, messages, logprobs: true, top_logprobs: 2, max_tokens: 6, seed: 7 };
  const { content } = (await client.chat.completions.create(request)).choices[0].logprobs;
  const streamed = [];
  for await (const chunk of await client.chat.completions.create({ ...request, stream: true }))
    streamed.push(...chunk.choices[0].logprobs?.content ?? []);
  assert.deepEqual(streamed, content);
  for (const token of content) {
    assert.ok(token.logprob <= 0);
    assert.ok(token.top_logprobs[0].logprob >= token.logprob);
  }
});

test('continues text', async () => {
  const request = { model, prompt: 'Once upon a time', max_tokens: 8, seed: 7 };
  const whole = await client.completions.create(request);
  assert.equal(whole.object, 'text_completion');
  let text = '';
  for await (const chunk of await client.completions.create({ ...request, stream: true })) text += chunk.choices[0].text;
  assert.equal(text, whole.choices[0].text);
});
