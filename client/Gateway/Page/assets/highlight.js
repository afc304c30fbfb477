// A little syntax highlighting: comments, strings, numbers, keywords and calls, as most languages have them, built as nodes.

const words = list => new Set(list.split(' '));
const common = 'if else for while do switch case default break continue return try catch finally throw new class static const let var function import export from in of this super true false null void async await yield';
const languages = {
  csharp: { keywords: words(common + ' namespace using public private protected internal sealed record struct interface enum readonly ref out params string int long double float bool byte char object decimal is as not and or when with get set init required override virtual abstract foreach lock base where select typeof nameof default partial'), line: '//', block: ['/*', '*/'] },
  javascript: { keywords: words(common + ' extends typeof instanceof delete undefined type interface implements enum as readonly number string boolean any unknown never'), line: '//', block: ['/*', '*/'] },
  c: { keywords: words(common + ' int char long short unsigned signed float double struct union enum typedef sizeof extern inline bool auto template typename namespace using public private fn let mut impl trait pub use mod match loop move func package defer go chan map range type interface nil self Self val fun when object'), line: '//', block: ['/*', '*/'] },
  python: { keywords: words('def class return if elif else for while in not and or is lambda import from as try except finally raise with yield pass break continue global nonlocal assert del async await True False None self match case'), line: '#' },
  shell: { keywords: words('if then else elif fi for in do done while until case esac function return export local echo cd set sudo exit source alias'), line: '#' },
  sql: { keywords: words('select from where and or not insert into values update set delete create table drop alter index join left right inner outer on group by order having limit offset as distinct union all null is primary key references default case when then else end'), line: '--', block: ['/*', '*/'], ignoreCase: true },
  json: { keywords: words('true false null') },
  yaml: { keywords: words('true false null yes no'), line: '#' },
};
const names = {
  cs: 'csharp', 'c#': 'csharp', js: 'javascript', mjs: 'javascript', jsx: 'javascript', ts: 'javascript', tsx: 'javascript', typescript: 'javascript', 'c++': 'c', cpp: 'c', h: 'c',
  java: 'c', kotlin: 'c', go: 'c', rust: 'c', rs: 'c', swift: 'c', py: 'python', sh: 'shell', bash: 'shell', zsh: 'shell', console: 'shell', yml: 'yaml', toml: 'yaml', ini: 'yaml', jsonc: 'json',
};
const longest = 50_000;
const token = /("(?:\\.|[^"\\\n])*"?|'(?:\\.|[^'\\\n])*'?|`(?:\\.|[^`\\])*`?)|(\b\d[\w.]*)|([A-Za-z_$@][\w$]*)/y;

/** The code as nodes; plain text where the language is not known or the code is very long. */
export function highlighted(code, language) {
  const rules = languages[names[language.toLowerCase()] ?? language.toLowerCase()];
  if (!rules || code.length > longest) return [code];
  const nodes = [];
  let plain = '';
  const add = (kind, text) => {
    if (plain) { nodes.push(plain); plain = ''; }
    const span = document.createElement('span');
    span.className = `hl-${kind}`;
    span.textContent = text;
    nodes.push(span);
  };
  for (let at = 0; at < code.length;) {
    const end = commentEnd(code, at, rules);
    if (end > at) { add('comment', code.slice(at, end)); at = end; continue; }
    token.lastIndex = at;
    const match = token.exec(code);
    if (!match) { plain += code[at++]; continue; }
    const [text, string, number, word] = match;
    at += text.length;
    if (string) add('string', text);
    else if (number) add('number', text);
    else if (rules.keywords.has(rules.ignoreCase ? word.toLowerCase() : word)) add('keyword', text);
    else if (code[at] === '(') add('call', text);
    else plain += text;
  }
  if (plain) nodes.push(plain);
  return nodes;
}

function commentEnd(code, at, { line, block }) {
  if (block && code.startsWith(block[0], at)) {
    const end = code.indexOf(block[1], at + block[0].length);
    return end < 0 ? code.length : end + block[1].length;
  }
  if (!line || !code.startsWith(line, at) || (line === '#' && at > 0 && !/\s/.test(code[at - 1]))) return at;
  const end = code.indexOf('\n', at);
  return end < 0 ? code.length : end;
}
