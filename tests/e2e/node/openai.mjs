// OpenAI's SDK: every proof whole, by `create` or `parse`, and streamed, by the SDK's own helper.

import OpenAI from "openai";

import { both, hello, ids, model, more, names, once, refused, schema, think } from "./asks.mjs";

const tools = names.map((name) => ({ type: "function", function: { name, parameters: schema } }));
const city = { type: "json_schema", json_schema: { name: "city", strict: true, schema } };
const usage = { stream_options: { include_usage: true } };
const never = { headers: { "X-TokenHub-Substitute": "never" } };

export function sdk({ url, key, thinker, images }) {
  const client = new OpenAI({ ...once, apiKey: key, baseURL: `${url}/v1` });

  function completed(request, streamed) {
    const asked = { model, ...request };
    if (!streamed) return client.chat.completions.create(asked);
    return client.chat.completions.stream({ ...asked, ...usage }).finalChatCompletion();
  }

  async function words(streamed) {
    const answer = await completed({ messages: hello }, streamed);
    const [choice] = answer.choices;
    return { text: choice.message.content, finish: choice.finish_reason, usage: answer.usage };
  }

  async function called(streamed) {
    const first = (await completed({ messages: both, tools }, streamed)).choices[0];
    const calls = first.message.tool_calls.map(({ id, type, function: { name, arguments: given } }) => ({
      id,
      type,
      function: { name, arguments: given },
    }));
    const shown = { role: "assistant", content: first.message.content, tool_calls: calls };
    const told = calls.map((call) => ({
      role: "tool",
      tool_call_id: call.id,
      content: `It is ${call.function.name}.`,
    }));
    const second = await completed({ messages: [...both, shown, ...told], tools }, streamed);
    return {
      ids: calls.map((call) => call.id),
      names: calls.map((call) => call.function.name),
      fields: calls.map((call) => Object.keys(JSON.parse(call.function.arguments))),
      finish: [first.finish_reason, second.choices[0].finish_reason],
    };
  }

  async function seen(streamed) {
    const content = images.map(({ url, media, data }) => ({
      type: "image_url",
      image_url: { url: url ?? `data:${media};base64,${data}` },
    }));
    const answer = await completed({ messages: [{ role: "user", content }] }, streamed);
    return answer.choices[0].message.content;
  }

  async function fitted(streamed) {
    const request = { model, messages: hello, response_format: city };
    const answer = streamed
      ? await client.chat.completions.stream(request).finalChatCompletion()
      : await client.chat.completions.parse(request);
    const [{ message, finish_reason: finish }] = answer.choices;
    // Only `parse` reads the text of a format that has no parser of its own.
    return { fields: Object.keys(streamed ? JSON.parse(message.content) : message.parsed), finish };
  }

  async function thought(streamed) {
    const ask = { model: thinker, reasoning_effort: "low" };
    const first = streamed
      ? await gathered({ ...ask, messages: think })
      : (await completed({ ...ask, messages: think }, false)).choices[0].message;
    const second = await completed({ ...ask, messages: [...think, first, more] }, streamed);
    return {
      thinking: first.reasoning_content ?? "",
      text: first.content,
      finish: second.choices[0].finish_reason,
    };
  }

  // By hand: of fields that are not its vendor's own, the helper keeps only the last piece.
  async function gathered(request) {
    const message = { role: "assistant", content: "" };
    for await (const chunk of await client.chat.completions.create({ ...request, stream: true })) {
      const { content, reasoning_content: thinking, reasoning_details: details } = chunk.choices[0].delta;
      message.content += content ?? "";
      if (thinking) message.reasoning_content = (message.reasoning_content ?? "") + thinking;
      if (details) message.reasoning_details = [...(message.reasoning_details ?? []), ...details];
    }
    return message;
  }

  async function events() {
    const found = { text: "", finish: [], usage: 0 };
    for await (const chunk of await client.chat.completions.create({ model, messages: hello, stream: true })) {
      const [choice] = chunk.choices;
      found.text += choice.delta.content ?? "";
      if (choice.finish_reason) found.finish.push(choice.finish_reason);
      if (chunk.usage) found.usage += 1;
    }
    return found;
  }

  const errors = (stream) =>
    refused((fields, apiKey = key) =>
      client.withOptions({ apiKey }).chat.completions.create({ model, messages: hello, stream, ...fields }, never),
    );

  return { listed: () => ids(client.models.list()), events, words, called, seen, fitted, thought, errors };
}
