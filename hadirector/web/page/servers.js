// The director, its instances, its virtual servers and their real servers.

import { useEffect, useState } from "preact/hooks";
import { request } from "./director.js";
import { EventTable, Facts, html, Sparkline, State } from "./parts.js";
import { duration, instanceState, matches, memberState, passing, serverState } from "./states.js";

const ROWS = 200;

export function Overview({ director, filter, act }) {
  const { status } = director;
  const servers = status.virtual_servers.filter((server) =>
    matches(filter, server.name, server.address, serverState(server).word, ...server.real_servers.map((member) => member.address)),
  );
  return html`
    <${Problems} verdict=${status.verdict} />
    <${Instances} instances=${status.instances} />
    <table><caption>Virtual servers${filter ? ` that match “${filter}”` : ""}: ${servers.length}</caption>
      <thead><tr><th scope="col">State</th><th scope="col">Name</th><th scope="col">Address</th><th scope="col">Passing</th>
        <th scope="col" class="number">Connections</th><th scope="col" class="number">New/s</th><th scope="col">Last 5 min</th></tr></thead>
      <tbody>${servers.slice(0, ROWS).map((server) => html`<tr key=${server.name}>
        <td><${State} state=${serverState(server)} /></td>
        <th scope="row"><a href=${`#/servers/${encodeURIComponent(server.name)}`}>${server.name}</a></th>
        <td>${server.protocol} ${server.address} <small>${server.scheduler} ${server.forwarding}</small></td>
        <td class="figure" data-label="passing">${passing(server)} of ${server.real_servers.length}</td>
        <td class="figure number" data-label="connections">${server.active_connections}</td>
        <td class="figure number" data-label="new/s">${server.per_second.connections}</td>
        <td><${Sparkline} points=${director.history.get(server.name)} label=${`connections of ${server.name}`} /></td></tr>`)}</tbody>
    </table>
    ${servers.length > ROWS && html`<p>The first ${ROWS} are shown. Press / and type to find others.</p>`}
    ${servers.length <= 5 && servers.map((server) => html`<${Members} key=${server.name} director=${director} server=${server} filter="" act=${act} />`)}`;
}

function Problems({ verdict }) {
  if (!verdict || !verdict.problems.length) return null;
  return html`<section aria-labelledby="problems"><h2 id="problems">Problems and notes</h2>
    <ul class="problems">${verdict.problems.slice(0, 20).map((problem) => html`<li key=${problem.code + problem.object}>
      <${State} state=${{ OK: { shape: "ℹ", kind: "none", word: "note" }, DEGRADED: { shape: "▲", kind: "warn", word: "degraded" } }[problem.level] || { shape: "✖", kind: "bad", word: "critical" }} />${" "}
      <b>${problem.object}</b>: ${problem.reason}. <span class="remedy">${problem.remedy}</span></li>`)}</ul></section>`;
}

function Instances({ instances }) {
  if (!instances.length) return null;
  return html`<table><caption>VRRP instances</caption>
    <thead><tr><th scope="col">State</th><th scope="col">Name</th><th scope="col">For</th><th scope="col">Priority</th>
      <th scope="col">Active router</th><th scope="col">Addresses</th></tr></thead>
    <tbody>${instances.map((instance) => html`<tr key=${instance.instance}>
      <td><${State} state=${instanceState(instance)} /></td><th scope="row">${instance.instance}</th>
      <td class="figure" data-label="for">${duration(instance.state_age)}</td><td class="figure" data-label="priority">${instance.priority}</td>
      <td data-label="active router:">${instance.state === "ACTIVE" ? "this director" : instance.active_router || "not known"}</td>
      <td>${instance.virtual_addresses.join(", ")}${instance.fault ? ` — ${instance.fault}` : ""}</td></tr>`)}</tbody></table>`;
}

export function ServerView({ director, name, filter, act }) {
  const server = director.status.virtual_servers.find((each) => each.name === name);
  if (!server) return html`<p role="alert">There is no virtual server ${name}.</p>`;
  return html`<p><a href="#/">All virtual servers</a></p><h2>${name} <${State} state=${serverState(server)} /></h2>
    <${Facts} facts=${[["Address", `${server.protocol} ${server.address}`], ["Scheduler", server.scheduler], ["Forwarding", server.forwarding],
      ["Passing", `${passing(server)} of ${server.real_servers.length}`], ["Quorum", server.quorum], ["Held", server.held.join(", ")]]} />
    <${Members} director=${director} server=${server} filter=${filter} act=${act} />`;
}

