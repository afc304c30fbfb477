// Writes generated-calls.json: which calls the generated API tests of OpenAI's node repository make, and with what, as data. It runs the
// tests with a client that only notes down. Needed again when the repository's API has grown:
//
//   node generated-calls.mjs PATH_OF_CLONE > generated-calls.json
import { execFileSync } from 'node:child_process';

const files = ['chat/completions/completions', 'chat/completions/messages', 'completions', 'models', 'responses/responses', 'responses/input-items', 'responses/input-tokens'];
const clone = process.argv[2];
const git = (...args) => execFileSync('git', ['-C', clone, ...args], { encoding: 'utf8' }).trim();
const calls = [];
for (const file of files) {
  const tests = [];
  let noted = null;
  const note = path => new Proxy(() => {}, {
    get: (_, name) => note(path ? `${path}.${name}` : name),
    apply: (_, self, args) => {
      noted ??= { call: path, args };
      return { asResponse: async () => null, withResponse: async () => ({}), then: resolve => resolve(null) };
    },
  });
  const expect = () => new Proxy({}, {
    get: (_, name) => name === 'not' ? expect() : name === 'rejects' ? { toThrow: error => { noted.throws = error.name; } } : () => {},
  });
  class OpenAI {
    static NotFoundError = { name: 'NotFoundError' };
    constructor() { return note(''); }
  }
  const text = git('show', `HEAD:tests/api-resources/${file}.test.ts`).replace(/^import .*$/gm, '');
  new Function('OpenAI', 'describe', 'test', 'expect', 'Response', text)(OpenAI, (_, body) => body(), (name, body) => tests.push({ name, body }), expect, Object);
  for (const { name, body } of tests) {
    noted = null;
    await body();
    calls.push({ test: `${file}: ${name}`, ...noted });
  }
}
const lines = calls.map(call => `    ${JSON.stringify(call)}`).join(',\n');
console.log(`{\n  "source": "github.com/openai/openai-node ${git('rev-parse', 'HEAD')}, tests/api-resources",\n  "calls": [\n${lines}\n  ]\n}`);
