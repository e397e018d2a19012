// The official SDKs for Node through TokenHub. Prints one JSON object: what each of them heard.
//
// node proofs.mjs '{"url": ..., "key": ..., "thinker": ..., "images": [{"media", "data"}, {"url"}],
//                   "admin": ..., "failing": [...]}'

import * as anthropic from "./anthropic.mjs";
import * as openai from "./openai.mjs";

const asked = JSON.parse(process.argv[2]);
const heard = {};
for (const [name, { sdk }] of Object.entries({ openai, anthropic })) {
  const { listed, events, ...proofs } = sdk(asked);
  heard[name] = { listed: await listed(), events: await events() };
  for (const [way, streamed] of [["whole", false], ["streamed", true]]) {
    heard[name][way] = {};
    for (const [what, proof] of Object.entries(proofs)) {
      await forget(asked);
      heard[name][way][what] = await proof(streamed);
    }
  }
}
console.log(JSON.stringify(heard));

// A provider that failed is let alone for a while: here everybody is to meet its failure.
async function forget({ url, admin, failing }) {
  const headers = { authorization: `Bearer ${admin}` };
  for (const provider of failing) {
    await fetch(`${url}/admin/v1/health/${provider}/reset`, { method: "POST", headers });
  }
}
