// Which models there are and how they are: the header's name, badge, notice and status.

import { listModels } from './api.js';
import { button, element, tag } from './dom.js';
import { showModelStatus } from './status.js';

const soon = 1000;
const later = 15000;
const realModel = 'https://huggingface.co/ggml-org/SmolLM3-3B-GGUF';

const suggestions = {
  demo: ['What can you do?', 'What is a silo?', 'Tell me a joke'],
  stub: ['Show me how streaming looks'],
  real: ['Explain virtual actors to a ten-year-old', 'Write a haiku about the sea', 'How does a KV cache work?'],
};

let models = [];
let chosen; // the model talked to, as last seen: one that leaves the cluster stays chosen, and no other takes its place
let timer;
let onSuggestion = () => {};

/** Begins to watch the models. */
export function startModels(suggested) {
  onSuggestion = suggested;
  element('model').addEventListener('change', () => { choose(element('model').value); show(); });
  document.addEventListener('visibilitychange', () => { if (!document.hidden) refresh(); });
  return refresh();
}

/** The chosen model, with gone set once the cluster has it no longer; undefined before there was any. */
export function currentModel() {
  return chosen;
}

function choose(id) {
  chosen = models.find(model => model.id === id) ?? (chosen ? { ...chosen, gone: true } : models[0]);
}

/** Chooses by id; false: there is no such model. */
export function chooseModel(id) {
  if (!models.some(model => model.id === id)) return false;
  element('model').value = id;
  choose(id);
  show();
  return true;
}

export const modelIds = () => models.map(model => model.id);

export async function refresh() {
  clearTimeout(timer);
  let reached = true;
  try {
    models = await listModels();
    choose(chosen?.id);
    show();
  } catch (failure) {
    reached = false; // and the last list stays: what is chosen is not lost to one failed look
    showModelStatus(failure.code === 'cluster_connecting' ? 'connecting' : 'error',
      failure.code === 'cluster_connecting' ? 'Connecting' : failure.status ? 'Cluster unreachable' : 'Gateway unreachable');
  }
  clearTimeout(timer); // another look may have begun meanwhile
  const steady = reached && models.length > 0 && !chosen.gone && models.every(model => model.meta.state !== 'loading');
  timer = setTimeout(() => document.hidden || refresh(), steady ? later : soon);
}

function show() {
  const model = currentModel();
  showChoice(model);
  if (!model) return showModelStatus('connecting', 'No model yet');
  showKind(model);
  if (model.gone) showModelStatus('error', 'Model gone');
  else if (model.meta.state === 'ready') showModelStatus('ready', 'Ready');
  else if (model.meta.state === 'loading') showModelStatus('loading', `Loading ${Math.floor(model.meta.progress * 100)} %`);
  else showModelStatus('error', 'Model failed');
}

function showChoice(model) {
  const select = element('model');
  const options = models.map(({ id }) => new Option(id, id));
  const name = model?.gone ? `${model.id} (gone)` : model?.id ?? 'no model yet';
  if (model?.gone) {
    const gone = new Option(name, model.id);
    gone.disabled = true;
    options.push(gone);
  }
  const names = list => [...list].map(option => option.text).join('\n');
  if (names(select.options) !== names(options)) {
    select.replaceChildren(...options);
    if (model) select.value = model.id;
  }
  select.hidden = options.length < 2;
  element('model-name').hidden = options.length > 1;
  element('model-name').textContent = name;
}

function showKind(model) {
  const kind = model.meta.kind;
  const badge = element('kind');
  badge.hidden = kind === 'real';
  badge.dataset.kind = kind;
  badge.textContent = kind;
  const key = [model.id, model.meta.state, model.gone].join();
  if (element('notice').dataset.key === key) return;
  element('notice').dataset.key = key;
  element('notice').replaceChildren(...noticeFor(model));
  element('notice').hidden = element('notice').childNodes.length === 0;
  element('suggestions').replaceChildren(...suggestions[kind].map(suggestion));
}

function noticeFor({ id, meta, gone }) {
  if (gone) return [tag('b', `${id} is no longer in the cluster. `), 'Choose another model, or wait until it is back.'];
  if (meta.state === 'failed') return [tag('b', `${id} cannot be loaded. `), meta.problem ?? ''];
  const get = ['. For real answers get ', link('SmolLM3', realModel), ', then ', tag('code', 'smol serve SmolLM3-Q4_K_M.gguf')];
  if (meta.kind === 'demo') return [tag('b', 'Demo model: '), 'tiny, for a first try', ...get];
  if (meta.kind === 'stub') return [tag('b', 'Stub: '), 'no model, always the same answer', ...get];
  return [];
}

const suggestion = text => button(text, 'button', () => onSuggestion(text));

function link(text, address) {
  const anchor = tag('a', text);
  anchor.href = address;
  anchor.rel = 'noopener noreferrer';
  anchor.target = '_blank';
  return anchor;
}
