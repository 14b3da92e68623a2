// What a state is called, and its shape and color. A word, a shape and a color say the same.

const GOOD = { shape: "✔", kind: "good" };
const WAIT = { shape: "◐", kind: "wait" };
const WARN = { shape: "▲", kind: "warn" };
const BAD = { shape: "✖", kind: "bad" };
const NONE = { shape: "○", kind: "none" };

export const UNKNOWN = { ...NONE, word: "not known" };

export function verdictState(status, stale) {
  if (!status || !status.verdict || stale) return UNKNOWN;
  const word = status.verdict.level;
  return { ...({ OK: GOOD, DEGRADED: WARN, CRITICAL: BAD }[word] || NONE), word };
}

export function memberState(member) {
  if (member.override === "drain") return { ...WAIT, word: "draining" };
  if (member.override === "disable") return { ...WAIT, word: "disabled" };
  if (member.verdict === "unknown") return UNKNOWN;
  if (member.actual_weight === null) return { ...BAD, word: "out" };
  if (member.verdict === "failing") {
    return member.actual_weight ? { ...WARN, word: "held" } : { ...BAD, word: "failing" };
  }
  if (!member.actual_weight) return { ...WAIT, word: "weight 0" };
  return { ...GOOD, word: "in" };
}

export function serverState(server) {
  if (!server.present) return { ...BAD, word: "not in the table" };
  if (server.has_quorum === null) return UNKNOWN;
  if (!server.has_quorum) return { ...BAD, word: "quorum lost" };
  const good = server.real_servers.filter((member) => memberState(member).kind === "good").length;
  if (good < server.real_servers.length) return { ...WARN, word: "partly" };
  return { ...GOOD, word: "serves" };
}

export function instanceState(instance) {
  if (instance.fault) return { ...BAD, word: "fault" };
  if (instance.state === "ACTIVE") return { ...GOOD, shape: "▶", word: "ACTIVE" };
  if (instance.state === "BACKUP") return { ...NONE, kind: "wait", word: "BACKUP" };
  return { ...NONE, word: instance.state };
}

export function directorState(each) {
  if (!each.facts) return UNKNOWN;
  if (!each.current) return { ...BAD, word: each.reach };
  return each.facts.ready ? { ...GOOD, word: "ready" } : { ...WARN, word: "not ready" };
}

export function passing(server) {
  return server.real_servers.filter((member) => member.verdict === "passing").length;
}

export function duration(seconds) {
  if (seconds === null || seconds === undefined) return "";
  if (seconds < 60) return `${Math.round(seconds)} s`;
  if (seconds < 7200) return `${Math.round(seconds / 60)} min`;
  if (seconds < 172800) return `${Math.round(seconds / 3600)} h`;
  return `${Math.round(seconds / 86400)} d`;
}

export function matches(text, ...values) {
  const wanted = text.toLowerCase().split(" ").filter(Boolean);
  const found = values.join(" ").toLowerCase();
  return wanted.every((word) => found.includes(word));
}
