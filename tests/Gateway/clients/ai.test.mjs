// Vercel's AI SDK against a running gateway: SMOL_URL; SMOL_MODEL, a stub, which thinks when told to and calls the tool that the last message names;
// SMOL_SLOW_MODEL, whose answers take seconds; SMOL_FORM_MODEL, which keeps to a schema.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import { generateText, jsonSchema, Output, stepCountIs, streamText, tool } from 'ai';
import { z } from 'zod';

const { SMOL_URL, SMOL_MODEL, SMOL_SLOW_MODEL, SMOL_FORM_MODEL, SMOL_ANSWER } = process.env;
const smol = createOpenAICompatible({ name: 'smol', baseURL: `${SMOL_URL}/v1`, includeUsage: true, supportsStructuredOutputs: true });
const model = smol(SMOL_MODEL);
const thinking = { smol: { enable_thinking: true } };

test('generates text', async () => {
  const { text, finishReason, usage } = await generateText({ model, prompt: 'Hello', maxRetries: 0 });
  assert.equal(text, SMOL_ANSWER);
  assert.equal(finishReason, 'stop');
  assert.equal(usage.totalTokens, usage.inputTokens + usage.outputTokens);
});

test('streams text, and reasoning apart from it', async () => {
  const result = streamText({ model, prompt: 'Hello', providerOptions: thinking, maxRetries: 0 });
  let text = '';
  for await (const piece of result.textStream) text += piece;
  assert.equal(text, SMOL_ANSWER);
  assert.ok((await result.reasoningText).startsWith('I am a stub'));
  assert.ok((await result.usage).outputTokens > 0);
});

test('runs a tool and goes on', async () => {
  const cities = [];
  const weather = tool({
    description: 'The weather of a city',
    inputSchema: jsonSchema({ type: 'object', properties: { city: { type: 'string' } } }),
    execute: ({ city }) => { cities.push(city); return 'Sunny'; },
  });
  const { text, steps } = await generateText({
    model, prompt: 'get_weather {"city": "Paris"}', tools: { get_weather: weather }, stopWhen: stepCountIs(3), maxRetries: 0,
  });
  assert.deepEqual(cities, ['Paris']);
  assert.equal(steps.length, 2);
  assert.equal(text, SMOL_ANSWER);
});

test('keeps to a schema, plain and streamed', async () => {
  const Person = z.object({ name: z.string().max(12), age: z.number().int().min(0).max(120) });
  const request = { model: smol(SMOL_FORM_MODEL), prompt: 'Who are you?', output: Output.object({ schema: Person }), temperature: 0, maxOutputTokens: 400, maxRetries: 0 };
  const { output } = await generateText(request);
  assert.deepEqual(Person.parse(output), output);
  const result = streamText(request);
  let last;
  for await (const partial of result.partialOutputStream) last = partial;
  assert.deepEqual(last, output);
});

test('stops when told to', async () => {
  const controller = new AbortController();
  const result = streamText({ model: smol(SMOL_SLOW_MODEL), prompt: 'Hello', abortSignal: controller.signal, maxRetries: 0 });
  await assert.rejects(async () => {
    for await (const piece of result.fullStream) {
      controller.abort();
      if (piece.type === 'abort') throw new Error('aborted');
    }
  });
});

test('reads errors', async () => {
  await assert.rejects(generateText({ model: smol('gpt-9'), prompt: 'Hello', maxRetries: 0 }), error => {
    assert.equal(error.statusCode, 404);
    assert.match(error.message, /gpt-9/);
    return true;
  });
});

test('finds the models where its provider would ask', async () => {
  // the SDK itself lists none
  const { data } = await (await fetch(`${SMOL_URL}/v1/models`)).json();
  assert.ok(data.some(each => each.id === SMOL_MODEL));
});
