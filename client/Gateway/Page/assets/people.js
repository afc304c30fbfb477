// Who is chatting: names (and keys) kept in this browser, sent with every call.

import { element, store, stored, tag } from './dom.js';

let people = stored('smol.people') ?? [{ name: '' }];
let current = stored('smol.person') ?? '';
let onChange = () => {};

const me = () => people.find(person => person.name === current) ?? people[0] ?? { name: '' };

/** What every request says of who sends it. */
export function identityHeaders() {
  const { name, key } = me();
  return { ...(name && { 'X-SmolCluster-User': encodeURIComponent(name) }), ...(key && { Authorization: `Bearer ${key}` }) };
}

/** The name as others see it; empty: nobody in particular. */
export const personName = () => me().name;

export function startPeople(changed) {
  onChange = changed;
  show();
  element('person').addEventListener('toggle', event => { if (event.newState === 'open') fill(); });
  element('person').addEventListener('submit', event => {
    event.preventDefault();
    const name = element('person-input').value.trim();
    const key = element('key-input').value.trim();
    people = [...people.filter(person => person.name !== name), { name, ...(key && { key }) }];
    element('person').hidePopover();
    use(name);
  });
  element('person-forget').addEventListener('click', () => {
    const name = element('person-input').value.trim();
    people = people.filter(person => person.name !== name);
    if (people.length === 0) people = [{ name: '' }];
    element('person').hidePopover();
    use(people[0].name);
  });
}

function use(name) {
  current = name;
  store('smol.people', people);
  store('smol.person', current);
  show();
  onChange();
}

function show() {
  const name = me().name;
  element('person-name').textContent = name || 'Guest';
  element('person-initial').textContent = [...(name || 'G')][0].toUpperCase();
}

function fill() {
  element('person-input').value = me().name;
  element('key-input').value = me().key ?? '';
  element('people').replaceChildren(...people.map(person => {
    const button = tag('button', person.name || 'Guest', 'chip');
    button.type = 'button';
    button.ariaPressed = String(person.name === me().name);
    button.addEventListener('click', () => { element('person').hidePopover(); use(person.name); });
    return button;
  }));
}
