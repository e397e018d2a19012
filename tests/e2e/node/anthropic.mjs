// Anthropic's SDK: every proof whole, by `create` or `parse`, and streamed, by the SDK's own helper.

import Anthropic from "@anthropic-ai/sdk";
import { jsonSchemaOutputFormat } from "@anthropic-ai/sdk/helpers/json-schema";

import { both, hello, ids, model, more, names, once, refused, schema, think } from "./asks.mjs";

const tools = names.map((name) => ({ name, input_schema: schema }));
const never = { headers: { "X-TokenHub-Substitute": "never" } };

export function sdk({ url, key, thinker, images }) {
  const client = new Anthropic({ ...once, apiKey: key, baseURL: url });

  function messaged(request, streamed) {
    const asked = { model, max_tokens: 2_000, ...request };
    return streamed ? client.messages.stream(asked).finalMessage() : client.messages.create(asked);
  }

  async function words(streamed) {
    const answer = await messaged({ messages: hello }, streamed);
    return { text: answer.content[0].text, finish: answer.stop_reason, usage: answer.usage };
  }

  async function called(streamed) {
    const first = await messaged({ messages: both, tools }, streamed);
    const uses = first.content.filter((block) => block.type === "tool_use");
    const content = uses.map((use) => ({
      type: "tool_result",
      tool_use_id: use.id,
      content: `It is ${use.name}.`,
    }));
    const shown = { role: "assistant", content: first.content };
    const second = await messaged({ messages: [...both, shown, { role: "user", content }], tools }, streamed);
    return {
      ids: uses.map((use) => use.id),
      names: uses.map((use) => use.name),
      fields: uses.map((use) => Object.keys(use.input)),
      finish: [first.stop_reason, second.stop_reason],
    };
  }

  async function seen(streamed) {
    const content = images.map(({ url, media, data }) => ({
      type: "image",
      source: url ? { type: "url", url } : { type: "base64", media_type: media, data },
    }));
    const answer = await messaged({ messages: [{ role: "user", content }] }, streamed);
    return answer.content[0].text;
  }

  async function fitted(streamed) {
    const output_config = { format: jsonSchemaOutputFormat(schema) };
    const request = { model, max_tokens: 100, messages: hello, output_config };
    const answer = streamed
      ? await client.messages.stream(request).finalMessage()
      : await client.messages.parse(request);
    return { fields: Object.keys(answer.parsed_output), finish: answer.stop_reason };
  }

  async function thought(streamed) {
    const ask = { model: thinker, thinking: { type: "enabled", budget_tokens: 1024 } };
    const first = await messaged({ ...ask, messages: think }, streamed);
    const shown = { role: "assistant", content: first.content };
    const second = await messaged({ ...ask, messages: [...think, shown, more] }, streamed);
    const of = (kind, field) => first.content.find(({ type }) => type === kind)?.[field] ?? "";
    return { thinking: of("thinking", "thinking"), text: of("text", "text"), finish: second.stop_reason };
  }

  async function events() {
    const found = [];
    const stream = client.messages.stream({ model, messages: hello, max_tokens: 100 });
    stream.on("streamEvent", (event) => event.type === found.at(-1) || found.push(event.type));
    await stream.finalMessage();
    return found;
  }

  const errors = (stream) =>
    refused((fields, apiKey = key) =>
      client
        .withOptions({ apiKey })
        .messages.create({ model, messages: hello, max_tokens: 100, stream, ...fields }, never),
    );

  return { listed: () => ids(client.models.list()), events, words, called, seen, fitted, thought, errors };
}
