#!/usr/bin/env python3
"""A results file opens without our code: in xarray through h5netcdf and through netCDF4, in h5py, in h5dump.

check_results_open.py [RESULTS.h5]    without a file, a small sweep is run with $TAPEDECK_BIN"""
import os
import shutil
import subprocess
import sys
import tempfile

try:
    import h5py
    import h5netcdf  # noqa: F401
    import netCDF4  # noqa: F401
    import numpy as np
    import xarray as xr
except ImportError as missing:
    print(f"skipped: {missing}; install python3-h5py, python3-h5netcdf, python3-netcdf4, python3-xarray")
    sys.exit(77)

CONFIG = """\
name: opened elsewhere
tape: tape.h5
strategy: sma-cross
method: grid
parameters:
  fast: {min: 2, max: 6}
  slow: {values: [20, 30, 40]}
  stop_loss: {values: [0.0, 0.02]}
"""


# the same on every symbol of a tape at two intervals
SEVERAL = CONFIG + """\
symbols: all
intervals: [1h, 4h]
"""


def make_results(folder, config=CONFIG, symbols=1):
    program = os.environ.get("TAPEDECK_BIN")
    if not program or not os.path.exists(program):
        print("skipped: TAPEDECK_BIN names no program, and no results file was given")
        sys.exit(77)
    with open(os.path.join(folder, "sweep.yaml"), "w") as file:
        file.write(config)
    synth = ["data", "synth", "--bars", "3000", "--interval", "1h", "--seed", "1", "--symbols", str(symbols), "-o", "tape.h5"]
    for arguments in (synth, ["sweep", "sweep.yaml", "-o", "results.h5", "--force"]):
        subprocess.run([program] + arguments, cwd=folder, check=True)
    return os.path.join(folder, "results.h5")


def same(a, b):
    return np.array_equal(a, b, equal_nan=a.dtype.kind == "f")


def check_h5py(path):
    """Returns what the other readers must agree with: values and attributes."""
    with h5py.File(path, "r") as file:
        values = {name: file[name][()] for name in file}
        attributes = {name: dict(file[name].attrs) for name in file}
        root = dict(file.attrs)
        for name, value in root.items():
            assert not isinstance(value, bytes), f"root attribute {name} is bytes, not text"
        for name in file:
            if name not in ("trial", "block"):
                labels = [dimension[0].name for dimension in file[name].dims]
                assert labels in (["/trial"], ["/block"], ["/trial", "/block"]), (name, labels)
        assert h5py.h5ds.is_scale(file["trial"].id) and h5py.h5ds.is_scale(file["block"].id)
    assert root["Conventions"] == "CF-1.10" and root["tapedeck_schema"] == "tapedeck-results"
    for name in """title tapedeck_version git_commit git_dirty compiler hdf5_version gsl_version config_text config_path
            config_resolved config_digest tape_path tape_digest tape_symbol tape_interval bars first_bar_time last_bar_time strategy
            profile method metric goal seed trials excluded done failed blocks periods_per_year threads isa engine started finished
            play_seconds sessions command cpu constants""".split():
        assert name in root, f"root attribute {name} is missing"
    for name, found in attributes.items():
        assert isinstance(found.get("long_name"), str) and found["long_name"], f"{name} has no long_name"
    for name in ("sharpe", "sortino", "calmar", "annual_return", "annual_volatility"):
        assert attributes[name]["periods_per_year"] == root["periods_per_year"], name
    return values, root


