"""The table of docs/performance.md: each line with its goal, and what was measured on each database."""

ROWS_LOADED = 20_000
COLD_START = 1.5
MIGRATE = 5
EXTRA_QUERIES = 4


def number(value):
    return "–" if value is None else f"{value:.1f}"


def marked(text, is_reached):
    return text if is_reached else f"**{text}**"


def cell(result, scale, name):
    """What one engine reaches on one line, in bold where that is not the goal."""
    large = result[scale]["lines"].get(name)
    small = result["1k"]["lines"].get(name)
    if large is None:
        return "–", "–", "–"
    growth = large["floors"] / small["floors"] if small else None
    reached = large["floors"] <= large["goal"] + 0.05
    flat = growth is None or growth <= large["most_growth"]
    value = number(large["floors"])
    times = number(growth) if growth is None else f"{growth:.2f}"
    return (
        marked(value, reached),
        marked(times, flat),
        number(large["bare_sql"]),
    )


def rows(result):
    scale, engines = result["scale"], result["engines"]
    names = next(iter(engines.values()))[scale]["lines"]
    for name, line in names.items():
        cells = [part for engine in engines.values() for part in cell(engine, scale, name)]
        yield [name, f"≤ {line['goal']:g}", *cells]


def rate(load):
    return f"{load['mix']['rps']:.0f} ({load['throughput']:.0%})" if load else "–"


def p99(load):
    return f"{load['mix']['p99_ms']:.0f} ms ({load['p99']:.1f} ×)" if load else "–"


def share(measured):
    """What was measured as a share, of which more is better, or as a number, of which less is."""
    value, goal = measured["value"], measured["goal"]
    return marked(measured["text"], value >= goal if goal <= 1 else value <= goal)


def rows_loaded(load):
    speed = load.rpartition(", ")[2].split()[0]
    return marked(speed, int(speed.replace(",", "")) >= ROWS_LOADED)


def cold_start(times):
    return marked(f"{times['ratio']:.2f} ×", times["ratio"] <= COLD_START)


def extra_queries(lines):
    most = max(line["extra_queries"] or 0 for line in lines.values())
    return marked(str(most), most <= EXTRA_QUERIES)


def other_rows(result):
    """What is not measured in floors."""
    scale, engines = result["scale"], result["engines"].values()

    def row(name, goal, read):
        return [name, goal, *(text for engine in engines for text in (read(engine), "", ""))]

    yield row("Floor, ms of CPU", "", lambda engine: f"{engine[scale]['floor_ms']:.1f}")
    yield row(
        "Stock Django admin, list of customers, in floors",
        "",
        lambda engine: number(engine[scale]["stock_admin"]["Customers"]),
    )
    yield row(
        "Stock Django admin, search without a hit, in floors",
        "",
        lambda engine: number(engine[scale]["stock_admin"]["Search, no hit"]),
    )
    for name, one in next(iter(engines))[scale].get("shares", {}).items():
        yield row(
            name,
            f"≥ {one['goal']:.0%}" if one["goal"] <= 1 else f"≤ {one['goal']:g}",
            lambda engine, name=name: share(engine[scale]["shares"][name]),
        )
    yield row(
        "`load_sample`, rows a second",
        f"≥ {ROWS_LOADED:,}",
        lambda engine: rows_loaded(engine[scale]["load"]),
    )
    for name, read in (
        ("32 clients on gunicorn with 2 workers: requests/s, and share of the floor page's", rate),
        ("… p99, and to that of the floor page", p99),
    ):
        yield row(name, "", lambda e, read=read: read(e[scale].get("under_load")))
    yield row(
        "Cold start to the first page, to a bare project with admin",
        f"≤ {COLD_START:g} ×",
        lambda engine: cold_start(engine["cold_start"]),
    )
    yield row(
        "`migrate` on an empty database",
        f"≤ {MIGRATE:g} s",
        lambda engine: marked(
            f"{engine['1k']['migrate_s']:.1f} s", engine["1k"]["migrate_s"] <= MIGRATE
        ),
    )
    yield row(
        "Most queries above the floor's on any page",
        f"≤ {EXTRA_QUERIES}",
        lambda engine: extra_queries(engine[scale]["lines"]),
    )


def print_table(result):
    engines = list(result["engines"])
    head = ["", "goal"]
    for engine in engines:
        version = result["engines"][engine][result["scale"]]["version"]
        head += [f"{engine} {version}", "growth", "bare SQL"]
    lines = [head, ["---"] * len(head), *rows(result), *other_rows(result)]
    machine = result["machine"]
    print(
        f"{result['scale']} customers; {machine['cpu']}, {machine['cores']} cores,"
        f" Python {machine['python']}. In floors, unless said otherwise; growth from 1k customers.\n"
    )
    for line in lines:
        print(f"| {' | '.join(line)} |")
