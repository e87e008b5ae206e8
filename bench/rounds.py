"""Rounds, and what is made of their values."""

import statistics


def interleaved(ways, number, warm_up=1):
    """Runs all ways in every round, starting with a different one each time. The first rounds do not count. Ways return values."""
    found = {name: [] for name in ways}
    names = list(ways)
    for at in range(number + warm_up):
        start = at % len(names)
        for name in names[start:] + names[:start]:
            value = ways[name]()
            if at >= warm_up:
                found[name].append(value)
    return found


def summary(values):
    """Median, quartiles, least and most."""
    values = sorted(values)
    if len(values) > 1:
        low, _, high = statistics.quantiles(values, n=4, method="inclusive")
    else:
        low = high = values[0]
    return {
        "median": statistics.median(values),
        "low": low,
        "high": high,
        "min": values[0],
        "max": values[-1],
        "count": len(values),
    }


def ratios(own, peer):
    """Own values relative to the peer's, round by round: a disturbance affects both."""
    return [a / b for a, b in zip(own, peer)]


def over(own, peer):
    """A line whose value is such a ratio."""
    return summary(ratios(own, peer)) | {"own": summary(own), "peer": summary(peer)}


def down_over_up(down, up, others, unit):
    """The line of a removal, relative to making the same; with what `others` took for the removal."""
    each = {name: summary(values)["median"] for name, values in others.items()}
    return over(down, up) | {"unit": unit} | ({"each": each} if each else {})


def percentile(values, part):
    """The value that this part of all is at most as large as."""
    values = sorted(values)
    return values[min(len(values) - 1, round(part * (len(values) - 1)))]
