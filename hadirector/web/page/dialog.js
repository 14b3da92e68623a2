// The confirmation of a change: its effect first, then the reason for it.

import { useEffect, useRef, useState } from "preact/hooks";
import { overridePath, request } from "./director.js";
import { html } from "./parts.js";
import { memberState } from "./states.js";

const TITLES = { drain: "Drain", disable: "Disable", undo: "Undo the override of" };

function effect({ action, server, member }) {
  if (action === "undo") return "It gets new connections again as soon as its check passes.";
  const left = server.real_servers.filter((each) => each !== member && memberState(each).kind === "good").length;
  const rest = `${left} of ${server.real_servers.length} real servers of ${server.name} remain.`;
  const none = left ? "" : " No other real server takes new connections: the director may keep this one in the pool.";
  const own = action === "drain" ? "stay until they end" : "are cut";
  return `It gets no new connections. Its ${member.active_connections} connections ${own}. ${rest}${none}`;
}

function overrideOrder(change) {
  const { action, server, member } = change;
  const path = overridePath(server.name, member.address);
  return {
    title: `${TITLES[action]} ${server.name}/${member.address}?`,
    button: TITLES[action].split(" ")[0],
    effect: effect(change),
    hours: action !== "undo" && { label: "For how many hours (empty: until it is undone)", max: 8784 },
    send: (reason, seconds) =>
      action === "undo"
        ? request("DELETE", path, { reason })
        : request("PUT", path, { action, reason, ...(seconds ? { expires_in: seconds } : {}) }),
  };
}

export function Dialog({ director, change, close }) {
  const dialog = useRef(null);
  const [error, setError] = useState("");
  const [running, setRunning] = useState(false);
  useEffect(() => {
    dialog.current.showModal();
  }, []);
  const order = change.send ? change : overrideOrder(change);
  const submit = async (event) => {
    event.preventDefault();
    const form = new FormData(event.target);
    const reason = form.get("reason");
    const hours = Number(form.get("hours"));
    setRunning(true);
    try {
      await order.send(reason, hours * 3600);
      dialog.current.close();
    } catch (problem) {
      setError([problem.message, ...problem.errors.map((each) => each.detail)].join(" "));
      setRunning(false);
    }
  };
  return html`<dialog ref=${dialog} onClose=${close} aria-labelledby="change">
    <form onSubmit=${submit}><h2 id="change">${order.title}</h2>
      <p>${order.effect}</p>
      <p><label>Reason <input name="reason" required maxlength="200" autocomplete="off" /></label></p>
      ${order.hours && html`<p><label>${order.hours.label}
        <input name="hours" type="number" required=${order.hours.required} min="0.1" max=${order.hours.max} step="0.1" /></label></p>`}
      ${error && html`<p role="alert">${error}</p>`}
      <p><button class="main" disabled=${running || !director.mayChange}>${order.button}</button>${" "}
        <button type="button" onClick=${() => dialog.current.close()}>Cancel</button></p></form></dialog>`;
}
