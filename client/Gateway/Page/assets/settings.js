// What the person chose for their questions; kept in this browser.

import { button, element, store, stored } from './dom.js';

const fields = ['temperature', 'top-p', 'top-k', 'min-p', 'seed', 'max-tokens', 'thinking', 'system'];
const switches = ['json', 'follow'];
const defaults = { temperature: '0.6', 'top-p': '0.95', 'top-k': '', 'min-p': '', seed: '', 'max-tokens': '', thinking: '', system: '', json: false, follow: false };
const ownPresets = {
  Balanced: { temperature: '0.6', 'top-p': '0.95', 'top-k': '', 'min-p': '', seed: '' },
  Precise: { temperature: '0.2', 'top-p': '0.9', 'top-k': '', 'min-p': '', seed: '' },
  Creative: { temperature: '1.1', 'top-p': '1', 'top-k': '', 'min-p': '0.05', seed: '' },
  Repeatable: { temperature: '0', 'top-p': '1', 'top-k': '', 'min-p': '', seed: '1' },
};
const thinkingNames = { '': 'auto', on: 'on', off: 'off' };

let presets = stored('smol.presets') ?? {};

/** Fills the form from the last visit and keeps what changes. */
export function startSettings() {
  show({ ...defaults, ...stored('smol.settings') });
  showPresets();
  element('settings').addEventListener('input', changed);
  element('settings').addEventListener('submit', event => { event.preventDefault(); element('settings').hidePopover(); });
  element('settings-reset').addEventListener('click', resetSettings);
  element('preset-save').addEventListener('click', keepPreset);
  element('preset-name').addEventListener('keydown', event => {
    if (event.key === 'Enter') { event.preventDefault(); keepPreset(); }
  });
  element('think').addEventListener('click', () => {
    const order = ['', 'on', 'off'];
    set('thinking', order[(order.indexOf(element('thinking').value) + 1) % order.length]);
  });
  element('settings').addEventListener('toggle', event =>
    element('settings-button').setAttribute('aria-expanded', String(event.newState === 'open')));
}

/** The settings as fields of a request; a temporary system prompt is part of it. */
export function requestFields() {
  const value = id => element(id).value.trim();
  const sent = { temperature: Number(value('temperature')) };
  const numbers = { top_p: 'top-p', top_k: 'top-k', min_p: 'min-p', seed: 'seed', max_tokens: 'max-tokens' };
  for (const [name, id] of Object.entries(numbers)) if (value(id) !== '' && !Number.isNaN(Number(value(id)))) sent[name] = Number(value(id));
  if (value('thinking')) sent.enable_thinking = value('thinking') === 'on';
  if (element('json').checked) sent.response_format = { type: 'json_object' };
  return sent;
}

export const systemPrompt = () => element('system').value.trim();
export const wantsFollowUps = () => element('follow').checked;

/** Changes one setting as if the person had; false: it has no such value. */
export function set(id, value) {
  element(id).value = value;
  const taken = element(id).value === value;
  changed();
  return taken;
}

export function resetSettings() {
  show(defaults);
  changed();
}

export function describeSettings() {
  const sent = requestFields();
  return [`temperature ${sent.temperature}`, `thinking ${thinkingNames[element('thinking').value]}`, ...Object.entries(sent)
    .filter(([name, value]) => !['temperature', 'enable_thinking', 'response_format'].includes(name) && value !== undefined).map(([name, value]) => `${name} ${value}`),
    sent.response_format && 'JSON'].filter(Boolean).join(', ');
}

function changed() {
  store('smol.settings', Object.fromEntries([...fields.map(id => [id, element(id).value]), ...switches.map(id => [id, element(id).checked])]));
  showTexts();
}

function show(values) {
  for (const id of fields) if (values[id] !== undefined) element(id).value = values[id];
  for (const id of switches) if (values[id] !== undefined) element(id).checked = values[id];
  showTexts();
}

function showTexts() {
  element('temperature-value').textContent = Number(element('temperature').value).toFixed(2).replace(/0$/, '');
  const thinking = element('thinking').value;
  element('think-text').textContent = thinkingNames[thinking];
  element('think').ariaLabel = `Thinking: ${thinkingNames[thinking]}`;
  element('think').title = `Thinking: ${thinkingNames[thinking]}`;
  element('think').dataset.on = thinking;
  for (const chip of element('presets').children) chip.ariaPressed = String(isShown(all()[chip.dataset.name]));
}

const all = () => ({ ...ownPresets, ...presets });
const isShown = preset => preset && Object.entries(preset).every(([id, value]) => String(element(id).value) === value);

function keepPreset() {
  const name = element('preset-name').value.trim();
  if (!name) return element('preset-name').focus();
  presets[name] = Object.fromEntries(fields.filter(id => id !== 'max-tokens').map(id => [id, element(id).value]));
  element('preset-name').value = '';
  store('smol.presets', presets);
  showPresets();
}

function showPresets() {
  element('presets').replaceChildren(...Object.keys(all()).map(name => {
    const chip = button(name, 'chip', () => { show(all()[name]); changed(); });
    chip.dataset.name = name;
    if (!(name in presets)) return chip;
    chip.title = 'Delete takes it away';
    chip.addEventListener('keydown', event => {
      if (event.key !== 'Delete') return;
      delete presets[name];
      store('smol.presets', presets);
      showPresets();
    });
    return chip;
  }));
  showTexts();
}
