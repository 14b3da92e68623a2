// Small parts of the views.

import { h } from "preact";
import htm from "htm";

export const html = htm.bind(h);

export function State({ state }) {
  return html`<span class="state ${state.kind}"><span aria-hidden="true">${state.shape}</span> ${state.word}</span>`;
}

export function Sparkline({ points, label }) {
  if (!points || points.length < 2) return html`<span class="none">–</span>`;
  const top = Math.max(...points, 1);
  const step = 100 / (points.length - 1);
  const line = points.map((value, at) => `${(at * step).toFixed(1)},${(22 - (20 * value) / top).toFixed(1)}`);
  return html`<svg class="spark" viewBox="0 0 100 24" preserveAspectRatio="none" role="img" aria-label=${label}>
    <polyline points=${line.join(" ")} /></svg>`;
}

export function Facts({ facts }) {
  const shown = facts.filter(([, value]) => value !== "" && value !== null && value !== undefined && value !== false);
  return html`<dl>${shown.map(([name, value]) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>`;
}

export function time(at) {
  const moment = new Date(at * 1000);
  return html`<time datetime=${moment.toISOString()}>${moment.toLocaleTimeString("en-GB")}</time>`;
}

export function describe(fields) {
  return Object.entries(fields)
    .filter(([, value]) => value !== null && value !== "")
    .map(([name, value]) => `${name} ${Array.isArray(value) ? value.join(", ") : value}`)
    .join(" · ");
}

export function about(fields) {
  if (fields.virtual_server && fields.real_server) return `${fields.virtual_server}/${fields.real_server}`;
  return fields.virtual_server || fields.instance || (fields.virtual_servers || []).join(", ");
}

export function EventTable({ events, caption }) {
  return html`<table class="events"><caption>${caption}</caption>
    <thead><tr><th scope="col">Time</th><th scope="col">Event</th><th scope="col">Object</th><th scope="col">Details</th></tr></thead>
    <tbody>${events.map((event) => html`<tr key=${event.number}>
      <td>${event.at ? time(event.at) : ""}</td><th scope="row">${event.name.replaceAll("_", " ")}</th>
      <td>${about(event.fields)}</td><td>${describe(event.fields)}</td></tr>`)}</tbody></table>`;
}
