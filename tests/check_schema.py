"""Holds the printed JSON Schema against the program: what `config check` accepts is valid, what has a wrong structure is not.

Configurations are written as JSON, which is YAML as well, so that both see the same text."""
import json
import os
import subprocess
import sys
import tempfile

try:
    import jsonschema
    VALIDATOR = jsonschema.Draft202012Validator
except (ImportError, AttributeError):
    print("python3-jsonschema (4.0 or later) is not installed: skipped")
    sys.exit(77)

BIN = os.environ.get("TAPEDECK_BIN", "tapedeck")
BASE = {"tape": "t.h5", "strategy": "sma-cross"}

GOOD = [
    {},
    {"parameters": {"fast": {"value": 10}, "slow": 30}, "account": {"cash": 10000, "sizing": "all_in", "units": "whole"},
     "costs": {"commission": 0.0, "spread": 0.0}, "fill": {"at": "next_open"}, "finalize": True, "profile": "backtesting"},
    {"parameters": {"fast": {"min": 5, "max": 25, "q": 5, "distribution": "q_uniform"}, "slow": {"values": [30, 50]}},
     "constraints": ["fast < slow"]},
    {"parameters": {"fast": {"min": 5, "max": 25}, "slow": {"range": [30, 50, 5]}, "commission": {"log": [1e-5, 1e-2, 4]}}},
    {"parameters": {"stops": {"parameters": {"stop_loss": {"values": [0.05, 0.1]}}}, "costs.spread": 0.001}},
    {"method": "random", "run_cap": 20, "seed": 3, "parameters": {"fast": {"min": 2.0, "max": 9.0}, "spread": {
        "distribution": "beta", "a": 2, "b": 5},
            "slippage": {"distribution": "q_log_uniform_values", "min": 1e-4, "max": 0.1, "q": 1e-4},
        "cash": {"distribution": "log_normal", "mu": 9}, "take_profit": {"values": [0.1, 0.2], "probabilities": [0.5, 0.5]},
        "commission": {"distribution": "normal", "sigma": 0.02}}},
    {"method": "list", "list": [{"fast": 5, "slow": 20}, {"fast": 6, "slow": 20}]},
    {"list": "fast,slow\n5,20\n"},
    {"metric": {"name": "max_drawdown", "goal": "maximize", "target": 1}, "limits": {"memory": "2GB", "wall": "1h30m"}},
    {"limits": {"memory": 1000000, "wall": 60}, "period": {"from": "2020-01-01", "to": "2021-01-01T12:00:00.5Z"}},
    {"limits": {"memory": "none", "wall": "none"}, "name": "a", "description": "b", "budget": {"trials": 5}},
    {"account": {"sizing": "fraction", "size": 0.5, "units": {"lot": 1e-6}}, "direction": "long"},
    {"metrics": {"sample": "bar", "blocks": 8, "risk_free": 0.02, "periods_per_year": 252}, "stops": {"take_profit": 2}},
    {"costs": {"tiers": [{"volume": 0, "commission": 0.001, "maker": -0.0001}, {"volume": 1e6, "commission": 0.0008}], "tier_days": 7}},
    {"metrics": {"sample": 60, "required_return": 0.05}},
    {"profile": "vectorbt", "vectorbt": {"accumulate": "addonly", "stop_exit_price": "stopmarket", "allow_partial": False, "max_size": 10}},
    {"program": "train.py", "command": ["a", "b"], "project": "p", "entity": "e", "early_terminate": {"type": "hyperband"},
     "kind": "sweep",
     "controller": {"type": "local"}},
    {"strategy": "rsi-reversion", "parameters": {"window": {"values": [7, 14]}, "lower": 25.5}},
    {"strategy": "buy-and-hold"},
    {"strategy": None, "entry": "close > sma(close, fast)", "exit": "close < open", "parameters": {"fast": {"values": [5, 10]}}},
    {"strategy": None, "entry_short": "close > open"},
]

