// How full the model's context is, and how fast the last answer came.

import { element } from './dom.js';

/** used and limit in tokens; a limit of 0 is not known. */
export function showContext(used, limit) {
  const share = limit > 0 ? Math.min(1, used / limit) : 0;
  element('context-text').textContent = used === 0 ? 'Context empty'
    : limit > 0 ? `${used.toLocaleString('en')} of ${limit.toLocaleString('en')} tokens` : `${used.toLocaleString('en')} tokens`;
  const meter = element('context');
  meter.ariaValueNow = String(Math.round(share * 100));
  meter.ariaValueText = element('context-text').textContent;
  meter.dataset.level = share > 0.85 ? 'full' : share > 0.6 ? 'high' : 'low';
  element('context-fill').style.width = `${share * 100}%`;
}

export function showSpeed(text) {
  element('speed').textContent = text;
}

/** What an answer cost, from its record: tokens, tokens a second after the first, time to the first, the silo. */
export function costOf(answer) {
  const rest = answer.seconds - (answer.first_text_seconds ?? answer.seconds);
  const speed = answer.completion_tokens > 1 && rest > 0.001 ? `${((answer.completion_tokens - 1) / rest).toFixed(1)} tokens/s` : '';
  return {
    speed,
    text: [endings[answer.finish_reason], `${answer.completion_tokens} tokens`, speed,
      answer.first_text_seconds !== null && `first after ${answer.first_text_seconds.toFixed(2)} s`,
      answer.cached_tokens > 0 && `${answer.cached_tokens} cached`, answer.silo && `on ${answer.silo}`].filter(Boolean).join(' · '),
  };
}

const endings = { length: 'reached the longest answer', stopped: 'stopped', failed: 'broke off' };
