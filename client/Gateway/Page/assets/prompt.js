// The message field, and what of the conversation is in view.

import { element } from './dom.js';

const prompt = element('prompt');
const scroller = element('scroller');
let atEnd = true;
let lastTop = 0;

/** said(text) is called with what a person sends. */
export function startPrompt(said) {
  prompt.addEventListener('input', fit);
  prompt.addEventListener('keydown', event => {
    if (event.key !== 'Enter' || event.shiftKey || event.isComposing || event.defaultPrevented) return;
    event.preventDefault();
    element('composer').requestSubmit();
  });
  element('composer').addEventListener('submit', event => {
    event.preventDefault();
    if (!element('stop').hidden || !prompt.value.trim()) return;
    said(takePrompt());
  });
}

/** What is in the field, which is empty then. */
export function takePrompt() {
  const text = prompt.value;
  prompt.value = '';
  fit();
  return text;
}

export function fit() {
  prompt.style.height = 'auto';
  prompt.style.height = `${prompt.scrollHeight + 2}px`;
  element('send').disabled = prompt.value.trim() === '';
}

// The newest text stays in view, unless the person has scrolled away from it.
export const isAtEnd = () => atEnd;

export function follow() {
  if (atEnd) scroller.scrollTop = scroller.scrollHeight;
}

export function toLatest() {
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
