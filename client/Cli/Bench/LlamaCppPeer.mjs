// llama.cpp as a contender of `smol bench`: node LlamaCppPeer.mjs FILE THREADS KV, with
// KV the type of its cache: F16, F32 or Q8_0. Speaks the lines of Protocol.cs: says how long
// loading took, then answers each request with the times at which tokens came. Between requests it waits and computes nothing.
import { createInterface } from "node:readline";
import { getLlama, LlamaLogLevel } from "node-llama-cpp";

const [file, threadCount, kv] = process.argv.slice(2);
const threads = Number(threadCount);
const smallestContext = 256;

const started = performance.now();
const llama = await getLlama({ gpu: false, build: "never", skipDownload: true, logLevel: LlamaLogLevel.error, maxThreads: threads });
const model = await llama.loadModel({ modelPath: file });
let current = await open(1, smallestContext);
send({ milliseconds: performance.now() - started });

async function open(users, tokens) {
  const context = await model.createContext({
    sequences: users,
    contextSize: tokens,
    batchSize: 512,
    flashAttention: true,
    experimentalKvCacheKeyType: kv,
    experimentalKvCacheValueType: kv,
    threads: { ideal: threads, min: threads },
  });
  return { context, users, tokens, sequences: Array.from({ length: users }, () => context.getSequence()) };
}

// A context stays for as long as requests fit it exactly in users, so that pairs of one case do not pay for a new one.
async function contextFor(users, tokens) {
  if (current.users !== users || current.tokens < tokens) {
    await current.context.dispose();
    current = await open(users, Math.max(smallestContext, tokens));
    await generate(current, { prompts: current.sequences.map(() => [1, 2, 3]), maxTokens: 2, window: 1, seconds: 10 });
  }
  return current;
}

async function generate({ sequences }, { prompts, maxTokens, window, seconds }) {
  const times = prompts.map(() => []);
  let begun = 0, finished = 0, stopAt = Infinity;
  const start = performance.now();
  await Promise.all(prompts.map(async (prompt, user) => {
    const mine = times[user];
    for await (const _ of sequences[user].evaluate(prompt, { temperature: 0, yieldEogToken: true })) {
      const now = performance.now() - start;
      mine.push(now);
      if (mine.length === 1 && ++begun === prompts.length) stopAt = now + seconds * 1000;
      if (mine.length === window + 1 && ++finished === prompts.length) stopAt = now;
      if (mine.length >= maxTokens || now >= stopAt) break;
    }
  }));
  for (const sequence of sequences) await sequence.clearHistory();
  return times;
}

function send(reply) {
  process.stdout.write(JSON.stringify(reply) + "\n");
}

for await (const line of createInterface({ input: process.stdin })) {
  try {
    const request = JSON.parse(line);
    const tokens = Math.max(...request.prompts.map((prompt) => prompt.length)) + request.maxTokens;
    send({ times: await generate(await contextFor(request.prompts.length, tokens), request) });
  } catch (error) {
    send({ error: String(error?.message ?? error) });
  }
}
process.exit(0);
