// The sidebar: the person's conversations, as the cluster keeps them.

import { changeConversation, deleteConversation, exportConversation, forkConversation, listConversations, readConversation } from './api.js';
import { button, confirmed, download, element, tag } from './dom.js';

const list = element('conversations');
let shown = [];
let currentId = null;
let page = { has_more: false, last_id: null };
let asked = 0;
let menuFor = null;
let hooks;

/** hooks: open(id), failed(failure), removed(id), renamed(id, title). */
export function startConversations(with_) {
  hooks = with_;
  let timer;
  element('search').addEventListener('input', () => { clearTimeout(timer); timer = setTimeout(refreshConversations, 200); });
  element('conversations-more').addEventListener('click', more);
  list.addEventListener('keydown', moveFocus);
  for (const item of element('menu').children) item.addEventListener('click', () => act(item.dataset.action));
  element('menu').addEventListener('toggle', event => {
    if (event.newState === 'open') element('menu').firstElementChild.focus();
  });
  element('menu').addEventListener('keydown', event => {
    const items = [...element('menu').children];
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    items[(items.indexOf(document.activeElement) + step + items.length) % items.length].focus();
  });
  element('sidebar-open').addEventListener('click', () => toggleSidebar(true));
  element('sidebar-close').addEventListener('click', () => toggleSidebar(false));
  element('scrim').addEventListener('click', () => toggleSidebar(false));
  element('sidebar').addEventListener('keydown', event => { if (event.key === 'Escape') toggleSidebar(false); });
}

/** On phones the list lies over the page. */
export function toggleSidebar(open) {
  element('sidebar').dataset.open = String(open);
  element('sidebar-open').setAttribute('aria-expanded', String(open));
  element('scrim').hidden = !open;
  if (open) element('new-chat').focus();
}

export function markCurrent(id) {
  currentId = id;
  for (const item of list.children) item.firstElementChild.ariaCurrent = item.dataset.id === id ? 'page' : null;
}

/** Reads the list anew; the last call wins. */
export async function refreshConversations() {
  const mine = ++asked;
  try {
    const search = element('search').value.trim();
    const answer = await listConversations({ search, limit: Math.min(100, Math.max(30, shown.length)) });
    if (mine !== asked) return;
    page = answer;
    shown = answer.data;
    draw(search);
  } catch (failure) {
    if (mine === asked) tell(failure.code === 'cluster_connecting' ? 'Connecting …' : failure.message);
  }
}

async function more() {
  const answer = await listConversations({ search: element('search').value.trim(), after: page.last_id }).catch(hooks.failed);
  if (!answer) return;
  page = answer;
  shown = [...shown, ...answer.data];
  draw(element('search').value.trim());
}

function draw(search) {
  if (list.querySelector('.rename')) return; // a name is being written; its end reads the list anew
  const focused = document.activeElement?.closest?.('#conversations li')?.dataset.id;
  list.replaceChildren(...shown.map(row));
  if (focused) [...list.children].find(item => item.dataset.id === focused)?.firstElementChild.focus();
  element('conversations-more').hidden = !page.has_more;
  if (shown.length === 0) tell(search ? `Nothing with “${search}”.` : 'Your conversations will be here.');
  else element('conversations-empty').hidden = true;
}

function tell(text) {
  element('conversations-empty').textContent = text;
  element('conversations-empty').hidden = false;
}

function row(entry) {
  const item = tag('li');
  item.dataset.id = entry.id;
  const open = button('', 'conversation', () => { toggleSidebar(false); hooks.open(entry.id); });
  open.append(tag('span', entry.title ?? 'New chat', 'conversation-title'), tag('span', entry.preview, 'conversation-preview'));
  open.addEventListener('keydown', event => {
    if (event.key === 'F2') { event.preventDefault(); rename(entry.id); }
    if (event.key === 'Delete') { event.preventDefault(); remove(entry); }
  });
  if (entry.id === currentId) open.ariaCurrent = 'page';
  const dots = button('⋯', 'dots', event => openMenu(entry, event.currentTarget), `Actions for ${entry.title ?? 'New chat'}`);
  dots.ariaHasPopup = 'menu';
  item.append(open, dots);
  return item;
}

function openMenu(entry, from) {
  menuFor = { entry, from };
  const menu = element('menu');
  const box = from.getBoundingClientRect();
  menu.style.left = `${Math.min(box.left, innerWidth - 210)}px`;
  menu.style.top = `${Math.min(box.bottom + 6, innerHeight - 230)}px`;
  menu.showPopover();
}

async function act(action) {
  const { entry, from } = menuFor;
  element('menu').hidePopover();
  from.focus();
  const deeds = {
    rename: () => rename(entry.id),
    delete: () => remove(entry),
    fork: () => forkWhole(entry.id),
    markdown: () => save(entry.id, 'markdown', entry.title),
    json: () => save(entry.id, 'json', entry.title),
  };
  await deeds[action]();
}

/** A field in the place of the title; Enter keeps, Escape does not. */
export function rename(id) {
  const item = [...list.children].find(other => other.dataset.id === id);
  if (!item) return;
  const entry = shown.find(other => other.id === id);
  const field = tag('input', '', 'rename inset');
  field.value = entry.title ?? '';
  field.maxLength = 200;
  field.ariaLabel = 'New name';
  item.firstElementChild.hidden = true;
  item.prepend(field);
  field.select();
  let left = false;
  const leave = async keep => {
    if (left) return;
    left = true;
    const title = field.value.trim();
    field.remove();
    item.firstElementChild.hidden = false;
    item.firstElementChild.focus();
    if (!keep || !title || title === entry.title) return refreshConversations();
    try {
      await changeConversation(id, { title });
      hooks.renamed(id, title);
      await refreshConversations();
    } catch (failure) {
      hooks.failed(failure);
    }
  };
  field.addEventListener('keydown', event => {
    event.stopPropagation();
    if (event.key === 'Enter') leave(true);
    if (event.key === 'Escape') leave(false);
  });
  field.addEventListener('blur', () => leave(true));
}

async function remove(entry) {
  if (!await confirmed('Delete this conversation?', `“${entry.title ?? 'New chat'}” and its ${entry.message_count} messages will be gone for good.`, 'Delete')) return;
  try {
    await deleteConversation(entry.id);
    hooks.removed(entry.id);
    await refreshConversations();
  } catch (failure) {
    hooks.failed(failure);
  }
}

async function forkWhole(id) {
  try {
    const { head } = await readConversation(id);
    if (head > 0) await fork(id, head);
  } catch (failure) {
    hooks.failed(failure);
  }
}

/** A new conversation with the messages up to this one, opened at once. */
export async function fork(id, message) {
  const { title } = await readConversation(id);
  const forked = await forkConversation(id, message, `${(title ?? 'New chat').slice(0, 180)} (fork)`);
  await refreshConversations();
  hooks.open(forked.id);
}

/** Gives the conversation as a file. */
export async function save(id, format, title) {
  const text = await exportConversation(id, format).catch(hooks.failed);
  if (text === undefined) return;
  const name = (title ?? 'conversation').replace(/[^\p{L}\p{N} _-]/gu, '').trim().slice(0, 60) || 'conversation';
  download(`${name}.${format === 'json' ? 'json' : 'md'}`, text, format === 'json' ? 'application/json' : 'text/markdown');
}

function moveFocus(event) {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  const item = event.target.closest('li');
  if (!step || !item || event.target.tagName === 'INPUT') return;
  event.preventDefault();
  (step > 0 ? item.nextElementSibling : item.previousElementSibling)?.firstElementChild.focus();
}
