// The cluster as it is, looked at every two seconds while somebody looks at the page.

import { drainSilo, readCluster } from './api.js';
import { button, confirmed, element, tag } from './dom.js';
import { showModelStatus } from './status.js';

const period = 2000;
const remembered = 60;
const rates = [];
let before = null;
let timer;

async function look() {
  clearTimeout(timer);
  try {
    const now = await readCluster();
    show(now);
    before = now;
    element('problem').hidden = true;
  } catch (failure) {
    showModelStatus('error', failure.status ? 'Cluster unreachable' : 'Gateway unreachable');
    tellProblem(failure.message);
  }
  timer = setTimeout(() => document.hidden || look(), period);
}

function show(now) {
  const models = modelsOf(now);
  const sum = name => models.reduce((total, model) => total + model[name], 0);
  remember(rateOf(now));
  element('rate').textContent = rates.at(-1).toFixed(1);
  element('running').textContent = sum('running');
  element('waiting').textContent = sum('waiting');
  element('cached').textContent = sum('prompt_tokens') === 0 ? '–' : `${Math.round(100 * sum('cached_tokens') / sum('prompt_tokens'))} %`;
  element('users').textContent = now.user_count;
  const active = now.silos.filter(silo => silo.status === 'Active').length;
  const named = new Set(models.map(model => model.id)).size;
  element('summary').textContent = `${active} ${active === 1 ? 'silo' : 'silos'}, ${named} ${named === 1 ? 'model' : 'models'}`;
  const ready = models.some(model => model.state === 'ready');
  showModelStatus(ready ? 'ready' : 'loading', ready ? 'Live' : 'No model ready');
  element('orleans').hidden = !now.dashboard;
  drawSpark();
  drawSilos(now);
  drawUsers(now);
}

const modelsOf = view => view.silos.flatMap(silo => silo.models);
const sampled = silo => silo.models.reduce((total, model) => total + model.sampled_tokens, 0);

/** Tokens a second since the last look, for one silo or all; a silo that is new begins at its own zero. */
function rateOf(now, name = null) {
  if (!before) return 0;
  const seconds = (now.at - before.at) / 1000;
  const old = new Map(before.silos.map(silo => [silo.name, silo]));
  const count = now.silos.filter(silo => name === null || silo.name === name)
    .reduce((total, silo) => total + Math.max(0, sampled(silo) - (old.has(silo.name) ? sampled(old.get(silo.name)) : sampled(silo))), 0);
  return seconds > 0 ? count / seconds : 0;
}

function remember(rate) {
  rates.push(rate);
  if (rates.length > remembered) rates.shift();
}

function drawSpark() {
  const most = Math.max(1, ...rates);
  const x = index => 240 * (index + remembered - rates.length) / (remembered - 1);
  element('spark').firstElementChild.setAttribute('d', rates.map((rate, index) => `${index ? 'L' : 'M'}${x(index).toFixed(1)} ${(42 - 40 * rate / most).toFixed(1)}`).join(' '));
}

function drawSilos(now) {
  const focused = document.activeElement?.dataset?.silo;
  element('silos').replaceChildren(...now.silos.map(silo => card(silo, now)));
  if (focused) [...document.querySelectorAll('[data-silo]')].find(node => node.dataset.silo === focused)?.focus();
}

function card(silo, now) {
  const article = tag('article', '', 'silo raised');
  const header = document.createElement('header');
  const state = tag('span', '', 'pill');
  state.dataset.state = silo.status === 'Active' ? (silo.answers ? 'ready' : 'error') : 'loading';
  state.append(tag('i', '', 'dot'), tag('span', silo.status === 'Active' ? (silo.answers ? 'Active' : 'Silent') : silo.status));
  header.append(tag('h3', silo.name), state);
  const facts = [silo.address, `up ${since(now.at / 1000 - silo.started_at)}`, silo.resident_bytes > 0 && `${bytes(silo.resident_bytes)} in memory`, `${rateOf(now, silo.name).toFixed(1)} tokens/s`];
  article.append(header, tag('div', facts.filter(Boolean).join(' · '), 'facts'), ...silo.models.map(modelCard));
  if (now.may_drain && silo.status === 'Active') {
    const footer = document.createElement('footer');
    const drain = button('Drain', 'button danger', () => drainOne(silo, now), `Drain ${silo.name}`);
    drain.dataset.silo = silo.name;
    footer.append(drain);
    article.append(footer);
  }
  return article;
}

