// The page: which view the address shows, how old the figures are, and the keyboard.

import { render } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { Dialog } from "./dialog.js";
import { Director } from "./director.js";
import { about, EventTable, html, State } from "./parts.js";
import { PairView } from "./pair.js";
import { Plan } from "./plan.js";
import { MemberView, Overview, ServerView } from "./servers.js";
import { matches, verdictState } from "./states.js";

const OLD_MS = 3000;
const STALE_MS = 10000;
const VIEWS = [["#/", "Servers"], ["#/events", "Timeline"], ["#/plan", "Plan"]];

function views(status) {
  return status && status.pair ? [["#/pair", "Pair"], ...VIEWS] : VIEWS;
}

function route() {
  return location.hash.replace(/^#\/?/, "").split("/").map(decodeURIComponent);
}

function Page({ director }) {
  const [, setVersion] = useState(0);
  const [path, setPath] = useState(route());
  const [filter, setFilter] = useState("");
  const [change, setChange] = useState(null);
  const search = useRef(null);
  useEffect(() => {
    director.changed = () => setVersion((version) => version + 1);
    const clock = setInterval(director.changed, 500);
    const moved = () => setPath(route());
    const pressed = (event) => {
      if (event.key !== "/" || /INPUT|TEXTAREA/.test(event.target.tagName) || !search.current) return;
      event.preventDefault();
      search.current.focus();
    };
    addEventListener("hashchange", moved);
    addEventListener("keydown", pressed);
    director.start();
    return () => (clearInterval(clock), removeEventListener("hashchange", moved), removeEventListener("keydown", pressed));
  }, []);
  if (director.who === false) return html`<${Login} director=${director} />`;
  const stale = director.age > STALE_MS;
  const old = director.age > OLD_MS;
  const freshness = stale ? "stale" : old ? "old" : "fresh";
  return html`<div class=${freshness}>
    <${Header} director=${director} old=${old} stale=${stale} path=${path} />
    <main>
      ${director.error && html`<p role="alert" class="error">${director.error}</p>`}
      ${path[0] !== "plan" && path[0] !== "pair" && !path[2] && html`<p><label>Filter <input ref=${search} type="search" value=${filter} aria-keyshortcuts="/"
        onInput=${(event) => setFilter(event.target.value)} /></label> <small>Press / to type here.</small></p>`}
      ${director.status ? html`<${View} director=${director} path=${path} filter=${filter} act=${setChange} />` : html`<p>The director has not answered yet.</p>`}
    </main>
    ${change && html`<${Dialog} director=${director} change=${change} close=${() => setChange(null)} />`}</div>`;
}

function View({ director, path, filter, act }) {
  if (path[0] === "pair") return html`<${PairView} director=${director} act=${act} />`;
  if (path[0] === "plan") return html`<${Plan} director=${director} />`;
  if (path[0] === "events") {
    const events = director.events.filter((event) => matches(filter, event.name, about(event.fields), JSON.stringify(event.fields)));
    return html`<${EventTable} events=${events.slice(0, 200)} caption=${`Events, the latest first: ${events.length}`} />`;
  }
  if (path[0] === "servers" && path[2]) return html`<${MemberView} director=${director} server=${path[1]} name=${path[2]} act=${act} />`;
  if (path[0] === "servers" && path[1]) return html`<${ServerView} director=${director} name=${path[1]} filter=${filter} act=${act} />`;
  return html`<${Overview} director=${director} filter=${filter} act=${act} />`;
}

function Header({ director, old, stale, path }) {
  const { status, who } = director;
  const state = verdictState(status, stale);
  const seconds = Math.floor(director.age / 1000);
  useEffect(() => {
    document.title = status ? `${state.word} – ${status.name}` : "hadirector";
  }, [state.word, status && status.name]);
  const here = `#/${path[0] === "servers" ? "" : path[0]}`;
  return html`<header><h1>${status ? status.name : "hadirector"}</h1>
    <p class="verdict" aria-live="polite"><${State} state=${state} /> <span>${status && !stale && status.verdict ? status.verdict.summary : ""}</span></p>
    <p class="age">${director.live ? html`<span class="live">● live</span>` : html`<span class="dead">◌ no stream: changes are disabled</span>`}
      ${" "}${old && status ? html`<b>as of ${seconds} s ago</b>` : ""}</p>
    <nav aria-label="Views"><ul>${views(status).map(([to, name]) => html`<li><a href=${to} aria-current=${here === to ? "page" : null}>${name}</a></li>`)}</ul></nav>
    ${who && html`<p class="who">${who.name}, ${who.role}${who.only ? `, only ${who.only}` : ""}
      ${" "}${who.name !== "anybody" && html`<button onClick=${() => director.logOut()}>Log out</button>`}</p>`}</header>`;
}

function Login({ director }) {
  const [error, setError] = useState("");
  const submit = (event) => {
    event.preventDefault();
    director.logIn(new FormData(event.target).get("token")).catch((problem) => setError(problem.message));
  };
  return html`<main class="login"><h1>hadirector</h1><form onSubmit=${submit}>
    <p><label>Token <input name="token" type="password" required autocomplete="current-password" /></label></p>
    <p><small><code>hadirector token add NAME --role read</code> makes a token.</small></p>
    ${error && html`<p role="alert" class="error">${error}</p>`}<p><button class="main">Log in</button></p></form></main>`;
}

render(html`<${Page} director=${new Director(() => {})} />`, document.getElementById("page"));
