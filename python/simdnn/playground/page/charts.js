// The curves of the losses and the statistics of the layers, both on a logarithmic scale.

const MARGIN = { left: 46, right: 78, top: 8, bottom: 26 };
const HEIGHT = 214;
/** Numbers below and above are drawn at the edge. */
const [LEAST, MOST] = [1e-14, 1e14];

/** Exponents of ten that enclose all values. */
function decades(values) {
  const known = values.filter((value) => value > 0).map((value) => Math.min(Math.max(value, LEAST), MOST));
  if (known.length === 0) return [-1, 1];
  const [low, high] = [Math.floor(Math.log10(Math.min(...known))), Math.ceil(Math.log10(Math.max(...known)))];
  return [low, high > low ? high : low + 1];
}

/** A chart with horizontal lines at powers of ten; returns its drawing and the position of a value. */
function logChart(box, values, label) {
  const width = Math.max(box.clientWidth, 240);
  const chart = drawn("svg", { viewBox: `0 0 ${width} ${HEIGHT}`, height: HEIGHT, role: "img", "aria-label": label });
  const [low, high] = decades(values);
  const inner = HEIGHT - MARGIN.top - MARGIN.bottom;
  const y = (value) => {
    const exponent = value > 0 ? Math.log10(value) : low;
    return MARGIN.top + inner * (1 - (Math.min(Math.max(exponent, low), high) - low) / (high - low));
  };
  const stride = Math.ceil((high - low) / 5);
  for (let exponent = low; exponent <= high; exponent += stride) {
    const at = y(10 ** exponent);
    const text = exponent >= -3 && exponent <= 3 ? String(Number((10 ** exponent).toPrecision(1))) : `1e${exponent}`;
    chart.append(drawn("line", { class: "grid", x1: MARGIN.left, x2: width - MARGIN.right, y1: at, y2: at }));
    chart.append(drawn("text", { x: MARGIN.left - 6, y: at + 4, "text-anchor": "end" }, text));
  }
  return { chart, y, x0: MARGIN.left, x1: width - MARGIN.right, bottom: HEIGHT - MARGIN.bottom };
}

/** Names at the right ends of lines, moved apart where they would meet. */
function nameLines({ chart, x1 }, names) {
  const sorted = [...names].sort((a, b) => a.y - b.y);
  sorted.forEach((one, i) => {
    one.at = i ? Math.max(one.y, sorted[i - 1].at + 15) : one.y;
  });
  const over = sorted.length ? Math.max(0, sorted.at(-1).at - (HEIGHT - MARGIN.bottom)) : 0;
  for (const { at, text, stroke } of sorted) {
    const label = drawn("text", { class: "name", x: x1 + 8, y: at - over + 4 }, text);
    label.style.fill = stroke;
    chart.append(label);
  }
}

/** Text below the axis. */
const below = ({ chart, bottom }, x, text, anchor = "middle") =>
  chart.append(drawn("text", { x, y: bottom + 16, "text-anchor": anchor }, text));

/** The losses of training and test over the steps. */
function drawCurve(box, [steps, losses, tests]) {
  const last = steps.at(-1);
  if (last === 0) {
    box.replaceChildren(made("p", { class: "note" }, "The curve begins with the first epoch."));
    return;
  }
  const words = `Loss after ${count(last)} steps: training ${number(losses.at(-1))}, test ${number(tests.at(-1))}.`;
  const axes = logChart(box, [...losses, ...tests].filter((value) => value !== null), words);
  const x = (step) => axes.x0 + ((axes.x1 - axes.x0) * step) / last;
  const names = [];
  const rows = [["training", losses, "ink-0", "none"], ["test", tests, "ink-1", "6 3"]];
  for (const [text, values, ink, dashes] of rows) {
    const known = values.flatMap((value, i) => (value === null ? [] : [[x(steps[i]), axes.y(value)]]));
    if (known.length === 0) continue;
    const points = known.map((point) => point.map((one) => one.toFixed(1)).join()).join(" ");
    const line = drawn("polyline", { class: "line", points, "stroke-dasharray": dashes });
    const [cx, cy] = known.at(-1);
    const end = drawn("circle", { cx, cy, r: 3 });
    line.style.stroke = end.style.fill = `var(--${ink})`;
    axes.chart.append(line, end);
    const broken = values.at(-1) === null ? " \u2192 \u221e" : "";
    names.push({ y: cy, text: text + broken, stroke: `var(--${ink})` });
  }
  nameLines(axes, names);
  const unit = 10 ** Math.floor(Math.log10(last));
  const stride = last / unit > 5 ? 2 * unit : last / unit > 2 ? unit : unit / 2;
  for (let step = 0; step <= last; step += stride) below(axes, x(step), short(step));
  below(axes, axes.x1 + 18, "steps", "start");
  box.replaceChildren(axes.chart);
}

/** Statistics by layer: field, name, color, pattern and mark. */
const SERIES = [
  ["activation", "activations", "ink-0", "none", 0],
  ["gradient", "gradients", "ink-1", "6 3", 1],
  ["update", "steps", "ink-2", "2 3", 2],
];

/** Steps of healthy size, relative to their weights. */
const BAND = [1e-4, 1e-2];

/** Activations, gradients and steps of each layer. */
function drawLayers(box, layers) {
  const values = SERIES.flatMap(([field]) => layers.map((layer) => layer[field])).filter((value) => value !== null);
  const words = SERIES.map(([field, name]) => `${name} ${number(layers[0][field])} in the first layer, ${number(layers.at(-1)[field])} in the last`);
  const axes = logChart(box, [...values, ...BAND], `${words.join("; ")}.`);
  const x = (i) => axes.x0 + ((axes.x1 - axes.x0) * (i + 0.5)) / layers.length;
  const [top, end] = [axes.y(BAND[1]), axes.y(BAND[0])];
  axes.chart.prepend(drawn("rect", { class: "band", x: axes.x0, width: axes.x1 - axes.x0, y: top, height: end - top }));
  const names = [];
  for (const [field, text, ink, dashes, shape] of SERIES) {
    const known = layers.flatMap((layer, i) => (layer[field] === null ? [] : [[x(i), axes.y(layer[field]), layer[field] === 0]]));
    if (known.length === 0) continue;
    const stroke = `var(--${ink})`;
    const points = known.map(([left, high]) => `${left.toFixed(1)},${high.toFixed(1)}`).join(" ");
    const line = drawn("polyline", { class: "line", points, "stroke-dasharray": dashes });
    line.style.stroke = stroke;
    axes.chart.append(line);
    const scale = layers.length > 20 ? 0.55 : 0.8;
    for (const [left, high, zero] of known) {
      const dot = drawn("path", { d: SHAPES[shape], transform: `translate(${left} ${high}) scale(${scale})` });
      dot.style.fill = zero ? "var(--card)" : stroke;
      dot.style.stroke = zero ? stroke : "none";
      axes.chart.append(dot);
    }
    names.push({ y: known.at(-1)[1], text, stroke });
  }
  nameLines(axes, names);
  const stride = Math.ceil(layers.length / Math.max(4, Math.floor((axes.x1 - axes.x0) / 34)));
  for (let i = 0; i < layers.length; i += stride) below(axes, x(i), i === layers.length - 1 ? "out" : i + 1);
  below(axes, axes.x1 + 18, "layer", "start");
  box.replaceChildren(axes.chart);
}
