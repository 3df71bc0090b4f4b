"""
The command line: one verb for each thing that an operator or a policy author does.

Each module adds its verbs; ``calling`` has what they share. Exit codes: 0 done; 1 it was
not, and stderr says why; 2 the call itself is wrong; 3 an import left rows out. What a
program may read goes to stdout, everything else to stderr.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

from authz_service.cli import (
    auditing,
    catalogue,
    clients,
    companies,
    configuring,
    database,
    explaining,
    importing,
    people,
    policies,
    serving,
)
from authz_service.cli.calling import fail
from authz_service.domain.errors import AuthzError, PolicyInvalid, SettingsInvalid
from authz_service.usecases.catalogue import CatalogueInvalid


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one verb and give its exit code."""
    options = _parser().parse_args(arguments)
    try:
        return int(options.run(options))
    except SettingsInvalid as error:
        return fail("the settings cannot be used:", *error.problems)
    except PolicyInvalid as error:
        return fail(*map(str, error.problems))
    except CatalogueInvalid as error:
        return fail("nothing was imported:", *error.problems)
    except AuthzError as error:
        return fail(str(error))
    except BrokenPipeError:
        # Whoever read the answer has seen enough; nothing more can be written there.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except OSError as error:
        return fail(f"{error.filename or 'system'}: {error.strerror}")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="authz", description="Inmetro's authorization service", allow_abbrev=False
    )
    verbs = parser.add_subparsers(required=True, metavar="VERB")
    for room in (
        serving,
        clients,
        catalogue,
        companies,
        people,
        importing,
        policies,
        explaining,
        auditing,
        database,
        configuring,
    ):
        room.add_to(verbs)
    return parser
