// Ollama's own client against a running gateway; the variables are those of anthropic.test.mjs.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Ollama } from 'ollama';

const { SMOL_URL, SMOL_MODEL: model, SMOL_SLOW_MODEL: slow, SMOL_THINKING_MODEL: thinks, SMOL_CALLING_MODEL: calls, SMOL_FORM_MODEL: form } = process.env;
const client = new Ollama({ host: SMOL_URL });
const messages = [{ role: 'user', content: 'Hello' }];
const tools = [{ type: 'function', function: { name: 'get_weather', description: 'Weather of a city', parameters: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] } } }];
const options = { temperature: 0, seed: 7 };

/** The pieces of a stream, put together. */
async function collect(stream) {
  const all = { content: '', thinking: '', tool_calls: [], lines: 0 };
  for await (const line of stream) {
    all.lines++;
    all.content += line.message?.content ?? line.response;
    all.thinking += line.message?.thinking ?? line.thinking ?? '';
    all.tool_calls.push(...(line.message?.tool_calls ?? []));
    all.last = line;
  }
  return all;
}

test('chats', async () => {
  const answer = await client.chat({ model, messages, options });
  assert.equal(answer.model, model);
  assert.equal(answer.message.role, 'assistant');
  assert.ok(answer.message.content.length > 0);
  assert.equal(answer.done, true);
  assert.equal(answer.done_reason, 'stop');
  assert.ok(answer.prompt_eval_count > 0 && answer.eval_count > 0 && answer.total_duration > 0);
});

test('streams the same text', async () => {
  const whole = await client.chat({ model: `${model}:latest`, messages, options });
  const all = await collect(await client.chat({ model, messages, options, stream: true }));
  assert.equal(all.content, whole.message.content);
  assert.ok(all.lines > 2);
  assert.equal(all.last.done_reason, 'stop');
  assert.equal(all.last.eval_count, whole.eval_count);
});

test('generates, plain and streamed', async () => {
  const whole = await client.generate({ model, prompt: 'Hello', system: 'Be short.', options });
  assert.ok(whole.response.length > 0);
  const all = await collect(await client.generate({ model, prompt: 'Hello', system: 'Be short.', options, stream: true }));
  assert.equal(all.content, whole.response);
  const raw = await client.generate({ model, prompt: 'Once', raw: true, options: { ...options, num_predict: 3 } });
  assert.ok(raw.done && raw.eval_count <= 3);
  const load = await client.generate({ model, prompt: '' });
  assert.equal(load.done_reason, 'load');
});

test('heeds its options', async () => {
  const cut = await client.chat({ model, messages, options: { ...options, num_predict: 3, num_ctx: 4096 } });
  assert.equal(cut.done_reason, 'length');
  assert.equal(cut.eval_count, 3);
  const whole = await client.chat({ model, messages, options });
  const stop = whole.message.content.slice(4, 8);
  const stopped = await client.chat({ model, messages, options: { ...options, stop: [stop] } });
  assert.equal(stopped.message.content, whole.message.content.slice(0, whole.message.content.indexOf(stop)));
});

test('thinks beside the answer', { skip: !thinks }, async () => {
  const whole = await client.chat({ model: thinks, messages, think: true, options });
  assert.ok(whole.message.thinking.length > 0);
  assert.ok(!whole.message.content.includes('think>'));
  const all = await collect(await client.chat({ model: thinks, messages, think: 'low', options, stream: true }));
  assert.deepEqual([all.thinking, all.content], [whole.message.thinking, whole.message.content]);
});

