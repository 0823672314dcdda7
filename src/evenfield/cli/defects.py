"""``evenfield defects``: the hot, cold and unstable pixels of masters, as a file."""

from __future__ import annotations

import click

from evenfield.cli.screen import show


@click.command("defects")
@click.argument("masters", nargs=-1, required=True, metavar="MASTER...", type=click.Path(exists=True, dir_okay=False))
@click.option("-o", "--output", default="defects.fits", show_default=True, metavar="FILE", help="The file to write.")
@click.option("--overwrite", is_flag=True, help="Replace the file if it is there.")
def command(masters: tuple[str, ...], output: str, overwrite: bool) -> int:
    """Write a map of the defects that masters show: hot and unstable pixels of darks, cold ones of flats.

    A pixel of the map is the sum of 1 (no data), 32 (hot), 64 (cold) and 128 (unstable: darks written with --maps).
    """
    from evenfield.run.defects import map_defects

    found = map_defects(masters, output=output, overwrite=overwrite)
    counts = ", ".join(f"{count} {name}" for name, count in found.counts.items())
    show(f"{found.path}: {counts} of {found.pixels} pixels.\n")
    return 0
