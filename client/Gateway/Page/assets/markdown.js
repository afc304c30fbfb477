// A little Markdown, built as DOM nodes and never as HTML text: whatever a model writes can only ever become text.

/**
 * Shows text in an element, replacing only the blocks that changed since the last call, so that a long answer that
 * streams in stays cheap and a selection in its earlier part survives.
 */
export function showMarkdown(element, text) {
  const blocks = split(text);
  blocks.forEach((block, index) => {
    const key = block.kind + '\u0000' + block.source;
    const old = element.children[index];
    if (old?.markdownKey === key) return;
    const node = build(block);
    node.markdownKey = key;
    if (old) old.replaceWith(node); else element.append(node);
  });
  while (element.children.length > blocks.length) element.lastElementChild.remove();
}

const listItem = /^\s*(?:[-*+]|\d{1,9}[.)])\s+/;

function split(text) {
  const blocks = [];
  let open = null;
  const close = () => { open = null; };
  const add = (kind, line, extra) => {
    if (open?.kind === kind) { open.lines.push(line); open.source += '\n' + line; }
    else blocks.push(open = { kind, lines: [line], source: line, ...extra });
  };
  for (const line of text.split('\n')) {
    if (open?.fence) {
      if (line.trim() === open.fence) close();
      else { open.lines.push(line); open.source += '\n' + line; }
      continue;
    }
    const fence = line.length < 1000 && /^\s*(`{3,}|~{3,})\s*([\w+#.-]*)\s*$/.exec(line);
    const heading = /^(#{1,6})\s+(.*)$/.exec(line);
    if (fence) { close(); blocks.push(open = { kind: 'code', fence: fence[1], language: fence[2], lines: [], source: line }); }
    else if (line.trim() === '') close();
    else if (heading) { close(); blocks.push({ kind: 'heading', level: heading[1].length, lines: [heading[2]], source: line }); }
    else if (/^\s*([-*_])(\s*\1){2,}\s*$/.test(line)) { close(); blocks.push({ kind: 'rule', lines: [], source: line }); }
    else if (listItem.test(line)) add(/^\s*\d/.test(line) ? 'ol' : 'ul', line);
    else if (/^>\s?/.test(line)) add('quote', line.replace(/^>\s?/, ''));
    else if (open && (open.kind === 'ul' || open.kind === 'ol') && /^\s+\S/.test(line)) add(open.kind, line);
    else add('p', line);
  }
  return mergeLists(blocks);
}

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
    default: return withInline(document.createElement('p'), block.lines.join('\n'));
  }
}

function list(block) {
  const element = document.createElement(block.kind);
  if (block.kind === 'ol') element.start = Number.parseInt(block.lines[0].trim(), 10);
  for (const line of block.lines) {
    if (listItem.test(line)) element.append(withInline(document.createElement('li'), line.replace(listItem, '')));
    else withInline(element.lastElementChild, '\n' + line.trim());
  }
  return element;
}

function codeBlock(block) {
  const figure = document.createElement('div');
  figure.className = 'code';
  const header = document.createElement('header');
  const language = document.createElement('span');
  language.textContent = block.language || 'text';
  header.append(language, copyButton('Copy code', () => block.lines.join('\n')));
  const code = document.createElement('code');
  code.textContent = block.lines.join('\n');
  const pre = document.createElement('pre');
  pre.tabIndex = 0;
  pre.append(code);
  figure.append(header, pre);
  return figure;
}

/** A button that copies text and says so. */
export function copyButton(label, text) {
  const button = document.createElement('button');
  button.type = 'button';
  button.className = 'quiet';
  button.textContent = 'Copy';
  button.ariaLabel = label;
  button.addEventListener('click', async () => {
    try {
      await navigator.clipboard.writeText(text());
      button.textContent = 'Copied';
    } catch {
      button.textContent = 'Copying is not allowed here';
    }
    setTimeout(() => { button.textContent = 'Copy'; }, 1500);
  });
  return button;
}

// Every span is bounded: an opening without its end is looked for anew at each opening, and the last block of an answer is
// looked at with every piece that comes.
const inlinePattern = /(?<!`)(`{1,20})(?!`)([\s\S]{0,2000}?[^`])\1(?!`)|\*\*(?=\S)([\s\S]{1,2000}?)\*\*|(?<![\w*])\*(?=[^\s*])([^*\n]{1,2000})\*(?!\*)|\[([^[\]\n]{1,2000})\]\((https?:\/\/[^\s)]{1,2000})\)/;
const longestInline = 10000;

function withInline(element, text) {
  if (text.length > longestInline) {
    element.append(text);
    return element;
  }
  let rest = text;
  for (let match; (match = inlinePattern.exec(rest)); rest = rest.slice(match.index + match[0].length)) {
    element.append(rest.slice(0, match.index));
    element.append(inline(match));
  }
  element.append(rest);
  return element;
}

function inline([, , code, strong, emphasis, linkText, address]) {
  if (code !== undefined) return filled('code', code);
  if (strong !== undefined) return withInline(document.createElement('strong'), strong);
  if (emphasis !== undefined) return withInline(document.createElement('em'), emphasis);
  const link = filled('a', linkText);
  link.href = address;
  link.rel = 'noopener noreferrer';
  link.target = '_blank';
  return link;
}

function filled(tag, text) {
  const element = document.createElement(tag);
  element.textContent = text;
  return element;
}
