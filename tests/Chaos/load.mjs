// Asks the gateways named on the command line, streamed and plain in turns, until standard input ends. The client tries nothing
// again, so what fails counts. Ends with "requests N, failed N".
import OpenAI from "openai";

const questions = JSON.parse(process.env.SMOL_QUESTIONS);
const clients = Number(process.env.SMOL_CLIENTS);
const gateways = process.argv.slice(2).map(url => new OpenAI({ baseURL: `${url}/v1`, apiKey: "none", maxRetries: 0 }));
let stopped = false, requests = 0, failed = 0;
process.stdin.on("end", () => { stopped = true; }).resume();

async function ask(openai, question, streamed) {
  const { stream_options, ...plain } = question;
  if (!streamed) {
    const answer = await openai.chat.completions.create({ ...plain, stream: false });
    if (!answer.choices[0].finish_reason) throw new Error("no end");
    return;
  }
  let end = null;
  for await (const chunk of await openai.chat.completions.create({ ...question, stream: true })) end = chunk.choices[0]?.finish_reason ?? end;
  if (!end) throw new Error("the stream had no end");
}

await Promise.all(Array.from({ length: clients }, async (_, number) => {
  for (let asked = number; !stopped; asked++) {
    requests++;
    try {
      await ask(gateways[number % gateways.length], questions[asked % questions.length], asked % 2 === 0);
    } catch (problem) {
      failed++;
      console.log(`  FAILED ${problem.status ?? ""} ${problem.message}`);
    }
  }
}));
console.log(`requests ${requests}, failed ${failed}`);
process.exit(failed === 0 && requests > 0 ? 0 : 1);
