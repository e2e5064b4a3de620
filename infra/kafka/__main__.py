"""Apply `declared.toml` to a cluster: `python -m infra.kafka --help`.

An agency that is on the cluster stays though the file does not name it: `infra.credentials revoke` shuts one out.
"""

import argparse
import os
import sys
from pathlib import Path

from kafka.admin import KafkaAdminClient
from kafka.errors import KafkaError

from infra.agencies import AGENCIES, read_agencies
from infra.kafka.declared import declared
from infra.kafka.provision import ProvisioningFailed, agencies_on, provision
from infra.local.secret_files import secret


def main() -> int:
    asked = argparse.ArgumentParser(prog="python -m infra.kafka", description=__doc__)
    asked.add_argument("--bootstrap", required=True, help="the brokers, host:port, comma separated")
    asked.add_argument("--security", default="SASL_SSL", choices=["SASL_SSL", "SASL_PLAINTEXT"])
    asked.add_argument("--authority", help="the certificate file of the authority to trust")
    asked.add_argument(
        "--admin", default="admin", help="the super user; its password is read from KAFKA_ADMIN_PASSWORD"
    )
    asked.add_argument("--agencies", type=Path, default=AGENCIES, help="the file that names the partner agencies")
    asked.add_argument("--secrets", type=Path, required=True, help="the folder of password files, made where missing")
    asked.add_argument("--renew", action="append", default=[], metavar="USER", help="set this user's password anew")
    asked.add_argument("--replication", type=int, default=1, help="copies of each partition (production: 3)")
    told = asked.parse_args()
    try:
        admin = KafkaAdminClient(
            bootstrap_servers=told.bootstrap.split(","),
            security_protocol=told.security,
            sasl_mechanism="SCRAM-SHA-512",
            sasl_plain_username=told.admin,
            sasl_plain_password=os.environ["KAFKA_ADMIN_PASSWORD"],
            ssl_cafile=told.authority,
        )
        for user in told.renew:
            (told.secrets / f"kafka-{user}").unlink(missing_ok=True)
        changes = provision(
            admin,
            declared({*read_agencies(told.agencies), *agencies_on(admin)}),
            lambda user: secret(told.secrets / f"kafka-{user}"),
            renew=told.renew,
            replication=told.replication,
        )
    except KeyError as error:
        print(f"Set {error.args[0]}, then apply again.", file=sys.stderr)
        return 2
    except (KafkaError, ProvisioningFailed, ValueError) as error:
        print(f"Not everything could be applied:\n{error}", file=sys.stderr)
        return 1
    print("\n".join(changes.made) or "The broker agrees already.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
