// The pair: its directors side by side, the advertisements between them, and orders for this director.

import { request } from "./director.js";
import { html, State, time } from "./parts.js";
import { directorState, duration, instanceState } from "./states.js";

const ROWS = 50;

export function PairView({ director, act }) {
  const { pair } = director;
  if (!pair) return html`<p>The directors of the pair are not known yet.</p>`;
  const age = director.pairAge / 1000;
  return html`
    ${pair.split_brains.map((found) => html`<p role="alert" class="error" key=${found.instance}>
      ${found.instance}: ${found.directors.join(" and ")} are both ACTIVE for ${duration(found.seconds)}: ${found.cause}. ${found.remedy}.</p>`)}
    <${Directors} pair=${pair} age=${age} />
    ${director.who.role !== "read" && html`<${Orders} director=${director} act=${act} />`}
    <${Flows} flows=${pair.flows.filter((flow) => flow.advertises)} />
    <${Differences} differences=${pair.differences} />`;
}

function Directors({ pair, age }) {
  const { directors } = pair;
  const shown = (each) => (each.facts ? (each.current ? "" : "was ") : "");
  const row = (name, cell, kind) => {
    const differs = pair.differences.some((each) => each.kind === kind && each.fault);
    return html`<tr key=${name}><th scope="row">${name}${differs && html`${" "}<span class="warn">≠ differs</span>`}</th>
      ${directors.map((each) => html`<td key=${each.name} class="figure" data-label=${`${each.name}:`}>${each.facts ? cell(each.facts, shown(each), each) : "not known"}</td>`)}</tr>`;
  };
  const instances = [...new Set(directors.flatMap((each) => (each.facts ? each.facts.instances.map((one) => one.name) : [])))];
  const sum = (facts, key) => facts.virtual_servers.reduce((all, each) => all + each[key], 0);
  return html`<table><caption>Directors of the pair ${pair.pair}</caption>
    <thead><tr><th scope="col">Fact</th>${directors.map((each) => html`<th scope="col" key=${each.name}>${each.name}${each.here ? " (here)" : ""}</th>`)}</tr></thead>
    <tbody><tr><th scope="row">Link</th>${directors.map((each) => html`<td key=${each.name} data-label=${`${each.name}:`}>
      <${State} state=${directorState(each)} /> <small>${each.here ? "" : each.age === null ? each.reason : `as of ${(each.age + age).toFixed(1)} s ago${each.current ? "" : `, ${each.reason}`}`}</small></td>`)}</tr>
    ${instances.map((name) => row(name, (facts, was) => {
      const found = facts.instances.find((each) => each.name === name);
      if (!found) return "not configured";
      return html`${was}${was ? found.state : html`<${State} state=${instanceState(found)} />`} <small>priority ${found.priority}, VRID ${found.virtual_router_id}${found.since_seconds === null ? "" : `, for ${duration(found.since_seconds)}`}</small>`;
    }, "instance"))}
    ${row("Ready", (facts, was) => `${was}${facts.ready ? "yes" : `no: ${facts.unready.map((fact) => `${fact.code.replaceAll("_", " ")} for ${duration(fact.seconds)}`).join(", ")}`}`)}
    ${row("Real servers that pass", (facts, was) => `${was}${sum(facts, "passing")} of ${sum(facts, "total")}`, "verdicts")}
    ${row("Connections", (facts, was) => `${was}${sum(facts, "connections")}`)}
    ${row("Version", (facts, was) => was + facts.version, "version")}
    ${row("Configuration", (facts, was) => was + (facts.configuration.slice(0, 6) || "not known"), "configuration")}
    ${row("Overrides", (facts, was) => was + (facts.overrides === null ? "not shared" : facts.overrides), "override")}
    ${row("Pause", (facts, was) => was + (facts.pause ? `by ${facts.pause.actor}: ${facts.pause.reason}, ${duration(facts.pause.seconds_left)} left` : "no"), "pause")}
    ${row("Last failover", ({ last_failover: last }, was) => (last ? html`${was}${time(last.at)} ${last.instance} ${last.state}: ${last.reason}${last.silence === null ? "" : `, silence ${Math.round(last.silence * 1000)} ms`}` : "none known"))}
    </tbody></table>`;
}

