// Runs the generated API tests of OpenAI's own node repository against a gateway, on demand: they are not copied here, and need a
// clone of it (work tree or bare) and a running gateway.
//
//   node openai-generated.mjs PATH_OF_CLONE URL_OF_GATEWAY MODEL
//
// A test that fails must stand in openai-generated.json with its reason, and one that stands there must fail: so the list stays true.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

const [clone, url, model] = process.argv.slice(2);
if (!model) {
  console.error('usage: node openai-generated.mjs PATH_OF_CLONE URL_OF_GATEWAY MODEL');
  process.exit(2);
}
const files = ['chat/completions/completions', 'completions', 'models', 'responses/responses', 'responses/input-items', 'responses/input-tokens'].map(name => `tests/api-resources/${name}.test.ts`);
const excluded = JSON.parse(readFileSync(new URL('openai-generated.json', import.meta.url), 'utf8'));
const folder = mkdtempSync(join(tmpdir(), 'smol-openai-generated-'));
try {
  for (const file of files) {
    // the models that its mock server knows are not here; everything else stays as it is
    const text = execFileSync('git', ['-C', clone, 'show', `HEAD:${file}`], { encoding: 'utf8' })
      .replace(/model: '[^']*'/g, `model: '${model}'`).replace(/models\.retrieve\('[^']*'/g, `models.retrieve('${model}'`);
    mkdirSync(dirname(join(folder, file)), { recursive: true });
    writeFileSync(join(folder, file), text);
  }
  writeFileSync(join(folder, 'package.json'), JSON.stringify({
    private: true,
    dependencies: { openai: '7.57.0', jest: '30.5.2', '@swc/core': '1.16.22', '@swc/jest': '0.2.39' },
    jest: { transform: { '\\.ts$': ['@swc/jest', { jsc: { parser: { syntax: 'typescript' } }, module: { type: 'commonjs' } }] }, testTimeout: 20000 },
  }));
  execFileSync('npm', ['install', '--ignore-scripts', '--no-audit', '--no-fund', '--silent'], { cwd: folder, stdio: 'inherit' });
  const report = run(folder);
  let wrong = 0, passed = 0;
  for (const { ancestorTitles, title, status, failureMessages } of report.testResults.flatMap(suite => suite.assertionResults)) {
    const name = [...ancestorTitles, title].join(' › ');
    const expected = name in excluded ? 'failed' : 'passed';
    if (status === 'pending') continue; // skipped by OpenAI itself
    passed += status === 'passed' ? 1 : 0;
    if (status !== expected) {
      wrong++;
      console.log(`${status === 'failed' ? `FAILED ${name}: ${failureMessages[0].split('\n')[0]}` : `passes, but stands in openai-generated.json: ${name}`}`);
    }
  }
  console.log(`${passed} passed, ${Object.keys(excluded).length} excluded, ${wrong} wrong`);
  process.exitCode = wrong ? 1 : 0;
} finally {
  rmSync(folder, { recursive: true });
}

function run(cwd) {
  const result = join(cwd, 'report.json');
  try {
    execFileSync('npx', ['jest', '--json', `--outputFile=${result}`, '--silent'], { cwd, stdio: 'ignore', env: { ...process.env, TEST_API_BASE_URL: `${url}/v1` } });
  } catch {
    // some fail; the report says which
  }
  return JSON.parse(readFileSync(result, 'utf8'));
}
