// The page's heart: the conversation that is open, and the answer that is coming to it. What was said lives in the cluster; this
// page only shows it, so a reload, another tab or another machine loses nothing.

import { ApiFailure, changeConversation, continueAnswer, createConversation, postMessage, readConversation, stopAnswer, watchAnswer } from './api.js';
import { fork, markCurrent, refreshConversations, rename, save, startConversations } from './conversations.js';
import { element } from './dom.js';
import { clearFollowUps, showFollowUps } from './followups.js';
import { costOf, showContext, showSpeed } from './meter.js';
import { addAnswer, addError, userMessage } from './messages.js';
import { currentModel, refresh, startModels } from './models.js';
import { startPeople } from './people.js';
import { isAtEnd, follow, startPrompt, takePrompt, toLatest } from './prompt.js';
import { requestFields, startSettings, systemPrompt, wantsFollowUps } from './settings.js';
import { showAnswerStatus } from './status.js';
import { startCommands } from './commands.js';

const log = element('log');

/** The open conversation as last read; null: a new one. */
let open = null;
let running = null;

export const conversation = () => open;
export const isRunning = () => running !== null;

/** Says something in the open conversation, or in a new one. */
export async function send(text, parent = open?.head ?? 0) {
  if (running || !text.trim()) return;
  clearErrors();
  trimTo(parent);
  log.append(userMessage({ content: text }, {}));
  showOpen();
  toLatest();
  await answer(async hooks => {
    const fields = settings();
    open ??= await begin();
    return postMessage(open.id, { content: text, parent, ...fields }, hooks);
  }, () => retrySend(text, parent));
}

/** Has a person's message answered once more; without a number the last one. */
export async function regenerate(user = lastOf('user')?.id) {
  if (running || !user) return;
  clearErrors();
  trimTo(user);
  await answer(async hooks => postMessage(open.id, { parent: user, ...settings() }, hooks), () => regenerate(user));
}

/** Goes on with an answer that was cut; without a number the last one. */
export async function goOn(message = lastOf('assistant')?.id) {
  if (running || !message) return;
  clearErrors();
  trimTo(open.messages.find(other => other.id === message).parent);
  await answer(async hooks => continueAnswer(open.id, message, hooks), () => show(open.id));
}

/** Ends the answer; what was said stays. */
export async function stop() {
  if (!running) return;
  const mine = running;
  if (!open) return mine.leave.abort();
  try {
    await stopAnswer(open.id);
  } catch {
    mine.leave.abort(); // nobody to tell
  }
}

export function newChat() {
  leave();
  open = null;
  history.replaceState(null, '', '/');
  log.replaceChildren();
  clearFollowUps();
  showOpen();
  element('prompt').focus();
}

/** Opens a conversation and, if it is answering, follows the answer. */
export async function show(id) {
  leave();
  history.replaceState(null, '', `/#${id}`);
  try {
    open = await readConversation(id);
    draw();
    toLatest();
    const last = open.messages.at(-1);
    if (last?.answer?.finish_reason === null) resume(last);
  } catch (failure) {
    if (failure.status === 404) newChat();
    fail(failure, () => show(id));
  }
}

export const exportOpen = format => open ? save(open.id, format, open.title) : Promise.resolve();
export const renameOpen = () => open && rename(open.id);
export const forkOpen = () => open?.head ? fork(open.id, open.head).catch(fail) : undefined;

async function begin() {
  const created = await createConversation({});
  history.replaceState(null, '', `/#${created.id}`);
  markCurrent(created.id);
  return created;
}

const settings = () => ({ model: requireModel(), system: systemPrompt(), ...requestFields() });

function requireModel() {
  const model = currentModel();
  if (model?.gone) throw new ApiFailure({ message: `${model.id} is no longer in the cluster. Choose another model, then try again.`, code: 'model_gone' });
  return model?.id ?? 'none';
}

function resume(message) {
  const watched = open.id;
  trimTo(message.parent);
  return answer(async hooks => watchAnswer(watched, message.id, hooks), () => show(watched));
}

/** Shows an answer from its first event to its end; whatever happens, the page is ready afterwards. */
async function answer(start, retry) {
  const mine = running = { leave: new AbortController(), tokens: 0 };
  const view = addAnswer();
  const hooks = { signal: mine.leave.signal, lost: lost => showAnswerStatus(lost ? 'reconnecting' : 'generating', lost ? 'Reconnecting' : 'Generating') };
  showRunning(true);
  showAnswerStatus('queued', 'Waiting');
  follow();
  try {
    for await (const event of await start(hooks)) take(event, view, mine);
    await finish(mine, view);
  } catch (failure) {
    if (running !== mine) return view.remove();
    view.remove();
    if (mine.context) await reread(); // else nothing was asked, and what the person wrote stays on the page
    fail(failure, retry);
  } finally {
    if (running === mine) {
      running = null;
      showRunning(false);
    }
  }
}

function take(event, view, mine) {
  if (event.type === 'started') {
    mine.context = event;
    showAnswerStatus('queued', 'Waiting');
  } else if (event.type === 'queued') showAnswerStatus('queued', `Queued at ${event.ahead + 1}`);
  else if (event.type === 'prefill') showAnswerStatus('reading', 'Reading');
  else if (event.type === 'text' || event.type === 'reasoning') {
    if (event.type === 'text') view.write(event.text);
    else view.think(event.text);
    mine.tokens++;
    showAnswerStatus(view.isThinking ? 'thinking' : 'generating', view.isThinking ? 'Thinking' : 'Generating');
    if (mine.context) showContext(mine.context.prompt_tokens + mine.tokens, mine.context.context_length);
    follow();
  }
}

