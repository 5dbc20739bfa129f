// The numbers of a frame, the verdict, and the table of the layers.

const COLUMNS = [
  ["activation", "activations", number],
  ["gradient", "gradients", number],
  ["update", "step / weights", number],
  ["saturated", "saturated", percent],
  ["dead", "dead", percent],
];

const report = {
  words: null,
  twice: null,

  /** Shows the numbers of a frame. */
  show(frame) {
    const texts = {
      steps: count(frame.steps),
      speed: frame.state === "running" ? count(frame.speed) : frame.state === "paused" ? "paused" : "ended",
      loss: number(frame.loss),
      "test-loss": number(frame.test_loss),
      accuracy: percent(frame.accuracy),
      "test-accuracy": percent(frame.test_accuracy),
    };
    for (const [id, text] of Object.entries(texts)) element(id).textContent = text;
    this.tabulate(frame.layers);
  },

  /** Shows the verdict once it is the same in two frames or nothing trains: a reader hears each change. */
  judge({ verdict, problems, state }) {
    const settled = state !== "running" || this.twice === verdict;
    this.twice = verdict;
    if (!settled && this.words !== null) return;
    if (this.words !== verdict) {
      this.words = verdict;
      element("verdict").textContent = verdict;
      element("verdict").classList.toggle("healthy", verdict === "healthy");
    }
    const healthy = made("li", {}, "No sign of a problem was found.");
    const items = problems.map(({ words, seen, remedy }) =>
      made("li", {}, made("strong", {}, words), `: ${seen}. `, made("span", { class: "remedy" }, remedy)));
    element("problems").replaceChildren(...(items.length ? items : [healthy]));
  },

  /** Forgets the verdict of an earlier network. */
  begin() {
    this.words = this.twice = null;
  },

  tabulate(layers) {
    if (!element("numbers").closest("details").open) return;
    const head = made("tr", {}, ...["layer", ...COLUMNS.map(([, name]) => name)].map((name) => made("th", { scope: "col" }, name)));
    const rows = layers.map((layer) => {
      const cells = COLUMNS.map(([field, , words]) => made("td", {}, layer[field] === null ? "" : words(layer[field])));
      return made("tr", {}, made("th", { scope: "row" }, layer.label), ...cells);
    });
    element("numbers").replaceChildren(made("thead", {}, head), made("tbody", {}, ...rows));
  },
};