function Members({ director, server, filter, act }) {
  const [rows, setRows] = useState(ROWS);
  const members = server.real_servers.filter((member) => matches(filter, member.address, memberState(member).word, member.reason));
  return html`<table><caption>Real servers of ${server.name}: ${members.length}</caption>
    <thead><tr><th scope="col">State</th><th scope="col">Address</th><th scope="col" class="number">Weight</th>
      <th scope="col" class="number">Connections</th><th scope="col">Reason</th>${director.who.role !== "read" && html`<th scope="col">Change</th>`}</tr></thead>
    <tbody>${members.slice(0, rows).map((member) => html`<tr key=${member.address}>
      <td><${State} state=${memberState(member)} /></td>
      <th scope="row"><a href=${`#/servers/${encodeURIComponent(server.name)}/${encodeURIComponent(member.address)}`}>${member.address}</a></th>
      <td class="figure number" data-label="weight">${member.actual_weight ?? "–"}</td><td class="figure number" data-label="connections">${member.active_connections}</td>
      <td>${[member.reason, member.weight_reason].filter(Boolean).join("; ")}</td>
      ${director.who.role !== "read" && html`<td><${Changes} director=${director} server=${server} member=${member} act=${act} /></td>`}</tr>`)}</tbody></table>
    ${members.length > rows && html`<p><button onClick=${() => setRows(rows + ROWS)}>Show ${Math.min(ROWS, members.length - rows)} more</button></p>`}`;
}

function Changes({ director, server, member, act }) {
  const off = !director.mayChange;
  const label = (text) => `${text} ${server.name}/${member.address}`;
  const open = (action) => () => act({ action, server, member });
  if (member.override) {
    return html`<button disabled=${off} aria-label=${label("Undo the override of")} onClick=${open("undo")}>Undo…</button>`;
  }
  return html`<button disabled=${off} aria-label=${label("Drain")} onClick=${open("drain")}>Drain…</button>${" "}
    <button disabled=${off} aria-label=${label("Disable")} onClick=${open("disable")}>Disable…</button>`;
}

export function MemberView({ director, server, name, act }) {
  const [why, setWhy] = useState(null);
  const [error, setError] = useState("");
  const version = director.events.length ? director.events[0].number : 0;
  useEffect(() => {
    let left = false;
    const path = `/v1/virtual-servers/${encodeURIComponent(server)}/real-servers/${encodeURIComponent(name)}/why`;
    request("GET", path).then(
      ({ value }) => !left && (setWhy(value), setError("")),
      (problem) => !left && setError(problem.message),
    );
    return () => (left = true);
  }, [server, name, version]);
  const pool = director.status.virtual_servers.find((each) => each.name === server);
  const member = pool && pool.real_servers.find((each) => each.address === name);
  if (!member) return html`<p role="alert">There is no real server ${server}/${name}.</p>`;
  return html`<p><a href=${`#/servers/${encodeURIComponent(server)}`}>All real servers of ${server}</a></p>
    <h2>${server}/${name} <${State} state=${memberState(member)} /></h2>
    <${Facts} facts=${[["Weight in the table", member.actual_weight ?? "not in the table"], ["Configured weight", member.configured_weight],
      ["Active connections", member.active_connections], ["Last probe", member.reason], ["Verdict for", duration(member.verdict_age)],
      ["Override ends in", duration(member.override_expires_in)]]} />
    ${director.who.role !== "read" && html`<p><${Changes} director=${director} server=${pool} member=${member} act=${act} /></p>`}
    ${error && html`<p role="alert">${error}</p>`}
    ${why && html`<h3>Why it has this weight</h3>
      <ol>${why.steps.map((step, at) => html`<li key=${at}>${step.reason}${step.weight === null ? "" : `: weight ${step.weight}`}</li>`)}</ol>
      <${EventTable} events=${[...why.events].reverse()} caption="Its latest events" />`}`;
}
