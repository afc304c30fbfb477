// Small things that every module needs. Text of people and models becomes text nodes and nothing else.

export const element = id => document.getElementById(id);

export function tag(name, text = '', className = '') {
  const node = document.createElement(name);
  node.textContent = text;
  if (className) node.className = className;
  return node;
}

export function button(text, className, action, label = null) {
  const node = tag('button', text, className);
  node.type = 'button';
  if (label) node.ariaLabel = label;
  node.addEventListener('click', action);
  return node;
}

/** A value kept in this browser; null where there is none or storage is forbidden. */
export function stored(key) {
  try {
    return JSON.parse(localStorage.getItem(key));
  } catch {
    return null;
  }
}

/** Keeps a value for the next visit, where the browser allows it; else it lasts as long as the page. */
export function store(key, value) {
  try {
    localStorage.setItem(key, JSON.stringify(value));
  } catch {
    return;
  }
}

/** Gives a file to the person. */
export function download(name, text, type) {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(new Blob([text], { type }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}

/** Asks before something that cannot be taken back. */
export function confirmed(title, text, yes) {
  const dialog = element('confirm');
  element('confirm-title').textContent = title;
  element('confirm-text').textContent = text;
  element('confirm-yes').textContent = yes;
  dialog.returnValue = 'no';
  dialog.showModal();
  return new Promise(done => dialog.addEventListener('close', () => done(dialog.returnValue === 'yes'), { once: true }));
}
