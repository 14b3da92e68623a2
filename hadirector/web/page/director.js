// Talks to the director: requests, the stream of events, and the latest status with its age.

const STATUS_MS = 1000;
const LIVE_MS = 5000;
const HISTORY_MS = 5000;
const HISTORY_POINTS = 60;
const EVENTS_MAX = 500;

export class Problem extends Error {
  constructor(status, problem) {
    super(problem.detail || problem.title || `status ${status}`);
    this.status = status;
    this.errors = problem.errors || [];
  }
}

export async function request(method, path, body, { type = "application/json", headers = {} } = {}) {
  const options = { method, headers: method === "GET" ? headers : { "Content-Type": type, ...headers } };
  if (body !== undefined) options.body = type === "application/json" ? JSON.stringify(body) : body;
  const answer = await fetch(path, options);
  const text = await answer.text();
  let value = {};
  try {
    value = text ? JSON.parse(text) : {};
  } catch {
    value = { detail: text.slice(0, 200) };
  }
  if (!answer.ok) throw new Problem(answer.status, value);
  return { value, age: Number(answer.headers.get("X-Age") || 0) };
}

export function overridePath(server, member) {
  const names = [server, member].map(encodeURIComponent);
  return `/v1/virtual-servers/${names[0]}/real-servers/${names[1]}/override`;
}

// The state that the page shows. `changed` is called after each change.
export class Director {
  constructor(changed) {
    this.changed = changed;
    this.status = null;
    this.statusAt = 0; // performance.now() of the moment that the status describes
    this.who = null; // null: not known, false: a login is necessary
    this.events = [];
    this.tickAt = 0;
    this.error = "";
    this.pair = null; // the directors of the pair, if there is a pair link
    this.pairAt = 0;
    this.history = new Map(); // virtual server -> connections at the latest points
    this.historyAt = 0;
    this.source = null;
  }

  get age() {
    return this.status ? performance.now() - this.statusAt : Infinity;
  }

  get pairAge() {
    return performance.now() - this.pairAt;
  }

  get live() {
    return performance.now() - this.tickAt < LIVE_MS;
  }

  get mayChange() {
    return Boolean(this.who) && this.who.role !== "read" && this.live;
  }

  async start() {
    try {
      const { value } = await request("GET", "/login");
      this.who = value.name ? value : false;
      this.error = "";
      if (this.who) this.begin();
    } catch (error) {
      if (error.status === 401) this.who = false; // the login has ended
      this.error = error.message;
      if (this.who === null) setTimeout(() => this.start(), STATUS_MS);
    }
    this.changed();
  }

  async logIn(token) {
    this.who = (await request("POST", "/login", { token })).value;
    this.begin();
    this.changed();
  }

  begin() {
    this.follow();
    this.poll();
    this.recall();
  }

  // Fetches the points that the web process has kept, so that a new page has a past.
  async recall() {
    const { value } = await request("GET", "/page/past.json").catch(() => ({ value: { connections: {} } }));
    for (const [name, points] of Object.entries(value.connections)) {
      this.history.set(name, [...points, ...(this.history.get(name) || [])].slice(-HISTORY_POINTS));
    }
  }

  async logOut() {
    this.stop();
    await request("DELETE", "/login");
    this.changed();
  }

  stop() {
    this.who = false;
    this.status = null;
    this.events = [];
    if (this.source) this.source.close();
  }

  async poll() {
    if (!this.who) return;
    const began = performance.now();
    try {
      const { value, age } = await request("GET", "/v1/status");
      this.status = value;
      this.statusAt = began - age * 1000;
      this.error = "";
      this.remember(began);
      await this.pollPair(value);
    } catch (error) {
      if (error.status === 401) this.stop();
      this.error = error.message;
    }
    this.changed();
    setTimeout(() => this.poll(), Math.max(100, STATUS_MS - (performance.now() - began)));
  }

  async pollPair(status) {
    if (!status.pair) {
      this.pair = null;
      return;
    }
    const began = performance.now();
    const { value, age } = await request("GET", "/v1/pair");
    this.pair = value;
    this.pairAt = began - age * 1000;
  }

  remember(now) {
    if (now - this.historyAt < HISTORY_MS) return;
    this.historyAt = now;
    const known = new Map();
    for (const server of this.status.virtual_servers) {
      const points = this.history.get(server.name) || [];
      known.set(server.name, [...points, server.active_connections].slice(-HISTORY_POINTS));
    }
    this.history = known;
  }

  follow() {
    if (this.source) this.source.close();
    const last = this.events.length ? this.events[0].number : 0;
    const source = new EventSource(`/v1/events?after=${last}`);
    this.source = source;
    source.addEventListener("tick", (event) => {
      if (JSON.parse(event.data).age * 1000 < LIVE_MS) this.tickAt = performance.now();
    });
    source.addEventListener("gap", (event) => {
      this.events = [{ number: JSON.parse(event.data).last, name: "gap", fields: {} }];
    });
    source.onerror = () => {
      if (source.readyState === EventSource.CLOSED && this.source === source && this.who) {
        setTimeout(() => this.follow(), 2 * STATUS_MS);
      }
      this.changed();
    };
    source.onmessage = (event) => this.note(event);
  }

  note(event) {
    const noted = JSON.parse(event.data);
    this.tickAt = performance.now();
    if (this.events.length && noted.number <= this.events[0].number) this.events = [];
    this.events = [noted, ...this.events].slice(0, EVENTS_MAX);
    this.changed();
  }
}
