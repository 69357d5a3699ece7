"""Reads /metrics as others do, and compares its two formats: metrics.py OPEN_METRICS CLASSIC OPEN_METRICS_LATER.

The parsers are those of PyPI's prometheus-client, which this project did not write; that of OpenMetrics is strict. A value
that is another one in the second OpenMetrics text moves by itself, so it may be another one in the classic text, too.
"""

import sys

from prometheus_client.openmetrics.parser import text_string_to_metric_families as open_metrics
from prometheus_client.parser import text_string_to_metric_families as classic

# The types of OpenMetrics that the classic format lacks.
TYPES = {"info": "gauge", "stateset": "gauge"}


def read(path, parse):
    """The value of each series, and the type and help of each metric by the name of its series without suffix."""
    with open(path, encoding="utf-8", newline="") as file:
        families = list(parse(file.read()))
    series, described = {}, {}
    for family in families:
        for sample in family.samples:
            key = (sample.name, tuple(sorted(sample.labels.items())))
            assert key not in series, f"{path}: {key} twice"
            series[key] = sample.value
            described[sample.name] = (TYPES.get(family.type, family.type), family.documentation)
    assert series, f"{path} is empty"
    return series, described


first, described = read(sys.argv[1], open_metrics)
text, described_classic = read(sys.argv[2], classic)
later, _ = read(sys.argv[3], open_metrics)
assert first.keys() == text.keys(), f"series differ: {first.keys() ^ text.keys()}"
assert first.keys() == later.keys(), f"series come and go: {first.keys() ^ later.keys()}"
differing = {name for name in described if described[name] != described_classic[name]}
assert not differing, [(described[name], described_classic[name]) for name in differing]
# What the process uses may rise and fall again between two looks.
moving = {key for key, value in first.items() if value != later[key] or key[0].startswith("process_")}
for key, value in first.items():
    assert key in moving or text[key] == value, f"{key}: {value} and {text[key]}"
print(f"{len(first)} series, {len(moving)} of them moving")