function modelCard(model) {
  const section = tag('section', '', 'model');
  section.ariaLabel = model.id;
  const head = tag('div', '', 'model-head');
  head.append(tag('span', model.id));
  if (model.kind !== 'real') {
    const badge = tag('span', model.kind, 'badge');
    badge.dataset.kind = model.kind;
    head.append(badge);
  }
  if (model.state === 'stage') head.append(tag('span', 'part', 'badge')); // another silo answers
  section.append(head);
  if (model.state === 'loading') section.append(gauge('Loading', [[model.progress, '']], `${Math.floor(model.progress * 100)} %`));
  if (model.problem) section.append(tag('div', model.problem, 'problem'));
  if (model.state !== 'ready') return section;
  if (model.pages > 0) {
    section.append(gauge('KV pages', [[model.used_pages / model.pages, ''], [model.idle_pages / model.pages, 'idle']],
      `${model.used_pages.toLocaleString('en')} used, ${model.idle_pages.toLocaleString('en')} kept of ${model.pages.toLocaleString('en')}`));
  }
  const counts = tag('div', '', 'counts');
  for (const [value, name] of [[model.running, 'in the batch'], [model.waiting, 'waiting'], [model.sampled_tokens, 'tokens so far'],
    [model.prompt_tokens ? `${Math.round(100 * model.cached_tokens / model.prompt_tokens)} %` : '–', 'cached']]) {
    const count = document.createElement('span');
    count.append(tag('b', typeof value === 'number' ? value.toLocaleString('en') : value), ` ${name}`);
    counts.append(count);
  }
  section.append(counts);
  return section;
}

function gauge(name, parts, text) {
  const row = tag('div', '', 'gauge');
  const meter = tag('span', '', 'meter inset');
  meter.setAttribute('role', 'meter');
  meter.ariaLabel = name;
  meter.ariaValueMin = '0';
  meter.ariaValueMax = '100';
  meter.ariaValueNow = String(Math.round(100 * parts[0][0]));
  meter.ariaValueText = text;
  meter.dataset.level = parts[0][0] > 0.85 ? 'full' : parts[0][0] > 0.6 ? 'high' : 'low';
  for (const [share, className] of parts) {
    const part = tag('i', '', className);
    part.style.width = `${Math.min(100, 100 * share)}%`;
    meter.append(part);
  }
  row.append(tag('span', name), meter, tag('span', text));
  return row;
}

function drawUsers(now) {
  if (!now.users || now.users.length === 0) {
    const text = now.user_count === 0 ? 'Nobody waits for an answer now.' : `${now.user_count} with an answer; names are shown on the gateway’s own machine only.`;
    return element('people').replaceChildren(tag('p', text));
  }
  const table = document.createElement('table');
  const head = document.createElement('tr');
  for (const name of ['User', 'In the batch', 'Waiting']) head.append(tag('th', name));
  table.append(head);
  for (const user of now.users) {
    const row = document.createElement('tr');
    for (const value of [user.name, user.running, user.waiting]) row.append(tag('td', String(value)));
    table.append(row);
  }
  element('people').replaceChildren(table);
}

async function drainOne(silo, now) {
  const alone = now.silos.filter(other => other.status === 'Active').length === 1;
  const text = `It takes nothing new, hands over the answers it runs, and ends its process. ${alone ? 'It is the only silo: the cluster will answer nobody until another one starts.' : ''}`;
  if (!await confirmed(`Drain ${silo.name}?`, text, 'Drain')) return;
  try {
    show(await drainSilo(silo.name));
  } catch (failure) {
    tellProblem(failure.message);
  }
}

function tellProblem(text) {
  element('problem').textContent = text;
  element('problem').hidden = false;
}

function since(seconds) {
  if (seconds < 90) return `${Math.max(0, Math.round(seconds))} s`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min`;
  return seconds < 172800 ? `${Math.round(seconds / 3600)} h` : `${Math.round(seconds / 86400)} days`;
}

const bytes = count => (count < 1 << 30 ? `${Math.round(count / (1 << 20))} MiB` : `${(count / (1 << 30)).toFixed(1)} GiB`);

document.addEventListener('visibilitychange', () => { if (!document.hidden) look(); });
look();