function Flows({ flows }) {
  if (!flows.length) return null;
  return html`<table><caption>Advertisements</caption>
    <thead><tr><th scope="col">Instance</th><th scope="col">From</th><th scope="col">To</th><th scope="col">State</th></tr></thead>
    <tbody>${flows.map((flow) => html`<tr key=${flow.instance + flow.sender + flow.receiver}><th scope="row">${flow.instance}</th>
      <td data-label="from">${flow.sender}</td><td data-label="to">${flow.receiver}</td>
      <td class="figure">${flow.description ? html`<b class="bad">✖ ${flow.description}</b>` : flow.silence === null ? "none received yet" : `✔ ${flow.received} received, the last one ${flow.silence.toFixed(1)} s before`}</td></tr>`)}</tbody></table>`;
}

function Differences({ differences }) {
  if (!differences.length) return html`<p>No difference between the directors is known.</p>`;
  return html`<table><caption>Differences: ${differences.length}</caption>
    <thead><tr><th scope="col">Difference</th><th scope="col">Object</th><th scope="col">Here</th><th scope="col">There</th><th scope="col">For</th></tr></thead>
    <tbody>${differences.slice(0, ROWS).map((each) => html`<tr key=${each.peer + each.kind + each.object}>
      <th scope="row" class=${each.fault ? "warn" : "none"}>≠ ${each.kind.replaceAll("_", " ")}</th><td>${each.object}</td>
      <td data-label="here:">${each.here}</td><td data-label=${`${each.peer}:`}>${each.there}</td><td data-label="for">${duration(each.seconds)}</td></tr>`)}</tbody></table>`;
}

function Orders({ director, act }) {
  const { status } = director;
  const off = !director.mayChange;
  const button = (label, order) => html`<button disabled=${off} onClick=${() => act(order)}>${label}…</button>${" "}`;
  return html`<p class="orders">${status.pause ? button("Resume", RESUME) : button("Pause", PAUSE)}
    ${status.instances.map((each) => each.yielding
      ? button(`Undo the handover of ${each.instance}`, undoOf(each))
      : each.state === "ACTIVE" && button(`Hand over ${each.instance}`, handoverOf(each, director.pair)))}
    ${status.instances.some((each) => each.state === "ACTIVE") && button("Drill", DRILL)}</p>`;
}

const PAUSE = {
  title: "Pause this director?",
  button: "Pause",
  effect: "Verdicts change no weight until the pause ends: failing real servers keep their connections. Roles still change.",
  hours: { label: "For how many hours", required: true, max: 24 },
  send: (reason, seconds) => request("PUT", "/v1/pause", { reason, expires_in: seconds }),
};
const RESUME = {
  title: "End the pause of this director?",
  button: "Resume",
  effect: "The director decides again at once, with the present verdicts.",
  send: (reason) => request("DELETE", "/v1/pause", { reason }),
};

const DRILL = {
  title: "Rehearse a failover?",
  button: "Drill",
  effect: "The standby gets the addresses for 30 s, and gives them back. It is refused if no standby is ready. The history keeps the result.",
  send: (reason) => request("POST", "/v1/drills", { reason }),
};

function handoverOf({ instance }, pair) {
  const others = pair.directors.filter((each) => !each.here);
  const ready = others.filter((each) => each.current && each.facts.ready).map((each) => each.name);
  return {
    title: `Hand over ${instance}?`,
    button: "Hand over",
    effect: ready.length ? `${ready.join(", ")} could take over and is ready.` : "No other director is known to be ready, so it will be refused.",
    hours: { label: "For how many hours (empty: until it is undone)", max: 8784 },
    send: (reason, seconds) => request("PUT", handoverPath(instance), { reason, require: "ready", ...(seconds ? { expires_in: seconds } : {}) }),
  };
}

function undoOf({ instance }) {
  return {
    title: `Undo the handover of ${instance}?`,
    button: "Undo",
    effect: "This director uses its configured priority again, and takes over if it is higher.",
    send: (reason) => request("DELETE", handoverPath(instance), { reason }),
  };
}

function handoverPath(instance) {
  return `/v1/instances/${encodeURIComponent(instance)}/handover`;
}
