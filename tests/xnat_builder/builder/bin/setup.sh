#!/bin/sh
# First deployment: project, SQL and web application. Takes -Ddeploy=true, as XNAT's own does.
. "$(dirname -- "$0")/common.sh"
exec python3 -m standin.build setup "$@"
