"""The `tokenhub` program. What a verb does is in `tokenhub.commands`, loaded when it is asked for.

Help stays quick this way: it loads neither the web framework nor an HTTP client.
"""

import argparse
import gc
import os
import sys
from collections.abc import Sequence

import tokenhub


def main(argv: Sequence[str] | None = None) -> int:
    """Run one verb. Gives the exit code: 0 done, 1 failed, 2 wrong usage or settings."""
    words = list(sys.argv[1:] if argv is None else argv)
    if words == ["-healthcheck"]:
        words = ["healthcheck"]  # the original's only argument; compose files still have it
    arguments = _parser().parse_args(words)
    if not hasattr(arguments, "run"):
        _parser().print_help()
        return 2
    try:
        code: int = arguments.run(arguments)
        sys.stdout.flush()
    except KeyboardInterrupt:
        return 130  # in the middle of a verb's imports: it has nothing to stop yet
    except BrokenPipeError:
        # Whoever read has left, as `head` does; without this the interpreter complains at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="tokenhub", description=tokenhub.__doc__)
    parser.add_argument("--version", action="version", version=f"tokenhub {tokenhub.__version__}")
    verbs = parser.add_subparsers(title="commands", metavar="COMMAND")

    serve = verbs.add_parser("serve", help="run the server; TOKENHUB_* variables configure it")
    serve.set_defaults(run=_serve)

    demo = verbs.add_parser("demo", help="run a server before simulated providers, with traffic")
    demo.add_argument("--data", metavar="DIR", help="keep the data there; else it is thrown away")
    demo.add_argument("--once", metavar="N", type=int, help="send N requests, then stop")
    demo.add_argument("--quiet", action="store_true", help="do not print the requests")
    demo.set_defaults(run=_demo)

    sim = verbs.add_parser("sim", help="run one simulated provider")
    sim.add_argument("--listen", metavar="HOST:PORT", default="127.0.0.1:9900")
    sim.add_argument("--profile", metavar="FILE", required=True, help="how it behaves, as JSON")
    sim.add_argument("--seed", metavar="N", type=int, help="instead of the profile's seed")
    sim.set_defaults(run=_sim)

    importing = verbs.add_parser("import", help="take over the original's database")
    importing.add_argument("path", metavar="PATH", help="its SQLite file; it is only read")
    importing.add_argument(
        "--vault-password-file",
        metavar="FILE",
        help="the password of its vault, for the providers' keys; - is standard input",
    )
    importing.add_argument(
        "--dry-run", action="store_true", help="import into a copy, tell, throw the copy away"
    )
    importing.add_argument(
        "-o", "--output", choices=("text", "json"), default="text", help="how to tell it"
    )
    importing.set_defaults(run=_import)

    healthcheck = verbs.add_parser("healthcheck", help="exit 0 if the server here is alive")
    healthcheck.set_defaults(run=_healthcheck)

    vault = verbs.add_parser("vault", help="check the vault while the server is stopped")
    vault_verbs = vault.add_subparsers(title="commands", metavar="COMMAND", required=True)
    opened = vault_verbs.add_parser("verify", help="open every secret, and count")
    opened.add_argument("--all", action="store_true", help="name each secret")
    opened.add_argument("--password-file", metavar="FILE", help="else a prompt, or stdin")
    opened.set_defaults(run=_verify_vault)
    backup = verbs.add_parser("backup", help="copy the database while no server runs on it")
    backup.add_argument("--to", metavar="DIR", help="keep it there; else where the server's are")
    backup.set_defaults(run=_backup)

    restore = verbs.add_parser("restore", help="put a backup in the place of the database")
    restore.add_argument("backup", metavar="BACKUP", help="its folder")
    restore.set_defaults(run=_restore)

    verify = verbs.add_parser("verify", help="look at all of a backup, or of the database")
    verify.add_argument("backup", metavar="BACKUP", nargs="?", help="its folder; else the database")
    verify.set_defaults(run=_verify)

    settings = verbs.add_parser("settings", help="print the settings in force, secrets masked")
    settings.set_defaults(run=_settings)
    return parser


# Each verb is imported when it runs (PLC0415 below): that is what keeps help quick.


def _serve(_arguments: argparse.Namespace) -> int:
    # What is loaded and built from here on lives for ever: to look through it for garbage again
    # and again took 30 ms of 660. The server looks once when it has started, and from then on.
    gc.disable()
    from tokenhub.commands import serve  # noqa: PLC0415

    return serve.run()


def _demo(arguments: argparse.Namespace) -> int:
    from tokenhub.commands import demo  # noqa: PLC0415

    return demo.run(data=arguments.data, once=arguments.once, quiet=arguments.quiet)


def _sim(arguments: argparse.Namespace) -> int:
    from tokenhub.commands import sim  # noqa: PLC0415

    return sim.run(arguments.listen, profile_file=arguments.profile, seed=arguments.seed)


def _import(arguments: argparse.Namespace) -> int:
    from tokenhub.commands import importing  # noqa: PLC0415

    return importing.run(
        arguments.path,
        password_file=arguments.vault_password_file,
        dry_run=arguments.dry_run,
        output=arguments.output,
    )


def _healthcheck(_arguments: argparse.Namespace) -> int:
    from tokenhub.commands import healthcheck  # noqa: PLC0415

    return healthcheck.run()


def _verify_vault(arguments: argparse.Namespace) -> int:
    from tokenhub.commands import vault  # noqa: PLC0415

    return vault.run(password_file=arguments.password_file, every=arguments.all)


def _backup(arguments: argparse.Namespace) -> int:
    from tokenhub.commands import backup  # noqa: PLC0415

    return backup.make(to=arguments.to)


def _restore(arguments: argparse.Namespace) -> int:
    from tokenhub.commands import backup  # noqa: PLC0415

    return backup.restore(arguments.backup)


def _verify(arguments: argparse.Namespace) -> int:
    from tokenhub.commands import backup  # noqa: PLC0415

    return backup.verify(arguments.backup)


def _settings(_arguments: argparse.Namespace) -> int:
    from tokenhub.commands import settings  # noqa: PLC0415

    return settings.run()


if __name__ == "__main__":
    sys.exit(main())