/** The record has ids, costs and versions that the stream does not tell. */
async function finish(mine, view) {
  const read = await readConversation(open.id);
  if (running !== mine) return;
  open = read;
  const [asked, answered] = open.messages.slice(-2);
  log.querySelector('.message.user:not([data-id])')?.replaceWith(userMessage(asked, userActions(asked)));
  view.finish(answered, answerActions(answered));
  showOpen();
  requestAnimationFrame(follow);
  refreshConversations();
  if (wantsFollowUps() && lastOf('assistant')?.answer.finish_reason === 'stop') offerFollowUps();
}

async function reread() {
  if (!open) return;
  try {
    open = await readConversation(open.id);
    draw();
  } catch {
    return; // what is shown stays
  }
}

/** A send that failed may have arrived all the same: the record knows. */
async function retrySend(text, parent) {
  if (!open) return send(text, parent);
  await reread();
  const last = open.messages.at(-1);
  if (last?.answer?.finish_reason === null) return resume(last);
  if (open.head !== parent && lastOf('user')?.content === text) return;
  await send(text, parent);
}

function draw() {
  log.ariaLive = 'off'; // or a screen reader would read all of it once more
  log.replaceChildren();
  clearFollowUps();
  for (const message of open.messages) {
    if (message.role === 'user') log.append(userMessage(message, userActions(message)));
    else addAnswer(message.id).finish(message, answerActions(message));
  }
  showOpen();
  setTimeout(() => { log.ariaLive = 'polite'; }, 100);
}

const userActions = message => ({ edit: text => send(text, message.parent), show: choose });

const answerActions = message => ({
  regenerate: () => regenerate(message.parent), continue: () => goOn(message.id), fork: () => fork(open.id, message.id).catch(fail), show: choose,
});

async function choose(id) {
  if (running) return;
  try {
    open = await changeConversation(open.id, { head: id });
    draw();
    log.querySelector(`[data-id="${id}"]`)?.scrollIntoView({ block: 'nearest' });
  } catch (failure) {
    fail(failure);
  }
}

/** Takes what comes after a message off the page; the cluster keeps it. */
function trimTo(id) {
  const kept = open?.messages.findIndex(message => message.id === id) ?? -1;
  const articles = [...log.querySelectorAll('.message')];
  for (const article of articles.slice(kept + 1)) article.remove();
  clearFollowUps();
}

function offerFollowUps() {
  showFollowUps([...open.messages.map(({ role, content }) => ({ role, content }))], currentModel(), text => send(text));
}

function showOpen() {
  element('title').textContent = open?.title ?? 'New chat';
  document.title = open?.title ? `${open.title} – SmolCluster` : 'SmolCluster';
  element('welcome').hidden = log.childElementCount > 0;
  markCurrent(open?.id ?? null);
  const last = lastOf('assistant')?.answer;
  showContext(last ? last.prompt_tokens + last.completion_tokens : 0, last?.context_length || currentModel()?.meta.context_length || 0);
  showSpeed(last ? costOf(last).speed : '');
}

function showRunning(value) {
  element('stop').hidden = !value;
  element('send').hidden = value;
  log.toggleAttribute('data-running', value);
  if (!value) showAnswerStatus(null);
}

function fail(failure, retry) {
  addError(failure instanceof ApiFailure ? failure : new ApiFailure({ message: `This page failed: ${failure.message}`, code: null }), retry);
  if (isAtEnd()) follow();
  refresh();
}

/** The answer goes on in the cluster, without this page. */
function leave() {
  running?.leave.abort();
  running = null;
  showRunning(false);
  clearErrors();
}

const lastOf = role => open?.messages.findLast(message => message.role === role);
const clearErrors = () => { for (const card of log.querySelectorAll('.error, .note')) card.remove(); };

document.addEventListener('keydown', event => {
  if (event.key === 'Escape' && !event.defaultPrevented && !document.querySelector(':popover-open, dialog[open]')) stop();
  if (event.ctrlKey && event.shiftKey && event.key.toLowerCase() === 'o') { event.preventDefault(); newChat(); }
});
element('stop').addEventListener('click', () => { stop(); element('prompt').focus(); });
element('new-chat').addEventListener('click', newChat);
addEventListener('hashchange', openFromAddress);

function openFromAddress() {
  const id = location.hash.slice(1);
  if (id && id !== open?.id) show(id);
}

startPeople(() => { newChat(); refreshConversations(); refresh(); });
startSettings();
startConversations({
  open: id => show(id).then(() => element('prompt').focus()),
  failed: failure => fail(failure),
  removed: id => { if (open?.id === id) newChat(); },
  renamed: (id, title) => { if (open?.id === id) { open.title = title; showOpen(); } },
});
startModels(text => { element('prompt').focus(); send(text); });
startCommands(); // before the message field: what its keys mean while the palette is open
startPrompt(text => send(text));
refreshConversations();
openFromAddress();
if (matchMedia('(hover: hover)').matches) element('prompt').focus();
takePrompt();
