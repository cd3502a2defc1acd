#!/bin/sh
# Lay the modules over the project again, compare with the database, deploy over what is deployed.
. "$(dirname -- "$0")/common.sh"
exec python3 -m standin.build update "$@"
