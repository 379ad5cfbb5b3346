// Figures for Prometheus: counters whose labels are resolved once, gauges read when asked for.
import client from "prom-client";

export interface Counter {
  inc(by?: number): void;
}

export interface Histogram {
  observe(value: number): void;
}

export interface Metrics {
  counter(name: string, help: string): Counter;
  /** A counter with labels; keep what `of("operator", "refused")` gives when it is hot. */
  counters(name: string, help: string, labels: readonly string[]): Labelled<Counter>;
  histogram(name: string, help: string, buckets: readonly number[]): Histogram;
  histograms(
    name: string,
    help: string,
    buckets: readonly number[],
    labels: readonly string[],
  ): Labelled<Histogram>;
  /** Its value is read at each scrape. */
  gauge(name: string, help: string, read: () => number): void;
  /** Label value → value, read at each scrape. */
  gauges(
    name: string,
    help: string,
    label: string,
    read: () => Iterable<readonly [string, number]>,
  ): void;
  /** The exposition format's content type. */
  readonly contentType: string;
  text(): Promise<string>;
}

/** One child per combination of label values, in the order of the labels. */
export type Labelled<T> = (...values: readonly string[]) => T;

/** `processFigures`: CPU, memory, garbage collection, event-loop lag of this process. */
export function createMetrics(options: {
  readonly node: string;
  readonly processFigures: boolean;
}): Metrics {
  const registry = new client.Registry();
  registry.setDefaultLabels({ node: options.node });
  if (options.processFigures) client.collectDefaultMetrics({ register: registry });
  const registers = [registry];

  const counters: Metrics["counters"] = (name, help, labelNames) => {
    const tallies: (() => void)[] = [];
    const collect = (): void => {
      for (const tell of tallies) tell();
    };
    const counter = new client.Counter({
      name,
      help,
      labelNames: [...labelNames],
      registers,
      collect,
    });
    return labelled(labelNames, (labels) => {
      const child = counter.labels(labels);
      child.inc(0); // shown from now on, as a counter that is asked for is
      return tally(child, tallies);
    });
  };
  const histograms: Metrics["histograms"] = (name, help, buckets, labelNames) => {
    const histogram = new client.Histogram({
      name,
      help,
      buckets: [...buckets],
      labelNames: [...labelNames],
      registers,
    });
    return labelled(labelNames, (labels) => histogram.labels(labels));
  };
  return {
    counters,
    histograms,
    counter: (name, help) => counters(name, help, [])(),
    histogram: (name, help, buckets) =>
      new client.Histogram({ name, help, buckets: [...buckets], registers }),
    gauge: (name, help, read) => {
      const gauge: client.Gauge = new client.Gauge({
        name,
        help,
        registers,
        collect: () => gauge.set(read()),
      });
    },
    gauges: (name, help, label, read) => {
      const collect = (): void => {
        gauge.reset();
        for (const [labelValue, value] of read()) gauge.set({ [label]: labelValue }, value);
      };
      const gauge: client.Gauge = new client.Gauge({
        name,
        help,
        labelNames: [label],
        registers,
        collect,
      });
    },
    contentType: registry.contentType,
    text: () => registry.metrics(),
  };
}

/** Counts in a plain number, many times cheaper than prom-client's, and tells it at each scrape. */
function tally(counter: Counter, tallies: (() => void)[]): Counter {
  let untold = 0;
  tallies.push(() => {
    counter.inc(untold);
    untold = 0;
  });
  return {
    inc: (by = 1) => {
      untold += by;
    },
  };
}

/** Children by their label values, one level of the tree per label. */
interface Level<T> {
  readonly below: Map<string, Level<T>>;
  child?: T;
}

function labelled<T>(
  names: readonly string[],
  make: (labels: Record<string, string>) => T,
): Labelled<T> {
  const top: Level<T> = { below: new Map() };
  return (...values) => {
    let level = top;
    for (let at = 0; at < names.length; at++) level = levelBelow(level, values[at] ?? "");
    level.child ??= make(Object.fromEntries(names.map((name, at) => [name, values[at] ?? ""])));
    return level.child;
  };
}

function levelBelow<T>(level: Level<T>, value: string): Level<T> {
  let below = level.below.get(value);
  if (below === undefined) {
    below = { below: new Map() };
    level.below.set(value, below);
  }
  return below;
}
