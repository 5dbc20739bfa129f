// The decision surface with the samples, or images of digits with the network's answers.

const surface = {
  canvas: element("surface"),
  facts: null,
  seen: null,
  showsTest: false,

  /** Begins with the facts of a session. */
  begin(description) {
    this.facts = description;
    this.seen = null;
    const images = description.images !== undefined;
    this.canvas.classList.toggle("images", images);
    element("view-title").textContent = images ? "Digits of the test" : "Decision surface";
    this.legend();
  },

  /** Shows what the network sees: bytes in base64, or a list of digits. */
  show(seen) {
    this.seen = seen;
    this.draw();
  },

  draw() {
    if (this.seen === null) return;
    const side = Math.round(this.canvas.clientWidth * (window.devicePixelRatio || 1));
    const high = this.facts.images ? Math.round((side * 6.5) / 8) : side;
    if (this.canvas.width !== side || this.canvas.height !== high) {
      this.canvas.width = side;
      this.canvas.height = high;
    }
    const context = this.canvas.getContext("2d");
    context.clearRect(0, 0, side, high);
    if (this.facts.images) this.drawImages(context, side);
    else this.drawPlane(context, side);
  },

  drawPlane(context, size) {
    const { side, levels, reach, points } = this.facts;
    const bytes = Uint8Array.from(atob(this.seen), (one) => one.charCodeAt(0));
    const card = channels(color("card"));
    const classes = [0, 1, 2].map((i) => channels(color(`class-${i}`)));
    const pixels = new ImageData(side, side);
    bytes.forEach((code, i) => {
      const share = code === 255 ? 0 : 0.06 + 0.4 * ((code % levels) / (levels - 1));
      const ink = code === 255 ? card : classes[Math.floor(code / levels)];
      for (let c = 0; c < 3; c++) pixels.data[4 * i + c] = card[c] + share * (ink[c] - card[c]);
      pixels.data[4 * i + 3] = 255;
    });
    const small = new OffscreenCanvas(side, side);
    small.getContext("2d").putImageData(pixels, 0, 0);
    context.imageSmoothingQuality = "high";
    context.drawImage(small, 0, 0, size, size);
    const place = ([x, y]) => [((x + reach) / (2 * reach)) * size, ((reach - y) / (2 * reach)) * size];
    const radius = Math.max(3.2, size / 150);
    if (this.showsTest) points.x_test.forEach((x, i) => mark(context, ...place(x), points.y_test[i], radius, true));
    points.x.forEach((x, i) => mark(context, ...place(x), points.y[i], radius, false));
  },

  drawImages(context, size) {
    const { pixels, labels } = this.facts.images;
    const bytes = Uint8Array.from(atob(pixels), (one) => one.charCodeAt(0));
    const cell = size / 8;
    const [card, text] = [channels(color("card")), channels(color("text"))];
    labels.forEach((label, i) => {
      const image = new ImageData(8, 8);
      for (let p = 0; p < 64; p++) {
        const share = bytes[64 * i + p] / 255;
        for (let c = 0; c < 3; c++) image.data[4 * p + c] = card[c] + share * (text[c] - card[c]);
        image.data[4 * p + 3] = 255;
      }
      const small = new OffscreenCanvas(8, 8);
      small.getContext("2d").putImageData(image, 0, 0);
      const [x, y] = [(i % 8) * cell, Math.floor(i / 8) * cell * 1.3];
      context.drawImage(small, x + cell * 0.16, y + cell * 0.04, cell * 0.68, cell * 0.68);
      const wrong = this.seen[i] !== label;
      context.textAlign = "center";
      context.font = `${wrong ? "700" : "400"} ${cell * 0.3}px system-ui, sans-serif`;
      context.fillStyle = color(wrong ? "bad" : "soft");
      context.fillText(wrong ? `${this.seen[i]} \u2717` : this.seen[i], x + cell / 2, y + cell * 1.08);
    });
  },

  /** Says in words what the picture shows. */
  describe(frame) {
    const right = this.facts.images
      ? `${this.facts.images.labels.filter((label, i) => label === this.seen[i]).length} of ${this.seen.length} shown digits are read right`
      : `${percent(frame.accuracy)} of the training points and ${percent(frame.test_accuracy)} of the test points are right`;
    this.canvas.setAttribute("aria-label", `${element("view-title").textContent}: ${right}.`);
  },

  legend() {
    const legend = element("legend");
    if (this.facts.images) {
      legend.replaceChildren("Under each image the answer; wrong ones have a cross.");
      return;
    }
    const names = Array.from({ length: this.facts.classes }, (_, i) => {
      const shape = drawn("path", { d: SHAPES[i], fill: `var(--class-${i})` });
      return made("span", {}, drawn("svg", { viewBox: "-6 -6 12 12", "aria-hidden": "true" }, shape), `class ${i}`);
    });
    const box = made("input", { type: "checkbox", id: "test-points" });
    box.checked = this.showsTest;
    box.addEventListener("change", () => {
      this.showsTest = box.checked;
      this.draw();
    });
    const label = made("label", { for: "test-points" }, "Show test points");
    legend.replaceChildren(...names, made("span", { class: "field inline" }, box, label));
  },
};

/** A disk, a square and a triangle, so that classes differ without color. */
const SHAPES = ["M-5 0a5 5 0 1 0 10 0a5 5 0 1 0-10 0z", "M-4.4-4.4h8.8v8.8h-8.8z", "M0-5.6L5.4 4.2h-10.8z"];

/** Draws a sample: filled, or an outline for those of the test. */
function mark(context, x, y, label, radius, outlined) {
  context.save();
  context.translate(x, y);
  context.scale(radius / 5, radius / 5);
  const path = new Path2D(SHAPES[label]);
  context.lineWidth = 1.6;
  context.fillStyle = color(outlined ? "card" : `class-${label}`);
  context.strokeStyle = color(outlined ? `class-${label}` : "card");
  context.fill(path);
  context.stroke(path);
  context.restore();
}
