"""A plot as SVG, by hand: series over a logarithmic axis."""

import math

COLOURS = {"weir-io_uring": "#0072b2", "weir-epoll": "#009e73", "pgbouncer": "#d55e00"}
WIDTH, HEIGHT = 440, 300
LEFT, RIGHT, TOP, BOTTOM = 50, 20, 40, 50


def growth_svg(panels, titles):
    """panels: [(title, label of the x axis, {target: [(x, y)]})]. Both share the y axis's range."""
    highest = max((y for _, _, series in panels for points in series.values() for _, y in points), default=1)
    step = 10 ** math.floor(math.log10(highest))
    step = step if highest / step >= 4 else step / 2
    top = step * math.ceil(highest / step)
    width = WIDTH * len(panels)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {HEIGHT + 30}" '
        'font-family="sans-serif" font-size="12" fill="#222">',
        f'<rect width="{width}" height="{HEIGHT + 30}" fill="#fff"/>']
    for index, (title, label, series) in enumerate(panels):
        parts.append(f'<g transform="translate({index * WIDTH} 0)">')
        parts += panel(title, label, series, step, top)
        parts.append("</g>")
    names = list(dict.fromkeys(name for _, _, series in panels for name in series))
    for index, name in enumerate(names):
        x = LEFT + index * 140
        parts.append(f'<path d="M{x} {HEIGHT + 12}h20" stroke="{COLOURS[name]}" stroke-width="3"/>')
        parts.append(f'<text x="{x + 26}" y="{HEIGHT + 16}">{titles[name]}</text>')
    return "\n".join([*parts, "</svg>", ""])


def panel(title, label, series, step, top):
    xs = sorted({x for points in series.values() for x, _ in points})
    low, high = math.log10(xs[0]), math.log10(max(xs[-1], xs[0] * 10))

    def place(x, y):
        across = (math.log10(x) - low) / (high - low)
        return (LEFT + across * (WIDTH - LEFT - RIGHT), HEIGHT - BOTTOM - y / top * (HEIGHT - TOP - BOTTOM))

    middle = (LEFT + WIDTH - RIGHT) / 2
    yield f'<text x="{middle}" y="20" text-anchor="middle" font-weight="bold">{title}</text>'
    yield f'<text x="{middle}" y="{HEIGHT - 12}" text-anchor="middle">{label}</text>'
    for number in range(round(top / step) + 1):
        _, y = place(xs[0], number * step)
        yield f'<path d="M{LEFT} {y:.1f}H{WIDTH - RIGHT}" stroke="#ddd"/>'
        yield f'<text x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{number * step:g}</text>'
    for x in xs:
        across, y = place(x, 0)
        yield f'<path d="M{across:.1f} {y:.1f}v5" stroke="#222"/>'
        yield f'<text x="{across:.1f}" y="{y + 18:.1f}" text-anchor="middle">{x:,}</text>'
    yield f'<text x="{LEFT}" y="{TOP - 8}" font-size="11">µs of CPU a transaction</text>'
    for name, points in series.items():
        places = [place(x, y) for x, y in points]
        line = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
        yield f'<polyline points="{line}" fill="none" stroke="{COLOURS[name]}" stroke-width="2"/>'
        for x, y in places:
            yield f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{COLOURS[name]}"/>'