def check_xarray(path, engine, values, root):
    axes = [root["axes"]] if isinstance(root["axes"], str) else list(root["axes"])
    with xr.open_dataset(path, engine=engine) as ds:
        assert dict(ds.sizes) == {"trial": root["trials"], "block": root["blocks"]}, ds.sizes
        assert set(ds.variables) == set(values), set(ds.variables) ^ set(values)
        for axis in axes:
            assert axis in ds.coords, f"{axis} is no coordinate"
            assert same(ds[axis].values, values[axis]), axis
        for name in ("sharpe", "final_equity", "max_drawdown_duration", "hash", "state", "block_return"):
            assert same(ds[name].values, values[name]), name
            assert set(axes) <= set(ds[name].coords), name
        assert ds.sharpe.attrs["units"] == "1" and ds.final_equity.attrs["units"] == "quote"
        assert ds.max_drawdown_duration.dtype == np.float64
        assert ds.hash.dtype == np.uint64 and ds.ruined.dtype == bool
        assert ds.block_return.dims == ("trial", "block") and ds.block_return.dtype == np.float32
        start = ds.block_start.values
        assert np.issubdtype(start.dtype, np.datetime64), start.dtype
        assert same(start.astype("datetime64[us]").astype(np.int64), values["block_start"])
        assert str(start[0].astype("datetime64[s]")) + "Z" == root["first_bar_time"]
        assert (ds.block_end.values[:-1] <= start[1:]).all() and (ds.block_end.values > start).all()
        assert ds.state.attrs["flag_meanings"].split() == ["pending", "done", "failed"]
        assert list(np.atleast_1d(ds.state.attrs["flag_values"])) == [0, 1, 2]
        assert ds.attrs["config_text"] == root["config_text"]
        # what people do with it: group by a parameter, one row per trial in pandas
        mean = ds.sharpe.groupby(axes[0]).mean()
        one = float(mean.sel({axes[0]: values[axes[0]][0]}))
        chosen = values["sharpe"][values[axes[0]] == values[axes[0]][0]]
        assert np.isclose(one, np.nanmean(chosen), equal_nan=True)
        frame = ds.drop_dims("block").to_dataframe()
        assert len(frame) == root["trials"] and set(axes) <= set(frame.columns)


def check_several(path, engine):
    """Dimensions symbol, interval, trial, by name; what is said of a market stands beside its results."""
    with h5py.File(path, "r") as file:
        assert [d[0].name for d in file["sharpe"].dims] == ["/symbol", "/interval", "/trial"]
        assert file.attrs["tapedeck_schema_version"] == 2
        raw = file["sharpe"][()]
    with xr.open_dataset(path, engine=engine) as ds:
        assert dict(ds.sizes) == {"symbol": 3, "interval": 2, "trial": 30, "block": 64}, ds.sizes
        assert list(ds.symbol.values) == ["SYNTH", "SYNTH2", "SYNTH3"] and list(ds.interval.values) == ["1h", "4h"]
        assert ds.sharpe.dims == ("symbol", "interval", "trial") and same(ds.sharpe.values, raw)
        assert ds.block_return.dims == ("symbol", "interval", "trial", "block")
        assert ds.block_start.dims == ("symbol", "interval", "block") and np.issubdtype(ds.block_start.dtype, np.datetime64)
        assert ds.fast.dims == ("trial",) and "fast" in ds.sharpe.coords
        for name in ("bars", "periods_per_year", "first_bar_time", "last_bar_time"):
            assert ds[name].dims == ("symbol", "interval"), name
        assert int(ds.bars.sel(symbol="SYNTH", interval="1h")) == 3000
        assert 740 <= int(ds.bars.sel(symbol="SYNTH", interval="4h")) <= 755
        # what people do with it: the set that is best where it is worst
        worst = ds.sharpe.sel(interval="1h").min("symbol")
        assert np.isclose(float(worst.max()), raw[:, 0, :].min(axis=0).max())
        frame = ds.drop_dims("block").to_dataframe()
        assert len(frame) == 180 and frame.index.names == ["symbol", "interval", "trial"]


def check_h5dump(path):
    if not shutil.which("h5dump"):
        print("h5dump is not installed: that part is left out")
        return
    header = subprocess.run(["h5dump", "-H", path], check=True, capture_output=True, text=True).stdout
    for part in ('DATASET "sharpe"', 'DATASET "block_return"', 'ATTRIBUTE "Conventions"', 'DIMENSION_LIST'):
        assert part in header, part
    subprocess.run(["h5dump", "-d", "/hash", path], check=True, stdout=subprocess.DEVNULL)


def main():
    with tempfile.TemporaryDirectory() as folder:
        path = sys.argv[1] if len(sys.argv) > 1 else make_results(folder)
        values, root = check_h5py(path)
        for engine in ("h5netcdf", "netcdf4"):
            check_xarray(path, engine, values, root)
        check_h5dump(path)
        if len(sys.argv) == 1:
            several = make_results(folder, SEVERAL, symbols=3)
            for engine in ("h5netcdf", "netcdf4"):
                check_several(several, engine)
            check_h5dump(several)
    print(f"{len(values)} variables, {root['trials']} trials: the same in h5py, xarray (h5netcdf, netcdf4) and h5dump")


main()
