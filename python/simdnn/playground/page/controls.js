// The form of the settings, which is made from their descriptions; the prepared settings; the address.

const controls = {
  inputs: {},

  /** Makes the form; `changed` is called after each change. */
  build(changed) {
    const groups = new Map();
    for (const row of facts.settings) {
      if (!groups.has(row.group)) groups.set(row.group, made("div", { class: "fields" }));
      groups.get(row.group).append(this.field(row));
    }
    for (const [name, fields] of groups) {
      element("form").append(made("fieldset", {}, made("legend", {}, name), fields));
    }
    element("form").addEventListener("change", changed);
    element("form").addEventListener("submit", (event) => event.preventDefault());
    const titles = Object.entries(facts.presets).map(([name, { title }]) => made("option", { value: name }, title));
    element("preset").append(...titles, made("option", { value: "", disabled: "" }, "Your own settings"));
    element("pace").append(...facts.paces.map((pace) => made("option", { value: pace }, PACE_NAMES[pace] ?? pace)));
  },

  /** A label, an input, a hint and a place for its error. */
  field(row) {
    const id = `set-${row.name}`;
    const about = { id, name: row.name, "aria-describedby": `${id}-hint ${id}-error` };
    const label = made("label", { for: id }, row.label);
    const notes = [made("span", { class: "hint", id: `${id}-hint` }, row.hint), made("span", { class: "error", id: `${id}-error` })];
    let input;
    if (row.kind === "choice") {
      input = made("select", { ...about, required: "" }, ...row.choices.map((one) => made("option", { value: one }, one)));
    } else if (row.kind === "flag") {
      input = made("input", { ...about, type: "checkbox" });
    } else if (row.kind === "widths") {
      input = made("input", { ...about, autocomplete: "off", spellcheck: "false" });
    } else {
      const step = row.kind === "integer" ? "1" : "any";
      input = made("input", { ...about, type: "number", min: row.low, max: row.high, step, required: "", autocomplete: "off" });
    }
    this.inputs[row.name] = input;
    const order = row.kind === "flag" ? [input, label] : [label, input];
    return made("div", { class: `field ${row.kind}` }, ...order, ...notes);
  },

  /** The settings of the form; throws an error that begins with the name of a field that is not valid. */
  read() {
    const found = {};
    for (const { name, kind } of facts.settings) {
      const input = this.inputs[name];
      if (!input.checkValidity()) throw new Error(`${name}: ${input.validationMessage}`);
      if (kind === "flag") found[name] = input.checked;
      else if (kind === "choice") found[name] = input.value;
      else if (kind === "widths") found[name] = widths(input.value);
      else found[name] = Number(input.value);
    }
    return found;
  },

  /** Fills in the form; settings that are not given have their defaults. */
  write(settings) {
    for (const { name, kind, default: usual } of facts.settings) {
      const value = settings[name] ?? usual;
      const input = this.inputs[name];
      if (kind === "flag") input.checked = value === true || value === "true";
      else input.value = Array.isArray(value) ? value.join(", ") : value;
    }
    this.enable();
  },

  /** Disables settings that have no effect on the others. */
  enable() {
    for (const { name, needs } of facts.settings) {
      if (needs) this.inputs[name].disabled = !needs[1].includes(this.inputs[needs[0]].value);
    }
  },

  /** Shows an error at its field, or returns false if it names none. */
  complain(message) {
    this.forgive();
    const [name, ...words] = message.split(": ");
    if (!(name in this.inputs)) return false;
    this.inputs[name].setAttribute("aria-invalid", "true");
    element(`set-${name}-error`).textContent = words.join(": ");
    element("settings").open = true;
    return true;
  },

  /** Removes all errors. */
  forgive() {
    for (const [name, input] of Object.entries(this.inputs)) {
      input.removeAttribute("aria-invalid");
      element(`set-${name}-error`).textContent = "";
    }
  },

  /** Shows the lesson of a prepared setting; the empty name is that of the user's own. */
  teach(name) {
    const { title, lesson, remedy } = facts.presets[name] ?? OWN;
    element("preset").value = name;
    element("lesson-title").textContent = title;
    element("lesson-text").textContent = lesson;
    element("heal").hidden = !remedy;
    element("heal").textContent = remedy ? `Heal it: ${remedy[0]}` : "";
  },

  /** The settings that an address asks for, and the name of the prepared ones. */
  fromAddress() {
    const asked = Object.fromEntries(new URLSearchParams(location.search));
    const { preset = "circles", ...own } = asked;
    const known = Object.keys(own).every((name) => name in this.inputs) && preset in facts.presets;
    const settings = { ...facts.presets[preset]?.settings, ...own };
    return { preset: known && Object.keys(own).length === 0 ? preset : "", settings, known };
  },

  /** Writes the settings that differ from the defaults into the address, so that it can be shared. */
  toAddress(preset) {
    const settings = this.read();
    const pairs = facts.settings
      .filter(({ name, default: usual }) => String(settings[name]) !== String(usual))
      .map(({ name }) => [name, String(settings[name])]);
    const asked = preset ? [["preset", preset]] : pairs;
    history.replaceState(null, "", asked.length ? `?${new URLSearchParams(asked)}` : location.pathname);
  },
};

const OWN = { title: "Your own settings", lesson: "The address of this page has them: keep it, or send it to others.", remedy: null };
const PACE_NAMES = { full: "full speed", 100: "100 steps/s", 1000: "1,000 steps/s", 10000: "10,000 steps/s" };

/** The numbers of a text such as "32, 16, 8". */
function widths(text) {
  const parts = text.split(/[\s,]+/).filter(Boolean);
  if (parts.length === 0 || !parts.every((part) => /^\d{1,6}$/.test(part))) {
    throw new Error("widths: expected numbers such as 32, 16, 8");
  }
  return parts.map(Number);
}