test('calls tools, and reads their results', { skip: !calls }, async () => {
  const messages = [{ role: 'user', content: 'Call get_weather {"city": "Paris"}' }];
  const whole = await client.chat({ model: calls, messages, tools, options });
  assert.equal(whole.message.tool_calls[0].function.name, 'get_weather');
  assert.deepEqual(whole.message.tool_calls[0].function.arguments, { city: 'Paris' });
  const all = await collect(await client.chat({ model: calls, messages, tools, options, stream: true }));
  assert.deepEqual(all.tool_calls.map(call => call.function), whole.message.tool_calls.map(call => call.function));
  const next = await client.chat({ model: calls, tools, options, messages: [...messages, whole.message, { role: 'tool', tool_name: 'get_weather', content: '21 degrees' }] });
  assert.equal(next.done, true);
});

test('keeps to a schema, plain and streamed', { skip: !form }, async () => {
  const format = { type: 'object', properties: { name: { type: 'string', maxLength: 12 }, age: { type: 'integer', minimum: 0, maximum: 120 } }, required: ['name', 'age'], additionalProperties: false };
  const whole = await client.chat({ model: form, messages, format, options: { ...options, num_predict: 400 } });
  const person = JSON.parse(whole.message.content);
  assert.deepEqual(Object.keys(person), ['name', 'age']);
  assert.ok(person.name.length <= 12 && Number.isInteger(person.age) && person.age >= 0 && person.age <= 120, whole.message.content);
  const all = await collect(await client.chat({ model: form, messages, format, options: { ...options, num_predict: 400 }, stream: true }));
  assert.equal(all.content, whole.message.content);
  const generated = await client.generate({ model: form, prompt: 'Hello', format, options: { ...options, num_predict: 400 } });
  assert.deepEqual(Object.keys(JSON.parse(generated.response)), ['name', 'age']);
});

test('stops early by abort', { skip: !slow }, async () => {
  const stream = await client.chat({ model: slow, messages, stream: true });
  let pieces = 0;
  await assert.rejects(async () => {
    for await (const line of stream) {
      pieces += line.message.content ? 1 : 0;
      if (pieces === 3) stream.abort();
    }
  }, { name: 'AbortError' });
  assert.ok(pieces < 20, `${pieces} pieces`); // the client gives lines that had come together with the third, and no more
});

test('a bad request says what is wrong', async () => {
  for (const [wrong, named] of [[{ options: { temperature: 9 } }, 'options.temperature'], [{ options: { mirostat: 1 } }, 'options.mirostat'],
    [{ messages: [] }, 'messages'], [{ think: 'maybe' }, 'think'], [{ messages: [{ role: 'user', content: '', images: ['aGk='] }] }, 'images']]) {
    await assert.rejects(client.chat({ model, messages, ...wrong }), error => {
      assert.equal(error.status_code, 400);
      assert.ok(error.message.includes(named), error.message);
      return true;
    });
  }
  await assert.rejects(client.chat({ model: 'llama9', messages }), error => error.status_code === 404 && error.message.includes(model));
});

test('embeds texts as vectors of length 1', { skip: !process.env.SMOL_EMBEDS }, async () => {
  const { embeddings, prompt_eval_count } = await client.embed({ model, input: ['Hello', 'Goodbye'] });
  assert.equal(embeddings.length, 2);
  assert.ok(prompt_eval_count > 0);
  for (const vector of embeddings) assert.ok(Math.abs(Math.hypot(...vector) - 1) < 1e-3);
});

test('tells its models and version', async () => {
  assert.ok((await client.list()).models.some(each => each.name === model && each.details.format === 'gguf'));
  assert.ok((await client.ps()).models.some(each => each.name === model));
  const shown = await client.show({ model });
  assert.ok(shown.capabilities.includes('completion'));
  const [listed] = (await client.list()).models.filter(each => each.name === model);
  assert.deepEqual(shown.details, listed.details);
  // a stub has no weights
  assert.match(shown.details.parameter_size, process.env.SMOL_STUB ? /^$/ : /^\d+(\.\d+)?[KMB]$/);
  assert.match(shown.details.quantization_level, process.env.SMOL_STUB ? /^$/ : /^I?Q\d_\w+$/);
  assert.match((await client.version()).version, /^\d+\.\d+\.\d+/);
});
