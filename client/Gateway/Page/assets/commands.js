// Slash commands and their palette: a list over the message field that filters as one types.

import { conversation, exportOpen, forkOpen, goOn, isRunning, newChat, regenerate, renameOpen, stop } from './chat.js';
import { element, tag } from './dom.js';
import { addNote } from './messages.js';
import { chooseModel, currentModel, modelIds } from './models.js';
import { personName } from './people.js';
import { takePrompt } from './prompt.js';
import { describeSettings, resetSettings, set } from './settings.js';
import { statusText } from './status.js';

const palette = element('palette');
const prompt = element('prompt');

const commands = [
  { name: 'clear', help: 'a new conversation; this one stays in the list', run: newChat },
  { name: 'reset', help: 'settings as they were at first', run: () => { resetSettings(); note('Settings', [['now', describeSettings()]]); } },
  { name: 'export', argument: 'markdown or json', help: 'this conversation as a file', values: () => ['markdown', 'json'], run: format => exportOpen(format || 'markdown') },
  { name: 'thinking', argument: 'on, off or auto', help: 'whether the model thinks before it answers', values: () => ['on', 'off', 'auto'], run: setThinking },
  { name: 'temp', argument: '0 to 2', help: 'temperature: 0 is the likeliest, higher is freer', run: setTemperature },
  { name: 'model', argument: 'name', help: 'who answers', values: modelIds, run: setModel },
  { name: 'status', help: 'model, cluster and settings', run: showStatus },
  { name: 'theme', argument: 'light or dark', help: 'the look of this page', values: () => ['light', 'dark'], run: setTheme },
  { name: 'regenerate', help: 'the last question answered once more', run: () => regenerate() },
  { name: 'continue', help: 'goes on with an answer that was cut', run: () => goOn() },
  { name: 'fork', help: 'a copy of this conversation from here', run: () => forkOpen() },
  { name: 'rename', help: 'a new name for this conversation', run: () => renameOpen() },
  { name: 'stop', help: 'ends the answer', run: stop },
  { name: 'cluster', help: 'the page of silos and models', run: () => location.assign('/cluster') },
  { name: 'help', help: 'all commands and keys', run: showHelp },
];

let entries = [];
let at = 0;

export function startCommands() {
  prompt.addEventListener('input', show);
  prompt.addEventListener('keydown', keys);
  // a choice by pointer comes first; and who is back by then still wants it
  prompt.addEventListener('blur', () => setTimeout(() => [prompt, palette].includes(document.activeElement) || hide(), 150));
  element('composer').addEventListener('submit', event => {
    if (!run(prompt.value)) return;
    event.preventDefault();
    event.stopImmediatePropagation();
  }, { capture: true });
  document.addEventListener('keydown', event => {
    if (!event.ctrlKey || event.key.toLowerCase() !== 'k') return;
    event.preventDefault();
    prompt.focus();
    if (!prompt.value.startsWith('/')) prompt.value = '/';
    show();
  });
}

/** Runs a line that is a command; false: it is none, and goes to the model. */
function run(line) {
  const match = /^\/([a-z]+)(?:\s+(.*?))?\s*$/s.exec(line);
  const command = match && commands.find(({ name }) => name === match[1]);
  if (!command) {
    if (!match) return false;
    takePrompt();
    hide();
    note(`There is no command /${match[1]}`, [['/help', 'shows all of them'], ['a message', 'that begins with / can begin with a space']]);
    return true;
  }
  takePrompt();
  hide();
  command.run(match[2]?.trim() ?? '');
  return true;
}

function show() {
  const match = /^\/([a-z]*)(\s+(\S*))?$/.exec(prompt.value);
  if (!match) return hide();
  entries = match[2] === undefined ? matching(match[1]) : values(match[1], match[3]);
  if (entries.length === 0) return hide();
  at = Math.min(at, entries.length - 1);
  palette.replaceChildren(...entries.map(option));
  palette.hidden = false;
  mark();
}

const matching = typed => commands.filter(({ name }) => name.startsWith(typed))
  .map(command => ({ label: `/${command.name}`, argument: command.argument, help: command.help, line: `/${command.name}`, more: command.argument !== undefined }));

function values(name, typed = '') {
  const command = commands.find(other => other.name === name);
  return (command?.values?.() ?? []).filter(value => value.startsWith(typed)).map(value => ({ label: value, help: '', line: `/${name} ${value}`, more: false }));
}

function option(entry, index) {
  const item = tag('li', '', 'option');
  item.id = `option-${index}`;
  item.setAttribute('role', 'option');
  item.append(tag('b', entry.label), ...(entry.argument ? [tag('i', entry.argument)] : []), tag('span', entry.help));
  item.addEventListener('pointerdown', event => { event.preventDefault(); at = index; take(); });
  return item;
}

function mark() {
  [...palette.children].forEach((item, index) => item.setAttribute('aria-selected', String(index === at)));
  prompt.setAttribute('aria-activedescendant', `option-${at}`);
  palette.children[at]?.scrollIntoView({ block: 'nearest' });
}

function hide() {
  palette.hidden = true;
  at = 0;
  prompt.removeAttribute('aria-activedescendant');
}

function keys(event) {
  if (palette.hidden) return;
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (step) { event.preventDefault(); at = (at + step + entries.length) % entries.length; mark(); }
  else if (event.key === 'Escape') { event.preventDefault(); hide(); }
  else if (event.key === 'Tab' && !event.shiftKey) { event.preventDefault(); complete(); }
  else if (event.key === 'Enter' && !event.shiftKey) { event.preventDefault(); take(); }
}

/** Enter runs what is marked; what wants a value waits for one. */
function take() {
  const entry = entries[at];
  if (entry.more && prompt.value.trim() !== entry.line) return complete();
  run(entry.line);
}

function complete() {
  const entry = entries[at];
  prompt.value = entry.line + (entry.more ? ' ' : '');
  at = 0;
  show();
}

function setThinking(value) {
  const known = { on: 'on', off: 'off', auto: '', '': '' };
  if (!(value in known)) return note('/thinking', [[value, 'is none of on, off and auto']]);
  set('thinking', known[value]);
}

function setTemperature(value) {
  const number = Number(value);
  if (value === '' || !(number >= 0 && number <= 2)) return note('/temp', [[value || 'nothing', 'is no number from 0 to 2']]);
  set('temperature', String(Math.round(number * 20) / 20));
}

function setModel(value) {
  if (!chooseModel(value)) note('/model', [[value || 'nothing', 'is none of the models here'], ['models', modelIds().join(', ')]]);
}

function setTheme(value) {
  const dark = document.documentElement.dataset.theme === 'dark';
  if (value === '' || (value === 'dark') !== dark) element('theme').click();
}

function showStatus() {
  const model = currentModel();
  note('Status', [['model', model ? `${model.id} (${model.meta.kind}, ${model.meta.state})` : 'none yet'], ['state', statusText()],
    ['context', element('context-text').textContent], ['settings', describeSettings()], ['person', personName() || 'Guest'],
    ['conversation', conversation()?.id ?? 'a new one'], ['answer', isRunning() ? 'is coming' : 'none is coming']]);
}

function showHelp() {
  note('Help', [...commands.map(command => [`/${command.name}`, [command.argument && `(${command.argument})`, command.help].filter(Boolean).join(' ')]),
    ['Ctrl K', 'this list of commands'], ['Ctrl Shift O', 'a new conversation'], ['F2, Delete', 'in the list: rename, delete'], ['Esc', 'stops the answer']]);
}

const note = (title, lines) => { element('welcome').hidden = true; addNote(title, lines); };