# what is wrong, or None where only the program can know
BAD = [
    ({"tape": None}, "type"),
    ({"strategy": "sma-cros"}, "enum"),
    ({"fsat": 1}, "key"),
    ({"costs": {"commision": 0}}, "key"),
    ({"costs": {"commission": "0.1"}}, "type"),
    ({"costs": {"commission": 0.2}}, "range"),
    ({"costs": {"tiers": 0.001}}, "type"),
    ({"costs": {"tiers": [{"volume": 0, "commision": 0.001}]}}, "key"),
    ({"costs": {"tiers": [{"volume": 0, "commission": 0.2}]}}, "range"),
    ({"costs": {"tiers": [{"volume": 5, "commission": 0}]}}, None),
    ({"costs": {"tier_days": 0}}, "range"),
    ({"account": {"cash": -1}}, "range"),
    ({"account": {"sizing": "all"}}, "enum"),
    ({"profile": "vectorbt", "vectorbt": {"upon_stop_exit": "ignore"}}, "enum"),
    ({"vectorbt": {"lock_cash": True}}, None),
    ({"account": {"units": "hole"}}, "enum"),
    ({"account": {"units": {"lots": 1}}}, "key"),
    ({"account": {"direction": "long"}}, "key"),
    ({"finalize": "true"}, "type"),
    ({"seed": 1.5}, "type"),
    ({"seed": -1}, "range"),
    ({"profile": "backtestin"}, "enum"),
    ({"method": "gird"}, "enum"),
    ({"metrics": {"sample": "hour"}}, "enum"),
    ({"metrics": {"sample": 0}}, "range"),
    ({"metrics": {"blocks": 5000}}, "range"),
    ({"metric": {"name": "sharp"}}, "enum"),
    ({"limits": {"memory": "2XB"}}, "pattern"),
    ({"limits": {"wall": "5 minutes"}}, "pattern"),
    ({"period": {"from": "yesterday"}}, "pattern"),
    ({"run_cap": 0}, "range"),
    ({"constraints": "fast < slow"}, "type"),
    ({"parameters": {"fsat": 5}}, "name"),
    ({"parameters": {"window": 5}}, "name"),
    ({"parameters": {"fast": {"values": []}}}, "empty"),
    ({"parameters": {"fast": {"values": ["a"]}}}, "type"),
    ({"parameters": {"fast": {"min": 5}}}, "incomplete"),
    ({"parameters": {"fast": {"min": 5, "max": 9, "foo": 1}}}, "key"),
    ({"parameters": {"fast": {"distribution": "log_uniform", "min": 0, "max": 1}}}, "enum"),
    ({"parameters": {"fast": [5, 10]}}, "type"),
    ({"parameters": {"fast": {"range": [5, 10]}}}, "length"),
    ({"list": []}, "empty"),
    ({"strategy": None}, "missing"),
    ({"entry": "close > open"}, "both"),
    ({"strategy": None, "exit": "close > open"}, "incomplete"),
    ({"strategy": None, "entry": "close > open", "exit_short": "close > open"}, "incomplete"),
    ({"strategy": None, "entry": ["close > open"]}, "type"),
    ({"strategy": None, "entry": ""}, "empty"),
    ({"list": [5]}, "type"),
    # beyond a schema
    ({"strategy": None, "entry": "close >"}, None),
    ({"strategy": None, "entry": "close > sma(close, fast)"}, None),
    ({"parameters": {"fast": 0}}, None),
    ({"parameters": {"fast": 2.5}}, None),
    ({"parameters": {"fast": {"min": 9, "max": 5}}}, None),
    ({"constraints": ["fast <"]}, None),
    ({"constraints": ["fast > slow"]}, None),
    ({"method": "bayes"}, None),
    ({"method": "random", "parameters": {"fast": {"min": 1, "max": 5}}}, None),
    ({"account": {"sizing": "fraction", "size": 2}}, None),
    ({"list": "nowhere.csv"}, None),
]


def checked(configuration):
    """Exit code and words of `tapedeck config check`."""
    with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
        json.dump(configuration, file)
        file.flush()
        done = subprocess.run([BIN, "config", "check", file.name], capture_output=True, text=True, check=False)
    return done.returncode, done.stderr


def merged(change):
    return {key: value for key, value in {**BASE, **change}.items() if value is not None}


schema = json.loads(subprocess.run([BIN, "config", "--print-schema"], capture_output=True, check=True).stdout)
VALIDATOR.check_schema(schema)
validator = VALIDATOR(schema)
problems = []
for change in GOOD:
    configuration = merged(change)
    code, said = checked(configuration)
    if code != 0:
        problems.append(f"refused by the program: {json.dumps(change)}\n{said}")
    for error in validator.iter_errors(configuration):
        problems.append(f"refused by the schema: {json.dumps(change)}: {error.message}")
for change, what in BAD:
    configuration = merged(change)
    code, said = checked(configuration)
    if code != 2 or "error:" not in said:
        problems.append(f"accepted by the program (exit {code}): {json.dumps(change)}")
    valid = validator.is_valid(configuration)
    if valid == (what is not None):
        verdict = "accepted" if valid else "refused"
        problems.append(f"{verdict} by the schema, {what or 'only the program can know'}: {json.dumps(change)}")
# the schema's defaults are values it accepts
groups, defaults = [schema["properties"]], 0
while groups:
    for name, each in groups.pop().items():
        if "default" in each:
            defaults += 1
            if not VALIDATOR({**each, "$defs": schema["$defs"]}).is_valid(each["default"]):
                problems.append(f"the default of {name} is not valid: {each['default']!r}")
        if "properties" in each:
            groups.append(each["properties"])
if defaults < 20:
    problems.append(f"only {defaults} defaults in the schema")
for problem in problems:
    print(problem)
print(f"{len(GOOD)} good and {len(BAD)} bad configurations, {len(problems)} problem(s)")
sys.exit(1 if problems else 0)
