"""`sx`: the Safeguarding Exchange from the command line, for people who have no console, and for operators."""

import sys

import httpx
import typer

from safeguarding_exchange import shown
from safeguarding_exchange.agreements import directory
from safeguarding_exchange.bootstrap import bootstrapping
from safeguarding_exchange.cases import cases
from safeguarding_exchange.failures import CredentialsRefused, Refused, Unreachable
from safeguarding_exchange.operating import operating
from safeguarding_exchange.partners import partners
from safeguarding_exchange.practice_reviews import practice_reviews
from safeguarding_exchange.proposing import proposing
from safeguarding_exchange.records import records
from safeguarding_exchange.reviews import reviews
from safeguarding_exchange.sessions import NotSignedIn
from safeguarding_exchange.signing_in import SignInFailed
from safeguarding_exchange.who import who

app = typer.Typer(
    help="Safeguarding Exchange: serious incidents, their clocks and their notifications.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    epilog="What asks the exchange takes --as ACCOUNT, and most of that --json. Start with: sx sign-in --help",
)
for room in (
    *(who, cases, proposing, reviews, practice_reviews, records, directory, bootstrapping, partners, operating),
):
    app.registered_commands += room.registered_commands
    app.registered_groups += room.registered_groups


def main() -> None:
    """Run it; what cannot be done is said in a sentence with its remedy, and ends with status 1."""
    try:
        app()
    except Refused as refused:
        shown.problem(str(refused), refused.problem)
        sys.exit(1)
    except (NotSignedIn, SignInFailed, CredentialsRefused, Unreachable, ValueError) as told:
        shown.errors.print(f"[bold red]{told}[/bold red]")
        sys.exit(1)
    except httpx.HTTPError as failure:
        shown.errors.print(f"[bold red]The line failed: {type(failure).__name__}. Try again.[/bold red]")
        sys.exit(1)


if __name__ == "__main__":
    main()
