// The conversation: what was said, the answer that is coming, and the keys and buttons around them.

import { ApiFailure, streamAnswer } from './api.js';
import { addAnswer, addError, addUserMessage, splitThought } from './messages.js';
import { currentModel, refresh, setGenerating, startModels } from './models.js';
import { requestFields, startSettings, systemMessages } from './settings.js';

const element = id => document.getElementById(id);
const prompt = element('prompt');
const scroller = element('scroller');

let history = [];
let running = null;

function send(text) {
  if (running || !text.trim()) return;
  for (const card of document.querySelectorAll('#log .error')) card.remove();
  history.push({ role: 'user', content: text });
  addUserMessage(text);
  element('welcome').hidden = true;
  toLatest();
  return answer();
}

async function answer() {
  const model = currentModel();
  const mine = running = new AbortController();
  const view = addAnswer();
  const clock = { asked: performance.now(), first: null, usage: null, reason: null };
  showRunning(true);
  follow();
  try {
    if (model?.gone) throw new ApiFailure({ message: `${model.id} is no longer in the cluster. Choose another model, then try again.`, code: 'model_gone' }, null, null);
    const request = { model: model?.id ?? 'none', messages: [...systemMessages(), ...history], ...requestFields() };
    for await (const chunk of streamAnswer(request, mine.signal)) take(chunk, view, clock);
    view.finish(describe(clock));
  } catch (failure) {
    const stopped = mine.signal.aborted;
    view.finish(stopped ? 'stopped' : 'broke off');
    if (!stopped && running === mine) fail(failure, view);
  } finally {
    if (running === mine) end(view);
  }
}

function take(chunk, view, clock) {
  if (chunk.usage) clock.usage = chunk.usage;
  const choice = chunk.choices[0];
  if (choice?.finish_reason) clock.reason = choice.finish_reason;
  if (!choice?.delta.content) return;
  clock.first ??= performance.now();
  clock.last = performance.now();
  view.write(choice.delta.content);
  follow();
}

function end(view) {
  running = null;
  const said = splitThought(view.text).answer.trim();
  if (said) history.push({ role: 'assistant', content: said });
  showRunning(false);
  requestAnimationFrame(follow);
}

function fail(failure, view) {
  const shown = failure instanceof ApiFailure ? failure : new ApiFailure({ message: `The gateway cannot be reached (${failure.message}).`, code: null });
  const asked = history.length;
  addError(shown, () => {
    if (running) return;
    view.element.remove();
    history.length = asked;
    answer();
  });
  refresh();
}

/** Shows and tells what the answer cost. */
function describe({ asked, first, last, usage, reason }) {
  if (!usage) return '';
  showContext(usage.total_tokens);
  const seconds = (last - first) / 1000;
  const speed = usage.completion_tokens > 1 && seconds > 0 ? `${((usage.completion_tokens - 1) / seconds).toFixed(1)} tokens/s` : '';
  element('speed').textContent = speed;
  return [reason === 'length' && 'reached the longest answer', `${usage.completion_tokens} tokens`, speed,
    first && `first after ${((first - asked) / 1000).toFixed(2)} s`].filter(Boolean).join(' · ');
}

function showContext(used) {
  const limit = currentModel()?.meta.context_length ?? 0;
  const share = limit > 0 ? Math.min(1, used / limit) : 0;
  element('context-text').textContent = used === 0 ? 'Context empty' : `${used.toLocaleString('en')} of ${limit.toLocaleString('en')} tokens`;
  element('context').ariaValueNow = String(Math.round(share * 100));
  element('context').dataset.full = String(share > 0.85);
  element('context-fill').style.width = `${share * 100}%`;
}

function showRunning(value) {
  element('stop').hidden = !value;
  element('send').hidden = value;
  setGenerating(value);
}

function newChat() {
  running?.abort();
  running = null;
  history = [];
  element('log').replaceChildren();
  element('welcome').hidden = false;
  element('speed').textContent = '';
  showContext(0);
  showRunning(false);
  prompt.focus();
}

// Scrolling: the newest text stays in view, unless the person has scrolled away from it.
let atEnd = true;
let lastTop = 0;
function follow() {
  if (atEnd) scroller.scrollTop = scroller.scrollHeight;
}
function toLatest() {
  atEnd = true;
  element('latest').hidden = true;
  follow();
}
scroller.addEventListener('scroll', () => {
  // Text may have grown since this page scrolled by itself: only a person scrolls up.
  if (scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight < 48) atEnd = true;
  else if (scroller.scrollTop < lastTop) atEnd = false;
  lastTop = scroller.scrollTop;
  element('latest').hidden = atEnd;
});
new ResizeObserver(follow).observe(element('log'));
element('latest').addEventListener('click', toLatest);

function fitPrompt() {
  prompt.style.height = 'auto';
  prompt.style.height = `${prompt.scrollHeight + 2}px`;
  element('send').disabled = prompt.value.trim() === '';
}
prompt.addEventListener('input', fitPrompt);
prompt.addEventListener('keydown', event => {
  if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  element('composer').requestSubmit();
});
element('composer').addEventListener('submit', event => {
  event.preventDefault();
  if (running || !prompt.value.trim()) return;
  const text = prompt.value;
  prompt.value = '';
  fitPrompt();
  send(text);
});
document.addEventListener('keydown', event => {
  if (event.key === 'Escape' && !document.querySelector(':popover-open')) running?.abort();
});
element('stop').addEventListener('click', () => { running?.abort(); prompt.focus(); });
element('new-chat').addEventListener('click', newChat);

startSettings();
startModels(text => { prompt.focus(); send(text); });
fitPrompt();
if (matchMedia('(hover: hover)').matches) prompt.focus();
