// Spans inside a block of Markdown, built as DOM nodes. Every span is bounded: an opening without its end is looked for anew at
// each opening, and the last block of an answer is looked at with every piece that comes.

import { tag } from './dom.js';

const pattern = /(?<!`)(`{1,20})(?!`)([\s\S]{0,2000}?[^`])\1(?!`)|\*\*(?=\S)([\s\S]{1,2000}?)\*\*|~~(?=\S)([^~\n]{1,2000})~~|(?<![\w*])\*(?=[^\s*])([^*\n]{1,2000})\*(?!\*)|\[([^[\]\n]{1,2000})\]\((https?:\/\/[^\s)]{1,2000})\)/;
const longest = 10000;

/** The element with text in it, its spans as elements. */
export function withInline(element, text) {
  if (text.length > longest) {
    element.append(text);
    return element;
  }
  let rest = text;
  for (let match; (match = pattern.exec(rest)); rest = rest.slice(match.index + match[0].length)) {
    element.append(rest.slice(0, match.index));
    element.append(span(match));
  }
  element.append(rest);
  return element;
}

function span([, , code, strong, struck, emphasis, linkText, address]) {
  if (code !== undefined) return tag('code', code);
  if (strong !== undefined) return withInline(document.createElement('strong'), strong);
  if (struck !== undefined) return withInline(document.createElement('s'), struck);
  if (emphasis !== undefined) return withInline(document.createElement('em'), emphasis);
  const link = tag('a', linkText);
  link.href = address;
  link.rel = 'noopener noreferrer';
  link.target = '_blank';
  return link;
}
