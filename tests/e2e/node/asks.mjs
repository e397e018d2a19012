// What both SDKs ask, and how their errors are told.

export const model = "gpt";
export const hello = [{ role: "user", content: "Hello" }];
export const both = [{ role: "user", content: "Ask weather and clock" }];
export const think = [{ role: "user", content: "[[think]] Hello" }];
export const more = { role: "user", content: "And then?" };
export const names = ["weather", "clock"];
export const schema = {
  type: "object",
  properties: { city: { type: "string" } },
  required: ["city"],
  additionalProperties: false,
};

// Our SDKs try once: how often they would retry is their own affair.
export const once = { maxRetries: 0, timeout: 20_000 };

// `ask` is told the fields that go wrong, and another key where that is what is wrong.
export async function refused(ask) {
  return [
    await raised(() => ask({}, "sk-other")),
    await raised(() => ask({ max_tokens: -1 })),
    await raised(() => ask({ model: "nope" })),
    await raised(() => ask({ model: "throttled" })),
    await raised(() => ask({ model: "locked" })),
    await raised(() => ask({ model: "broken" })),
  ];
}

async function raised(call) {
  try {
    const answer = await call();
    if (Symbol.asyncIterator in answer) for await (const _ of answer);
  } catch (error) {
    const told = error.error?.error ?? error.error;
    return {
      class: error.constructor.name,
      status: error.status ?? null,
      code: told?.code ?? null,
      message: told?.message ?? error.message,
      retryAfter: error.headers?.get("retry-after") ?? null,
    };
  }
  return null;
}

export async function ids(list) {
  const found = [];
  for await (const one of list) found.push(one.id);
  return found;
}
