"""Results as Markdown."""

from growth import GrowthResult
from idle import IdleResult
from measure import Spread, ratios
from plot import growth_svg
from poolers import TITLES, WEIR
from rows import LoadResult

METRICS = {"cpu": "CPU per transaction", "tps": "tps", "p99": "p99",
           "resident": "resident bytes per idle client"}
# More is better of tps, less of all else.
RISING = {"tps"}


def number(value, digits=3):
    """With so many significant digits, thousands with commas."""
    if value >= 10 ** digits or value == 0:
        return f"{value:,.0f}"
    places = digits if value < 1 else digits - len(str(int(value)))
    return f"{value:.{places}f}"


def cell(spread, form=number):
    if spread is None:
        return "–"
    values = (spread.median, spread.least, spread.greatest)
    median, least, greatest = (form(value) for value in values)
    return median if least == greatest else f"{median} ({least}–{greatest})"


def two_places(value):
    return f"{value:.2f}"


def markdown(bench, results, skipped):
    load = [result for result in results if isinstance(result, LoadResult)]
    idle = [result for result in results if isinstance(result, IdleResult)]
    growth = [result for result in results if isinstance(result, GrowthResult)]
    parts = [bench.preface()]
    if load:
        parts.append(load_table(load))
    if idle:
        parts.append(idle_table(idle))
    parts += [growth_tables(result) for result in growth]
    limits = [line for result in results for line in limit_lines(result)]
    if limits:
        head = "| row | what, ÷ PgBouncer | engine | measured | target | |\n|---|---|---|---:|---:|---|"
        parts.append("\n".join([head, *limits]))
    notes = [f"- Skipped: {row.title} (`{row.name}`): {reason}" for row, reason in skipped]
    for result in results:
        notes += [f"- Not measured: {result.row.title}, {TITLES[name]}: {reason}"
                  for name, reason in result.reasons.items()]
    if notes:
        parts.append("\n".join(notes))
    return "\n\n".join(parts) + "\n"


def load_table(results):
    lines = [
        "| row | through | tps | p50, ms | p99, ms | pooler CPU, µs per transaction | resident, MiB "
        "| tps ÷ PgBouncer | CPU ÷ PgBouncer | p99 ÷ PgBouncer |",
        "|---|---|---:|---:|---:|---:|---:|---:|---:|---:|"]
    for result in results:
        for name, samples in result.samples.items():
            values = {metric: [getattr(sample, metric) for sample in samples]
                      for metric in ("tps", "p50", "p99", "cpu", "resident")}
            others = result.samples.get("pgbouncer", []) if name != "pgbouncer" else []
            compared = []
            for metric in ("tps", "cpu", "p99"):
                pairs = ratios(values[metric], [getattr(other, metric) for other in others])
                compared.append(cell(pairs, form=two_places))
            cells = [result.row.title, TITLES[name], cell(Spread.of(values["tps"])),
                     cell(Spread.of(values["p50"])), cell(Spread.of(values["p99"])),
                     cell(Spread.of(values["cpu"])), median_only(values["resident"], 1 << 20), *compared]
            lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def median_only(values, scale):
    spread = Spread.of(values)
    return "–" if spread is None else number(spread.median / scale)


def idle_table(results):
    lines = ["| row | through | resident bytes per idle client | ÷ PgBouncer |", "|---|---|---:|---:|"]
    for result in results:
        for name, values in result.samples.items():
            others = result.samples.get("pgbouncer", []) if name != "pgbouncer" else []
            cells = [result.row.title, TITLES[name], cell(Spread.of(values)),
                     cell(ratios(values, others), form=two_places)]
            lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def growth_tables(result):
    parts = []
    both = (("connected clients, 32 active", result.connected), ("pools, 20 active", result.pools))
    for what, series in both:
        points = sorted({point for found in series.values() for point in found})
        heads = " | ".join(f"{point:,}" for point in points)
        lines = [f"| CPU µs per transaction: {what} | {heads} | last ÷ first |",
                 "|---|" + "---:|" * (len(points) + 1)]
        for name, found in series.items():
            cells = [cell(Spread.of(found[point])) for point in points]
            cells.append(cell(ratios(found[points[-1]], found[points[0]]), form=two_places))
            lines.append(f"| {TITLES[name]} | {' | '.join(cells)} |")
        parts.append("\n".join(lines))
    return "\n\n".join(parts)


def growth_plot(result):
    def medians(series):
        return {name: [(point, Spread.of(values).median) for point, values in sorted(found.items())]
                for name, found in series.items()}

    panels = [("32 of them active", "connected clients", medians(result.connected)),
              ("20 of them active", "pools", medians(result.pools))]
    return growth_svg(panels, TITLES)


def limit_lines(result):
    """Each target beside what was measured."""
    if isinstance(result, GrowthResult):
        for what, series in (("connected clients", result.connected), ("pools", result.pools)):
            for name in WEIR:
                if name in series:
                    first, *others = (values for _, values in sorted(series[name].items()))
                    worst = max((ratios(values, first) for values in others),
                                key=lambda spread: spread.median)
                    yield limit_line(f"growth: {what}", "dearest point ÷ first", name, worst,
                                     result.row.limit)
        return
    if isinstance(result, IdleResult):
        wanted = {"resident": result.row.limits}
    else:
        wanted = result.row.limits
    for metric, limits in wanted.items():
        for name, limit in zip(WEIR, limits):
            if name in result.samples and "pgbouncer" in result.samples:
                mine, others = result.samples[name], result.samples["pgbouncer"]
                if isinstance(result, LoadResult):
                    mine = [getattr(sample, metric) for sample in mine]
                    others = [getattr(sample, metric) for sample in others]
                yield limit_line(result.row.title, METRICS[metric], name, ratios(mine, others), limit,
                                 metric in RISING)


def limit_line(title, what, name, spread, limit, rising=False):
    if spread is None:
        return f"| {title} | {what} | {TITLES[name]} | – | | |"
    # Judged as printed: to two places.
    measured = round(spread.median, 2)
    verdict = "met" if (measured >= limit if rising else measured <= limit) else "missed"
    return (f"| {title} | {what} | {TITLES[name]} | {cell(spread, form=two_places)} "
            f"| {'≥' if rising else '≤'} {limit:.2f} | {verdict} |")
