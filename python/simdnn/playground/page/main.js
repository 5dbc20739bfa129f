// The session of this tab: begins, asks for one frame after the other, and ends with the tab.

let session = null;
let latest = null;
let preset = "";
let running = false;
/** Number of the session; what belongs to an earlier one is dropped. */
let current = 0;
/** True while the server makes a session, which then does what the buttons ask for. */
let beginning = false;

/** Milliseconds between two frames, at least. */
const PAUSE = 70;

const visible = () =>
  document.hidden ? new Promise((done) => document.addEventListener("visibilitychange", done, { once: true })) : null;
const later = (milliseconds) => new Promise((done) => setTimeout(done, milliseconds));

/** Shows an error; one about a setting is shown at its field too. */
function complain(error) {
  const message = element("message");
  message.hidden = !error;
  message.textContent = error ? error.message : "";
  if (error) controls.complain(error.message);
  else controls.forgive();
}

/** Begins a session with the settings of the form; if they are wrong, an earlier one goes on. */
async function begin() {
  let settings;
  try {
    settings = controls.read();
  } catch (error) {
    complain(error);
    return;
  }
  const mine = ++current;
  beginning = true;
  label();
  if (latest === null) element("view-title").textContent = "The data are being read ...";
  try {
    await start(settings, mine);
    await watch(mine);
  } catch (error) {
    if (mine === current) stopped(error);
  }
}

/** Begins a session, unless the server refuses its settings. */
async function start(settings, mine) {
  let description;
  try {
    description = await call("/begin", { settings, session });
  } catch (error) {
    if (mine !== current) return;
    beginning = false;
    if (error.status !== 400 || session === null) throw error;
    label();
    complain(error);
    return;
  }
  if (mine !== current) {
    call("/end", { session: description.session }).catch(() => {});
    return;
  }
  session = description.session;
  complain(null);
  controls.toAddress(preset);
  surface.begin(description);
  report.begin();
  element("program").textContent = description.program;
  latest = null;
  beginning = false;
  if (running) await control("run");
}

/** Draws frames while the session is the current one. */
async function watch(mine) {
  while (mine === current) {
    await visible();
    const frame = await call("/frame", { session, version: latest?.version ?? 0 });
    if (mine !== current) return;
    if (frame.version !== latest?.version) draw(frame);
    await later(PAUSE);
  }
}

/** Shows that nothing trains: the settings are wrong, the session has ended, or the server has. */
function stopped(error) {
  if (error.status === 410) {
    session = null;
    begin();
    return;
  }
  running = beginning = false;
  if (latest !== null) latest = { ...latest, state: "paused" };
  label();
  complain(error);
}

/** Shows a frame. */
function draw(frame) {
  const before = latest?.state;
  latest = frame;
  running = frame.state === "running";
  report.judge(frame);
  paint(frame);
  label();
  if (before === frame.state) return;
  surface.describe(frame);
  const words = STATES[frame.state];
  if (words.trouble) complain(new Error(words.trouble));
  element("status").textContent = `${words.name} after ${count(frame.steps)} steps, test accuracy ${percent(frame.test_accuracy)}.`;
}

/** Draws the numbers and the pictures of a frame. */
function paint(frame) {
  report.show(frame);
  surface.show(frame.seen);
  drawCurve(element("curve"), frame.curve);
  if (frame.layers.some((layer) => layer.activation !== null)) drawLayers(element("layers"), frame.layers);
}

const STATES = {
  running: { name: "Training" },
  paused: { name: "Paused" },
  diverged: { name: "Ended", trouble: "The loss is not a finite number any more: change a setting, or start over." },
  limit: { name: "Ended", trouble: "The training has reached its largest number of steps." },
  failed: { name: "Ended", trouble: "The training failed; the terminal of the playground shows the error." },
};

/** Names the buttons by the state. */
function label() {
  const ended = !beginning && latest !== null && "trouble" in STATES[latest.state];
  element("run").textContent = running ? "Pause" : "Run";
  element("run").disabled = element("epoch").disabled = ended;
}

/** Tells the session to run, to pause or to train an epoch. */
const control = (action) => call("/control", { session, action, pace: element("pace").value });

/** Does what a button asks for; a session that is being made will run or not. */
async function act(action) {
  if (beginning) {
    running = action === "run" || (running && action !== "pause");
    label();
    return;
  }
  try {
    await control(action);
  } catch (error) {
    stopped(error);
  }
}

/** Begins with prepared settings. */
function choose(name, settings) {
  preset = name;
  controls.write(settings);
  controls.teach(name);
  begin();
}

controls.build(() => {
  preset = "";
  controls.enable();
  controls.teach("");
  begin();
});
element("version").textContent = facts.version;
element("pace").value = "1000";
element("settings").open = matchMedia("(min-width: 900px)").matches;
element("preset").addEventListener("change", ({ target }) => choose(target.value, facts.presets[target.value].settings));
element("heal").addEventListener("click", () => {
  const { settings, remedy } = facts.presets[preset];
  running = true;
  choose("", { ...settings, ...remedy[1] });
  element("run").focus();
});
element("run").addEventListener("click", () => act(running ? "pause" : "run"));
element("epoch").addEventListener("click", () => act("epoch"));
element("again").addEventListener("click", begin);
element("pace").addEventListener("change", () => act(undefined));
element("copy").addEventListener("click", async () => {
  await navigator.clipboard.writeText(element("program").textContent);
  element("status").textContent = "The program is copied.";
});

const redraw = () => latest && paint(latest);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
new ResizeObserver(redraw).observe(element("results"));
element("numbers").closest("details").addEventListener("toggle", redraw);
addEventListener("pagehide", () => {
  current += 1;
  if (session) call("/end", { session }, { keepalive: true }).catch(() => {});
});
addEventListener("pageshow", ({ persisted }) => persisted && begin());

const asked = controls.fromAddress();
choose(asked.preset, asked.settings);
if (!asked.known) element("lesson-text").textContent = "The address asks for settings that this page does not have.";
