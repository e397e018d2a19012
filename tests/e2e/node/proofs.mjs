// The official SDKs for Node through TokenHub. Prints one JSON object: what each of them heard.
//
// node proofs.mjs '{"url": ..., "key": ..., "thinker": ..., "images": [{"media", "data"}, {"url"}]}'

import * as anthropic from "./anthropic.mjs";
import * as openai from "./openai.mjs";

const asked = JSON.parse(process.argv[2]);
const heard = {};
for (const [name, { sdk }] of Object.entries({ openai, anthropic })) {
  const { listed, events, ...proofs } = sdk(asked);
  heard[name] = { listed: await listed(), events: await events() };
  for (const [way, streamed] of [["whole", false], ["streamed", true]]) {
    heard[name][way] = {};
    for (const [what, proof] of Object.entries(proofs)) heard[name][way][what] = await proof(streamed);
  }
}
console.log(JSON.stringify(heard));
