// How messages look. Text from people and models goes in as text nodes only.

import { button, tag } from './dom.js';
import { copyButton, showMarkdown } from './markdown.js';
import { costOf } from './meter.js';

const log = document.getElementById('log');

/** A person's message, to be put where it belongs. actions: edit(text), show(id). */
export function userMessage(message, actions) {
  const article = messageElement('user', 'You', message.id);
  const bubble = tag('div', message.content, 'bubble');
  const meta = tag('div', '', 'meta');
  meta.append(copyButton('Copy message', () => message.content), ...(message.id ? [
    button('Edit', 'quiet', () => edit(article, bubble, meta, message.content, actions.edit), 'Edit message'),
    ...variants(message, actions.show)] : []));
  article.append(bubble, meta);
  return article;
}

/** An answer that grows: its text comes in through write and think, its end through finish. */
export function addAnswer(id = null) {
  const article = messageElement('assistant', 'Answer', id);
  const thought = tag('details', '', 'thought');
  thought.hidden = true;
  const summary = tag('summary');
  const thinking = tag('div');
  thought.append(summary, thinking);
  const body = tag('div', '', 'body');
  const waiting = tag('div', '', 'waiting');
  waiting.append(tag('i'), tag('i'), tag('i'));
  article.append(thought, body, waiting);
  log.append(article);
  log.ariaBusy = 'true'; // or a screen reader would read every token

  let text = '';
  let thoughts = '';
  let frame = 0;
  const draw = () => {
    frame = 0;
    const parts = splitThought(text, thoughts);
    thought.hidden = parts.thought === null;
    if (parts.thought !== null) {
      summary.textContent = parts.open ? 'Thinking …' : 'Thoughts';
      if (thinking.textContent !== parts.thought.trim()) thinking.textContent = parts.thought.trim();
    }
    showMarkdown(body, parts.answer.trim());
  };
  const more = () => { waiting.hidden = true; frame ||= requestAnimationFrame(draw); };
  return {
    element: article,
    get text() { return text; },
    get isThinking() { return splitThought(text, thoughts).open; },
    write(piece) { text += piece; more(); },
    think(piece) { thoughts += piece; more(); },
    /** actions: regenerate(), continue(), fork(), show(id). */
    finish(message, actions) {
      cancelAnimationFrame(frame);
      text = message.content;
      thoughts = message.reasoning_content ?? '';
      draw();
      waiting.remove();
      log.ariaBusy = 'false';
      article.dataset.id = message.id;
      article.append(footer(message, splitThought(text, thoughts).answer.trim(), actions));
    },
    remove() {
      cancelAnimationFrame(frame);
      log.ariaBusy = 'false';
      article.remove();
    },
  };
}

function footer(message, answer, actions) {
  const meta = tag('div', '', 'meta');
  const cut = message.answer.finish_reason !== 'stop';
  meta.append(copyButton('Copy answer', () => answer),
    button('Regenerate', 'quiet', actions.regenerate, 'Regenerate answer'),
    ...(cut ? [button('Continue', 'quiet', actions.continue, 'Continue answer')] : []),
    button('Fork', 'quiet', actions.fork, 'Fork the conversation here'),
    ...variants(message, actions.show), tag('span', costOf(message.answer).text, 'cost'));
  if (message.answer.problem) meta.append(tag('span', message.answer.problem, 'problem'));
  return meta;
}

/** ‹ 2 of 3 › where a message has others in its place. */
function variants(message, show) {
  const all = message.siblings ?? [];
  if (all.length < 2) return [];
  const at = all.indexOf(message.id);
  const group = tag('span', '', 'variants');
  group.setAttribute('role', 'group');
  group.ariaLabel = 'Versions';
  const before = button('‹', 'quiet', () => show(all[at - 1]), 'Version before');
  const after = button('›', 'quiet', () => show(all[at + 1]), 'Version after');
  before.disabled = at === 0;
  after.disabled = at === all.length - 1;
  group.append(before, tag('span', `${at + 1} of ${all.length}`), after);
  return [group];
}

function edit(article, bubble, meta, text, done) {
  const form = tag('form', '', 'edit');
  const field = tag('textarea', '', 'inset');
  field.value = text;
  field.ariaLabel = 'Edit your message';
  field.rows = Math.min(12, text.split('\n').length + 1);
  const leave = () => { form.remove(); bubble.hidden = meta.hidden = false; };
  const actions = tag('div', '', 'actions');
  const send = tag('button', 'Send', 'button');
  actions.append(button('Cancel', 'quiet', leave), send);
  form.append(field, actions);
  form.addEventListener('submit', event => {
    event.preventDefault();
    if (field.value.trim()) { leave(); done(field.value); }
  });
  field.addEventListener('keydown', event => {
    if (event.key === 'Escape') { event.stopPropagation(); leave(); }
    if (event.key === 'Enter' && !event.shiftKey && !event.isComposing) { event.preventDefault(); form.requestSubmit(); }
  });
  bubble.hidden = meta.hidden = true;
  article.append(form);
  field.focus();
}

/** What the page itself has to say, for example to /help. */
export function addNote(title, lines) {
  const card = tag('section', '', 'note');
  card.ariaLabel = title;
  const list = tag('dl');
  for (const [name, text] of lines) list.append(tag('dt', name), tag('dd', text));
  const close = button('Close', 'quiet', () => card.remove(), `Close ${title}`);
  card.append(tag('strong', title), list, close);
  log.append(card);
  card.scrollIntoView({ block: 'nearest' });
}

/** What went wrong, and a way to try again. */
export function addError(failure, retry) {
  const card = tag('div', '', 'error');
  card.setAttribute('role', 'alert');
  const details = [failure.status && `HTTP ${failure.status}`, failure.code, failure.retryAfter && `worth another try in ${failure.retryAfter} s`];
  card.append(tag('strong', titleOf(failure)), failure.message, tag('div', details.filter(Boolean).join(' · '), 'details'));
  card.append(retry ? button('Try again', 'button', () => { card.remove(); retry(); }) : button('Close', 'quiet', () => card.remove()));
  log.append(card);
}

/** What the model thought and what it answered; a text may still hold its thoughts between marks. */
export function splitThought(text, thoughts = '') {
  if (thoughts) return { thought: thoughts, answer: text, open: text === '' };
  const start = /^\s*<think>/.exec(text);
  if (!start) return { thought: null, answer: text, open: false };
  const end = text.indexOf('</think>');
  if (end < 0) return { thought: text.slice(start[0].length), answer: '', open: true };
  const thought = text.slice(start[0].length, end);
  return { thought: thought.trim() ? thought : null, answer: text.slice(end + '</think>'.length), open: false };
}

function messageElement(role, label, id) {
  const article = tag('article', '', `message ${role}`);
  article.ariaLabel = label;
  if (id) article.dataset.id = id;
  return article;
}

function titleOf({ code, status }) {
  switch (code) {
    case 'context_length_exceeded': return 'This conversation is too long for the model';
    case 'queue_full': return 'The cluster is busy';
    case 'model_loading': return 'The model is still loading';
    case 'model_gone': return 'The model is gone';
    case 'model_failed': return 'The model could not be loaded';
    case 'stream_broken': return 'The answer broke off';
    case 'conversation_not_found': return 'This conversation is not here';
    case 'unreachable': return 'No connection';
    default: return status === 400 ? 'The question could not be asked' : 'That did not work';
  }
}
