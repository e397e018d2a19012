// The official SDKs for Node through TokenHub. Prints one JSON object: what each of them heard.
//
// node proofs.mjs URL KEY

import Anthropic from "@anthropic-ai/sdk";
import OpenAI from "openai";

const [url, apiKey] = process.argv.slice(2);
const once = { apiKey, maxRetries: 0, timeout: 20_000 };
const gpt = new OpenAI({ ...once, baseURL: `${url}/v1` });
const claude = new Anthropic({ ...once, baseURL: url });

const model = "gpt";
const messages = [{ role: "user", content: "Hello" }];
const asking = [{ role: "user", content: "Ask weather and clock" }];
const schema = {
  type: "object",
  properties: { city: { type: "string" } },
  required: ["city"],
  additionalProperties: false,
};
const names = ["weather", "clock"];
const functions = names.map((name) => ({ type: "function", function: { name, parameters: schema } }));
const tools = names.map((name) => ({ name, input_schema: schema }));

async function raised(call) {
  try {
    await call();
  } catch (error) {
    const told = error.error?.error ?? error.error;
    return { class: error.constructor.name, status: error.status, code: told.code, message: told.message };
  }
  return {};
}

async function openaiWhole() {
  const answer = await gpt.chat.completions.create({ model, messages });
  const [choice] = answer.choices;
  return { text: choice.message.content, finish: choice.finish_reason, usage: answer.usage.completion_tokens };
}

async function openaiStreamed() {
  const stream = await gpt.chat.completions.create({ model, messages, stream: true });
  const heard = { text: "", finish: [], usage: 0 };
  for await (const chunk of stream) {
    const [choice] = chunk.choices;
    heard.text += choice.delta.content ?? "";
    if (choice.finish_reason) heard.finish.push(choice.finish_reason);
    if (chunk.usage) heard.usage += 1;
  }
  return heard;
}

async function openaiTools() {
  const stream = gpt.chat.completions.stream({ model, messages: asking, tools: functions });
  const first = (await stream.finalChatCompletion()).choices[0];
  const calls = first.message.tool_calls;
  const shown = {
    role: "assistant",
    content: first.message.content,
    tool_calls: calls.map(({ id, type, function: { name, arguments: given } }) => ({
      id,
      type,
      function: { name, arguments: given },
    })),
  };
  const told = calls.map((call) => ({ role: "tool", tool_call_id: call.id, content: "sunny" }));
  const second = await gpt.chat.completions.create({
    model,
    messages: [...asking, shown, ...told],
    tools: functions,
  });
  return {
    names: calls.map((call) => call.function.name),
    fields: calls.map((call) => Object.keys(JSON.parse(call.function.arguments))),
    finish: [first.finish_reason, second.choices[0].finish_reason],
  };
}

async function openaiSchema() {
  const answer = await gpt.chat.completions.create({
    model,
    messages,
    response_format: { type: "json_schema", json_schema: { name: "city", strict: true, schema } },
  });
  return Object.keys(JSON.parse(answer.choices[0].message.content));
}

async function anthropicWhole() {
  const answer = await claude.messages.create({ model, messages, max_tokens: 100 });
  return { text: answer.content[0].text, finish: answer.stop_reason, usage: answer.usage.output_tokens };
}

async function anthropicStreamed() {
  const stream = claude.messages.stream({ model, messages, max_tokens: 100 });
  const events = [];
  stream.on("streamEvent", (event) => event.type === events.at(-1) || events.push(event.type));
  const final = await stream.finalMessage();
  return { text: final.content[0].text, finish: final.stop_reason, events };
}

async function anthropicTools() {
  const ask = { model, tools, max_tokens: 100 };
  const first = await claude.messages.stream({ ...ask, messages: asking }).finalMessage();
  const uses = first.content.filter((block) => block.type === "tool_use");
  const told = uses.map((use) => ({ type: "tool_result", tool_use_id: use.id, content: "sunny" }));
  const second = await claude.messages.create({
    ...ask,
    messages: [
      ...asking,
      { role: "assistant", content: first.content },
      { role: "user", content: told },
    ],
  });
  return {
    names: uses.map((use) => use.name),
    fields: uses.map((use) => Object.keys(use.input)),
    finish: [first.stop_reason, second.stop_reason],
  };
}

async function listed(client) {
  const ids = [];
  for await (const one of client.models.list()) ids.push(one.id);
  return ids;
}

function errors(client, ask) {
  return Promise.all([
    raised(() => ask(new client.constructor({ ...once, apiKey: "sk-other", baseURL: client.baseURL }), {})),
    raised(() => ask(client, { max_tokens: -1 })),
    raised(() => ask(client, { model: "nope" })),
  ]);
}

const never = { headers: { "X-TokenHub-Substitute": "never" } };

console.log(
  JSON.stringify({
    openai: {
      whole: await openaiWhole(),
      streamed: await openaiStreamed(),
      tools: await openaiTools(),
      schema: await openaiSchema(),
      models: await listed(gpt),
      errors: await errors(gpt, (client, fields) =>
        client.chat.completions.create({ model, messages, ...fields }, never),
      ),
    },
    anthropic: {
      whole: await anthropicWhole(),
      streamed: await anthropicStreamed(),
      tools: await anthropicTools(),
      models: await listed(claude),
      errors: await errors(claude, (client, fields) =>
        client.messages.create({ model, messages, max_tokens: 100, ...fields }, never),
      ),
    },
  }),
);
