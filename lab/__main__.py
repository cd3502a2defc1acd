"""`python -m lab COMMAND`: what the Makefile's targets run. `make help` explains each."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys

from lab.settings import ROOT, Lab

sys.path.insert(0, str(ROOT / "tests"))  # where the practice XNAT is

from lab import demo, hosts, image, packages, podman, prepare, untouched
from lab.command import LabError, have


def main() -> int:
    """Run one command; a failure ends in one line that says what to do."""
    parser = argparse.ArgumentParser(prog="python -m lab", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    play = commands.add_parser("demo", help="build a node of three hosts and load images into it")
    play.add_argument("--since", type=float, default=None, help="when the set-up began (seconds since 1970)")
    commands.add_parser("up", help="have the hosts running, and all that site.yml needs at hand")
    commands.add_parser("down", help="remove the hosts, their network, and what was made for them")
    commands.add_parser("forget", help="remove the images of test hosts")
    commands.add_parser("remember", help="write down what the hosts are like, before anything is done to them")
    commands.add_parser("untouched", help="fail if the hosts are not as they were then")
    within = commands.add_parser("exec", help="run a command that works on the lab")
    within.add_argument("words", nargs=argparse.REMAINDER)
    options = parser.parse_args()
    try:
        lab = Lab.from_environment()
        os.environ.update(lab.environment)
        if options.command == "demo":
            demo.play(lab, since=options.since)
        elif options.command == "up":
            prepare.everything(lab)
            hosts.up(lab)
            if lab.topology.isolated:
                packages.bring(lab)
        elif options.command == "down":
            # Without podman there can be no hosts, and nothing is installed to find that out.
            if have("podman"):
                podman.configure()
                hosts.down(lab)
            prepare.remove(lab)
            print(f"Lab {lab.name}: nothing is left of its hosts, its network and what was made for them.")
        elif options.command == "forget":
            if have("podman"):
                podman.configure()
                image.remove_all()
        elif options.command in ("remember", "untouched"):
            podman.configure()
            (untouched.remember if options.command == "remember" else untouched.insist)(lab)
        elif options.command == "exec":
            prepare.podman_only()
            words = options.words[1:] if options.words[:1] == ["--"] else options.words
            return subprocess.run(words, check=False).returncode
    except LabError as error:
        print(f"\nStopped: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nStopped by you. Run the same command again to go on.", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
