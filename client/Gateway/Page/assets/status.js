// The status pill: one place that says what is going on. What a person waits for comes before how the model is.

import { element } from './dom.js';

let model = { state: 'connecting', text: 'Connecting' };
let answer = null;

/** How the model is: ready, loading, error, connecting. */
export function showModelStatus(state, text) {
  model = { state, text };
  show();
}

/** What the answer that runs does: queued, reading, thinking, generating, reconnecting; null: none runs. */
export function showAnswerStatus(state, text = '') {
  answer = state && { state, text };
  show();
}

/** The pill's words, for /status. */
export const statusText = () => (answer ?? model).text;

function show() {
  const { state, text } = answer ?? model;
  element('status').dataset.state = state;
  if (element('status-text').textContent !== text) element('status-text').textContent = text;
}
