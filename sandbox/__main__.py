"""The commands of the sandbox: ``python -m sandbox serve|seed|load|act|reset``.

Each command imports what it needs when it runs: seeding needs no web server, serving no pandas.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

from sandbox import places

_EPILOGS = {
    "serve": "python -m sandbox serve --data .local/sandbox --salesforce-port 8801 --respond-port 8802 --contacts 5000",
    "seed": "python -m sandbox seed --data .local/sandbox --contacts 100000 --seed 7",
    "load": "python -m sandbox load --data .local/sandbox --contacts export.csv --respond-share 0.6",
    "act": "python -m sandbox act --data .local/sandbox --salesforce-url http://127.0.0.1:8801 "
    "--respond-url http://127.0.0.1:8802 --rate 2",
    "reset": "python -m sandbox reset --data .local/sandbox",
}


def main(arguments: list[str] | None = None) -> int:
    """Run one command; return its exit code (2: it was asked for something impossible, nothing was done)."""
    options = _parser().parse_args(arguments)
    run: Callable[[argparse.Namespace, places.Places], int] = options.run
    try:
        return run(options, places.Places(options.data))
    except places.SandboxError as exc:
        print(f"sandbox {options.command}: {exc}", file=sys.stderr)
        return 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m sandbox", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    serving = _command(commands, "serve", _serve, "serve both stand-ins in the foreground until SIGTERM")
    serving.add_argument("--salesforce-port", type=int, default=8801, help="0 = chosen free (default 8801)")
    serving.add_argument("--respond-port", type=int, default=8802, help="0 = chosen free (default 8802)")
    serving.add_argument(
        "--https", action="store_true", help="with a certificate made at start; ca.pem in --data"
    )
    serving.add_argument(
        "--contacts", type=int, help="seed so many Salesforce contacts first, if there is no data"
    )
    serving.add_argument("--seed", type=int, default=1)
    seeding = _command(commands, "seed", _seed, "make a believable population")
    seeding.add_argument("--contacts", type=int, default=5000, help="Salesforce contacts (default 5000)")
    seeding.add_argument("--seed", type=int, default=1)
    seeding.add_argument(
        "--new-hires", type=int, default=0, help="instead: add so many Salesforce contacts made now"
    )
    loading = _command(commands, "load", _load, "load a Salesforce export (CSV with Salesforce column names)")
    loading.add_argument("--contacts", type=Path, required=True, help="the CSV file")
    loading.add_argument("--respond-share", type=float, default=0.6, help="people to put in respond.io too")
    loading.add_argument("--seed", type=int, default=1)
    acting = _command(commands, "act", _act, "play everyday life against served stand-ins")
    acting.add_argument(
        "--salesforce-url", default="http://127.0.0.1:8801", help="default http://127.0.0.1:8801"
    )
    acting.add_argument(
        "--respond-url", default="http://127.0.0.1:8802", help="default http://127.0.0.1:8802"
    )
    acting.add_argument("--rate", type=float, default=1.0, help="events per second (default 1)")
    acting.add_argument("--seed", type=int, default=1)
    acting.add_argument("--events", type=int, help="stop after so many (default: at Ctrl-C)")
    _command(commands, "reset", _reset, "delete the sandbox's data")
    return parser


def _command(
    commands: argparse._SubParsersAction[argparse.ArgumentParser],
    name: str,
    run: Callable[[argparse.Namespace, places.Places], int],
    summary: str,
) -> argparse.ArgumentParser:
    command = commands.add_parser(
        name, help=summary, description=summary, epilog=f"example: {_EPILOGS[name]}"
    )
    command.add_argument("--data", type=Path, required=True, help="the sandbox's directory")
    command.set_defaults(run=run)
    return command


def _say(line: str) -> None:
    print(line, flush=True)


def _serve(options: argparse.Namespace, place: places.Places) -> int:
    from sandbox import seed, serve

    # a port that cannot be had should be told before a million people are made
    for port, option in (
        (options.salesforce_port, "--salesforce-port"),
        (options.respond_port, "--respond-port"),
    ):
        serve.bind(port, option).close()
    if options.contacts is not None and not place.is_populated:
        _say(seed.seed(place, contacts=options.contacts, seed=options.seed))
    return serve.serve(
        place,
        salesforce_port=options.salesforce_port,
        respond_port=options.respond_port,
        is_https=options.https,
        say=_say,
    )


def _seed(options: argparse.Namespace, place: places.Places) -> int:
    from sandbox import seed

    if options.new_hires:
        _say(seed.hire(place, count=options.new_hires, seed=options.seed))
    else:
        _say(seed.seed(place, contacts=options.contacts, seed=options.seed))
    return 0


def _load(options: argparse.Namespace, place: places.Places) -> int:
    from sandbox import load

    for line in load.load(place, options.contacts, respond_share=options.respond_share, seed=options.seed):
        _say(line)
    return 0


def _act(options: argparse.Namespace, place: places.Places) -> int:
    from sandbox import act

    return act.run(options, place, _say)


def _reset(_options: argparse.Namespace, place: places.Places) -> int:
    with place.claimed():
        place.clear()
    _say(f"{place.directory} is empty")
    return 0


if __name__ == "__main__":
    sys.exit(main())
