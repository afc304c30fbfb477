// The gateway's API, as this page uses it.

/** What the API refused or broke off, with its status and code. */
export class ApiFailure extends Error {
  constructor(error, status, retryAfter) {
    super(error.message);
    this.code = error.code;
    this.status = status;
    this.retryAfter = retryAfter;
  }
}

/** Every model of the cluster. */
export async function listModels() {
  const response = await fetch('/v1/models');
  if (!response.ok) throw await failureOf(response);
  return (await response.json()).data;
}

/** Streams one answer: yields the chunks of POST /v1/chat/completions until "[DONE]". */
export async function* streamAnswer(request, signal) {
  const response = await fetch('/v1/chat/completions', {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ ...request, stream: true, stream_options: { include_usage: true } }),
    signal,
  });
  if (!response.ok) throw await failureOf(response);
  for await (const data of events(response.body)) {
    if (data === '[DONE]') return;
    const chunk = JSON.parse(data);
    if (chunk.error) throw new ApiFailure(chunk.error, null, null);
    yield chunk;
  }
  throw new ApiFailure({ message: 'The answer broke off before its end: the connection to the gateway was lost.', code: 'stream_broken' }, null, null);
}

async function* events(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = '';
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    const parts = (rest + value).split('\n\n');
    rest = parts.pop();
    for (const part of parts) {
      const data = part.split('\n').filter(line => line.startsWith('data: ')).map(line => line.slice(6)).join('\n');
      if (data) yield data;
    }
  }
}

async function failureOf(response) {
  const retryAfter = Number(response.headers.get('Retry-After')) || null;
  let error = { message: `The gateway answered ${response.status} ${response.statusText}.`, code: null };
  if (response.headers.get('Content-Type')?.includes('json')) error = (await response.json()).error ?? error;
  return new ApiFailure(error, response.status, retryAfter);
}
