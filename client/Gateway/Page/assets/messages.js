// How messages look. Text from people and models goes in as text nodes only.

import { copyButton, showMarkdown } from './markdown.js';

const log = document.getElementById('log');

export function addUserMessage(text) {
  const message = article('user', 'You');
  message.append(text);
  log.append(message);
}

/** An answer that grows: its text comes in through <c>write</c>, its end through <c>finish</c>. */
export function addAnswer() {
  const message = article('assistant', 'Answer');
  const thought = document.createElement('details');
  thought.className = 'thought';
  thought.hidden = true;
  const summary = document.createElement('summary');
  const thinking = document.createElement('div');
  thought.append(summary, thinking);
  const body = document.createElement('div');
  body.className = 'body';
  const waiting = document.createElement('div');
  waiting.className = 'waiting';
  waiting.append(...[1, 2, 3].map(() => document.createElement('i')));
  message.append(thought, body, waiting);
  log.append(message);
  log.ariaBusy = 'true'; // or a screen reader would read every token

  let text = '';
  let frame = 0;
  const draw = () => {
    frame = 0;
    const parts = splitThought(text);
    thought.hidden = parts.thought === null;
    if (parts.thought !== null) {
      summary.textContent = parts.open ? 'Thinking …' : 'Thoughts';
      thinking.textContent = parts.thought.trim();
    }
    showMarkdown(body, parts.answer.trim());
  };
  return {
    element: message,
    get text() { return text; },
    write(more) {
      text += more;
      waiting.hidden = true;
      frame ||= requestAnimationFrame(draw);
    },
    finish(note) {
      cancelAnimationFrame(frame);
      draw();
      waiting.remove();
      log.ariaBusy = 'false';
      const answer = splitThought(text).answer.trim();
      if (!text) return message.remove();
      const meta = document.createElement('div');
      meta.className = 'meta';
      meta.append(copyButton('Copy answer', () => answer), note);
      message.append(meta);
    },
  };
}

/** What went wrong, and a way to try again. */
export function addError(failure, retry) {
  const card = document.createElement('div');
  card.className = 'error';
  card.setAttribute('role', 'alert');
  const title = document.createElement('strong');
  title.textContent = titleOf(failure);
  const details = document.createElement('div');
  details.className = 'details';
  details.textContent = [failure.status && `HTTP ${failure.status}`, failure.code,
    failure.retryAfter && `worth another try in ${failure.retryAfter} s`].filter(Boolean).join(' · ');
  const button = document.createElement('button');
  button.type = 'button';
  button.className = 'button';
  button.textContent = 'Try again';
  button.addEventListener('click', () => { card.remove(); retry(); });
  card.append(title, failure.message, details, button);
  log.append(card);
}

/** Text before, in and after the model's thoughts; open while they are still coming. */
export function splitThought(text) {
  const start = /^\s*<think>/.exec(text);
  if (!start) return { thought: null, answer: text, open: false };
  const end = text.indexOf('</think>');
  if (end < 0) return { thought: text.slice(start[0].length), answer: '', open: true };
  const thought = text.slice(start[0].length, end);
  return { thought: thought.trim() ? thought : null, answer: text.slice(end + '</think>'.length), open: false };
}

function article(role, label) {
  const element = document.createElement('article');
  element.className = `message ${role}`;
  element.ariaLabel = label;
  return element;
}

function titleOf({ code, status }) {
  switch (code) {
    case 'context_length_exceeded': return 'This conversation is too long for the model';
    case 'queue_full': return 'The cluster is busy';
    case 'model_loading': return 'The model is still loading';
    case 'model_gone': return 'The model is gone';
    case 'model_failed': return 'The model could not be loaded';
    case 'stream_broken': return 'The answer broke off';
    default: return status === 400 ? 'The question could not be asked' : 'There is no answer';
  }
}
