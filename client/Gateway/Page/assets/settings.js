// What the person chose for their questions; kept in this browser.

const fields = ['temperature', 'max-tokens', 'thinking', 'system'];
const defaults = { temperature: '0.6', 'max-tokens': '', thinking: '', system: '' };
const element = id => document.getElementById(id);

/** Fills the form from the last visit and keeps what changes. */
export function startSettings() {
  show({ ...defaults, ...load() });
  element('settings').addEventListener('input', () => { save(); showTemperature(); });
  element('settings').addEventListener('submit', event => { event.preventDefault(); element('settings').hidePopover(); });
  element('settings-reset').addEventListener('click', () => { show(defaults); save(); });
  element('settings').addEventListener('toggle', event =>
    element('settings-button').setAttribute('aria-expanded', String(event.newState === 'open')));
}

/** The settings as fields of a request. */
export function requestFields() {
  const fields = { temperature: Number(element('temperature').value) };
  const longest = Number.parseInt(element('max-tokens').value, 10);
  if (longest >= 1) fields.max_tokens = longest;
  if (element('thinking').value) fields.enable_thinking = element('thinking').value === 'on';
  return fields;
}

/** The system message, or none. */
export function systemMessages() {
  const text = element('system').value.trim();
  return text ? [{ role: 'system', content: text }] : [];
}

function show(values) {
  for (const field of fields) element(field).value = values[field];
  showTemperature();
}

function showTemperature() {
  element('temperature-value').textContent = Number(element('temperature').value).toFixed(2).replace(/0$/, '');
}

function save() {
  try {
    localStorage.setItem('smol.settings', JSON.stringify(Object.fromEntries(fields.map(field => [field, element(field).value]))));
  } catch {
    return; // Storage is forbidden in some browsers; the settings then last as long as the page.
  }
}

function load() {
  try {
    return JSON.parse(localStorage.getItem('smol.settings')) ?? {};
  } catch {
    return {};
  }
}
