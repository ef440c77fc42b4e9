"""What more candidates are worth: the gain on questions left out against candidates tried.

    python benchmarks/search.py [RECIPE] [--json]

Runs the recipe (the quickstart's unless told), whose explorer has to be `random-search`, in a
directory of its own, without its held-out set.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import click
import yaml

_QUICKSTART = Path(__file__).parents[1] / "recipes" / "quickstart.yaml"


@click.command()
@click.argument("recipe", default=_QUICKSTART, type=click.Path(exists=True, path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def main(recipe: Path, as_json: bool) -> None:
    """Run RECIPE without its held-out set, and print how the gain went."""
    with tempfile.TemporaryDirectory() as folder:
        run = Path(folder) / "run"
        command = ["autotts_core", "run", str(recipe), "--out", str(run), "--set", "held_out=[]"]
        began = time.monotonic()
        # Its output goes to standard error, so that --json gives JSON alone.
        subprocess.run([sys.executable, "-m", *command], check=True, stdout=2)
        seconds = time.monotonic() - began
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        curve = gains(run)
    found = {
        "recipe": recipe.name,
        "candidates": curve[-1]["candidates"],
        "seconds": round(seconds, 1),
        "candidates_per_second": round(curve[-1]["candidates"] / seconds, 1),
        "cpu_minutes": round((used.ru_utime + used.ru_stime) / 60, 2),
        "curve": curve,
    }
    if as_json:
        click.echo(json.dumps(found, indent=1))
        return
    click.echo(
        f"{found['recipe']}: {found['candidates']:,} candidates in {seconds:,.0f} s, "
        f"{found['candidates_per_second']:.1f} a second, {found['cpu_minutes']:.1f} CPU minutes\n"
    )
    click.echo("round  candidates   gain on questions left out      best so far  parts")
    for row in curve:
        click.echo(
            f"{row['round']:>5}  {row['candidates']:>10,}  {row['gain']:>+6.2f} "
            f"({row['low']:+.2f} to {row['high']:+.2f})  {row['best']:>+12.2f}  "
            f"{', '.join(row['parts']) or 'none'}"
        )


def gains(run: Path) -> list[dict[str, Any]]:
    """A row for each set of parts, in the order in which they were fitted."""
    options = yaml.safe_load((run / "recipe.yaml").read_text())["explorer"]["options"]
    tried = 0
    best = float("-inf")
    rows = []
    for number in sorted(int(path.name) for path in (run / "rounds").iterdir()):
        journal = run / "rounds" / str(number) / "journal"
        for fitted in sorted(journal.glob("*fitted.json")):
            name = fitted.name.removesuffix("fitted.json")
            batches = journal.glob(f"{name}raced-*.json")
            tried += max((int(path.stem.rpartition("-")[2]) for path in batches), default=0)
            for each in json.loads(fitted.read_bytes()):
                tried += len(each["fits"]) * options.get("evaluations", 96)
                gain = each["gain"]
                best = max(best, gain["mean"])
                rows.append(
                    {
                        "round": number,
                        "candidates": tried,
                        "gain": gain["mean"],
                        "low": gain["low"],
                        "high": gain["high"],
                        "best": best,
                        "parts": each["parts"],
                    }
                )
    return rows


if __name__ == "__main__":
    main()
