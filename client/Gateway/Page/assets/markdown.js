// A little Markdown, built as DOM nodes and never as HTML text: whatever a model writes can only ever become text.

import { button, tag } from './dom.js';
import { highlighted } from './highlight.js';
import { withInline } from './inline.js';

const listItem = /^(\s*)(?:[-*+]|\d{1,9}[.)])\s+/;
const longestOpenCode = 8000;

/**
 * Shows text in an element, replacing only the blocks that changed since the last call, so that a long answer that
 * streams in stays cheap and a selection in its earlier part survives.
 */
export function showMarkdown(element, text) {
  const blocks = split(text);
  blocks.forEach((block, index) => {
    const key = `${block.kind}\u0000${block.open}\u0000${block.source}`;
    const old = element.children[index];
    if (old?.markdownKey === key) return;
    const node = build(block);
    node.markdownKey = key;
    if (old) old.replaceWith(node); else element.append(node);
  });
  while (element.children.length > blocks.length) element.lastElementChild.remove();
}

function split(text) {
  const blocks = [];
  let open = null;
  const start = block => { blocks.push(block); return block; };
  const add = (kind, line) => {
    if (open?.kind === kind) { open.lines.push(line); open.source += '\n' + line; }
    else open = start({ kind, lines: [line], source: line });
  };
  for (const line of text.split('\n')) {
    if (open?.fence) {
      if (line.trim() === open.fence) { open.open = false; open = null; }
      else { open.lines.push(line); open.source += '\n' + line; }
      continue;
    }
    const fence = line.length < 1000 && /^\s*(`{3,}|~{3,})\s*([\w+#.-]*)\s*$/.exec(line);
    const heading = /^(#{1,6})\s+(.*)$/.exec(line);
    if (fence) open = start({ kind: 'code', fence: fence[1], language: fence[2], lines: [], source: line, open: true });
    else if (line.trim() === '') open = null;
    else if (heading) { start({ kind: 'heading', level: heading[1].length, lines: [heading[2]], source: line }); open = null; }
    else if (/^\s*([-*_])(\s*\1){2,}\s*$/.test(line)) { start({ kind: 'rule', lines: [], source: line }); open = null; }
    else if (listItem.test(line)) add(open?.kind === 'ul' || open?.kind === 'ol' ? open.kind : kindOfItem(line), line);
    else if (/^>\s?/.test(line)) add('quote', line.replace(/^>\s?/, ''));
    else if (/^\s*\|.*\|\s*$/.test(line)) add('table', line);
    else if (open && (open.kind === 'ul' || open.kind === 'ol') && /^\s+\S/.test(line)) add(open.kind, line);
    else add('p', line);
  }
  return mergeLists(blocks);
}

const kindOfItem = line => (/^\s*\d/.test(line) ? 'ol' : 'ul');

/** Lists whose items stand apart by an empty line are one list. */
function mergeLists(blocks) {
  const merged = [];
  for (const block of blocks) {
    const last = merged.at(-1);
    if (last && last.kind === block.kind && (block.kind === 'ol' || block.kind === 'ul')) {
      last.lines.push(...block.lines);
      last.source += '\n' + block.source;
    } else merged.push(block);
  }
  return merged;
}

function build(block) {
  switch (block.kind) {
    case 'code': return codeBlock(block);
    case 'heading': return withInline(document.createElement('h' + Math.min(5, block.level + 2)), block.lines[0]);
    case 'rule': return document.createElement('hr');
    case 'ul': case 'ol': return list(block);
    case 'quote': return withInline(document.createElement('blockquote'), block.lines.join('\n'));
    case 'table': return table(block.lines);
    default: return withInline(document.createElement('p'), block.lines.join('\n'));
  }
}

/** Items that are indented further than the one before begin a list inside of it; at most six deep. */
function list({ kind, lines }) {
  const root = emptyList(kind, lines[0]);
  const levels = [{ indent: indentOf(lines[0]), element: root }];
  for (const line of lines) {
    if (!listItem.test(line)) {
      withInline(levels.at(-1).element.lastElementChild, '\n' + line.trim());
      continue;
    }
    const indent = indentOf(line);
    while (levels.length > 1 && indent < levels.at(-1).indent) levels.pop();
    const level = levels.at(-1);
    if (indent >= level.indent + 2 && level.element.lastElementChild && levels.length < 6) {
      const inner = emptyList(kindOfItem(line), line);
      level.element.lastElementChild.append(inner);
      levels.push({ indent, element: inner });
    }
    levels.at(-1).element.append(withInline(document.createElement('li'), line.replace(listItem, '')));
  }
  return root;
}

const indentOf = line => listItem.exec(line)[1].length;

function emptyList(kind, line) {
  const element = document.createElement(kind);
  if (kind === 'ol') element.start = Number.parseInt(line.trim(), 10);
  return element;
}

/** Rows between bars; the row of dashes under the first one makes it a head. */
function table(lines) {
  const rows = lines.map(line => line.trim().replace(/^\||\|$/g, '').split('|').map(cell => cell.trim()));
  const isHead = rows.length > 1 && rows[1].every(cell => /^:?-+:?$/.test(cell));
  const frame = tag('div', '', 'table');
  frame.tabIndex = 0;
  frame.setAttribute('role', 'region');
  frame.ariaLabel = 'Table';
  const element = document.createElement('table');
  rows.forEach((cells, index) => {
    if (isHead && index === 1) return;
    const row = document.createElement('tr');
    for (const cell of cells) row.append(withInline(document.createElement(isHead && index === 0 ? 'th' : 'td'), cell));
    element.append(row);
  });
  frame.append(element);
  return frame;
}

function codeBlock(block) {
  const text = block.lines.join('\n');
  const figure = tag('div', '', 'code');
  const header = document.createElement('header');
  header.append(tag('span', block.language || 'text'), copyButton('Copy code', () => text));
  const code = document.createElement('code');
  code.append(...(block.open && text.length > longestOpenCode ? [text] : highlighted(text, block.language)));
  const pre = document.createElement('pre');
  pre.tabIndex = 0;
  pre.setAttribute('role', 'region');
  pre.ariaLabel = `Code${block.language ? ` in ${block.language}` : ''}`;
  pre.append(code);
  figure.append(header, pre);
  return figure;
}

/** A button that copies text and says so. */
export function copyButton(label, text) {
  const say = (words, name) => { element.textContent = words; element.ariaLabel = name; };
  const element = button('Copy', 'quiet', async () => {
    const copied = await navigator.clipboard.writeText(text()).then(() => 'Copied', () => 'Copying is not allowed here');
    say(copied, copied);
    setTimeout(() => say('Copy', label), 1500);
  }, label);
  return element;
}
