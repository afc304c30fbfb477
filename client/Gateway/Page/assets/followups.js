// Questions that could come next: asked of the model itself, after an answer, where the person wants them.

import { streamCompletion } from './api.js';
import { button, element } from './dom.js';

const most = 3;
const longest = 120;
const wish = 'Write three short questions that I could ask you next. One question a line, nothing else.';
let asking = null;

export function clearFollowUps() {
  asking?.abort();
  asking = null;
  element('follow-ups').hidden = true;
  element('follow-ups').replaceChildren();
}

/** Asks, and shows what came back as questions; nothing, if none did: they are an offer and no answer. */
export async function showFollowUps(messages, model, chosen) {
  clearFollowUps();
  const mine = asking = new AbortController();
  let text = '';
  try {
    const request = { model: model.id, messages: [...messages, { role: 'user', content: wish }], max_tokens: 90, temperature: 0.7, enable_thinking: false };
    for await (const chunk of streamCompletion(request, mine.signal)) text += chunk.choices[0]?.delta.content ?? '';
  } catch {
    return;
  }
  const questions = questionsIn(text);
  if (asking !== mine || questions.length === 0) return;
  element('follow-ups').replaceChildren(...questions.map(question => button(question, 'chip', () => { clearFollowUps(); chosen(question); })));
  element('follow-ups').hidden = false;
}

/** Lines that are questions, without the marks of lists around them. */
export function questionsIn(text) {
  const lines = text.split('\n').map(line => line.replace(/^[\s>*\-•\d.)"“]+/, '').replace(/["”*\s]+$/, ''));
  return [...new Set(lines.filter(line => line.endsWith('?') && line.length > 3 && line.length <= longest))].slice(0, most);
}
