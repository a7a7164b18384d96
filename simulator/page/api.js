// Speaks with the simulator: four questions, five deeds and one stream of events.

/** What the simulator refused, in its own words; `lost` is true when it did not answer at all. */
export class ApiError extends Error {
  constructor(message, lost = false) {
    super(message);
    this.lost = lost;
  }
}

async function call(path, options) {
  let response;
  try {
    response = await fetch(path, { ...options, cache: "no-store", signal: AbortSignal.timeout(15000) });
  } catch {
    throw new ApiError("The simulator does not answer", true);
  }
  const body = await response.json().catch(() => ({}));
  if (!response.ok) throw new ApiError(body.error ?? `The simulator answered ${response.status}`, response.status >= 500);
  return body;
}

function get(path, query) {
  const known = Object.entries(query).filter(([, value]) => value !== null && value !== undefined);
  return call(`/chat/${path}?${new URLSearchParams(known)}`);
}

function post(path, body) {
  // A header of our own makes the browser ask first when another site tries the same: the simulator then refuses.
  const headers = { "Content-Type": "application/json", "X-Lanekeeper-Page": "1" };
  return call(`/chat/${path}`, { method: "POST", headers, body: JSON.stringify(body) });
}

export const PAGE = 50;
export const state = (as) => get("state", { as });
export const messages = (as, chat, before) => get("messages", { as, chat, before, limit: PAGE });
export const send = (as, chat, text, reply_to) => post("send", { as, chat, text, reply_to });
export const edit = (as, chat, id, text) => post("edit", { as, chat, id, text });
export const read = (as, chat, up_to) => post("read", { as, chat, up_to });
export const addPerson = (name) => post("people", { name });
export const block = (as, blocked) => post("block", { as, blocked });

/** The event stream of one person: calls `onevent` per event, and `onlost` once when it breaks. */
export class Stream {
  constructor(as, after, { onopen, onevent, onlost }) {
    this.source = new EventSource(`/chat/events?${new URLSearchParams({ as, after })}`);
    this.source.onopen = onopen;
    this.source.onmessage = (event) => onevent(JSON.parse(event.data));
    // The browser's own reconnect would start again at the old cursor: we ask for the state anew instead.
    this.source.onerror = () => {
      this.close();
      onlost();
    };
  }

  close() {
    this.source.close();
  }
}
