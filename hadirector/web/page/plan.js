// Another configuration file: what it would change, and its application with a confirmation.

import { useEffect, useState } from "preact/hooks";
import { request } from "./director.js";
import { Facts, html } from "./parts.js";
import { duration } from "./states.js";

const YAML = "application/yaml";
const CONFIRM_SECONDS = 60;
const LISTS = [
  ["refused", "Refused"], ["started", "Started"], ["stopped", "Stopped"], ["changed", "Changed"], ["checks", "Checks"],
  ["operations", "Operations on the IPVS table"], ["kernel", "Other kernel settings"], ["awaited", "Join when their check passes"],
  ["outgoing", "Stay until others have joined"], ["moved_flows", "Flows that move"],
];

export function Plan({ director }) {
  const [text, setText] = useState("");
  const [planned, setPlanned] = useState(null); // the text, its plan, and the hash that it replaces
  const [inUse, setInUse] = useState(null);
  const [problem, setProblem] = useState(null);
  const [reason, setReason] = useState("");
  const version = director.events.length ? director.events[0].number : 0;
  const attempt = (work) => work().then(() => setProblem(null), setProblem);
  const read = async () => {
    const { value } = await request("GET", "/v1/config");
    setInUse(value);
    return value;
  };
  useEffect(() => {
    attempt(read);
    const clock = setInterval(() => attempt(read), 5000);
    return () => clearInterval(clock);
  }, [version]);
  const preview = (event) => {
    event.preventDefault();
    setPlanned(null);
    attempt(async () => {
      const { running } = await read();
      const { value } = await request("POST", "/v1/config/plan", text, { type: YAML });
      setPlanned({ text, value, hash: running && running.sha256 });
    });
  };
  const apply = (event) => {
    event.preventDefault();
    const query = new URLSearchParams({ confirm_within: CONFIRM_SECONDS, reason });
    attempt(async () => {
      await request("POST", `/v1/config/apply?${query}`, planned.text, { type: YAML, headers: { "If-Match": `"${planned.hash}"` } });
      setPlanned(null);
      await read();
    });
  };
  const decide = (path) => attempt(async () => (await request("POST", path, path.endsWith("rollback") ? {} : undefined), read()));
  const load = async (event) => setText(await event.target.files[0].text());
  const admin = director.who.role === "admin";
  const current = planned && planned.text === text;
  return html`<h2>Configuration</h2>
    ${inUse && html`<${Facts} facts=${[["File", inUse.file], ["In use", inUse.running && `number ${inUse.running.number}`],
      ["The file has been changed", inUse.file_changed && "yes: a reload would read it"]]} />`}
    ${inUse && inUse.pending && html`<p role="status"><b>Number ${inUse.pending.number} waits for its confirmation.</b>
      ${" "}Number ${inUse.pending.previous} returns in ${duration(inUse.pending.remaining)}.
      ${admin && html`${" "}<button class="main" disabled=${!director.mayChange} onClick=${() => decide("/v1/config/confirm")}>Confirm</button>
      ${" "}<button disabled=${!director.mayChange} onClick=${() => decide("/v1/config/rollback")}>Undo now</button>`}</p>`}
    <form onSubmit=${preview}>
      <p><label>Another file <input type="file" accept=".yaml,.yml,.conf" onChange=${load} /></label></p>
      <p><label>Configuration <textarea rows="14" spellcheck="false" value=${text} onInput=${(event) => setText(event.target.value)}></textarea></label></p>
      <p><button class="main" disabled=${!text}>Show the changes</button> <small>This changes nothing.</small></p></form>
    <div aria-live="polite">${problem && html`<p role="alert" class="error">${problem.message}</p>
      <ul>${(problem.errors || []).map((fault) => html`<li><code>${fault.place}</code> ${fault.detail}</li>`)}</ul>`}
      ${planned && html`<${Changes} plan=${planned.value} />`}</div>
    ${admin && current && !planned.value.refused.length && html`<form onSubmit=${apply}>
      <p><label>Reason <input required maxlength="200" value=${reason} onInput=${(event) => setReason(event.target.value)} /></label></p>
      <p><button class="main" disabled=${!director.mayChange}>Apply for ${CONFIRM_SECONDS} s</button>
      ${" "}<small>It is undone unless you confirm it in this time.</small></p></form>`}`;
}

function Changes({ plan }) {
  const lists = LISTS.filter(([key]) => (plan[key] || []).length);
  if (!lists.length) return html`<p>Nothing would change.</p>`;
  return html`${lists.map(([key, title]) => html`<h3>${title}</h3><ul>${plan[key].map((line) => html`<li>${line}</li>`)}</ul>`)}
    ${plan.left_out > 0 && html`<p>${plan.left_out} more lines are left out.</p>`}`;
}
