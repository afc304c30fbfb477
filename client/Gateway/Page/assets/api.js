// The gateway's API, as these pages use it.

import { identityHeaders } from './people.js';

/** What the API refused or broke off, with its status and code. */
export class ApiFailure extends Error {
  constructor(error, status = null, retryAfter = null) {
    super(error.message);
    this.code = error.code;
    this.status = status;
    this.retryAfter = retryAfter;
  }
}

/** One call with a JSON answer. */
export async function call(method, path, body) {
  return (await ask(method, path, body)).json();
}

/** One call with a text answer, for exports. */
export async function callText(path) {
  return (await ask('GET', path)).text();
}

export const listModels = async () => (await call('GET', '/v1/models')).data;
export const readCluster = () => call('GET', '/v1/cluster');
export const drainSilo = silo => call('POST', `/v1/cluster/silos/${encodeURIComponent(silo)}/drain`, { confirm: silo });

export const listConversations = ({ search = '', after = '', limit = 30 } = {}) =>
  call('GET', '/v1/conversations?' + new URLSearchParams({ limit, ...(search && { search }), ...(after && { after }) }));
export const createConversation = fields => call('POST', '/v1/conversations', fields);
export const readConversation = id => call('GET', `/v1/conversations/${id}`);
export const changeConversation = (id, fields) => call('POST', `/v1/conversations/${id}`, fields);
export const deleteConversation = id => call('DELETE', `/v1/conversations/${id}`);
export const forkConversation = (id, message, title) => call('POST', `/v1/conversations/${id}/fork`, { message, ...(title && { title }) });
export const stopAnswer = id => call('POST', `/v1/conversations/${id}/stop`, {});
export const exportConversation = (id, format) => callText(`/v1/conversations/${id}/export?format=${format}`);

/** Posts a message; yields the events of its answer, whatever happens to the connection. */
export const postMessage = (id, fields, hooks) => followed(id, () => ask('POST', `/v1/conversations/${id}/messages`, fields, hooks.signal), hooks);

/** Goes on with an answer that was cut off. */
export const continueAnswer = (id, message, hooks) => followed(id, () => ask('POST', `/v1/conversations/${id}/messages/${message}/continue`, {}, hooks.signal), hooks, message);

/** Watches an answer from its first event on, for example after a reload. */
export const watchAnswer = (id, message, hooks) => followed(id, null, hooks, message);

const pauses = [300, 600, 1200, 2500, 5000];

/** The events of an answer, each once: a lost connection is made anew after the last event. */
async function* followed(id, first, { signal, lost = () => {} }, message = null) {
  let last = 0;
  let failures = 0;
  let response = first && await first();
  for (;;) {
    try {
      response ??= await ask('GET', `/v1/conversations/${id}/messages/${message}/events`, undefined, signal, { 'Last-Event-ID': String(last) });
      for await (const { number, data } of serverEvents(response.body)) {
        if (data.error) throw new ApiFailure(data.error);
        if (failures > 0) { failures = 0; lost(false); }
        message ??= data.message;
        if (number !== null) last = number;
        yield data;
        if (data.type === 'finished') return;
      }
      throw new ApiFailure({ message: 'The connection to the gateway was lost.', code: 'connection_lost' });
    } catch (failure) {
      const final = signal.aborted || message === null || (failure.status >= 400 && failure.status < 500 && failure.status !== 429);
      if (final) throw failure;
      lost(true);
      await pause(pauses[Math.min(failures++, pauses.length - 1)], signal);
      response = null;
    }
  }
}

/** Streams a plain chat completion: yields its chunks until "[DONE]". */
export async function* streamCompletion(request, signal) {
  const response = await ask('POST', '/v1/chat/completions', { ...request, stream: true }, signal);
  for await (const { data } of serverEvents(response.body)) {
    if (data === null) return;
    if (data.error) throw new ApiFailure(data.error);
    yield data;
  }
}

async function ask(method, path, body, signal, headers = {}) {
  let response;
  try {
    response = await fetch(path, {
      method,
      headers: { ...identityHeaders(), ...(body !== undefined && { 'Content-Type': 'application/json' }), ...headers },
      body: body === undefined ? undefined : JSON.stringify(body),
      signal,
    });
  } catch (failure) {
    if (signal?.aborted) throw failure;
    throw new ApiFailure({ message: `The gateway cannot be reached (${failure.message}).`, code: 'unreachable' });
  }
  if (response.ok) return response;
  const retryAfter = Number(response.headers.get('Retry-After')) || null;
  let error = { message: `The gateway answered ${response.status} ${response.statusText}.`, code: null };
  if (response.headers.get('Content-Type')?.includes('json')) error = (await response.json()).error ?? error;
  throw new ApiFailure(error, response.status, retryAfter);
}

async function* serverEvents(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = '';
  try {
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      const parts = (rest + value).split('\n\n');
      rest = parts.pop();
      for (const part of parts) {
        const lines = part.split('\n');
        const data = lines.filter(line => line.startsWith('data: ')).map(line => line.slice(6)).join('\n');
        const number = lines.find(line => line.startsWith('id: '));
        if (data) yield { number: number ? Number(number.slice(4)) : null, data: data === '[DONE]' ? null : JSON.parse(data) };
      }
    }
  } finally {
    reader.cancel().catch(() => {}); // it may have failed already
  }
}

function pause(milliseconds, signal) {
  return new Promise((done, leave) => {
    const timer = setTimeout(done, milliseconds);
    signal?.addEventListener('abort', () => { clearTimeout(timer); leave(signal.reason); }, { once: true });
  });
}
